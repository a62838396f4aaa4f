//! Scripts: what comes in on a pipe.

use std::io::Write;
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result};

use super::tool;

pub(super) fn scripts() -> Result<Option<String>> {
    // More than any buffer on the way holds, and a last line without an end.
    let numbers = 0..3000;
    let lines: Vec<String> = numbers.map(|number| format!("line {number}")).collect();
    let echoed: String = lines
        .iter()
        .map(|line| format!("echo '{line}'\n"))
        .collect();
    let script = format!("\techo \"a b\" # a comment\n{echoed}start parrot exit 7");
    let mut said = vec!["a b".to_owned()];
    said.extend(lines.iter().cloned());
    said.push("parrot (task 4) exited with status 7".to_owned());
    if let Some(complaint) = differs(script, &said, 7)? {
        return Ok(Some(complaint));
    }
    // The rest of a script is for the program that listens.
    let script = format!("start parrot typed\n{}\n", lines.join("\n"));
    let mut said: Vec<String> = lines.iter().map(|line| format!("parrot: {line}")).collect();
    // The tool ends the last line, if it has no end.
    said.push("parrot: ".to_owned());
    said.push("parrot (task 4) exited with status 0".to_owned());
    differs(script, &said, 0)
}

/// Carries out a script, and tells where what it says, or its exit code, is not as expected.
fn differs(script: String, expected: &[String], code: i32) -> Result<Option<String>> {
    let mut child = tool()?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start the tool")?;
    let mut stdin = child.stdin.take().context("it has a pipe")?;
    let writer = thread::spawn(move || stdin.write_all(script.as_bytes()));
    let output = child
        .wait_with_output()
        .context("cannot wait for the tool")?;
    if !matches!(writer.join(), Ok(Ok(()))) {
        return Ok(Some("the script was not taken whole".to_owned()));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let said: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("kernel:"))
        .collect();
    let place = said
        .iter()
        .zip(expected)
        .position(|(said, expected)| said != expected);
    let place = place.unwrap_or(said.len().min(expected.len()));
    if place < said.len().max(expected.len()) {
        let (said, expected) = (said.get(place), expected.get(place));
        return Ok(Some(format!(
            "line {place} is {said:?} instead of {expected:?}"
        )));
    }
    let status = output.status;
    Ok((status.code() != Some(code)).then(|| format!("{status} instead of {code}")))
}

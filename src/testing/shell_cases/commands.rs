//! What the commands do.

use std::fs;

use anyhow::{Context, Result};

use super::{PROMPT, at_prompt, clear, leave, say, wait_for_prompt};
use crate::testing::root;

pub(super) fn programs() -> Result<Option<String>> {
    let mut desk = at_prompt()?;
    say(
        &mut desk,
        "start hello a 'b c'\r",
        &[
            "hello from task 4",
            "argument \"b c\"",
            "hello (task 4) exited with status 0",
        ],
    )?;
    say(
        &mut desk,
        "start --name h --account 512,4096,512 hello &\r",
        &[
            "h is task 5",
            "hello from task 5",
            "h (task 5) exited with status 0",
        ],
    )?;
    say(
        &mut desk,
        "start parrot fault\r",
        &["parrot (task 6) faulted: vector 14"],
    )?;
    say(&mut desk, "status\r", &["142"])?;
    say(&mut desk, "start nothing\r", &["start: nothing: ENOENT"])?;
    say(
        &mut desk,
        "start --account 1,1,1 hello\r",
        &["its account has left"],
    )?;
    say(&mut desk, "start parrot spin &\r", &["spinning"])?;
    say(&mut desk, "jobs\r", &["of 2048"])?;
    say(
        &mut desk,
        "stop init\r",
        &["stop: this shell runs no program \"init\""],
    )?;
    say(&mut desk, "stop par\t\r", &["killed"])?;
    // What is typed goes to a program that listens, line by line, until the end of input.
    clear(&mut desk)?;
    desk.type_in("start parrot typed\r")?;
    desk.type_in("one\x7fe\rtwo\r")?;
    desk.wait_for("lines said back", |screen| {
        screen.contents().contains("parrot: two")
    })?;
    desk.type_in("\x04")?;
    desk.wait_for("its end", |screen| {
        screen.contents().contains("exited with status 0")
    })?;
    wait_for_prompt(&mut desk)?;
    // What runs in the background prints above the line that is being typed.
    clear(&mut desk)?;
    desk.type_in("start parrot typed\r")?;
    desk.type_in("\x1a")?;
    desk.wait_for("the background", |screen| {
        screen.contents().contains("goes on in the background")
    })?;
    wait_for_prompt(&mut desk)?;
    say(
        &mut desk,
        "fg parrot\rmore\r\x04",
        &["parrot: more", "exited with status 0"],
    )?;
    leave(desk, 0)
}

pub(super) fn looks() -> Result<Option<String>> {
    let mut desk = at_prompt()?;
    say(
        &mut desk,
        "tasks\r",
        &["TASK  NAME", "1  init", "2  serial-driver", "3  shell"],
    )?;
    say(
        &mut desk,
        "peers\r",
        &[
            "PEER  ACCOUNT  NODES  HANDLES  QUEUED  HELD BY",
            "serial-driver",
        ],
    )?;
    say(
        &mut desk,
        "accounts\r",
        &["ACCOUNT", "of 12000", "claimed by"],
    )?;
    say(&mut desk, "memory\r", &["frames are used", "MAPPINGS"])?;
    say(&mut desk, "timers\r", &["TIMER  STATE"])?;
    say(
        &mut desk,
        "caps shell\r",
        &[
            "NUMBER  KIND",
            "system",
            "CHARGE INSPECT CARVE",
            "USE RECEIVE GIVE",
        ],
    )?;
    say(
        &mut desk,
        "caps serial\t\r",
        &["interrupt", "BIND", "IN OUT"],
    )?;
    say(&mut desk, "caps 99\r", &["caps: there is no task \"99\""])?;
    say(&mut desk, "programs\r", &["hello", "parrot", "tour"])?;
    say(
        &mut desk,
        "start --grant system --grant account:CHARGE parrot spin &\r",
        &["parrot is task 4", "spinning"],
    )?;
    say(&mut desk, "caps parrot\r", &["system", "CHARGE\n"])?;
    leave(desk, 1)
}

pub(super) fn bus1() -> Result<Option<String>> {
    let mut desk = at_prompt()?;
    say(&mut desk, "peer new\r", &["p1 is a peer"])?;
    say(&mut desk, "peer new\r", &["p2 is a peer"])?;
    say(
        &mut desk,
        "node new p1\r",
        &["n1 is a node of p1, h1 a handle to it of p1"],
    )?;
    say(
        &mut desk,
        "node new p1 --on p2\r",
        &["n2 is a node of p1, h2 a handle to it of p2"],
    )?;
    say(
        &mut desk,
        "node new p2\r",
        &["n3 is a node of p2, h3 a handle to it of p2"],
    )?;
    say(&mut desk, "send h2 \"a \\\"letter\\\"\" --with h3\r", &[])?;
    say(
        &mut desk,
        "recv p1\r",
        &[
            "\"a \\\"letter\\\"\" on n2 from account",
            "with h4, a handle",
        ],
    )?;
    say(&mut desk, "send h4 hex:00ff\r", &[])?;
    say(&mut desk, "recv p2\r", &["hex:00ff on n3"])?;
    say(&mut desk, "recv p2\r", &["recv: p2 has no message"])?;
    say(
        &mut desk,
        "release h3 h4\r",
        &["release: these are of several peers"],
    )?;
    say(&mut desk, "release h4\r", &[])?;
    say(&mut desk, "release h3\r", &[])?;
    say(
        &mut desk,
        "recv p2\r",
        &["the last handle to n3 was released; n3 is gone"],
    )?;
    say(&mut desk, "release n1 n2\r", &[])?;
    say(
        &mut desk,
        "recv p2\r",
        &["the node behind h2 was released; h2 is gone"],
    )?;
    say(
        &mut desk,
        "send h2 x\r",
        &["send: there is no handle \"h2\""],
    )?;
    // With a program: it answers through the handle that it was given, and through one that comes along.
    say(
        &mut desk,
        "node new p2\r",
        &["n4 is a node of p2, h5 a handle"],
    )?;
    say(
        &mut desk,
        "start --node perch@p2 --handle owner=h5 parrot &\r",
        &["h6 leads to its node perch", "parrot is task 4"],
    )?;
    say(&mut desk, "send h6 hello\r", &[])?;
    say(
        &mut desk,
        "recv --wait p2\r",
        &["\"hello\" on n4 from account"],
    )?;
    say(&mut desk, "handles\r", &["p2: nodes n4; handles h5 h6"])?;
    say(
        &mut desk,
        "release h6\r",
        &["parrot (task 4) exited with status 0"],
    )?;
    say(&mut desk, "peer close p2\r", &[])?;
    say(
        &mut desk,
        "recv p2\r",
        &["recv: there is no scratch peer \"p2\""],
    )?;
    leave(desk, 0)
}

/// The page, and how its transcript begins.
const PAGE: &str = "docs/shell.md";
const BEGIN: &str = "```\nomnibus> ";

pub(super) fn page() -> Result<Option<String>> {
    let text =
        fs::read_to_string(root().join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let transcript = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once("\n```"));
    let (transcript, _) = transcript.with_context(|| format!("{PAGE} has no transcript"))?;
    let transcript = format!("{PROMPT}{transcript}");
    let mut desk = at_prompt()?;
    clear(&mut desk)?;
    for line in transcript
        .lines()
        .filter_map(|line| line.strip_prefix(PROMPT))
    {
        desk.type_in(&format!("{line}\r"))?;
        // The next line is typed when this one is done, as a person would.
        desk.wait_for(line, |screen| screen.contents().contains(line))?;
        wait_for_prompt(&mut desk)?;
    }
    let expected = format!("{transcript}\n{}", PROMPT.trim_end());
    desk.wait_for(&format!("what {PAGE} says:\n{expected}\n"), |screen| {
        let shown: Vec<String> = screen
            .rows(0, u16::MAX)
            .map(|row| row.trim_end().to_owned())
            .collect();
        shown.join("\n").trim_end() == expected
    })?;
    leave(desk, 0)
}

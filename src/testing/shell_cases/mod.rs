//! The shell as a person meets it: `./run-qemu.sh shell` at a pseudo-terminal, and with a script.

mod commands;
mod scripts;
mod typing;

use std::process::Command;

use anyhow::Result;

use super::pseudo_terminal::Desk;
use super::tally::Tally;

/// What a test does, and what it has to complain about.
type Work = fn() -> Result<Option<String>>;

/// The tests, as id and sentence.
pub(crate) const LIST: [(&str, &str); 9] = [
    (
        "shell.edits",
        "A line is edited, recalled, completed and redrawn at the terminal's width, and what is printed goes above it.",
    ),
    (
        "shell.programs",
        "Programs are started with arguments in the foreground and the background, listed, stopped, and their ends told.",
    ),
    (
        "shell.looks",
        "Tasks, peers, accounts, memory and a task's capabilities are listed.",
    ),
    (
        "shell.bus1",
        "Messages and handles are sent, received and released by hand, also to and from a program that was started.",
    ),
    (
        "shell.interrupts",
        "Ctrl-C gives up a line, a wait and a program, and neither QEMU nor the tool.",
    ),
    (
        "shell.gives-back",
        "The terminal is given back as it was, however the tool or QEMU ends, and the exit code says how.",
    ),
    (
        "shell.leaves",
        "Ctrl-] leaves a guest that never asks for input, too.",
    ),
    (
        "shell.page",
        "What docs/shell.md says to type shows what it says.",
    ),
    (
        "shell.scripts",
        "A script that is piped in is carried out without prompts, and its status is the exit code.",
    ),
];

const WORK: [Work; LIST.len()] = [
    typing::edits,
    commands::programs,
    commands::looks,
    commands::bus1,
    typing::interrupts,
    typing::gives_back,
    typing::leaves,
    commands::page,
    scripts::scripts,
];

/// Runs the selected tests.
///
/// # Errors
/// If the host cannot do its part.
pub(crate) fn run(tally: &mut Tally) -> Result<()> {
    for ((id, sentence), work) in LIST.into_iter().zip(WORK) {
        tally.judge(id, sentence, || {
            eprintln!("{id}: at a terminal");
            // What it never showed is a failure of the test, with the screen in it.
            Ok(work().unwrap_or_else(|error| Some(format!("{error:#}"))))
        })?;
    }
    Ok(())
}

const PROMPT: &str = "omnibus> ";
const CTRL_C: &str = "\x03";
const CTRL_L: &str = "\x0c";
const UP: &str = "\x1b[A";
const LEFT: &str = "\x1b[D";
const HOME: &str = "\x1b[H";

/// This tool itself. Its file may have been built anew since it was started, and its name is another's then.
fn tool() -> Result<Command> {
    let mut command = Command::new("/proc/self/exe");
    command.args(["--timeout", "120", "shell"]);
    Ok(command)
}

/// A shell at its first prompt.
fn at_prompt() -> Result<Desk> {
    let mut desk = Desk::new(tool()?)?;
    wait_for_prompt(&mut desk)?;
    Ok(desk)
}

/// Waits for a prompt with nothing behind it, and the cursor there.
fn wait_for_prompt(desk: &mut Desk) -> Result<()> {
    desk.wait_for("an empty prompt", |screen| {
        let (row, column) = screen.cursor_position();
        let mut rows = screen.rows(0, u16::MAX);
        usize::from(column) == PROMPT.len()
            && rows
                .nth(row.into())
                .is_some_and(|row| row.trim_end() == PROMPT.trim_end())
    })
}

/// Begins with an empty screen.
fn clear(desk: &mut Desk) -> Result<()> {
    desk.type_in(CTRL_L)?;
    desk.wait_for("an empty screen", |screen| {
        screen.contents().trim_end() == PROMPT.trim_end()
    })
}

/// Types on an empty screen, and waits until it shows all of `lines` and a prompt.
fn say(desk: &mut Desk, keys: &str, lines: &[&str]) -> Result<()> {
    clear(desk)?;
    desk.type_in(keys)?;
    for line in lines {
        desk.wait_for(
            &format!("\"{line}\" behind \"{}\"", keys.escape_debug()),
            |screen| screen.contents().contains(line),
        )?;
    }
    wait_for_prompt(desk)
}

/// Ends the shell, and looks at the exit code.
fn leave(mut desk: Desk, status: i32) -> Result<Option<String>> {
    desk.type_in(&format!("exit {status}\r"))?;
    let code = desk.wait()?.code();
    Ok((code != Some(status)).then(|| format!("exit code {code:?} instead of {status}")))
}

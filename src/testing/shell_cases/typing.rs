//! What is typed: editing, and the keys that are for the shell and the tool.

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};

use super::{CTRL_C, HOME, LEFT, PROMPT, UP, at_prompt, clear, leave, say, tool, wait_for_prompt};
use crate::scratch::ScratchDirectory;
use crate::testing::pseudo_terminal::Desk;
use crate::testing::tiny_guest::{self, Step};

pub(super) fn edits() -> Result<Option<String>> {
    let mut desk = at_prompt()?;
    say(
        &mut desk,
        &format!("ecko 'a  b'{HOME}\x1b[C\x1b[C\x1b[3~h\r"),
        &["\na  b\n"],
    )?;
    say(&mut desk, &format!("{UP}{LEFT}c\r"), &["\na  bc\n"])?;
    say(
        &mut desk,
        "noise\x01\x0becho \x17\x15echo \"é漢\"\r",
        &["\né漢\n"],
    )?;
    say(
        &mut desk,
        "sta\tr\tparr\texit 3\r",
        &["start   status", "parrot (task 4) exited with status 3"],
    )?;
    say(
        &mut desk,
        "echo 'open\r",
        &["the ' in column 6 is not closed"],
    )?;
    say(
        &mut desk,
        "nonsense\r",
        &["nonsense: there is no such command"],
    )?;
    say(&mut desk, "help rec\t\r", &["recv PEER [--wait]"])?;
    // Longer than a row, and changed at its beginning; then in a narrower terminal.
    let long = "x".repeat(150);
    clear(&mut desk)?;
    desk.type_in(&format!("echo {long}{HOME}\x1b[C\x1b[C\x1b[C\x1b[C y"))?;
    let shown = format!("{PROMPT}echo y {long}");
    let is_shown = |n_columns: usize| {
        let rows: Vec<String> = shown
            .as_bytes()
            .chunks(n_columns)
            .map(|row| String::from_utf8_lossy(row).into_owned())
            .collect();
        move |screen: &vt100::Screen| {
            screen
                .rows(0, u16::MAX)
                .take(rows.len())
                .eq(rows.iter().cloned())
        }
    };
    desk.wait_for("a line in two rows", is_shown(100))?;
    desk.type_in(CTRL_C)?;
    wait_for_prompt(&mut desk)?;
    desk.set_columns(40)?;
    wait_for_width(&mut desk)?;
    clear(&mut desk)?;
    desk.type_in(&format!("echo {long}{HOME}\x1b[C\x1b[C\x1b[C\x1b[C y"))?;
    desk.wait_for("a line in five rows", is_shown(40))?;
    desk.type_in(CTRL_C)?;
    wait_for_prompt(&mut desk)?;
    leave(desk, 5)
}

/// Waits until the shell knows how wide the terminal is now: what it prints side by side then fits.
fn wait_for_width(desk: &mut Desk) -> Result<()> {
    for _ in 0..1000 {
        say(desk, "programs\r", &["hello"])?;
        let screen = desk.screen();
        if !(0..screen.size().0.get()).any(|row| screen.row_wrapped(row)) {
            return Ok(());
        }
    }
    bail!("the shell never learned of the terminal's new width")
}

pub(super) fn interrupts() -> Result<Option<String>> {
    let mut desk = at_prompt()?;
    say(&mut desk, &format!("echo never{CTRL_C}"), &["echo never^C"])?;
    clear(&mut desk)?;
    desk.type_in("start parrot spin\r")?;
    desk.wait_for("a program that spins", |screen| {
        screen.contents().contains("spinning")
    })?;
    desk.type_in(CTRL_C)?;
    desk.wait_for("its end", |screen| {
        screen.contents().contains("parrot (task 4) killed")
    })?;
    wait_for_prompt(&mut desk)?;
    say(&mut desk, "status\r", &["130"])?;
    say(&mut desk, "peer new\r", &["p1 is a peer"])?;
    clear(&mut desk)?;
    desk.type_in(&format!("recv --wait p1\r{CTRL_C}"))?;
    desk.wait_for("a mark", |screen| screen.contents().contains("^C"))?;
    wait_for_prompt(&mut desk)?;
    // What was typed for a program that does not listen is for the shell, behind its end.
    clear(&mut desk)?;
    desk.type_in("start parrot spin\r")?;
    desk.wait_for("a program that spins", |screen| {
        screen.contents().contains("spinning")
    })?;
    desk.type_in(&format!("echo lost{CTRL_C}echo kept\r"))?;
    desk.wait_for("what was typed behind Ctrl-C", |screen| {
        screen.contents().contains("\nkept\n")
    })?;
    wait_for_prompt(&mut desk)?;
    leave(desk, 9)
}

pub(super) fn gives_back() -> Result<Option<String>> {
    type End = fn(&mut Desk) -> Result<()>;
    let ends: [(&str, End, Option<i32>); 4] = [
        ("exit", |desk| desk.type_in("exit 3\r"), Some(3)),
        ("Ctrl-]", |desk| desk.type_in("\x1d"), Some(242)),
        (
            "the tool terminated",
            |desk| desk.signal(Signal::SIGTERM),
            None,
        ),
        (
            "QEMU killed",
            |desk| {
                desk.children()?
                    .into_iter()
                    .try_for_each(|child| kill(child, Signal::SIGKILL).context("cannot kill QEMU"))
            },
            Some(244),
        ),
    ];
    for (name, end, code) in ends {
        let mut desk = at_prompt()?;
        if desk.is_as_before()? {
            return Ok(Some("the shell does not get every key".to_owned()));
        }
        end(&mut desk)?;
        let status = desk.wait()?;
        if status.code() != code {
            return Ok(Some(format!(
                "{name}: {status} instead of {code:?}; the screen:\n{}",
                desk.text()
            )));
        }
        if !desk.is_as_before()? {
            return Ok(Some(format!("{name}: the terminal is not as it was")));
        }
    }
    Ok(None)
}

pub(super) fn leaves() -> Result<Option<String>> {
    let scratch = ScratchDirectory::new()?;
    let deaf = scratch.path().join("deaf.elf");
    let kernel = tiny_guest::build(&[Step::Console("deaf")]);
    std::fs::write(&deaf, kernel).with_context(|| format!("cannot write {}", deaf.display()))?;
    let mut command = tool()?;
    command.arg("--kernel").arg(deaf);
    let mut desk = Desk::new(command)?;
    desk.wait_for("what the guest says", |screen| {
        screen.contents().contains("deaf")
    })?;
    desk.type_in("typed for nobody\r\x1d")?;
    let code = desk.wait()?.code();
    Ok((code != Some(242)).then(|| format!("exit code {code:?}; the screen:\n{}", desk.text())))
}

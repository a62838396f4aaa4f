//! The tool's command line, as far as it needs no QEMU.

use std::process::{Command, Output, Stdio};

fn tool(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_omnibus"))
        .args(arguments)
        .output()
        .expect("the tool was built for this test")
}

/// Checks that `arguments` are refused with the code for wrong usage and a message that contains every one of `texts`.
#[track_caller]
fn assert_refused(arguments: &[&str], texts: &[&str]) {
    let output = tool(arguments);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(240), "{arguments:?}: {message}");
    for text in texts {
        assert!(
            message.contains(text),
            "{arguments:?} should say {text:?}: {message}"
        );
    }
    assert!(
        output.stdout.is_empty(),
        "{arguments:?} printed to standard output"
    );
}

/// A word that does not exist is refused by name, with the words that do.
#[test]
fn a_wrong_word_is_refused_with_the_right_ones() {
    assert_refused(
        &["frob"],
        &[
            "'frob'",
            "test, run, shell, new, cc, gdb, bench, compare, list, help",
        ],
    );
}

/// A wrong value is refused by name, with the option it was for and what is allowed.
#[test]
fn a_wrong_value_is_refused_with_what_is_allowed() {
    assert_refused(&["--memory", "1"], &["'1'", "--memory", "16..=65536"]);
    assert_refused(&["--memory", "much"], &["'much'", "--memory"]);
    assert_refused(&["--cpus", "65"], &["--cpus", "1..=64"]);
    assert_refused(
        &["--machine", "isapc"],
        &["'isapc'", "--machine", "pc, q35"],
    );
    assert_refused(&["--accel", "xen"], &["'xen'", "tcg, kvm"]);
    assert_refused(&["--timeout", "0"], &["--timeout", "1..=86400"]);
    assert_refused(
        &["--word", "Slice"],
        &["'Slice'", "--word", "KEY=VALUE", "slice (ticks"],
    );
    assert_refused(
        &["--word", "slise=1"],
        &["\"slise\"", "--word", "slice (ticks"],
    );
    assert_refused(&["test", "--matrix", "some"], &["'some'", "none, ci, full"]);
    assert_refused(&["run"], &["name of a program"]);
}

/// A program that is neither in the image nor a file is refused with the programs that there are.
#[test]
fn a_wrong_program_is_refused_with_the_right_ones() {
    assert_refused(&["run", "no-such-program"], &["no-such-program", "hello"]);
}

/// A file that is no ELF file is refused before anything boots.
#[test]
fn a_file_of_another_kind_is_refused() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert_refused(&["run", file], &["Cargo.toml", "not an ELF file"]);
}

/// A program of one's own is not written over what is there, and not under a name that is none.
#[test]
fn a_new_program_harms_nothing() {
    let here = env!("CARGO_MANIFEST_DIR");
    assert_refused(&["new", here], &[here]);
    assert_refused(&["new", "tests"], &["tests is there already"]);
    for name in ["9lives", "a b", "a.b", ".."] {
        assert_refused(&["new", name], &["begins with a letter"]);
    }
}

/// A kernel word given twice, or one that the tool sets itself, is refused by its key.
#[test]
fn an_ambiguous_kernel_word_is_refused() {
    assert_refused(
        &["--word", "test=a", "--word", "test=b", "run", "hello"],
        &["\"test\"", "twice"],
    );
    assert_refused(&["--word", "init=x", "run", "hello"], &["\"init\""]);
}

/// Help is no failure, and names every word and every exit code of the tool.
#[test]
fn help_is_complete() {
    for arguments in [["help"], ["--help"]] {
        let output = tool(&arguments);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0));
        for part in [
            "test", "run", "shell", "new", "gdb", "list", "--memory", "--icount", "240", "241",
            "242", "243", "244", "245",
        ] {
            assert!(text.contains(part), "help should have {part:?}: {text}");
        }
    }
}

/// `list` into a pipe that nobody reads ends quietly, and without an error.
#[test]
fn a_list_that_nobody_reads_is_no_error() {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_omnibus"))
        .arg("list")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool was built for this test");
    drop(tool.stdout.take());
    let output = tool.wait_with_output().expect("the tool ends");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && message.is_empty(),
        "{:?}: {message}",
        output.status
    );
}

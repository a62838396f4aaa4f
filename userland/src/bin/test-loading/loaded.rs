//! Programs loaded by the runtime library.

use crate::stage::Stage;
use omnibus_userland::abi::{CapabilityNumber, Errno};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::archive::Archive;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::loader::Program;
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::{calls, check, check_eq, tests, time};

const PAGE_FAULT: u64 = 14;

tests! {
    /// A program runs from a file at hand as from the archive, where it lies in whole pages and is shared: then its account does not pay for
    /// what it cannot write.
    fn ldr_1_shared_and_copied(bench) {
        let archive = Archive::given()?;
        let copy = archive.file("puppet").ok_or(Errno::ENOENT)?.to_vec();
        let copied = Program::parse(&copy).map_err(Failure::new)?;
        let shared = archive.program("puppet").map_err(Failure::new)?;
        let n_frames = [&shared, &copied].map(|program| -> Outcome<u64> {
            let stage = Stage::new(bench)?;
            // It runs, and is not yet on its way to its end.
            let puppet = stage.cast_of(program, bench, &[&"sleep"])?;
            stage.hear()?;
            let state = puppet.account.state()?;
            puppet.task.kill()?;
            Ok(state.frames_maximum - state.frames_available)
        });
        let [shared, copied] = n_frames;
        let (shared, copied) = (shared?, copied?);
        check!(shared + 16 < copied, "{shared} frames if shared, {copied} if copied");
        Ok(())
    }

    /// It has the rights of its segments and no more: text and constants are not written, data and stack not run, nothing is below the
    /// stack.
    fn ldr_2_rights_of_segments(bench) {
        let stage = Stage::new(bench)?;
        for attempt in
            ["write-text", "write-rodata", "write-startup", "run-data", "run-stack", "overflow"]
        {
            let puppet = stage.cast(bench, &[&attempt])?;
            let ending = puppet.end()?;
            check!(
                matches!(ending, Ending::Faulted { vector: PAGE_FAULT, .. }),
                "{attempt} ended with {ending:?}"
            );
        }
        Ok(())
    }

    /// What was loaded for a task is paid for by its account, and given back when it has ended.
    fn ldr_3_everything_comes_back(bench) {
        let stage = Stage::new(bench)?;
        let puppet = stage.cast(bench, &[&"sleep"])?;
        stage.hear()?;
        let during = puppet.account.state()?;
        check!(during.frames_available + 20 < during.frames_maximum, "{during:?}");
        puppet.task.kill()?;
        puppet.end()?;
        while stage.peer.try_recv()?.is_some() {}
        // The record of how it ended is the last object.
        calls::capability_drop(puppet.task.number())?;
        let state = puppet.account.state()?;
        check_eq!(
            [state.objects_available, state.bytes_available, state.frames_available],
            [state.objects_maximum, state.bytes_maximum, state.frames_maximum],
            "what its account has afterwards"
        );
        Ok(())
    }

    /// A name that is not in the archive is ENOENT, a file that is no program ENOEXEC, a capability that is none EBADF, a right that is not
    /// there EPERM, an account that cannot pay EDQUOT; nothing is left of the attempt.
    fn ldr_4_refusals(bench) {
        let rich = bench.account.carve(64, 4096, 256)?;
        let spawn = |command: Command| command.spawn(&rich).map(drop);
        let hello = || Command::new("hello");
        check_eq!(spawn(Command::new("no such program")), Err(Errno::ENOENT), "an unknown name");
        check_eq!(spawn(Command::new("")), Err(Errno::ENOENT), "an empty name");
        check_eq!(spawn(Command::new("kernel.sym")), Err(Errno::ENOEXEC), "a file of text");
        check_eq!(spawn(hello().priority(32)), Err(Errno::EINVAL), "a priority that is none");
        let stale = CapabilityNumber(77 << 32);
        check_eq!(spawn(hello().grant(stale, 0)), Err(Errno::EBADF), "a stale grant");
        check_eq!(spawn(hello().grant(bench.console, 3)), Err(Errno::EPERM), "a right too many");
        let left = |account: &Account| account.state().map(|state| [state.frames_available, state.objects_available]);
        check_eq!(left(&rich)?, [256, 64], "what is left");
        for frames in [0, 8, 24] {
            let poor = bench.account.carve(64, 4096, frames)?;
            check_eq!(hello().spawn(&poor).map(drop), Err(Errno::EDQUOT), "an account of {frames} frames");
            check_eq!(left(&poor)?, [frames, 64], "what is left");
        }
        Ok(())
    }

    /// A program in C finds in its environment what the creator wrote there.
    fn ldr_5_c_reads_its_environment(bench) {
        for (value, status) in [("blue", 0), ("blu", 1), ("blue,", 1)] {
            // Its first stack has 1 MiB.
            let account = bench.account.carve(4096, 1 << 20, 1024)?;
            let command = Command::new("c-library").argument("COLOUR").argument("blue");
            let command = command.variable("COLOURS", "blue").variable("COLOUR", value);
            let task = command.spawn(&account)?;
            let ending = task.wait_until(time::deadline_in(PATIENCE))?;
            check_eq!(ending, Ending::Exited(status), "its end with {value}");
        }
        Ok(())
    }
}

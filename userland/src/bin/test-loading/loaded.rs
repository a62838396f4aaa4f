//! Programs loaded by the runtime library.

use crate::stage::Stage;
use omnibus_userland::abi::Errno;
use omnibus_userland::account::Account;
use omnibus_userland::actor::soon;
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::{calls, check, check_eq, tests};

const PAGE_FAULT: u64 = 14;

tests! {
    /// A program that the runtime library loads finds its arguments, and its capabilities in the order of the grants, as one that the
    /// kernel loads.
    fn ldr_1_arguments_and_grants(bench) {
        let stage = Stage::new(bench)?;
        let puppet = stage.cast(bench, &[&"report", &"", &"a b", &"ü"])?;
        let report = stage.hear()?;
        let expected = "report\n\na b\nü\n411733";
        check_eq!(core::str::from_utf8(&report), Ok(expected), "what it was given");
        check_eq!(puppet.end()?, Ending::Exited(0), "its end");
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
        let puppet = stage.cast(bench, &[&"hello"])?;
        let during = puppet.account.state()?;
        check!(during.frames_available + 40 < during.frames_maximum, "{during:?}");
        stage.hear()?;
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

    /// A name that is not in the archive is ENOENT, a file that is no program ENOEXEC, an account that cannot pay EDQUOT; nothing
    /// is left of the attempt.
    fn ldr_4_refusals(bench) {
        let stage = Stage::new(bench)?;
        let load = |name: &str, account: &Account| stage.load(&Command::new(name), account).map(drop);
        check_eq!(load("no such program", &bench.account), Err(Errno::ENOENT), "an unknown name");
        check_eq!(load("kernel.sym", &bench.account), Err(Errno::ENOEXEC), "a file of text");
        for frames in [0, 8, 40] {
            let poor = bench.account.carve(64, 4096, frames)?;
            check_eq!(load("hello", &poor), Err(Errno::EDQUOT), "an account of {frames} frames");
            let state = poor.state()?;
            let is_back = || {
                let state = poor.state()?;
                Ok(state.frames_available == frames && state.objects_available == 64)
            };
            check!(soon(is_back)?, "{frames} frames: {state:?}");
        }
        Ok(())
    }
}

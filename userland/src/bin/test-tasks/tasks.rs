//! Tasks: start, end, kill, status.

use crate::director;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::capability::task::{KILL, WATCH};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::Received;
use omnibus_userland::task::{Ending, Task};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{calls, check, check_eq, tests, time};

tests! {
    /// A task gets its arguments as they were given and its capabilities in the order of the grants.
    fn tsk_1_arguments_and_grants(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"report", &"", &"a b", &"ü"])?;
        let report = director.hear(&puppet)?.data;
        // Console with WRITE, peer with everything, account with CHARGE and INSPECT.
        let expected = "report\n\na b\nü\n411733";
        check_eq!(core::str::from_utf8(&report), Ok(expected), "what it was given");
        Ok(())
    }

    /// The exit status is told, up to 255; anything above counts as 255.
    fn tsk_2_exit_status(bench) {
        let director = director(bench)?;
        for (status, expected) in [(0, 0), (1, 1), (255, 255), (256, 255), (u64::MAX, 255)] {
            let puppet = director.cast("puppet", "puppet", &[&"exit", &status])?;
            let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
            check_eq!(ending, Ending::Exited(expected), "the end with {status}");
        }
        Ok(())
    }

    /// A task can be killed while it spins, sleeps and sends; one that has ended stays as it ended.
    fn tsk_3_kill(bench) {
        let director = director(bench)?;
        for what in ["spin", "sleep", "flood"] {
            let puppet = director.cast("puppet", "puppet", &[&what])?;
            director.hear(&puppet)?;
            puppet.task.kill()?;
            let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
            check_eq!(ending, Ending::Killed, "the end of one that did {what}");
        }
        let puppet = director.cast("puppet", "puppet", &[&"exit", &5])?;
        puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        puppet.task.kill()?;
        check_eq!(puppet.task.wait()?, Ending::Exited(5), "the end of one killed too late");
        Ok(())
    }

    /// Watching and killing need their rights.
    fn tsk_4_rights(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"sleep"])?;
        let number = puppet.task.number();
        let watcher = Task::from_capability(calls::capability_copy(number, WATCH)?);
        let killer = Task::from_capability(calls::capability_copy(number, KILL)?);
        check_eq!(watcher.kill(), Err(Errno::EPERM), "a kill with WATCH");
        check_eq!(killer.status().map(drop), Err(Errno::EPERM), "a status with KILL");
        check_eq!(Ending::of(&watcher.status()?), None, "a task that runs");
        killer.kill()?;
        let ending = watcher.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Killed, "its end");
        Ok(())
    }

    /// Numbers of tasks never recur, and a task's end wakes every one who waits for it.
    fn tsk_5_numbers_and_waiters(bench) {
        let director = director(bench)?;
        let mut numbers = Vec::new();
        for _ in 0..5 {
            let puppet = director.cast("puppet", "puppet", &[&"exit", &0])?;
            numbers.push(puppet.task.status()?.number);
            let copy = calls::capability_copy(puppet.task.number(), WATCH)?;
            let copy = Task::from_capability(copy);
            let mut set = WaitSet::new().task(&puppet.task).task(&copy);
            set.wait(time::deadline_in(PATIENCE))?;
            check_eq!(copy.wait()?, Ending::Exited(0), "the end, seen through a copy");
        }
        check!(numbers.is_sorted_by(|a, b| a < b), "numbers recur: {numbers:?}");
        Ok(())
    }

    /// A task goes on when the last capability of it is dropped.
    fn tsk_6_a_task_needs_no_capability(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"late"])?;
        calls::capability_drop(puppet.task.number())?;
        puppet.handle.send(b"speak")?;
        check_eq!(director.hear(&puppet)?.data, b"still here", "what it says");
        Ok(())
    }

    /// What a task used is told while it runs: frames, and time on the CPU.
    fn tsk_7_status_tells_use(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"spin"])?;
        director.hear(&puppet)?;
        time::sleep(core::time::Duration::from_millis(30));
        let status = puppet.task.status()?;
        check!(status.n_frames > 16, "{} frames", status.n_frames);
        check!(status.cpu_ns > 0, "no time on the CPU");
        puppet.task.kill()?;
        puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(puppet.task.status()?.n_frames, 0, "frames afterwards");
        Ok(())
    }

    /// A task that ends gives everything back: its account is as it was before.
    fn tsk_8_everything_comes_back(bench) {
        let director = director(bench)?;
        for what in ["hello", "flood", "spin"] {
            let puppet = director.cast("puppet", "puppet", &[&what])?;
            director.hear(&puppet)?;
            puppet.task.kill()?;
            puppet.task.wait_until(time::deadline_in(PATIENCE))?;
            while director.peer().try_recv()?.is_some() {}
            // The record of how it ended is the last object.
            calls::capability_drop(puppet.task.number())?;
            let state = puppet.account.state()?;
            check_eq!(
                [state.objects_available, state.bytes_available, state.frames_available],
                [state.objects_maximum, state.bytes_maximum, state.frames_maximum],
                "what is available after one that did {what}"
            );
        }
        Ok(())
    }

    /// Peers close with the task that held them, however it ends, and others learn of it (OBJ-6).
    fn tsk_9_peers_close_with_the_task(bench) {
        let director = director(bench)?;
        for (what, is_killed) in [("exit", false), ("read", false), ("sleep", true), ("spin", true)] {
            // The argument is a status for one, and for the other an address that faults.
            let puppet = director.cast("puppet", "puppet", &[&what, &0])?;
            if is_killed {
                director.hear(&puppet)?;
                puppet.task.kill()?;
            }
            let handle = puppet.handle.id();
            director.recv(format_args!("the notice after {what}"), |received| match received {
                Received::NodeRelease { handle: id } if id == handle => Ok(()),
                other => Err(other),
            })?;
            check_eq!(puppet.handle.send(b"anyone?"), Err(Errno::EBADRQC), "SEND after {what}");
        }
        Ok(())
    }
}

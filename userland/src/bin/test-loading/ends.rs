//! Ends of tasks, told by messages.

use crate::stage::Stage;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::capability::task;
use omnibus_userland::actor::soon;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::task::{Ending, Task};
use omnibus_userland::{calls, check, check_eq, tests, time};

tests! {
    /// How a task ended arrives as a message: status, kill, fault; and the task says the same when asked then.
    fn wat_1_the_end_is_a_message(bench) {
        let stage = Stage::new(bench)?;
        let (_node, handle) = stage.peer.node()?;
        for what in ["exit", "sleep", "read"] {
            let puppet = stage.cast(bench, &[&what, &7])?;
            puppet.task.watch(&handle)?;
            if what == "sleep" {
                stage.hear()?;
                puppet.task.kill()?;
            }
            let (number, ending) = stage.hear_of_an_end()?;
            let expected = match what {
                "exit" => Ending::Exited(7),
                "sleep" => Ending::Killed,
                _ => Ending::Faulted { vector: 14, address: 7 },
            };
            let status = puppet.task.status()?;
            check_eq!((number, ending), (status.number, expected), "what the message says");
            check_eq!(Ending::of(&status), Some(expected), "what the task says");
            check_eq!(status.n_frames, 0, "frames that it has");
        }
        Ok(())
    }

    /// Every watch is told once, also one that began when the task had ended.
    fn wat_2_every_watch_is_told_once(bench) {
        let stage = Stage::new(bench)?;
        let (_node, handle) = stage.peer.node()?;
        let puppet = stage.cast(bench, &[&"sleep"])?;
        stage.hear()?;
        for _ in 0..5 {
            puppet.task.watch(&handle)?;
        }
        puppet.task.kill()?;
        puppet.end()?;
        puppet.task.watch(&handle)?;
        for _ in 0..6 {
            check_eq!(stage.hear_of_an_end()?.1, Ending::Killed, "an end");
        }
        let rest = stage.peer.recv_until(time::now_ns() + 20_000_000);
        let is_message = |received: &Result<_>| matches!(received, Ok(omnibus_userland::bus::Received::Message(_)));
        check!(!is_message(&rest), "a seventh message: {rest:?}");
        Ok(())
    }

    /// Nobody is told who released the handle or closed the peer, and all that the watch held comes back.
    fn wat_3_given_up(bench) {
        let stage = Stage::new(bench)?;
        let own = bench.account.carve(64, 4096, 0)?;
        let before = own.holdings()?;
        for is_closed in [false, true] {
            let watcher = Peer::new(&own)?;
            let (node, handle) = watcher.node()?;
            let puppet = stage.cast(bench, &[&"sleep"])?;
            stage.hear()?;
            puppet.task.watch(&handle)?;
            if is_closed {
                watcher.close()?;
            } else {
                calls::release(watcher.number(), &[handle.id()])?;
                watcher.recv()?;
            }
            puppet.task.kill()?;
            puppet.end()?;
            if !is_closed {
                check!(watcher.try_recv()?.is_none(), "somebody was told");
            }
            drop((node, handle, watcher));
            check!(soon(|| Ok(own.holdings()? == before))?, "what is held: {:?}", own.state()?);
        }
        Ok(())
    }

    /// Watching needs WATCH, a peer with USE, and a handle of that peer; a receiver that has no room refuses the watch, not the end.
    fn wat_4_refusals(bench) {
        let stage = Stage::new(bench)?;
        let (node, handle) = stage.peer.node()?;
        let puppet = stage.cast(bench, &[&"sleep"])?;
        stage.hear()?;
        let all = omnibus_userland::abi::Kind::Task.all_rights();
        let number = calls::capability_copy(puppet.task.number(), all & !task::WATCH)?;
        let blind = Task::from_capability(number);
        check_eq!(blind.watch(&handle), Err(Errno::EPERM), "without WATCH");
        let watch = |peer, id| calls::task_watch(puppet.task.number(), peer, id);
        let peer = stage.peer.number();
        let bare = calls::capability_copy(peer, 0)?;
        check_eq!(watch(bare, handle.id()), Err(Errno::EPERM), "a peer without USE");
        calls::capability_drop(bare)?;
        check_eq!(watch(bare, handle.id()), Err(Errno::EBADF), "no peer");
        check_eq!(watch(bench.console, handle.id()), Err(Errno::EOPNOTSUPP), "a console");
        for id in [0, node.id(), u64::MAX] {
            check_eq!(watch(peer, id), Err(Errno::EBADRQC), "the id {id:#x}");
        }
        let poor = bench.account.carve(64, 48, 0)?;
        let receiver = Peer::new(&poor)?;
        let (_their_node, to_them) = receiver.node_for(&stage.peer)?;
        let mut refusals = Vec::new();
        for _ in 0..4 {
            refusals.push(puppet.task.watch(&to_them));
        }
        check!(refusals.contains(&Err(Errno::EDQUOT)), "48 bytes were enough: {refusals:?}");
        puppet.task.kill()?;
        check_eq!(puppet.end()?, Ending::Killed, "its end");
        Ok(())
    }
}

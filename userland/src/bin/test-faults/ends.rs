//! Faults that nobody helps with, and everything given back.

use crate::client::OWN_RIGHTS;
use crate::stage::{Client, HOLE, Stage};
use omnibus_userland::abi::{CapabilityNumber, Errno};
use omnibus_userland::actor::soon;
use omnibus_userland::calls;
use omnibus_userland::check::Outcome;
use omnibus_userland::fault::PAGE_FAULT;
use omnibus_userland::suite;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, tests, thread};

/// How a client ends that reads where nothing is, with nobody to help.
const FAULTED: Ending = Ending::Faulted {
    vector: PAGE_FAULT,
    address: HOLE,
};

tests! {
    /// A pager may end the task with its fault, or kill it while a thread stands there.
    fn flt_10_ended_by_the_pager(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"read", &HOLE])?;
        let told = stage.hear()?;
        client.task.end_with(&told)?;
        check_eq!(client.end()?, FAULTED, "the end by the answer");
        let client = stage.cast(&[&"threads", &HOLE])?;
        let told = stage.hear()?;
        client.task.kill()?;
        check_eq!(client.end()?, Ending::Killed, "the end by a kill");
        check_eq!(client.task.retry(&told), Err(Errno::ESRCH), "an answer behind it");
        check!(client.is_given_back()?, "what is held: {:?}", client.account.state()?);
        Ok(())
    }

    /// When the pager's node is released, or its peer closes, the task ends with its fault: the one that is told, and the next.
    fn flt_11_pagers_that_go_away(bench) {
        let released = |stage: Stage| -> Outcome<Stage> {
            calls::release(stage.peer.number(), &[stage.node.id()])?;
            Ok(stage)
        };
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"read", &HOLE])?;
        stage.hear()?;
        let stage = released(stage)?;
        check_eq!(client.end()?, FAULTED, "told, and the node released");
        // On a small machine the accounts of three clients do not fit side by side.
        drop((stage, client));

        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"threads", &HOLE])?;
        stage.hear()?;
        stage.peer.close()?;
        check!(matches!(client.end()?, Ending::Faulted { .. }), "told, and the peer closed");
        drop(client);

        let stage = Stage::new(bench)?;
        let (loaded, account) = stage.load(&[&"read", &HOLE], |command| command)?;
        loaded.task().send_faults(&stage.handle)?;
        let stage = released(stage)?;
        let client = Client { task: loaded.start()?, account };
        check_eq!(client.end()?, FAULTED, "not told yet");
        check!(client.is_given_back()?, "what is held: {:?}", client.account.state()?);
        drop(stage);
        Ok(())
    }

    /// A task may look after the faults of its own threads; if none is left to do it, it stands still until it is killed.
    fn flt_12_ones_own_pager(bench) {
        let stage = Stage::new(bench)?;
        // Behind the console and the account, in slots that nobody had before.
        let own = CapabilityNumber::new(1, 2);
        let (loaded, account) = stage.load(&[&"own-pager", &HOLE, &own.0], |command| command)?;
        let task = loaded.task().number();
        check_eq!(calls::task_grant(task, task, OWN_RIGHTS)?, own, "its own capability");
        let client = Client { task: loaded.start()?, account };
        check_eq!(client.end()?, Ending::Exited(1), "its end");

        // The stage is told of its own kind here: a client whose faults go to a node that nobody reads.
        let client = stage.cast(&[&"read", &HOLE])?;
        for _ in 0..50 {
            thread::yield_now();
        }
        check_eq!(client.task.status()?.state, 0, "the state of one that nobody answers");
        client.task.kill()?;
        check_eq!(client.end()?, Ending::Killed, "its end");
        Ok(())
    }

    /// Objects, bytes and frames of everybody are as before when all of it is over.
    fn flt_13_everything_is_given_back(bench) {
        let before = bench.holdings()?;
        {
            let stage = Stage::new(bench)?;
            let client = stage.cast(&[&"threads", &HOLE])?;
            let told = stage.hear()?;
            stage.provide(&client, &told, 1)?;
            client.task.kill()?;
            client.end()?;
        }
        let is_same = || Ok(suite::holdings(&bench.account)? == before);
        check!(soon(is_same)?, "{:?} instead of {before:?}", bench.holdings()?);
        Ok(())
    }
}

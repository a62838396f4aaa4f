//! Waiting and deadlines.

use crate::director;
use alloc::vec::Vec;
use core::time::Duration;
use omnibus_userland::abi::native::{EVENT_ENDED, EVENT_HANG_UP, EVENT_READABLE, WaitItem};
use omnibus_userland::abi::{DEADLINE_NEVER, DEADLINE_NOW, Errno};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::check::Failure;
use omnibus_userland::suite::wire::{create, drain, send};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, tests, thread, time};

tests! {
    /// Deadline 0 looks and does not wait; one that has passed neither.
    fn wai_1_past_deadlines(bench) {
        let peer = Peer::new(&bench.account)?;
        for deadline_ns in [DEADLINE_NOW, 1, time::now_ns()] {
            let result = WaitSet::new().peer(&peer).wait(deadline_ns).map(drop);
            check_eq!(result, Err(Errno::ETIMEDOUT), "deadline {deadline_ns}");
            let result = WaitSet::new().wait(deadline_ns).map(drop);
            check_eq!(result, Err(Errno::ETIMEDOUT), "deadline {deadline_ns} for nothing");
        }
        Ok(())
    }

    /// A wait that times out does so at or after its deadline, never before.
    fn wai_2_never_before_the_deadline(bench) {
        let peer = Peer::new(&bench.account)?;
        for delay in [1, 1_000, 100_000, 3_000_000, 20_000_000] {
            let deadline_ns = time::now_ns() + delay;
            let result = WaitSet::new().peer(&peer).wait(deadline_ns).map(drop);
            let now_ns = time::now_ns();
            check_eq!(result, Err(Errno::ETIMEDOUT), "a wait of {delay} ns");
            check!(now_ns >= deadline_ns, "{} ns early", deadline_ns - now_ns);
        }
        Ok(())
    }

    /// Deadlines of several threads pass in their order, whoever went to sleep first.
    fn wai_3_deadlines_in_order(_) {
        // On a busy host a thread may begin to wait when a deadline has passed: that try shows nothing.
        for _ in 0..20 {
            let start_ns = time::now_ns();
            let first_ns = start_ns + 40_000_000;
            let sleepers = [30u64, 0, 20, 10].map(|n_ms| {
                thread::spawn(move || {
                    let began_ns = time::now_ns();
                    let _ = WaitSet::new().wait(first_ns + n_ms * 1_000_000).map(drop);
                    (time::now_ns(), began_ns, n_ms)
                })
            });
            let mut ends = Vec::new();
            for sleeper in sleepers {
                ends.push(sleeper?.join()?);
            }
            if ends.iter().all(|end| end.1 < first_ns) {
                ends.sort_unstable();
                let order: Vec<_> = ends.iter().map(|end| end.2).collect();
                check_eq!(order, [0, 10, 20, 30], "who woke in which order");
                return Ok(());
            }
        }
        Err(Failure::new("no try began in time"))
    }

    /// Events are told at the items they belong to, for peers and tasks in one wait.
    fn wai_4_events_at_their_items(bench) {
        let director = director(bench)?;
        let (quiet, loud) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&loud, &loud)?;
        send(&loud, &[handle], b"A")?;
        let puppet = director.cast("puppet", "puppet", &[&"exit", &3])?;
        puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        let mut set = WaitSet::new().peer(&quiet).peer(&loud).task(&puppet.task).peer(&loud);
        let events: Vec<_> =
            set.wait(DEADLINE_NEVER)?.iter().map(|item| item.events).collect();
        check_eq!(events, [0, EVENT_READABLE, EVENT_ENDED, EVENT_READABLE], "the events");
        let mut items = [0, 1, 2].map(|_| WaitItem { flags: 0, capability: loud.number().0, events: 9 });
        check_eq!(calls::wait(&mut items, 0), Ok(3), "the number of items with events");
        Ok(())
    }

    /// A wait takes up to 64 items, no flags, and only peers with RECEIVE and tasks with WATCH.
    fn wai_5_refusals(bench) {
        let peer = Peer::new(&bench.account)?;
        let item = |capability: u64| WaitItem { flags: 0, capability, events: 0 };
        let mut items = [item(peer.number().0); 65];
        check_eq!(calls::wait(&mut items, 0), Err(Errno::EINVAL), "65 items");
        check_eq!(calls::wait(&mut items[..64], 0), Err(Errno::ETIMEDOUT), "64 items");
        items[3].flags = 1;
        check_eq!(calls::wait(&mut items[..4], 0), Err(Errno::EINVAL), "a flag");
        let weak = Peer::from_capability(calls::capability_copy(peer.number(), 5)?);
        let weak_task = calls::capability_copy(bench.task, 2)?;
        let refused = [
            (0, Errno::EBADF), (bench.console.0, Errno::EOPNOTSUPP),
            (weak.number().0, Errno::EPERM), (weak_task.0, Errno::EPERM),
        ];
        for (number, error) in refused {
            let mut items = [item(peer.number().0), item(number)];
            check_eq!(calls::wait(&mut items, 0), Err(error), "a wait for {number:#x}");
        }
        calls::capability_drop(weak_task)?;
        Ok(())
    }

    /// A wait hangs up when the slot that it named is dropped, though the peer stays open.
    fn wai_6_hang_up(bench) {
        let peer = Peer::new(&bench.account)?;
        let second = Peer::from_capability(calls::capability_copy(peer.number(), 7)?);
        let waited = second.clone();
        let waiter = thread::spawn(move || {
            let mut set = WaitSet::new().peer(&waited);
            set.wait(time::deadline_in(PATIENCE)).map(|items| items[0].events)
        })?;
        time::sleep(Duration::from_millis(10));
        // The slot that is waited for goes; the peer stays open through the other one.
        second.close()?;
        check_eq!(waiter.join()?, Ok(EVENT_HANG_UP), "the waiter's event");
        let (_, handle) = create(&peer, &peer)?;
        send(&peer, &[handle], b"A")?;
        check_eq!(drain(&peer)?, b"A", "the peer, which is still open");
        Ok(())
    }
}

//! The scheduler: preemption, turns, priorities.

use crate::director;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::hint::black_box;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use core::time::Duration;
use omnibus_userland::abi::capability::task;
use omnibus_userland::abi::{DEADLINE_NEVER, Errno};
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::{Handle, Peer};
use omnibus_userland::lock::Mutex;
use omnibus_userland::port::{Port, Short};
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::wire::create;
use omnibus_userland::task::{Command, Task};
use omnibus_userland::{calls, check, check_eq, environment, tests, thread, time};

tests! {
    /// A thread that never calls the kernel does not keep another of its priority from running.
    fn sch_1_spinning_is_preempted(_) {
        let stop = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&stop);
        let spinning = thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                black_box(());
            }
        })?;
        // Lets it begin; coming back from here is the proof.
        thread::yield_now();
        stop.store(true, Ordering::Relaxed);
        spinning.join()?;
        Ok(())
    }

    /// Threads of one priority that all want to run take turns, one after the other.
    fn sch_2_round_robin(_) {
        const N_THREADS: usize = 3;
        const N_TURNS: usize = 24;
        let turns = Arc::new(Mutex::new(Vec::new()));
        let n_started = Arc::new(AtomicUsize::new(0));
        let threads = [0, 1, 2].map(|index| {
            let (turns, n_started) = (Arc::clone(&turns), Arc::clone(&n_started));
            thread::spawn(move || {
                n_started.fetch_add(1, Ordering::Relaxed);
                while n_started.load(Ordering::Relaxed) < N_THREADS {
                    black_box(());
                }
                loop {
                    let mut turns = turns.lock();
                    if turns.last() != Some(&index) {
                        turns.push(index);
                    }
                    if turns.len() >= N_TURNS {
                        return;
                    }
                    drop(turns);
                    for _ in 0..1000 {
                        black_box(());
                    }
                }
            })
        });
        for thread in threads {
            thread?.join()?;
        }
        let turns = turns.lock().clone();
        // A thread that is stopped inside the lock loses a turn to the next; all keep coming back.
        for index in 0..N_THREADS {
            let n_turns = turns.iter().filter(|turn| **turn == index).count();
            check!(n_turns >= N_TURNS / N_THREADS / 2, "thread {index} had {n_turns} of {turns:?}");
        }
        Ok(())
    }

    /// A task of lower priority does not run as long as one of higher priority wants to.
    fn sch_3_priority(bench) {
        let (inbox, node, low) = start_lower(bench, "hello")?;
        let end_ns = time::now_ns() + 50_000_000;
        while time::now_ns() < end_ns {
            check_eq!(inbox.try_recv()?.is_some(), false, "a message while the other ran");
            thread::yield_now();
        }
        let received = inbox.recv_until(time::deadline_in(PATIENCE))?;
        let message = received.message().map(|message| (message.node, message.data));
        check_eq!(message, Some((node, b"hello".to_vec())), "the message when it may run");
        low.wait_until(time::deadline_in(PATIENCE))?;
        Ok(())
    }

    /// A task cannot start another one of a priority above its own.
    fn sch_7_no_priority_above_ones_own(bench) {
        let (inbox, _, low) = start_lower(bench, "raise")?;
        let received = inbox.recv_until(time::deadline_in(PATIENCE))?;
        let errors = received.message().map(|message| message.data);
        let [eperm, ok] = [Errno::EPERM.number() as u8, 0];
        check_eq!(errors, Some([eperm, ok].to_vec()), "errors of its starts, above and at its own");
        low.wait_until(time::deadline_in(PATIENCE))?;
        Ok(())
    }

    /// A task that is raised while it is ready runs as what it is then, and who lowers himself gives way before the call returns.
    fn sch_8_priority_changes_at_once(bench) {
        let own = environment::priority();
        let (idle, _, spinner) = start_lower(bench, "spin")?;
        let (inbox, _, raised) = start_lower(bench, "hello")?;
        raised.set_priority(own, own)?;
        let status = raised.status()?;
        check_eq!((status.priority, status.priority_maximum), (own, own), "its priorities");
        // The spinner, which was there first, would never let it run.
        check!(soon(|| Ok(inbox.try_recv()?.is_some()))?, "what was raised does not run");
        check!(idle.try_recv()?.is_none(), "what was not raised has run");
        spinner.kill()?;
        let (inbox, _, _task) = start_lower(bench, "hello")?;
        calls::task_priority(bench.task, own - 2, own)?;
        let received = inbox.try_recv();
        calls::task_priority(bench.task, own, own)?;
        check!(received?.is_some(), "the more urgent has not run");
        Ok(())
    }

    /// A highest priority that was given up comes back neither for oneself nor for a new task.
    fn sch_9_what_is_given_up_is_gone(bench) {
        let (inbox, _, low, to) = start_lower_with(bench, "renounce")?;
        let number = calls::task_grant(low.number(), low.number(), task::PRIORITY)?;
        to.send(&number.0.to_le_bytes())?;
        let received = inbox.recv_until(time::deadline_in(PATIENCE))?;
        let errors = received.message().map(|message| message.data);
        let eperm = Errno::EPERM.number() as u8;
        let expected = [0, eperm, eperm, eperm, 0, 0, eperm, eperm, 0];
        check_eq!(errors, Some(expected.to_vec()), "errors of what it tried");
        low.wait_until(time::deadline_in(PATIENCE))?;
        Ok(())
    }

    /// Who sleeps until a deadline runs again though others of its priority spin.
    fn sch_4_deadline_among_spinners(_) {
        let stop = Arc::new(AtomicBool::new(false));
        let spinners = [(); 3].map(|()| {
            let stop = Arc::clone(&stop);
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    black_box(());
                }
            })
        });
        for _ in 0..5 {
            time::sleep(Duration::from_millis(2));
        }
        stop.store(true, Ordering::Relaxed);
        for spinner in spinners {
            spinner?.join()?;
        }
        Ok(())
    }

    /// A task of low priority that spins is stopped by the message that wakes a higher one.
    fn sch_5_waking_preempts(bench) {
        let director = director(bench)?;
        for _ in 0..5 {
            let puppet = director.cast("puppet", "puppet", &[&"spin"])?;
            // The director waits; the puppet tells and spins for ever.
            check_eq!(director.hear(&puppet)?.data, b"spinning", "what it told");
        }
        Ok(())
    }

    /// Who was woken by a message runs when the turn of its sender is over, though that never calls the kernel again.
    fn sch_10_who_is_woken_has_a_turn(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        for round in 0..4 {
            let has_run = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&has_run);
            let port = Port::of(&owner);
            let waiting = thread::spawn(move || {
                let arrived = port.next_short(DEADLINE_NEVER);
                told.store(true, Ordering::Relaxed);
                arrived.map(drop)
            })?;
            thread::yield_now();
            match round {
                0 => Port::of(&holder).send_short(handle, &Short::EMPTY)?,
                1 => Port::of(&holder).send(handle, b"one", &[])?,
                2 => Port::of(&holder).multicast(&[handle, handle], b"two", &[])?,
                _ => Port::of(&holder).send(handle, &[0; 200], &[])?,
            }
            while !has_run.load(Ordering::Relaxed) {
                black_box(());
            }
            let is_short = round < 3;
            check_eq!(waiting.join()?.is_ok(), is_short, "a message into registers in round {round}");
            while owner.try_recv()?.is_some() {}
        }
        Ok(())
    }

    /// Yield lets every other thread of the priority run before it returns to the caller.
    fn sch_6_yield_goes_round(_) {
        let count = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let count = Arc::clone(&count);
                thread::spawn(move || count.fetch_add(1, Ordering::Relaxed))
            })
            .collect::<Result<_, Errno>>()?;
        // A timer interrupt may cut a turn short, and that thread's next one is a round later.
        for _ in 0..3 {
            thread::yield_now();
        }
        check_eq!(count.load(Ordering::Relaxed), 4, "threads that ran");
        for thread in threads {
            thread.join()?;
        }
        Ok(())
    }
}

/// Starts a puppet of lower priority than this task that does `what`. Returns the peer to which it
/// speaks, the node there, and the task.
fn start_lower(bench: &Bench, what: &str) -> Result<(Peer, u64, Task), Errno> {
    start_lower_with(bench, what).map(|(inbox, node, task, _)| (inbox, node, task))
}

/// The same, and a handle to the puppet.
fn start_lower_with(bench: &Bench, what: &str) -> Result<(Peer, u64, Task, Handle), Errno> {
    let account = bench.account.carve(4096, 1 << 20, 512)?;
    let (inbox, outbox) = (Peer::new(&bench.account)?, Peer::new(&account)?);
    let (node, handle) = create(&inbox, &outbox)?;
    let (own, back) = create(&outbox, &inbox)?;
    let task = Command::new("puppet")
        .grant(bench.console, 1)
        .grant(outbox.number(), 7)
        .grant(account.number(), 3)
        .argument("low")
        .argument(handle)
        .argument(own)
        .argument(what)
        .grant_archive()?
        .priority(environment::priority() - 1)
        .spawn(&account)?;
    let back = inbox.adopt(back);
    Ok((inbox, node, task, back))
}

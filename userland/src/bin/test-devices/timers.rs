//! Timers as messages.

use alloc::vec::Vec;
use core::time::Duration;
use omnibus_userland::abi::native::TimerEvent;
use omnibus_userland::abi::{DEADLINE_NEVER, Errno};
use omnibus_userland::account::Account;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::timer::{self, Timer};
use omnibus_userland::{check, check_eq, tests, time};

const MS: u64 = 1_000_000;

/// The next message of a peer, at most until `deadline_ns`: its node, and what a timer says in it.
fn told_until(peer: &Peer, deadline_ns: u64) -> Outcome<Option<(u64, TimerEvent)>> {
    match peer.recv_until(deadline_ns) {
        Err(Errno::ETIMEDOUT) => Ok(None),
        Ok(Received::Message(message)) => match timer::event(&message.data) {
            Some(event) => Ok(Some((message.node, event))),
            None => Err(Failure::new(format_args!("no event: {message:?}"))),
        },
        other => Err(Failure::new(format_args!("{other:?}"))),
    }
}

fn told(peer: &Peer) -> Outcome<(u64, TimerEvent)> {
    let event = told_until(peer, time::deadline_in(PATIENCE))?;
    event.ok_or_else(|| Failure::new(format_args!("no timer expired")))
}

/// A timer with a node of its own.
fn new(account: &Account, peer: &Peer) -> Result<(Timer, Node, Handle)> {
    let (node, handle) = peer.node()?;
    Ok((Timer::new(account, &handle)?, node, handle))
}

tests! {
    /// A timer expires once, not before its time, and says when it was due; one whose time has passed expires at once.
    fn tim_1_once(bench) {
        let peer = Peer::new(&bench.account)?;
        let (timer, node, _handle) = new(&bench.account, &peer)?;
        for after_ns in [3 * MS, 1, 0] {
            let deadline_ns = time::now_ns() + after_ns;
            timer.once(deadline_ns)?;
            check_eq!(told(&peer)?, (node.id(), TimerEvent { n_expired: 1, deadline_ns }), "told");
            check!(time::now_ns() >= deadline_ns, "too early");
        }
        timer.once(0)?;
        check_eq!(told(&peer)?.1, TimerEvent { n_expired: 1, deadline_ns: 0 }, "in the past");
        check_eq!(told_until(&peer, time::now_ns() + 5 * MS)?, None, "a second time");
        Ok(())
    }

    /// Many timers expire in the order of their deadlines, whatever the order in which they were set.
    fn tim_2_order(bench) {
        let peer = Peer::new(&bench.account)?;
        let mut timers = Vec::new();
        for _ in 0..40 {
            timers.push(new(&bench.account, &peer)?);
        }
        let start_ns = time::now_ns() + 20 * MS;
        for (index, (timer, ..)) in timers.iter().enumerate() {
            timer.once(start_ns + (index as u64 * 17 % 40) * MS / 4)?;
        }
        check_eq!(told_until(&peer, start_ns - 10 * MS)?, None, "before the first");
        let mut last_ns = 0;
        for _ in 0..timers.len() {
            let event = told(&peer)?.1;
            check!(event.deadline_ns > last_ns, "{} behind {last_ns}", event.deadline_ns);
            last_ns = event.deadline_ns;
        }
        Ok(())
    }

    /// A timer that was cancelled, set anew or dropped does not expire as it was set before; what it had told stays.
    fn evt_5_cancelling(bench) {
        let peer = Peer::new(&bench.account)?;
        let (timer, _node, _handle) = new(&bench.account, &peer)?;
        timer.once(time::now_ns() + 5 * MS)?;
        timer.cancel()?;
        timer.cancel()?;
        let (dropped, _other_node, _other_handle) = new(&bench.account, &peer)?;
        dropped.every(time::now_ns() + 5 * MS, Duration::from_millis(1))?;
        drop(dropped);
        check_eq!(told_until(&peer, time::now_ns() + 10 * MS)?, None, "a cancelled one");
        let later_ns = time::now_ns() + 8 * MS;
        timer.once(time::now_ns() + 4 * MS)?;
        timer.once(later_ns)?;
        check_eq!(told(&peer)?.1.deadline_ns, later_ns, "the time that was set last");
        timer.once(0)?;
        check!(soon(|| Ok(peer_is_readable(&peer)))?, "it did not expire");
        timer.cancel()?;
        drop(timer);
        check_eq!(told(&peer)?.1.n_expired, 1, "what was told before");
        Ok(())
    }

    /// A periodic timer expires at every period, and counts those that nobody received: there is one message, and none is lost.
    fn evt_2_periods_and_overruns(bench) {
        let peer = Peer::new(&bench.account)?;
        let (timer, _node, _handle) = new(&bench.account, &peer)?;
        let (first_ns, period_ns) = (time::now_ns() + MS, MS);
        timer.every(first_ns, Duration::from_nanos(period_ns))?;
        let mut n_expired = 0;
        for round in 0..12 {
            if round % 4 == 3 {
                time::sleep(Duration::from_millis(7));
            }
            let event = told(&peer)?.1;
            n_expired += event.n_expired;
            check_eq!(event.deadline_ns, first_ns + (n_expired - 1) * period_ns, "the last of them");
            check!(event.deadline_ns <= time::now_ns(), "too early");
        }
        check!(n_expired >= 12 + 3 * 5, "{n_expired} periods in all");
        timer.cancel()?;
        Ok(())
    }

    /// However short the periods and however many the timers, threads run on, and every period is counted.
    fn evt_3_short_periods_starve_nobody(bench) {
        let peer = Peer::new(&bench.account)?;
        let mut timers = Vec::new();
        for _ in 0..100 {
            timers.push(new(&bench.account, &peer)?);
        }
        let first_ns = time::now_ns();
        for (timer, ..) in &timers {
            timer.every(first_ns, Duration::from_nanos(1))?;
        }
        let until_ns = time::now_ns() + 20 * MS;
        let mut n_rounds = 0_u64;
        while time::now_ns() < until_ns {
            n_rounds += 1;
        }
        check!(n_rounds > 100, "only {n_rounds} rounds in 20 ms");
        for (timer, ..) in &timers {
            timer.cancel()?;
        }
        let mut n_told = 0;
        while let Some((_, event)) = told_until(&peer, 0)? {
            check_eq!(event.deadline_ns, first_ns + event.n_expired - 1, "the last of all periods");
            n_told += 1;
        }
        check!(n_told > 0 && n_told <= timers.len(), "{n_told} messages of {} timers", timers.len());
        Ok(())
    }

    /// Times and periods up to the end of time are taken, and do what they say: nothing for 584 years.
    fn tim_3_extremes(bench) {
        let peer = Peer::new(&bench.account)?;
        let (timer, _node, _handle) = new(&bench.account, &peer)?;
        let number = timer.number();
        for (deadline_ns, period_ns) in [
            (DEADLINE_NEVER, 0),
            (DEADLINE_NEVER, 1),
            (DEADLINE_NEVER - 1, 0),
            (DEADLINE_NEVER - 1, u64::MAX),
            (1 << 63, 1),
        ] {
            calls::timer_set(number, deadline_ns, period_ns)?;
            check_eq!(told_until(&peer, time::now_ns() + MS)?, None, "{deadline_ns:#x}");
        }
        for period_ns in [u64::MAX, 1 << 63] {
            calls::timer_set(number, 0, period_ns)?;
            check_eq!(told(&peer)?.1, TimerEvent { n_expired: 1, deadline_ns: 0 }, "once");
            check_eq!(told_until(&peer, time::now_ns() + MS)?, None, "a second time");
        }
        Ok(())
    }

    /// A timer is an object of its account and a message of its receiver's, from its making to its end: an account without room refuses it,
    /// no expiry does, and everything comes back, whoever goes first.
    fn evt_1_who_pays(bench) {
        let own = bench.account.carve(64, 4096, 0)?;
        let start = own.state()?;
        let peer = Peer::new(&own)?;
        let (node, handle) = peer.node()?;
        let before = own.state()?;
        let timer = Timer::new(&own, &handle)?;
        check!(own.state()?.objects_available < before.objects_available, "it is paid for");
        timer.once(0)?;
        told(&peer)?;
        let mut filled = Vec::new();
        while let Ok(peer) = Peer::new(&own) {
            filled.push(peer);
        }
        check_eq!(Timer::new(&own, &handle).map(drop), Err(Errno::EDQUOT), "no room for a timer");
        for _ in 0..3 {
            timer.once(0)?;
            told(&peer)?;
        }
        drop(filled);
        timer.once(0)?;
        drop(timer);
        check_eq!(told(&peer)?.1.n_expired, 1, "unread when its timer went");
        check!(soon(|| Ok(own.state()? == before))?, "after the timer: {:?}", own.state()?);
        let timer = Timer::new(&own, &handle)?;
        timer.every(0, Duration::from_millis(1))?;
        drop((node, handle));
        time::sleep(Duration::from_millis(3));
        drop(timer);
        drop(peer);
        check!(soon(|| Ok(own.state()? == start))?, "in the end: {:?}", own.state()?);
        Ok(())
    }

    /// A timer tells nothing behind the release of its receiver's node, and none is bound to a handle that is known to be dead.
    fn evt_4_released_ends(bench) {
        let (ours, theirs) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, handle) = theirs.node_for(&ours)?;
        let timer = Timer::new(&bench.account, &handle)?;
        timer.every(0, Duration::from_millis(1))?;
        told(&theirs)?;
        calls::release(theirs.number(), &[node.id()])?;
        check!(matches!(ours.recv()?, Received::NodeRelease { .. }), "told of the release");
        check_eq!(told_until(&theirs, time::now_ns() + 5 * MS)?, None, "behind the release");
        let again = Timer::new(&bench.account, &handle);
        check_eq!(again.map(drop), Err(Errno::EBADRQC), "a released handle");
        drop(timer);
        Ok(())
    }
}

fn peer_is_readable(peer: &Peer) -> bool {
    omnibus_userland::wait::WaitSet::new()
        .peer(peer)
        .wait(0)
        .is_ok()
}

//! A machine that is full: accounts are exhausted before memory is (ACC-7).
//!
//! The root account is carved up, and in each part tasks take everything there is: bytes of payload, objects of one sort, frames. An
//! actor gets half of what its account has left, so several do it in each. None begins before all are started, or there would be nothing
//! left to start the others with.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use omnibus_abi::capability::account;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::native::{VM_READ, VM_WRITE, VmMap};
use omnibus_abi::{Call, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::check::Outcome;
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::wire;
use omnibus_userland::task::{Command, Task};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, environment, println, raw, time};

/// How long filling and emptying may take on the largest machine.
const PATIENCE: Duration = Duration::from_secs(50);

/// First argument of a task that fills its account.
pub(crate) const FLAG: &str = "--fill";

/// Tasks that fill one account.
const TASKS: u64 = 4;

/// Frames of the smallest part: a smaller one has no room for that many tasks.
const PART_FRAMES_LEAST: u64 = 1200;

/// Peers of a task that fills, each an actor of its own.
const PEERS: usize = 5;

/// Objects with a capability of their own that an actor takes.
const SLOTS: u64 = 10_000;

/// Bytes of a payload that takes nearly twice its length in memory.
const WASTEFUL_BYTES: usize = 4100;

/// Takes one object more.
type Sort = fn(&Account, &Peer, u64) -> Result<()>;

/// Sorts of objects; each part is filled with another.
const SORTS: [Sort; 4] = [nodes, messages, peers, accounts];

/// Carves up the root account and has every part filled; every refusal must be `EDQUOT`.
pub(crate) fn fill(bench: &Bench) -> Outcome {
    let before = bench.account.state()?;
    let held_before = bench.holdings()?;
    // An account apart, so that the parts can report when the root has nothing left.
    let ear_account = bench.account.carve(2048, 1 << 15, 1)?;
    let ear = Peer::new(&ear_account)?;
    let mut parts = Vec::with_capacity(16);
    let mut share = 4;
    while share <= 16 && before.frames_maximum / share >= PART_FRAMES_LEAST {
        let carved = bench.account.carve(
            before.objects_maximum / share,
            before.bytes_maximum / share,
            before.frames_maximum / share,
        );
        match carved {
            Ok(part) => {
                let own = Peer::new(&part)?;
                let (_, report) = wire::create(&ear, &own)?;
                let (_, begin) = wire::create(&own, &ear)?;
                let sort = parts.len() % SORTS.len();
                let tasks = (0..TASKS).map(|number| start(&part, &own, report, sort, number));
                let tasks: Vec<Task> = tasks.collect::<Result<_>>()?;
                wire::send(&ear, &[begin], &[])?;
                parts.push((part, tasks));
            }
            Err(Errno::EDQUOT) => share *= 2,
            Err(error) => return Err(error.into()),
        }
    }
    let mut waiting = WaitSet::new().peer(&ear);
    for _ in 0..parts.len() as u64 * TASKS {
        waiting.wait(time::deadline_in(PATIENCE))?;
        let refusals = wire::recv(&ear)?.data().to_vec();
        let edquot = Errno::EDQUOT.number() as u8;
        check_eq!(refusals, [edquot; 3], "how bytes, objects and frames ended");
    }
    let mut left = [0; 3];
    for (part, tasks) in &parts {
        let state = part.state()?;
        let available = [
            state.objects_available,
            state.bytes_available,
            state.frames_available,
        ];
        left = core::array::from_fn(|slot| left[slot] + available[slot]);
        for task in tasks {
            task.kill()?;
        }
    }
    println!(
        "full: {} parts of {} objects, {} bytes, {} frames; left: {left:?}",
        parts.len(),
        before.objects_maximum,
        before.bytes_maximum,
        before.frames_maximum
    );
    let deadline_ns = time::deadline_in(PATIENCE);
    drop((parts, ear, ear_account));
    // Of objects and bytes; this task's own memory has grown meanwhile.
    while bench.holdings()? != held_before {
        let is_late = time::now_ns() >= deadline_ns;
        check!(
            !is_late,
            "{:?} are held instead of {held_before:?}",
            bench.holdings()?
        );
        time::sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn start(part: &Account, own: &Peer, report: u64, sort: usize, number: u64) -> Result<Task> {
    Command::new("test-churn")
        .argument(FLAG)
        .argument(report)
        .argument(sort)
        .argument(number)
        .grant(own.number(), Kind::Peer.all_rights())
        .grant(part.number(), account::CHARGE | account::CARVE)
        .spawn(part)
}

/// Waits until all are started, takes what the account has, reports how that ended, and waits to be killed.
pub(crate) fn run(arguments: impl Iterator<Item = &'static str>) -> u8 {
    let numbers: Vec<u64> = arguments.filter_map(|word| word.parse().ok()).collect();
    let find = environment::find;
    let (&[report, sort, number], Some(own), Some(part)) =
        (&numbers[..], find(Kind::Peer), find(Kind::Account))
    else {
        return 2;
    };
    let (own, part) = (Peer::from_capability(own), Account::from_capability(part));
    if WaitSet::new().peer(&own).wait(DEADLINE_NEVER).is_err() {
        return 3;
    }
    let mut refusals = [Errno::EDQUOT; 3];
    let mut held = Vec::new();
    // The others take frames alone.
    if number == 0 {
        for _ in 0..PEERS {
            match Peer::new(&part).and_then(|peer| Ok((wire::create(&peer, &peer)?.1, peer))) {
                Ok(actor) => held.push(actor),
                Err(_) => return 4,
            }
        }
        let payload = vec![7; WASTEFUL_BYTES];
        for (handle, peer) in &held {
            refusals[0] = until_refused(|| wire::send(peer, &[*handle], &payload));
        }
        // What takes a slot of the capability table would fill that first; the rest are nodes.
        let take = SORTS.get(sort as usize).unwrap_or(&SORTS[0]);
        for (handle, peer) in &held {
            let mut n_taken = 0;
            refusals[1] = until_refused(|| {
                n_taken += 1;
                let take = if n_taken <= SLOTS { take } else { &SORTS[0] };
                take(&part, peer, *handle)
            });
        }
    }
    for n_pages in [64, 1] {
        refusals[2] = until_refused(|| map(n_pages * PAGE_BYTES));
    }
    let numbers = refusals.map(|errno| errno.number() as u8);
    if wire::send(&own, &[report], &numbers).is_ok() {
        time::sleep(Duration::MAX);
    }
    5
}

fn until_refused(mut take: impl FnMut() -> Result<()>) -> Errno {
    loop {
        if let Err(errno) = take() {
            return errno;
        }
    }
}

/// A node and a handle.
fn nodes(_: &Account, peer: &Peer, _: u64) -> Result<()> {
    wire::create(peer, peer).map(drop)
}

/// An empty message.
fn messages(_: &Account, peer: &Peer, handle: u64) -> Result<()> {
    wire::send(peer, &[handle], &[])
}

/// A peer, which is never closed.
fn peers(part: &Account, _: &Peer, _: u64) -> Result<()> {
    Peer::new(part).map(core::mem::forget)
}

/// An account that may hold one object.
fn accounts(part: &Account, _: &Peer, _: u64) -> Result<()> {
    part.carve(1, 0, 0).map(core::mem::forget)
}

fn map(n_bytes: u64) -> Result<()> {
    let map = VmMap {
        flags: 0,
        address: 0,
        n_bytes,
        rights: VM_READ | VM_WRITE,
    };
    // SAFETY: fresh memory where the kernel finds room is nobody's.
    unsafe { raw::call(Call::VmMap, [(&raw const map) as u64, VmMap::SIZE]) }.map(drop)
}

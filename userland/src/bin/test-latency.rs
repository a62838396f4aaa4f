//! Tests how long calls keep a more urgent thread waiting; which needs a machine that counts instructions.
//!
//! A worker of low priority makes long calls. Meanwhile this task, which is more urgent, sleeps for short times and looks how
//! late it wakes: as late as interrupts were off, and the way out. With `--icount` a nanosecond is an instruction, the
//! same in every run; without it these would be timings, and prove nothing.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::{INVALID, TRANSFER_FLAG_CREATE, Transfer};
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::limits::{
    CAPABILITIES_MAX, DATA_BYTES_MAX, DESTINATIONS_MAX, IDS_MAX, TRANSFERS_MAX,
};
use omnibus_userland::abi::native::{VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, DEADLINE_NOW, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Carried, Peer};
use omnibus_userland::calls::{self, IoSliceMut};
use omnibus_userland::check::Outcome;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::wire::{create, release, send, send_with};
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::{check, environment, print, program, raw, tests};

program!(main);

/// Most instructions for which a call may keep interrupts off (ORD-8).
const INSTRUCTIONS_MAX: u64 = 250_000;

/// The argument that makes this program the worker; the kind of work follows.
const WORK: &str = "work";

/// Bytes of a large range of memory.
const LARGE_BYTES: u64 = 16 << 20;

/// Priority of the worker.
const LOW: u64 = 1;

fn main() -> u8 {
    let mut arguments = environment::arguments();
    if arguments.next() != Some(WORK) {
        return suite::run("test-latency", &[TESTS]);
    }
    let kind = arguments.next().unwrap_or_default();
    let account = environment::find(Kind::Account).expect("the worker has an account");
    let longest_ns = match work(kind, &Account::from_capability(account)) {
        Ok(longest_ns) => longest_ns,
        Err(error) => panic!("{kind}: {error}"),
    };
    // In units of the bound, so that it fits a status: whether there was anything to interrupt.
    u8::try_from(longest_ns / INSTRUCTIONS_MAX).unwrap_or(u8::MAX)
}

tests! {
    /// A message to as many receivers as one may have keeps nobody waiting for longer than the bound.
    fn ord_8_send_to_many(bench) { is_prompt(bench, "send-to-many", 1) }

    /// A payload as large as it may be, sent and received, keeps nobody waiting for longer than the bound.
    fn ord_8_large_payload(bench) { is_prompt(bench, "large-payload", 0) }

    /// Making as many nodes as one command may make keeps nobody waiting for longer than the bound.
    fn ord_8_transfer(bench) { is_prompt(bench, "transfer", 1) }

    /// Releasing as many ids as one command may name keeps nobody waiting for longer than the bound.
    fn ord_8_release_of_many(bench) { is_prompt(bench, "release-of-many", 1) }

    /// A release that names as many ids as it may, the last of them twice, keeps nobody waiting for longer than the bound.
    fn ord_8_refused_release(bench) { is_prompt(bench, "refused-release", 1) }

    /// Releasing one node with thousands of handles keeps nobody waiting for longer than the bound.
    fn ord_8_release_of_one(bench) { is_prompt(bench, "release-of-one", 1) }

    /// Closing a peer with thousands of nodes and unread messages keeps nobody waiting for longer than the bound.
    fn ord_8_close(bench) { is_prompt(bench, "close", 1) }

    /// As many copies of handles as one message may make keep nobody waiting for longer than the bound.
    fn ord_8_many_copies(bench) { is_prompt(bench, "many-copies", 1) }

    /// Messages that carry as many handles as they may, alive and dead, keep nobody waiting for longer than the bound when they are
    /// received.
    fn ord_8_receive_many(bench) { is_prompt(bench, "receive-many", 1) }

    /// As many capabilities as one message may carry, sent to as many as may get them, received and dropped, keep nobody waiting for
    /// longer than the bound.
    fn ord_8_many_capabilities(bench) { is_prompt(bench, "many-capabilities", 0) }

    /// Mapping and unmapping 16 MiB keeps nobody waiting for longer than the bound.
    fn ord_8_large_memory(bench) { is_prompt(bench, "large-memory", 1) }

    /// Making, mapping, taking back and giving up a memory object of 16 MiB keeps nobody waiting for longer than the bound.
    fn ord_8_memory_object(bench) { is_prompt(bench, "memory-object", 1) }

    /// Taking apart a task that alone keeps a memory object of 16 MiB keeps nobody waiting for longer than the bound.
    fn ord_8_memory_object_left(bench) { is_prompt(bench, "memory-object-left", 0) }

    /// Starting a task and taking it apart keeps nobody waiting for longer than the bound.
    fn ord_8_start_of_a_task(bench) { is_prompt(bench, "start-of-a-task", 0) }

    /// Taking apart a task with thousands of handles, messages and pages keeps nobody waiting for longer than the bound.
    fn ord_8_end_of_a_task(bench) { is_prompt(bench, "end-of-a-task", 0) }

    /// Printing as much as one may print at once keeps nobody waiting for longer than the bound.
    fn ord_8_print(bench) { is_prompt(bench, "print", 0) }

    /// A large payload costs what its length costs, whatever others sent and left behind in the kernel's memory.
    fn ord_8_no_search_for_large_payloads(bench) {
        let peer = Peer::new(&bench.account)?;
        let others = [(); 3].map(|()| Peer::new(&bench.account));
        let [sender, kept, closed] = others;
        let (sender, kept, closed) = (sender?, kept?, closed?);
        let (_, handle) = create(&peer, &peer)?;
        let cost = || -> calls::Result<[u64; 4]> {
            let mut costs = [0; 4];
            for (cost, n_bytes) in costs.iter_mut().zip([6_000, 15_000, 60_000, 250_000]) {
                let bytes = vec![7; n_bytes];
                for _ in 0..2 {
                    let (sent_ns, ()) = timed(|| send(&peer, &[handle], &bytes))?;
                    let (taken_ns, _) = timed(|| calls::recv_discard(peer.number()).1)?;
                    *cost = sent_ns + taken_ns;
                }
            }
            Ok(costs)
        };
        let before = cost()?;
        let mut bytes = vec![7; 20_000];
        let destinations = [create(&kept, &sender)?.1, create(&closed, &sender)?.1];
        for index in 0..500 {
            bytes.resize(5_000 + index * 7 % 15_000, 7);
            send(&sender, &[destinations[index % 2]], &bytes)?;
        }
        closed.close()?;
        let after = cost()?;
        print::print(format_args!("  send and discard of 6, 15, 60, 250 KB: {before:?}, with 250 holes {after:?}\n"));
        for (before, after) in before.into_iter().zip(after) {
            check!(after <= before + before / 20, "{after} instructions instead of {before}");
        }
        Ok(())
    }
}

/// Runs a worker and watches how late this task wakes meanwhile. The worker's longest call must be at least `n_bounds` times as long
/// as the bound, or nothing was shown.
fn is_prompt(bench: &Bench, kind: &str, n_bounds: u64) -> Outcome {
    let command = Command::new("test-latency")
        .argument(WORK)
        .argument(kind)
        .grant(bench.console, console::WRITE)
        .grant(bench.account.number(), account::CHARGE)
        .grant_archive()?
        .priority(LOW);
    let worker = command.spawn(&bench.account)?;
    let mut latest_ns = 0;
    let mut pause_ns = 20_011;
    let ending = loop {
        // The event comes when everything the worker had has been taken apart.
        if let Ok(ending) = worker.wait_until(DEADLINE_NOW) {
            break ending;
        }
        // Every pause is another one, so that the calls are met everywhere.
        pause_ns = 20_011 + (pause_ns * 7) % 90_001;
        let deadline_ns = calls::clock_ns() + pause_ns;
        if calls::wait(&mut [], deadline_ns) == Err(Errno::ETIMEDOUT) {
            latest_ns = latest_ns.max(calls::clock_ns() - deadline_ns);
        }
    };
    let Ending::Exited(longest) = ending else {
        return Err(omnibus_userland::check::Failure::new(format_args!(
            "the worker's end: {ending:?}"
        )));
    };
    print::print(format_args!(
        "  {kind}: woke at most {latest_ns} late, the longest call took {longest} bounds\n"
    ));
    check!(
        longest >= n_bounds,
        "the longest call took only {longest} bounds"
    );
    check!(
        latest_ns <= INSTRUCTIONS_MAX,
        "woke {latest_ns} instructions late"
    );
    Ok(())
}

/// Does the work and returns how long its longest call took.
fn work(kind: &str, account: &Account) -> calls::Result<u64> {
    match kind {
        "send-to-many" => send_to_many(account),
        "large-payload" => large_payload(account),
        "transfer" => transfer(account).map(|(longest_ns, _)| longest_ns),
        "release-of-many" => release_of_many(account),
        "refused-release" => refused_release(account),
        "release-of-one" => release_of_one(account),
        "close" => close(account),
        "many-copies" => many_copies(account),
        "receive-many" => receive_many(account),
        "many-capabilities" => many_capabilities(account),
        "large-memory" => large_memory(),
        "memory-object" => memory_object(account),
        "memory-object-left" => leave_memory_object(account),
        "start-of-a-task" => start_of_a_task(account),
        "end-of-a-task" => hoard(account),
        "print" => print_much(),
        _ => Err(Errno::EINVAL),
    }
}

fn timed<T>(call: impl FnOnce() -> calls::Result<T>) -> calls::Result<(u64, T)> {
    let began_ns = calls::clock_ns();
    let value = call()?;
    Ok((calls::clock_ns() - began_ns, value))
}

fn send_to_many(account: &Account) -> calls::Result<u64> {
    let sender = Peer::new(account)?;
    let receiver = Peer::new(account)?;
    let mut handles = Vec::new();
    for _ in 0..DESTINATIONS_MAX {
        handles.push(create(&receiver, &sender)?.1);
    }
    let mut longest_ns = 0;
    for _ in 0..3 {
        let (took_ns, ()) = timed(|| send(&sender, &handles, b"to all"))?;
        longest_ns = longest_ns.max(took_ns);
        while calls::recv_discard(receiver.number()).1.is_ok() {}
    }
    Ok(longest_ns)
}

fn large_payload(account: &Account) -> calls::Result<u64> {
    let peer = Peer::new(account)?;
    let (_, handle) = create(&peer, &peer)?;
    let mut bytes = vec![7; DATA_BYTES_MAX as usize];
    let mut longest_ns = 0;
    for _ in 0..5 {
        let (sent_ns, ()) = timed(|| send(&peer, &[handle], &bytes))?;
        let (received_ns, ()) =
            timed(|| calls::recv(peer.number(), &mut [IoSliceMut::new(&mut bytes)], &mut []).1)?;
        longest_ns = longest_ns.max(sent_ns).max(received_ns);
    }
    Ok(longest_ns)
}

/// Makes as many nodes as one command may; returns the peer and everything on it.
fn transfer(account: &Account) -> calls::Result<(u64, (Peer, Vec<u64>))> {
    let peer = Peer::new(account)?;
    let mut longest_ns = 0;
    let mut ids = Vec::new();
    for _ in 0..IDS_MAX / TRANSFERS_MAX / 2 {
        let node = Transfer {
            flags: TRANSFER_FLAG_CREATE,
            id: INVALID,
        };
        let mut source = vec![node; TRANSFERS_MAX as usize];
        let mut target = vec![Transfer::default(); TRANSFERS_MAX as usize];
        let number = peer.number();
        let (took_ns, ()) = timed(|| calls::transfer(number, number, &mut source, &mut target))?;
        longest_ns = longest_ns.max(took_ns);
        ids.extend(source.iter().chain(&target).map(|entry| entry.id));
    }
    Ok((longest_ns, (peer, ids)))
}

fn release_of_many(account: &Account) -> calls::Result<u64> {
    let (_, (peer, ids)) = transfer(account)?;
    timed(|| release(&peer, &ids)).map(|(took_ns, ())| took_ns)
}

fn refused_release(account: &Account) -> calls::Result<u64> {
    let (_, (peer, mut ids)) = transfer(account)?;
    ids[IDS_MAX as usize - 1] = ids[0];
    let (took_ns, result) = timed(|| Ok(release(&peer, &ids)))?;
    match result {
        Err(Errno::ENOTUNIQ) => Ok(took_ns),
        _ => Err(Errno::EINVAL),
    }
}

fn release_of_one(account: &Account) -> calls::Result<u64> {
    let owner = Peer::new(account)?;
    let holder = Peer::new(account)?;
    let (node, handle) = create(&owner, &holder)?;
    let copy = Transfer {
        flags: 0,
        id: handle,
    };
    for _ in 0..8 {
        let mut source = vec![copy; TRANSFERS_MAX as usize];
        let mut target = vec![Transfer::default(); TRANSFERS_MAX as usize];
        calls::transfer(holder.number(), holder.number(), &mut source, &mut target)?;
    }
    timed(|| release(&owner, &[node])).map(|(took_ns, ())| took_ns)
}

fn close(account: &Account) -> calls::Result<u64> {
    let (_, (peer, _)) = transfer(account)?;
    let (_, handle) = create(&peer, &peer)?;
    for _ in 0..4 {
        send(&peer, &[handle; DESTINATIONS_MAX as usize], b"unread")?;
    }
    timed(|| peer.close()).map(|(took_ns, ())| took_ns)
}

fn print_much() -> calls::Result<u64> {
    let console = environment::find(Kind::Console).ok_or(Errno::ENOENT)?;
    let line = [b'.'; 4096];
    let mut longest_ns = 0;
    for _ in 0..3 {
        let (took_ns, ()) = timed(|| calls::debug_print(console, &line))?;
        longest_ns = longest_ns.max(took_ns);
    }
    calls::debug_print(console, b"\n")?;
    Ok(longest_ns)
}

fn many_copies(account: &Account) -> calls::Result<u64> {
    let peer = Peer::new(account)?;
    let (_, handle) = create(&peer, &peer)?;
    let (took_ns, ()) = timed(|| send_with(&peer, &[handle; 64], b"", &[handle; 64]))?;
    while calls::recv_discard(peer.number()).1.is_ok() {}
    Ok(took_ns)
}

fn receive_many(account: &Account) -> calls::Result<u64> {
    let sender = Peer::new(account)?;
    let receiver = Peer::new(account)?;
    let (_, to) = create(&receiver, &sender)?;
    let mut longest_ns = 0;
    let mut room = vec![Transfer::default(); TRANSFERS_MAX as usize];
    for is_dead in [false, true] {
        for (n_messages, n_handles) in [(1, TRANSFERS_MAX), (DESTINATIONS_MAX, 4)] {
            let (node, handle) = create(&receiver, &sender)?;
            if is_dead {
                release(&receiver, &[node])?;
            }
            let (to, carried) = (
                vec![to; n_messages as usize],
                vec![handle; n_handles as usize],
            );
            let (sent_ns, ()) = timed(|| send_with(&sender, &to, b"", &carried))?;
            longest_ns = longest_ns.max(sent_ns);
            for _ in 0..n_messages {
                let mut nothing = [];
                let out = &mut [IoSliceMut::new(&mut nothing)];
                let (took_ns, _) = timed(|| calls::recv(receiver.number(), out, &mut room).1)?;
                longest_ns = longest_ns.max(took_ns);
            }
            while calls::recv_discard(receiver.number()).1.is_ok() {}
        }
    }
    Ok(longest_ns)
}

fn many_capabilities(account: &Account) -> calls::Result<u64> {
    let peer = Peer::new(account)?;
    let (_node, handle) = peer.node()?;
    let memory = Memory::new(account, PAGE_BYTES)?;
    let carried = vec![Carried::Capability(memory.number(), 0); CAPABILITIES_MAX as usize];
    let (sent_ns, ()) = timed(|| peer.send_carrying(&[&handle; 16], b"", &carried))?;
    drop(memory);
    let (received_ns, first) = timed(|| peer.recv())?;
    drop(first);
    let mut longest_ns = sent_ns.max(received_ns);
    while let (took_ns, Ok(())) = timed(|| Ok(calls::recv_discard(peer.number()).1))? {
        longest_ns = longest_ns.max(took_ns);
    }
    Ok(longest_ns)
}

fn map() -> calls::Result<u64> {
    let map = VmMap {
        flags: 0,
        address: 0,
        n_bytes: LARGE_BYTES,
        rights: VM_READ | VM_WRITE,
    };
    // SAFETY: fresh memory where the kernel finds room is nobody's.
    unsafe { raw::call(Call::VmMap, [(&raw const map) as u64, VmMap::SIZE]) }
}

fn large_memory() -> calls::Result<u64> {
    let (mapped_ns, address) = timed(map)?;
    // SAFETY: it was mapped just now, and nothing was put there.
    let (unmapped_ns, _) = timed(|| unsafe { raw::call(Call::VmUnmap, [address, LARGE_BYTES]) })?;
    Ok(mapped_ns.max(unmapped_ns))
}

fn memory_object(account: &Account) -> calls::Result<u64> {
    let (made_ns, memory) = timed(|| Memory::new(account, LARGE_BYTES))?;
    let (mapped_ns, mapping) = timed(|| memory.map(VM_READ | VM_WRITE))?;
    let (unmapped_ns, ()) = timed(|| {
        drop(mapping);
        Ok(())
    })?;
    let mut mappings = Vec::new();
    for _ in 0..100 {
        mappings.push(memory.map_part(0, 1 << 20, VM_READ)?);
    }
    let (revoked_ns, ()) = timed(|| memory.revoke())?;
    let (freed_ns, ()) = timed(|| {
        drop(memory);
        Ok(())
    })?;
    let longest_ns = made_ns.max(mapped_ns).max(unmapped_ns);
    Ok(longest_ns.max(revoked_ns).max(freed_ns))
}

fn leave_memory_object(account: &Account) -> calls::Result<u64> {
    let memory = Memory::new(account, LARGE_BYTES)?;
    core::mem::forget(memory.map(VM_READ | VM_WRITE)?);
    calls::exit(0)
}

fn start_of_a_task(account: &Account) -> calls::Result<u64> {
    let mut longest_ns = 0;
    for _ in 0..3 {
        let (took_ns, task) = timed(|| Command::new("tour").spawn(account))?;
        task.kill()?;
        task.wait()?;
        longest_ns = longest_ns.max(took_ns);
    }
    Ok(longest_ns)
}

/// Leaves much behind for the kernel to take apart.
fn hoard(account: &Account) -> calls::Result<u64> {
    let (_, (peer, _)) = transfer(account)?;
    let (_, handle) = create(&peer, &peer)?;
    send_with(&peer, &[handle; 64], b"unread", &[handle; 64])?;
    map()?;
    calls::exit(0)
}

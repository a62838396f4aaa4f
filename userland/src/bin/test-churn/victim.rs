//! What the tasks do that are killed.

use alloc::vec::Vec;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::native::{VM_READ, VM_WRITE, VmMap};
use omnibus_abi::{Call, DEADLINE_NEVER, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Node, Peer};
use omnibus_userland::calls::Result;
use omnibus_userland::memory::Memory;
use omnibus_userland::task::Command;
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{environment, raw, thread};

/// First argument of a victim.
pub(crate) const FLAG: &str = "--victim";

/// What a kind of victim does when it holds what all of them hold.
type Act = fn(&Place) -> Result<()>;

/// Kinds of victim, by name.
pub(crate) const KINDS: [(&str, Act); 11] = [
    ("waits", waits),
    ("sends", sends),
    ("releases", releases),
    ("fans-out", fans_out),
    ("closes", closes),
    ("maps", maps),
    ("shares", shares),
    ("spawns", spawns),
    ("threads", threads),
    ("faults", faults),
    ("exits", exits),
];

/// What a victim has.
pub(crate) struct Place {
    account: Account,
    peer: Peer,
    /// To whoever kills it.
    killer: Handle,
}

/// Runs the victim that the arguments name.
pub(crate) fn run(mut arguments: impl Iterator<Item = &'static str>) -> u8 {
    let (Some(kind), Some(id)) = (arguments.next(), arguments.next()) else {
        return 2;
    };
    let find = |kind| environment::find(kind);
    let (Some(account), Some(peer)) = (find(Kind::Account), find(Kind::Peer)) else {
        return 3;
    };
    let Ok(id) = id.parse() else {
        return 4;
    };
    let peer = Peer::from_capability(peer);
    let place = Place {
        account: Account::from_capability(account),
        killer: peer.adopt(id),
        peer,
    };
    let Some((_, act)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return 5;
    };
    let held = match hold(&place) {
        Ok(held) => held,
        Err(_) => return 6,
    };
    let ended = act(&place);
    core::mem::forget(held);
    u8::from(ended.is_err())
}

/// Peers in a ring, each with a handle of the next lying unread in its queue, inside a message.
struct Held {
    _peers: Vec<Peer>,
    _nodes: Vec<Node>,
    _handles: Vec<Handle>,
}

fn hold(place: &Place) -> Result<Held> {
    const N: usize = 4;
    let mut held = Held {
        _peers: Vec::new(),
        _nodes: Vec::new(),
        _handles: Vec::new(),
    };
    for _ in 0..N {
        held._peers.push(Peer::new(&place.account)?);
    }
    for i in 0..N {
        let (from, to) = (&held._peers[i], &held._peers[(i + 1) % N]);
        let (node, handle) = to.node_for(from)?;
        let (own, carried) = from.node()?;
        from.send(&[&handle], b"take this", &[&carried, &handle])?;
        held._nodes.extend([node, own]);
        held._handles.extend([handle, carried]);
    }
    let (node, handle) = place.peer.node()?;
    place
        .peer
        .send(&[&place.killer], b"and you this", &[&handle])?;
    held._nodes.push(node);
    held._handles.push(handle);
    Ok(held)
}

fn waits(place: &Place) -> Result<()> {
    loop {
        WaitSet::new().peer(&place.peer).wait(DEADLINE_NEVER)?;
        while place.peer.try_recv()?.is_some() {}
    }
}

/// Long payloads with many handles to itself.
fn sends(place: &Place) -> Result<()> {
    let (_node, handle) = place.peer.node()?;
    let carried: Vec<&Handle> = core::iter::repeat_n(&handle, 200).collect();
    let payload = alloc::vec![7; 300_000];
    loop {
        place.peer.send(&[&handle], &payload, &carried)?;
        while place.peer.try_recv()?.is_some() {}
    }
}

/// Many nodes, held by another peer, released in one call.
fn releases(place: &Place) -> Result<()> {
    let holder = Peer::new(&place.account)?;
    loop {
        let mut nodes = Vec::new();
        let mut handles = Vec::new();
        for _ in 0..100 {
            let (node, handle) = place.peer.node_for(&holder)?;
            nodes.push(node.into_id());
            handles.push(handle.into_id());
        }
        omnibus_userland::calls::release(place.peer.number(), &nodes)?;
        while holder.try_recv()?.is_some() {}
    }
}

/// One message to many nodes, with handles, again and again.
fn fans_out(place: &Place) -> Result<()> {
    let mut nodes = Vec::new();
    let mut handles = Vec::new();
    for _ in 0..100 {
        let (node, handle) = place.peer.node()?;
        nodes.push(node);
        handles.push(handle);
    }
    let destinations: Vec<&Handle> = handles.iter().collect();
    loop {
        place
            .peer
            .send(&destinations, b"to all", &destinations[..10])?;
        while place.peer.try_recv()?.is_some() {}
    }
}

/// A peer with a full queue, many nodes and many handles, given up.
fn closes(place: &Place) -> Result<()> {
    loop {
        let (full, other) = (Peer::new(&place.account)?, Peer::new(&place.account)?);
        let (first, handle) = full.node_for(&other)?;
        for _ in 0..100 {
            let (node, handle) = full.node_for(&other)?;
            let _ = (node.into_id(), handle.into_id());
            let (node, handle) = other.node_for(&full)?;
            let _ = (node.into_id(), handle.into_id());
        }
        for _ in 0..40 {
            other.send(&[&handle], b"never read", &[&handle, &handle])?;
        }
        full.close()?;
        let _ = (first.into_id(), handle.into_id());
    }
}

/// Memory that comes and goes.
fn maps(_: &Place) -> Result<()> {
    loop {
        let pages = alloc::vec![1_u8; 300 << 10];
        drop(core::hint::black_box(pages));
        let map = VmMap {
            flags: 0,
            address: 0,
            n_bytes: 100 * PAGE_BYTES,
            rights: VM_READ,
        };
        // SAFETY: the kernel reads the structure and maps memory where nothing is, which is then unmapped.
        unsafe {
            let address = raw::call(Call::VmMap, [&raw const map as u64, VmMap::SIZE])?;
            raw::call(Call::VmUnmap, [address, map.n_bytes])?;
        }
    }
}

/// A memory object that is mapped twice, taken back, mapped again and given up; a capability to it lies unread in a message.
fn shares(place: &Place) -> Result<()> {
    let (_node, handle) = place.peer.node()?;
    loop {
        let memory = Memory::new(&place.account, 150 * PAGE_BYTES)?;
        let first = memory.map(VM_READ | VM_WRITE)?;
        let second = memory.map_part(PAGE_BYTES, 100 * PAGE_BYTES, VM_READ)?;
        first.write(0, b"shared");
        drop(second);
        memory.revoke()?;
        handle.give(b"a message", memory.number())?;
        drop(memory.map(VM_READ)?);
        drop(memory);
        while place.peer.try_recv()?.is_some() {}
    }
}

/// Tasks that end at once, started one after the other.
fn spawns(place: &Place) -> Result<()> {
    loop {
        let task = Command::new("test-churn")
            .argument(FLAG)
            .spawn(&place.account)?;
        task.wait()?;
    }
}

/// Threads that wait, and threads that come and go.
fn threads(place: &Place) -> Result<()> {
    for _ in 0..3 {
        let peer = Peer::new(&place.account)?;
        let waiting =
            thread::spawn(move || WaitSet::new().peer(&peer).wait(DEADLINE_NEVER).is_ok())?;
        core::mem::forget(waiting);
    }
    loop {
        thread::spawn(|| 7)?.join()?;
    }
}

fn faults(_: &Place) -> Result<()> {
    // SAFETY: nothing is ever mapped there, so the read can only fault, and the task end.
    unsafe { core::ptr::without_provenance::<u64>(8).read_volatile() };
    Ok(())
}

fn exits(_: &Place) -> Result<()> {
    Ok(())
}

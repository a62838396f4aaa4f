//! What the calls act on: peers, nodes, handles, capabilities good and bad, an account that is used up.

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::{
    INVALID, TRANSFER_FLAG_CAPABILITY, TRANSFER_FLAG_CREATE, Transfer,
};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::AccountLimits;
use omnibus_userland::abi::{CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::calls::{self, IoSlice, IoSliceMut, Outgoing};
use omnibus_userland::check::Outcome;
use omnibus_userland::environment;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::Command;
use omnibus_userland::wait::WaitSet;

/// Payload of the messages that are sent and received.
pub(crate) const PAYLOAD: [u8; 16] = *b"sixteen bytes...";

/// Bytes of the memory object.
pub(crate) const MEMORY_BYTES: u64 = 2 * PAGE_BYTES;

/// First and number of the ports: of a fourth serial port, which the machine does not have.
pub(crate) const PORTS: (u64, u64) = (0x2e8, 8);

/// First and number of the interrupt lines, which no device of the machine uses. The first is bound.
pub(crate) const LINES: (u64, u64) = (10, 2);

/// Everything that exists.
#[derive(Debug)]
pub(crate) struct World {
    /// The peer that acts.
    pub(crate) peer: u64,
    /// Another peer of the same task.
    pub(crate) other: u64,
    /// A peer whose queue is empty.
    pub(crate) silent: u64,
    /// A handle of `peer` to a node of `other`.
    pub(crate) handle: u64,
    /// A handle of `peer` to a node whose owner's account is used up.
    pub(crate) handle_to_poor: u64,
    /// A node of `peer`.
    pub(crate) node: u64,
    /// A handle of `other` to that node.
    back: u64,
    /// Ids that mean nothing to `peer`: of another peer, released, never issued.
    pub(crate) unknown: Vec<u64>,
    /// An account that has nothing left.
    pub(crate) poor: u64,
    /// A peer of that account.
    pub(crate) poor_peer: u64,
    /// A task that has ended.
    pub(crate) ended: u64,
    /// The task itself, which runs.
    pub(crate) own_task: u64,
    /// A memory object's capability that is dead: somebody took the object back.
    pub(crate) revoked: u64,
    /// For each kind, in the order of [`Kind::ALL`]: a capability with every right.
    full: [u64; 11],
    /// Kind, missing right, capability without it; and without any, right 0.
    restricted: Vec<(Kind, u64, u64)>,
    /// A capability that was dropped.
    stale: u64,
}

impl World {
    /// Makes it all.
    pub(crate) fn new(bench: &Bench) -> Outcome<Self> {
        let account = bench.account.number();
        let peer = calls::peer_new(account)?;
        let other = calls::peer_new(account)?;
        let silent = calls::peer_new(account)?.0;
        let (_, handle) = node(other, peer)?;
        let (own, back) = node(peer, other)?;

        let (gone, gone_handle) = node(peer, peer)?;
        calls::release(peer, &[gone, gone_handle])?;
        drain(peer)?;
        // Ids of two peers may be the same numbers: one that only the other has is among its many.
        let mut unknown = vec![
            gone,
            gone_handle,
            0,
            2,
            1 << 32,
            own ^ (1 << 62),
            own ^ 2,
            INVALID - 1,
            1,
        ];
        for _ in 0..8 {
            let (node, handle) = node(other, other)?;
            unknown.extend([node, handle]);
        }
        unknown.retain(|&id| id != own && id != handle);

        let limits = AccountLimits {
            flags: 0,
            objects: 8,
            bytes: 4096,
            frames: 0,
            ..AccountLimits::default()
        };
        let poor = calls::account_new(account, &limits)?;
        let poor_peer = calls::peer_new(poor)?;
        let (_, handle_to_poor) = node(poor_peer, peer)?;
        while node(poor_peer, poor_peer).is_ok() {}
        while calls::peer_new(poor).is_ok() {}

        let child = Command::new(crate::PROGRAM)
            .argument("--child")
            .spawn(&bench.account)?;
        WaitSet::new().task(&child).wait(DEADLINE_NEVER)?;
        let ended = child.number().0;
        core::mem::forget(child);

        let thread = crate::threads::ended()?;
        let find = |kind| environment::find(kind).ok_or(Errno::ENOENT);
        let full = [
            peer.0,
            ended,
            account.0,
            bench.console.0,
            thread,
            bench.system.0,
            calls::memory_new(account, MEMORY_BYTES)?.0,
            calls::timer_new(account, peer, handle)?.0,
            calls::range_split(find(Kind::Ports)?, PORTS.0, PORTS.1)?.0,
            calls::range_split(find(Kind::Lines)?, LINES.0, LINES.1)?.0,
            calls::interrupt_bind(find(Kind::Lines)?, LINES.0, account, peer, handle)?.0,
        ];
        let taken_back = calls::memory_new(account, MEMORY_BYTES)?;
        let revoked = calls::capability_copy(taken_back, Kind::Memory.all_rights())?.0;
        calls::memory_revoke(taken_back)?;
        calls::capability_drop(taken_back)?;
        let mut restricted = Vec::new();
        for (&kind, &number) in Kind::ALL.iter().zip(&full) {
            let all = kind.all_rights();
            for right in (0..64)
                .map(|bit| 1 << bit)
                .filter(|right| all & right != 0)
                .chain([all])
            {
                let copy = calls::capability_copy(CapabilityNumber(number), all & !right)?;
                restricted.push((kind, right, copy.0));
            }
        }
        let stale = calls::capability_copy(other, 0)?;
        calls::capability_drop(stale)?;
        Ok(Self {
            peer: peer.0,
            other: other.0,
            silent,
            handle,
            handle_to_poor,
            node: own,
            back,
            unknown,
            poor: poor.0,
            poor_peer: poor_peer.0,
            ended,
            own_task: bench.task.0,
            revoked,
            full,
            restricted,
            stale: stale.0,
        })
    }

    /// Gives everything back.
    pub(crate) fn give_back(self) -> Result<(), Errno> {
        let copies = self.restricted.iter().map(|&(.., number)| number);
        let own = [
            self.peer,
            self.other,
            self.silent,
            self.poor_peer,
            self.poor,
            self.ended,
            self.revoked,
            self.full(Kind::Thread),
            self.full(Kind::Memory),
            self.full(Kind::Timer),
            self.full(Kind::Ports),
            self.full(Kind::Lines),
            self.full(Kind::Interrupt),
        ];
        for number in copies.chain(own) {
            calls::capability_drop(CapabilityNumber(number))?;
        }
        Ok(())
    }

    /// The capability with every right of a kind.
    pub(crate) fn full(&self, kind: Kind) -> u64 {
        self.full[kind as usize - 1]
    }

    /// Numbers that name nothing.
    pub(crate) fn no_capabilities(&self) -> Vec<u64> {
        let (live, slots) = (CapabilityNumber(self.peer), u32::MAX);
        let number = |generation, slot| CapabilityNumber::new(generation, slot).0;
        vec![
            0,
            INVALID - 1,
            self.stale,
            number(live.generation() + 1, live.slot()),
            number(live.generation() - 1, live.slot()),
            number(0, live.slot()),
            number(u32::MAX, live.slot()),
            number(1 << 31, live.slot()),
            number(live.generation(), slots),
            number(live.generation(), 1 << 31),
            number(live.generation(), 0x10_0000),
            number(live.generation(), live.slot() + 0x1000),
            0xffff_8000_0000_0000,
            1 << 63,
        ]
    }

    /// Capabilities that do not do where one of `kind` with `right` is needed, each with its error.
    pub(crate) fn bad_capabilities(&self, kind: Kind, right: u64) -> Vec<(u64, Errno)> {
        self.bad_capabilities_of(&[(kind, right)])
    }

    /// The same where one of several kinds is needed.
    pub(crate) fn bad_capabilities_of(&self, wanted: &[(Kind, u64)]) -> Vec<(u64, Errno)> {
        let none = self.no_capabilities().into_iter();
        let mut all: Vec<_> = none.map(|number| (number, Errno::EBADF)).collect();
        let right_of = |kind| {
            wanted
                .iter()
                .find(|(other, _)| *other == kind)
                .map(|&(_, right)| right)
        };
        for kind in Kind::ALL {
            if right_of(kind).is_none() {
                all.push((self.full(kind), Errno::EOPNOTSUPP));
            }
        }
        for &(kind, missing, number) in &self.restricted {
            match right_of(kind) {
                // The kind decides before the rights.
                None => all.push((number, Errno::EOPNOTSUPP)),
                Some(right) if right & missing != 0 => all.push((number, Errno::EPERM)),
                Some(_) => {}
            }
        }
        all
    }

    /// Sees to it that exactly one message is in the queue of the acting peer: [`PAYLOAD`], a handle and a capability.
    pub(crate) fn fill_queue(&self) -> Result<(), Errno> {
        drain(CapabilityNumber(self.peer))?;
        let handle = Transfer {
            flags: 0,
            id: self.back,
        };
        let capability = Transfer {
            flags: TRANSFER_FLAG_CAPABILITY,
            id: self.full(Kind::Memory),
        };
        let transfers = [handle, capability];
        let data = [IoSlice::new(&PAYLOAD)];
        let message = Outgoing {
            data: &data,
            transfers: &transfers,
        };
        calls::send(CapabilityNumber(self.other), &[self.back], message)
    }

    /// Takes everything out of the queues.
    pub(crate) fn drain(&self) -> Result<(), Errno> {
        drain(CapabilityNumber(self.peer))?;
        drain(CapabilityNumber(self.other))
    }

    /// A further handle of the acting peer, to the same node.
    pub(crate) fn copy_handle(&self) -> Result<u64, Errno> {
        let peer = CapabilityNumber(self.peer);
        let mut source = [Transfer {
            flags: 0,
            id: self.handle,
        }];
        let mut target = [Transfer::default()];
        calls::transfer(peer, CapabilityNumber::INVALID, &mut source, &mut target)?;
        Ok(target[0].id)
    }

    /// Releases ids of a peer, whichever of them are still there.
    pub(crate) fn release_any(&self, peer: u64, ids: &[u64]) {
        for id in ids {
            // Which ones are gone depends on the case.
            let _ = calls::release(CapabilityNumber(peer), &[*id]);
        }
    }
}

/// A node of one peer and a handle to it of another.
fn node(owner: CapabilityNumber, holder: CapabilityNumber) -> Result<(u64, u64), Errno> {
    let mut source = [Transfer {
        flags: TRANSFER_FLAG_CREATE,
        id: INVALID,
    }];
    let mut target = [Transfer::default()];
    calls::transfer(owner, holder, &mut source, &mut target)?;
    Ok((source[0].id, target[0].id))
}

/// Receives until there is nothing more, and releases what was carried.
fn drain(peer: CapabilityNumber) -> Result<(), Errno> {
    loop {
        let (mut data, mut transfers) = ([0; 64], [Transfer::default(); 8]);
        let (incoming, result) =
            calls::recv(peer, &mut [IoSliceMut::new(&mut data)], &mut transfers);
        match result {
            Err(Errno::EAGAIN) => return Ok(()),
            Err(errno) => return Err(errno),
            Ok(()) => {
                let n_transfers = incoming.message.n_transfers as usize;
                for transfer in &transfers[..n_transfers.min(8)] {
                    match transfer.flags {
                        TRANSFER_FLAG_CAPABILITY => {
                            calls::capability_drop(CapabilityNumber(transfer.id))?;
                        }
                        _ => calls::release(peer, &[transfer.id])?,
                    }
                }
            }
        }
    }
}

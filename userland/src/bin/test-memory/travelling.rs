//! Capabilities in messages, memory objects above all.

use crate::director;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::{
    INVALID, TRANSFER_FLAG_CAPABILITY, TRANSFER_FLAG_CREATE, Transfer,
};
use omnibus_userland::abi::capability::{account, memory};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::limits::CAPABILITIES_MAX;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::actor::{Allowance, PATIENCE, soon};
use omnibus_userland::bus::{Carried, Handle, Message, Node, Peer};
use omnibus_userland::calls::{self, IoSlice, IoSliceMut, Outgoing};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::device::Lines;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::Ending;
use omnibus_userland::timer::Timer;
use omnibus_userland::{check, check_eq, environment, tests, thread, time};

const RW: u64 = VM_READ | VM_WRITE;

/// An interrupt line that nothing else is bound to.
const LINE: u64 = 9;

tests! {
    /// Capabilities of every kind but a peer's travel among handles, and arrive in the sender's order, as what they are.
    fn trc_1_every_kind_but_peers(bench) {
        let line = Line::new(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let thread = thread::spawn(|| ())?;
        let sent = [
            bench.account.number(), bench.console, bench.system, bench.task, memory.number(),
        ];
        let handle = line.handle.id();
        let mut transfers: Vec<_> = sent.iter().map(|&number| capability(number)).collect();
        transfers.insert(2, Transfer { flags: 0, id: handle });
        transfers.push(Transfer { flags: 0, id: handle });
        line.send(&transfers)?;
        let mut found = [Transfer::default(); 7];
        check_eq!(calls::recv(line.peer.number(), &mut [], &mut found).1, Ok(()), "RECV");
        let flags = found.map(|transfer| transfer.flags);
        let flag = TRANSFER_FLAG_CAPABILITY;
        check_eq!(flags, [flag, flag, 0, flag, flag, flag, 0], "flags, in the sender's order");
        let arrived = found.iter().filter(|transfer| transfer.flags == flag);
        for (transfer, original) in arrived.zip(sent) {
            let number = CapabilityNumber(transfer.id);
            let (info, expected) = (calls::capability_info(number)?, calls::capability_info(original)?);
            check_eq!((info.kind, info.rights), (expected.kind, expected.rights), "{number:?}");
            check!(calls::capability_compare(number, original)?, "{number:?} is another object");
            calls::capability_drop(number)?;
        }
        calls::release(line.peer.number(), &[found[2].id, found[6].id])?;
        thread.join()?;
        Ok(())
    }

    /// A peer's capability does not travel, with whatever rights; an unknown number is EBADF; nothing is sent then.
    fn trc_2_refusals(bench) {
        let line = Line::new(bench)?;
        let before = bench.holdings()?;
        let bare = calls::capability_copy(line.peer.number(), 0)?;
        for number in [line.peer.number(), bare] {
            check_eq!(line.send(&[capability(number)]), Err(Errno::EOPNOTSUPP), "a peer");
        }
        calls::capability_drop(bare)?;
        let good = capability(bench.console);
        check_eq!(line.send(&[good, capability(bare)]), Err(Errno::EBADF), "a stale number");
        for flags in [1, 3, 4, 6, 1 << 32, TRANSFER_FLAG_CREATE | 1 << 40, 1 << 31 | 2] {
            let bad = Transfer { flags, id: bench.console.0 };
            check_eq!(line.send(&[good, bad]), Err(Errno::EINVAL), "flags {flags:#x}");
        }
        let nothing = Transfer { flags: TRANSFER_FLAG_CAPABILITY, id: INVALID };
        check_eq!(line.send(&[nothing]), Err(Errno::EINVAL), "no number");
        let many = vec![good; CAPABILITIES_MAX as usize + 1];
        check_eq!(line.send(&many), Err(Errno::EMSGSIZE), "one too many");
        // A handle that is unknown is found before a capability that is (SND-5).
        let unknown = Transfer { flags: 0, id: 12345 };
        check_eq!(line.send(&[capability(bare), unknown]), Err(Errno::EBADRQC), "an unknown handle");
        check!(line.peer.try_recv()?.is_none(), "something was sent");
        check_eq!(bench.holdings()?, before, "what is held");
        line.send(&many[1..])?;
        let message = line.recv()?;
        check_eq!(message.capabilities.len() as u64, CAPABILITIES_MAX, "as many as may be");
        Ok(())
    }

    /// Rights shrink on the way: the receiver has those of the sender without what it withholds.
    fn trc_3_rights_shrink(bench) {
        let line = Line::new(bench)?;
        let all = Kind::Account.all_rights();
        let weak = calls::capability_copy(bench.account.number(), account::CHARGE | account::INSPECT)?;
        for (number, withheld, expected) in [
            (bench.account.number(), 0, all),
            (bench.account.number(), account::CARVE, all & !account::CARVE),
            (bench.account.number(), u64::from(u32::MAX), 0),
            (weak, 0, 3),
            (weak, account::CHARGE | 1 << 20, 2),
        ] {
            let carried = [Carried::Capability(number, withheld)];
            line.peer.send_carrying(&[&line.handle], b"", &carried)?;
            let message = line.recv()?;
            check_eq!(message.capabilities[0].info()?.rights, expected, "rights of what arrived");
        }
        calls::capability_drop(weak)?;
        Ok(())
    }

    /// Every receiver of one message gets its own capability; one that was dropped takes nothing from the others.
    fn trc_4_each_receiver_gets_its_own(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        memory.map(RW)?.write(0, b"for all");
        let line = Line::new(bench)?;
        let others = [Line::new(bench)?, Line::new(bench)?];
        let handles = others.each_ref().map(|other| other.node_for(&line.peer));
        let [first, second] = handles;
        let (first, second) = (first?, second?);
        let destinations = [&line.handle, &first.1, &second.1];
        let carried = [Carried::Capability(memory.number(), memory::WRITE | memory::REVOKE)];
        line.peer.send_carrying(&destinations, b"", &carried)?;
        drop(memory);
        check_eq!(calls::recv_discard(line.peer.number()).1, Ok(()), "a discard");
        for other in &others {
            let memory = memory_of(other.recv()?)?;
            let mut found = [0; 7];
            memory.map(VM_READ)?.read(0, &mut found);
            check_eq!(&found, b"for all", "what is in it");
            check_eq!(memory.map(RW).map(drop), Err(Errno::EPERM), "writing");
        }
        Ok(())
    }

    /// A capability is dropped with its message: discarded, with its node, with its peer; what it alone kept is given back.
    fn trc_5_dropped_with_the_message(bench) {
        let own = bench.account.carve(200, 4096, 64)?;
        let before = own.state()?;
        for end in ["discarded", "released", "closed"] {
            let line = Line::new(bench)?;
            let memory = Memory::new(&own, 4 * PAGE_BYTES)?;
            line.handle.give(b"take it", memory.number())?;
            drop(memory);
            check!(own.state()? != before, "the message keeps the object");
            match end {
                "discarded" => check_eq!(calls::recv_discard(line.peer.number()).1, Ok(()), "it"),
                "released" => calls::release(line.peer.number(), &[line.node.id()])?,
                _ => line.peer.close()?,
            }
            check_eq!(soon(|| Ok(own.state()? == before))?, true, "the account after it was {end}");
        }
        Ok(())
    }

    /// A capability in a message is charged to the receiver like a handle, until it is received.
    fn trc_6_charged_like_handles(bench) {
        let receiver = bench.account.carve(2000, 4096, 0)?;
        let peer = Peer::new(&receiver)?;
        let sender = Peer::new(&bench.account)?;
        let (node, handle) = peer.node_for(&sender)?;
        let transfers = vec![capability(bench.console); 60];
        let message = Outgoing { data: &[], transfers: &transfers };
        let mut n_sent = 0;
        let refusal = loop {
            match calls::send(sender.number(), &[handle.id()], message) {
                Ok(()) => n_sent += 1,
                Err(error) => break error,
            }
        };
        // The sender's share of 2000 objects is far below all of them; each message is 61.
        check!(refusal == Errno::EDQUOT && (1..16).contains(&n_sent), "{refusal} after {n_sent}");
        for _ in 0..n_sent {
            calls::recv_discard(peer.number()).1?;
        }
        check_eq!(calls::send(sender.number(), &[handle.id()], message), Ok(()), "once there is room");
        drop((node, peer));
        Ok(())
    }

    /// A message whose capabilities find no room in the receiver's table stays first, and can be discarded.
    fn trc_7_no_room_in_the_table(bench) {
        let director = director(bench)?;
        // Enough frames to start, and then it takes every one that is left; objects enough for a message with 200 capabilities.
        let allowance = Allowance { frames: 200, objects: 4096, ..Allowance::default() };
        let poor = director.cast_with("sharer", crate::PROGRAM, &[&"no-room"], allowance)?;
        director.hear(&poor)?;
        let carried = vec![Carried::Capability(bench.console, 0); 200];
        poor.handle.peer().send_carrying(&[&poor.handle], b"too many", &carried)?;
        poor.handle.send(b"the next")?;
        let answer = director.hear(&poor)?.data;
        let edquot = Errno::EDQUOT.number() as u8;
        check_eq!(answer, [edquot, edquot, 0, 0], "RECV twice, DISCARD, RECV");
        let ending = poor.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Exited(0), "its end");
        Ok(())
    }

    /// A memory object that was sent shows the same pages, also when its sender has ended.
    fn trc_8_handed_over(bench) {
        let director = director(bench)?;
        let sender = director.cast("sharer", crate::PROGRAM, &[&"hand-over"])?;
        let message = director.hear(&sender)?;
        sender.task.wait_until(time::deadline_in(PATIENCE))?;
        let length = message.data.clone();
        let memory = memory_of(message)?;
        let n_bytes = memory.info()?.n_bytes;
        check_eq!(length, n_bytes.to_le_bytes(), "the length");
        let mapping = memory.map(VM_READ)?;
        let mut page = [0; 8];
        for offset in (0..n_bytes).step_by(PAGE_BYTES as usize) {
            mapping.read(offset, &mut page);
            check_eq!(u64::from_le_bytes(page), offset, "the page at {offset}");
        }
        drop((mapping, memory));
        let state = sender.account.state()?;
        check_eq!(state.frames_available, state.frames_maximum, "the sender's frames");
        Ok(())
    }

    /// What is taken back while a message carries it arrives dead.
    fn trc_9_revoked_on_the_way(bench) {
        let line = Line::new(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        line.handle.give(b"late", memory.number())?;
        memory.revoke()?;
        let arrived = memory_of(line.recv()?)?;
        check_eq!(arrived.map(VM_READ).map(drop), Err(Errno::ESTALE), "what arrived");
        drop(memory.map(VM_READ)?);
        Ok(())
    }

    /// A RECV that fails leaves the table as it was: no capability of the message is in it.
    fn trc_10_a_failing_recv_installs_nothing(bench) {
        let line = Line::new(bench)?;
        let probe = calls::capability_copy(bench.console, 1)?;
        line.send(&[capability(bench.console); 3])?;
        let mut short = [Transfer::default(); 2];
        let (incoming, result) = calls::recv(line.peer.number(), &mut [], &mut short);
        check_eq!((incoming.message.n_transfers, result), (3, Err(Errno::EMSGSIZE)), "too short");
        check_eq!(line.recv()?.capabilities.len(), 3, "the message");
        let next = calls::capability_copy(bench.console, 1)?;
        calls::capability_drop(probe)?;
        calls::capability_drop(next)?;
        Ok(())
    }

    /// Two capabilities compare as one if they refer to one object, with whatever rights.
    fn trc_11_compare(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let other = Memory::new(&bench.account, PAGE_BYTES)?;
        let copy = memory.copy(0)?;
        let peers = [Peer::new(&bench.account)?, Peer::new(&bench.account)?];
        let (_node, handle) = peers[0].node()?;
        let timers = [Timer::new(&bench.account, &handle)?, Timer::new(&bench.account, &handle)?];
        let find = |kind| environment::find(kind).ok_or(Errno::ENOENT);
        let (ports, lines) = (find(Kind::Ports)?, find(Kind::Lines)?);
        let lines_copy = calls::capability_copy(lines, Kind::Lines.all_rights())?;
        let interrupt = Lines::from_capability(lines_copy).bind(LINE, &bench.account, &handle)?;
        let all = [
            bench.account.number(), bench.console, bench.system, bench.task, memory.number(),
            other.number(), peers[0].number(), peers[1].number(), timers[0].number(), timers[1].number(),
            ports, lines, interrupt.number(),
        ];
        for (i, &first) in all.iter().enumerate() {
            for (j, &second) in all.iter().enumerate() {
                check_eq!(calls::capability_compare(first, second), Ok(i == j), "{i} and {j}");
            }
        }
        check_eq!(calls::capability_compare(copy.number(), memory.number()), Ok(true), "a copy");
        let stale = CapabilityNumber(0);
        check_eq!(calls::capability_compare(bench.console, stale), Err(Errno::EBADF), "nothing");
        check_eq!(calls::capability_compare(stale, bench.console), Err(Errno::EBADF), "nothing");
        check!(Kind::ALL.len() == 11, "a kind has no row here");
        Ok(())
    }
}

/// A peer with a node, and a handle to it on the same peer.
struct Line {
    peer: Peer,
    node: Node,
    handle: Handle,
}

impl Line {
    fn new(bench: &Bench) -> Outcome<Self> {
        let peer = Peer::new(&bench.account)?;
        let (node, handle) = peer.node()?;
        Ok(Self { peer, node, handle })
    }

    /// A further node here, with a handle on `to`.
    fn node_for(&self, to: &Peer) -> calls::Result<(Node, Handle)> {
        self.peer.node_for(to)
    }

    fn send(&self, transfers: &[Transfer]) -> calls::Result<()> {
        let data = [IoSlice::new(b"")];
        let message = Outgoing {
            data: &data,
            transfers,
        };
        calls::send(self.peer.number(), &[self.handle.id()], message)
    }

    fn recv(&self) -> Outcome<Message> {
        let received = self.peer.try_recv()?;
        received
            .and_then(|received| received.message())
            .ok_or_else(|| Failure::new("no message"))
    }
}

const fn capability(number: CapabilityNumber) -> Transfer {
    Transfer {
        flags: TRANSFER_FLAG_CAPABILITY,
        id: number.0,
    }
}

/// The memory object that a message brought last.
fn memory_of(mut message: Message) -> Outcome<Memory> {
    let owned = message.capabilities.pop();
    let owned = owned.ok_or_else(|| Failure::new("no capability"))?;
    Ok(Memory::from_capability(owned.into_number()))
}

/// What the receiver of [`trc_7_no_room_in_the_table`] does: the errors of RECV twice, of a discard, and of RECV again.
pub(crate) fn take_without_room(peer: &Peer) -> [u8; 4] {
    let recv = || {
        let (mut data, mut transfers) = ([0; 64], vec![Transfer::default(); 256]);
        let mut data = [IoSliceMut::new(&mut data)];
        calls::recv(peer.number(), &mut data, &mut transfers).1
    };
    let number = |result: calls::Result<()>| result.err().map_or(0, |e| e.number() as u8);
    [
        number(recv()),
        number(recv()),
        number(calls::recv_discard(peer.number()).1),
        number(recv()),
    ]
}

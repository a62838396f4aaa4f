//! Capabilities: what a task may reach, and how.
//!
//! A capability is an object and the rights its holder has on it. Rights only shrink: a copy has a subset. A
//! number that names nothing is `EBADF`, one of another kind `EOPNOTSUPP`, one without the right `EPERM`, in
//! this order (OBJ-6).

pub mod carried;
pub mod table;

use core::ops::{Deref, DerefMut};

use omnibus_abi::capability::peer;
use omnibus_abi::{CapabilityNumber, Errno, Kind};

use crate::device::{Range, interrupts::Interrupt, timers::Timer};
use crate::memory;
use crate::service::account::AccountObject;
use crate::service::peer::{Hold, PeerObject};
use crate::shared::{self, Ref};
use crate::task::{task::Task, thread::Thread};

/// What a capability refers to.
#[derive(Clone)]
pub enum Object {
    /// A peer, kept open.
    Peer(Hold),
    /// A task; does not keep it alive.
    Task(Ref<Task>),
    /// An account.
    Account(Ref<AccountObject>),
    /// The console.
    Console,
    /// A thread; does not keep it alive.
    Thread(Ref<Thread>),
    /// The kernel as a whole.
    System,
    /// A memory object, kept.
    Memory(memory::Hold),
    /// A timer, kept.
    Timer(shared::Hold<Timer>),
    /// I/O ports.
    Ports(Range),
    /// Interrupt lines.
    Lines(Range),
    /// An interrupt line that is bound, kept so.
    Interrupt(shared::Hold<Interrupt>),
}

impl Object {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Peer(_) => Kind::Peer,
            Self::Task(_) => Kind::Task,
            Self::Account(_) => Kind::Account,
            Self::Console => Kind::Console,
            Self::Thread(_) => Kind::Thread,
            Self::System => Kind::System,
            Self::Memory(_) => Kind::Memory,
            Self::Timer(_) => Kind::Timer,
            Self::Ports(_) => Kind::Ports,
            Self::Lines(_) => Kind::Lines,
            Self::Interrupt(_) => Kind::Interrupt,
        }
    }

    /// True if both are one object.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.kind() == other.kind() && self.number() == other.number()
    }

    /// Its number, unique among its kind; 0 if there is only one.
    #[must_use]
    pub fn number(&self) -> u64 {
        match self {
            Self::Peer(peer) => peer.number,
            Self::Task(task) => task.number,
            Self::Account(account) => account.number().as_u64(),
            Self::Thread(thread) => thread.number,
            Self::Memory(memory) => memory.number,
            Self::Timer(timer) => timer.number,
            Self::Ports(range) | Self::Lines(range) => range.number(),
            Self::Interrupt(interrupt) => u64::from(interrupt.line),
            Self::Console | Self::System => 0,
        }
    }
}

/// A slot's content.
#[derive(Clone)]
pub struct Capability {
    /// What it refers to.
    pub object: Object,
    /// What its holder may do, as the kind defines.
    pub rights: u64,
}

const _: () = assert!(size_of::<Capability>() <= 24);

impl Capability {
    /// With every right that the kind knows.
    #[must_use]
    pub fn full(object: Object) -> Self {
        let rights = object.kind().all_rights();
        Self { object, rights }
    }

    /// A copy with `rights`.
    ///
    /// # Errors
    /// `EPERM` if they are not a subset.
    pub fn restrict(&self, rights: u64) -> Result<Self, Errno> {
        if rights & !self.rights != 0 {
            return Err(Errno::EPERM);
        }
        Ok(Self {
            object: self.object.clone(),
            rights,
        })
    }
}

/// A task's capabilities.
///
/// The table, and the peer that was used for a call last: its slot is found without a search, and its kind and rights are not looked at
/// again, as long as nothing in the table has changed. Whoever is about to change something forgets that peer first, so the pointer to
/// it is never the last.
pub struct Capabilities {
    table: table::Table<Capability>,
    recent_number: CapabilityNumber,
    recent: Option<Ref<PeerObject>>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Capabilities {
    type Target = table::Table<Capability>;

    fn deref(&self) -> &Self::Target {
        &self.table
    }
}

impl DerefMut for Capabilities {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.recent = None;
        &mut self.table
    }
}

impl Capabilities {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            table: table::Table::new(),
            recent_number: CapabilityNumber::INVALID,
            recent: None,
        }
    }

    /// The peer that `number` names, if it has `rights`, which are some of those for a call.
    #[inline(always)]
    pub fn peer(&mut self, number: CapabilityNumber, rights: u64) -> Option<&Ref<PeerObject>> {
        if self.recent.is_some() && number == self.recent_number {
            return self.recent.as_ref();
        }
        self.peer_anew(number, rights)
    }

    #[inline(never)]
    fn peer_anew(&mut self, number: CapabilityNumber, rights: u64) -> Option<&Ref<PeerObject>> {
        if self
            .look_up(number, peer::USE | peer::RECEIVE, select::peer)
            .is_ok()
        {
            return self.caller(number);
        }
        let hold = self.look_up(number, rights, select::peer);
        hold.ok().map(Hold::object)
    }

    /// The peer that `number` names, if it has the rights for a call: to send from it and to receive.
    #[inline(always)]
    pub fn caller(&mut self, number: CapabilityNumber) -> Option<&Ref<PeerObject>> {
        if self.recent.is_none() || number != self.recent_number {
            let rights = peer::USE | peer::RECEIVE;
            let hold = self.table_look_up(number, rights)?;
            self.recent = Some(hold);
            self.recent_number = number;
        }
        self.recent.as_ref()
    }

    #[inline(never)]
    fn table_look_up(&self, number: CapabilityNumber, rights: u64) -> Option<Ref<PeerObject>> {
        let hold = self.look_up(number, rights, select::peer);
        Some(hold.ok()?.object().clone())
    }

    /// What `number` names.
    ///
    /// # Errors
    /// `EBADF`.
    pub fn any(&self, number: CapabilityNumber) -> Result<&Capability, Errno> {
        self.get(number).ok_or(Errno::EBADF)
    }

    /// The object that `number` names, if it is what `select` wants and has `right`.
    ///
    /// # Errors
    /// `EBADF`, `EOPNOTSUPP`, `EPERM`.
    pub fn look_up<'a, T>(
        &'a self,
        number: CapabilityNumber,
        right: u64,
        select: impl FnOnce(&'a Object) -> Option<T>,
    ) -> Result<T, Errno> {
        let capability = self.any(number)?;
        let object = select(&capability.object).ok_or(Errno::EOPNOTSUPP)?;
        if capability.rights & right != right {
            return Err(Errno::EPERM);
        }
        Ok(object)
    }
}

/// Kinds of object, as look-ups select them.
pub mod select {
    use super::{
        AccountObject, Hold, Interrupt, Object, Range, Ref, Task, Thread, Timer, memory, shared,
    };

    /// A peer.
    #[must_use]
    pub fn peer(object: &Object) -> Option<&Hold> {
        match object {
            Object::Peer(peer) => Some(peer),
            _ => None,
        }
    }

    /// A task.
    #[must_use]
    pub fn task(object: &Object) -> Option<&Ref<Task>> {
        match object {
            Object::Task(task) => Some(task),
            _ => None,
        }
    }

    /// An account.
    #[must_use]
    pub fn account(object: &Object) -> Option<&Ref<AccountObject>> {
        match object {
            Object::Account(account) => Some(account),
            _ => None,
        }
    }

    /// A thread.
    #[must_use]
    pub fn thread(object: &Object) -> Option<&Ref<Thread>> {
        match object {
            Object::Thread(thread) => Some(thread),
            _ => None,
        }
    }

    /// A memory object, whether its hold is alive or dead.
    #[must_use]
    pub fn memory(object: &Object) -> Option<&memory::Hold> {
        match object {
            Object::Memory(memory) => Some(memory),
            _ => None,
        }
    }

    /// A timer.
    #[must_use]
    pub fn timer(object: &Object) -> Option<&shared::Hold<Timer>> {
        match object {
            Object::Timer(timer) => Some(timer),
            _ => None,
        }
    }

    /// I/O ports.
    #[must_use]
    pub fn ports(object: &Object) -> Option<&Range> {
        match object {
            Object::Ports(range) => Some(range),
            _ => None,
        }
    }

    /// Interrupt lines.
    #[must_use]
    pub fn lines(object: &Object) -> Option<&Range> {
        match object {
            Object::Lines(range) => Some(range),
            _ => None,
        }
    }

    /// An interrupt line that is bound.
    #[must_use]
    pub fn interrupt(object: &Object) -> Option<&shared::Hold<Interrupt>> {
        match object {
            Object::Interrupt(interrupt) => Some(interrupt),
            _ => None,
        }
    }

    /// The console.
    #[must_use]
    pub fn console(object: &Object) -> Option<()> {
        matches!(object, Object::Console).then_some(())
    }

    /// The kernel.
    #[must_use]
    pub fn system(object: &Object) -> Option<()> {
        matches!(object, Object::System).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use omnibus_abi::capability::console;

    /// An unknown number is EBADF, another kind EOPNOTSUPP, a missing right EPERM, in this order.
    #[test]
    fn obj_6_look_up_checks_in_order() {
        let mut table = Capabilities::new();
        table.grow().unwrap();
        let bare = Capability {
            object: Object::Console,
            rights: 0,
        };
        let bare = table.insert(bare).ok().unwrap();
        let full = Capability::full(Object::Console);
        let full = table.insert(full).ok().unwrap();
        let write = |number| table.look_up(number, console::WRITE, select::console);
        let inspect = |number| table.look_up(number, 1, select::system);
        assert_eq!(write(CapabilityNumber(0)), Err(Errno::EBADF));
        assert_eq!(inspect(CapabilityNumber(7)), Err(Errno::EBADF));
        assert_eq!(inspect(bare), Err(Errno::EOPNOTSUPP));
        assert_eq!(write(bare), Err(Errno::EPERM));
        assert_eq!(write(full), Ok(()));
    }

    /// The peer that was used last is found as long as its capability is there with the rights for a call, and under no other number.
    #[test]
    fn obj_6_the_peer_of_calls_is_checked_as_any() {
        let account = crate::service::Account::root([1 << 10, 1 << 20, 1 << 10]).unwrap();
        let mut table = Capabilities::new();
        table.grow().unwrap();
        let mut insert = |rights| {
            let object = Object::Peer(Hold::new(&account).unwrap());
            let number = object.number();
            let capability = Capability { object, rights };
            (table.insert(capability).ok().unwrap(), number)
        };
        let (both, one) = (peer::USE | peer::RECEIVE, peer::USE);
        let [(first, peer_1), (second, peer_2), (poor, _)] = [both, both, one].map(&mut insert);
        let mut caller = |number| table.caller(number).map(|peer| peer.number);
        for _ in 0..2 {
            assert_eq!((caller(first), caller(first)), (Some(peer_1), Some(peer_1)));
            assert_eq!(caller(poor), None);
            assert_eq!(caller(second), Some(peer_2));
        }
        for rights in [peer::USE, peer::RECEIVE, both] {
            let mut find = |number| table.peer(number, rights).map(|peer| peer.number);
            for _ in 0..2 {
                assert_eq!(find(poor).is_some(), rights == peer::USE);
                assert_eq!((find(first), find(second)), (Some(peer_1), Some(peer_2)));
            }
        }
        let removed = table.remove(second);
        assert!(table.caller(second).is_none() && table.peer(second, peer::USE).is_none());
        drop(removed);
        let again = Capability {
            object: Object::Console,
            rights: both,
        };
        let again = table.insert(again).ok().unwrap();
        assert_eq!(again.slot(), second.slot());
        assert!(table.caller(again).is_none() && table.caller(second).is_none());
        assert_eq!(table.caller(first).map(|peer| peer.number), Some(peer_1));
    }

    /// A copy may have fewer rights, never more, also not rights the kind does not know.
    #[test]
    fn obj_6_rights_only_shrink() {
        let full = Capability::full(Object::Console);
        let none = full.restrict(0).unwrap();
        assert_eq!(none.rights, 0);
        assert_eq!(none.restrict(console::WRITE).err(), Some(Errno::EPERM));
        assert_eq!(full.restrict(1 << 63).err(), Some(Errno::EPERM));
    }
}

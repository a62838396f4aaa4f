//! Names of capabilities: numbers, kinds and rights.
//!
//! A *capability* is a slot of a task's table. It is not a bus1 *handle*: a peer capability lets a
//! task act as that peer, a handle lets a peer address a node.

use core::fmt;

/// The number of a capability in its task's table: generation · 2³² + slot.
///
/// The generation of a slot changes whenever the slot is emptied, so an old number never names a
/// new object; generations start at 1, so 0 is never a capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(transparent)]
pub struct CapabilityNumber(pub u64);

impl CapabilityNumber {
    /// Names no capability; in `bus1_cmd_transfer.to` it means the source peer itself (TRA-3).
    pub const INVALID: Self = Self(u64::MAX);

    /// The number of `slot` in its `generation`.
    #[must_use]
    pub const fn new(generation: u32, slot: u32) -> Self {
        Self((generation as u64) << 32 | slot as u64)
    }

    /// The generation, bits 32 to 63.
    #[must_use]
    pub const fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The slot, bits 0 to 31.
    #[must_use]
    pub const fn slot(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Debug for CapabilityNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.slot(), self.generation())
    }
}

/// What a capability refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u64)]
pub enum Kind {
    /// A bus1 peer; rights [`peer`].
    Peer = 1,
    /// A task; rights [`task`].
    Task = 2,
    /// A resource account; rights [`account`].
    Account = 3,
    /// The console; rights [`console`].
    Console = 4,
    /// A thread; rights [`thread`].
    Thread = 5,
    /// The kernel as a whole; rights [`system`].
    System = 6,
    /// A memory object; rights [`memory`].
    Memory = 7,
    /// A timer; rights [`timer`].
    Timer = 8,
    /// A range of I/O ports; rights [`ports`].
    Ports = 9,
    /// A range of interrupt lines; rights [`lines`].
    Lines = 10,
    /// An interrupt line that is bound to a node; rights [`interrupt`].
    Interrupt = 11,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 11] = [
        Self::Peer,
        Self::Task,
        Self::Account,
        Self::Console,
        Self::Thread,
        Self::System,
        Self::Memory,
        Self::Timer,
        Self::Ports,
        Self::Lines,
        Self::Interrupt,
    ];

    /// The rights that the kind knows, by their names in documents, in the order of their bits.
    #[must_use]
    pub const fn rights(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Peer => &[
                ("USE", peer::USE),
                ("RECEIVE", peer::RECEIVE),
                ("GIVE", peer::GIVE),
            ],
            Self::Task => &[
                ("WATCH", task::WATCH),
                ("KILL", task::KILL),
                ("MAP", task::MAP),
                ("GRANT", task::GRANT),
                ("START", task::START),
                ("PRIORITY", task::PRIORITY),
                ("FAULTS", task::FAULTS),
            ],
            Self::Account => &[
                ("CHARGE", account::CHARGE),
                ("INSPECT", account::INSPECT),
                ("CARVE", account::CARVE),
                ("LIMIT", account::LIMIT),
            ],
            Self::Console => &[("WRITE", console::WRITE)],
            Self::Thread => &[("JOIN", thread::JOIN)],
            Self::System => &[("INSPECT", system::INSPECT)],
            Self::Memory => &[
                ("READ", memory::READ),
                ("WRITE", memory::WRITE),
                ("EXECUTE", memory::EXECUTE),
                ("REVOKE", memory::REVOKE),
            ],
            Self::Timer => &[("SET", timer::SET)],
            Self::Ports => &[("IN", ports::IN), ("OUT", ports::OUT)],
            Self::Lines => &[("BIND", lines::BIND)],
            Self::Interrupt => &[("ACKNOWLEDGE", interrupt::ACKNOWLEDGE)],
        }
    }

    /// Every right that the kind knows.
    #[must_use]
    pub const fn all_rights(self) -> u64 {
        let rights = self.rights();
        let (mut all, mut index) = (0, 0);
        while index < rights.len() {
            all |= rights[index].1;
            index += 1;
        }
        all
    }

    /// The name in documents and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Peer => "peer",
            Self::Task => "task",
            Self::Account => "account",
            Self::Console => "console",
            Self::Thread => "thread",
            Self::System => "system",
            Self::Memory => "memory",
            Self::Timer => "timer",
            Self::Ports => "ports",
            Self::Lines => "lines",
            Self::Interrupt => "interrupt",
        }
    }
}

/// Rights of a peer capability (OBJ-6).
pub mod peer {
    /// Send, release, be the source of a transfer.
    pub const USE: u64 = 1;
    /// Receive and wait.
    pub const RECEIVE: u64 = 2;
    /// Be the destination of a transfer.
    pub const GIVE: u64 = 4;
}

/// Rights of a task capability.
pub mod task {
    /// Wait for the task's end and read its status.
    pub const WATCH: u64 = 1;
    /// End the task.
    pub const KILL: u64 = 2;
    /// Map memory objects into it and unmap them.
    pub const MAP: u64 = 4;
    /// Put capabilities into its table.
    pub const GRANT: u64 = 8;
    /// Start its first thread.
    pub const START: u64 = 16;
    /// Change its priority.
    pub const PRIORITY: u64 = 32;
    /// Be told of its faults, read the registers of the thread that faulted, and say how it goes on.
    pub const FAULTS: u64 = 64;
}

/// Rights of an account capability.
pub mod account {
    /// Charge the account: create peers and tasks under it.
    pub const CHARGE: u64 = 1;
    /// Read its limits, use and claims (ACC-6).
    pub const INSPECT: u64 = 2;
    /// Carve sub-accounts from it (ACC-7).
    pub const CARVE: u64 = 4;
    /// Change its share of CPU time.
    pub const LIMIT: u64 = 8;
}

/// Rights of a console capability.
pub mod console {
    /// Print.
    pub const WRITE: u64 = 1;
}

/// Rights of a thread capability.
pub mod thread {
    /// Wait for the thread's end and take its value.
    pub const JOIN: u64 = 1;
}

/// Rights of the system capability.
pub mod system {
    /// Read the state of every kernel object.
    pub const INSPECT: u64 = 1;
}

/// Rights of a memory capability. The first three are the bits of `VM_READ`, `VM_WRITE` and `VM_EXECUTE`.
pub mod memory {
    /// Map it readable.
    pub const READ: u64 = crate::native::VM_READ;
    /// Map it writable.
    pub const WRITE: u64 = crate::native::VM_WRITE;
    /// Map it executable.
    pub const EXECUTE: u64 = crate::native::VM_EXECUTE;
    /// Take it back from everybody else.
    pub const REVOKE: u64 = 8;
}

/// Rights of a timer capability.
pub mod timer {
    /// Arm it and disarm it.
    pub const SET: u64 = 1;
}

/// Rights of a capability to I/O ports.
pub mod ports {
    /// Read them.
    pub const IN: u64 = 1;
    /// Write them.
    pub const OUT: u64 = 2;
}

/// Rights of a capability to interrupt lines.
pub mod lines {
    /// Have the interrupts of a line told.
    pub const BIND: u64 = 1;
}

/// Rights of a capability to a bound interrupt line.
pub mod interrupt {
    /// Let the next interrupt in.
    pub const ACKNOWLEDGE: u64 = 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A capability number is generation times 2^32 plus slot.
    #[test]
    fn abi_capability_number_layout() {
        let number = CapabilityNumber::new(7, 3);
        assert_eq!(number.0, 7 * (1 << 32) + 3);
        assert_eq!((number.generation(), number.slot()), (7, 3));
    }
}

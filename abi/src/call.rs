//! The calls, as an enumeration and as data.

use crate::capability::{
    Kind, account, console, interrupt, lines, memory, peer, ports, system, task, thread, timer,
};
use crate::errno::Errno;

mod specification;

pub use specification::{Access, Argument, Specification};

/// Numbers of calls that there are no more: `ENOSYS` for ever.
pub const RETIRED: &[u64] = &[20];

impl Call {
    /// One more than the highest number of a call.
    pub const END: u64 = (Self::ALL.len() + RETIRED.len()) as u64;

    /// True if it takes or gives a message in registers ([`crate::short`]), of which then more than `rax` and `rdx` return something.
    #[must_use]
    pub const fn is_short(self) -> bool {
        matches!(self, Self::SendShort | Self::ReceiveShort | Self::CallShort)
    }

    /// True if it takes or gives a message in memory that registers tell of ([`crate::long`]).
    #[must_use]
    pub const fn is_long(self) -> bool {
        matches!(self, Self::ReceiveLong | Self::CallLong)
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident $snake:ident = $number:literal (
        $($argument:ident: $kind:expr),* $(,)?
    ) -> $value:literal, [$($errno:ident)*];)*) => {
        /// A system call. Numbers are never used again.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u64)]
        pub enum Call { $($(#[$doc])* $name = $number,)* }

        impl Call {
            /// Every call, in the order of its number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The call with this number; `None` is `ENOSYS`.
            #[must_use]
            pub const fn from_number(number: u64) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }

            /// Its description.
            #[must_use]
            pub const fn specification(self) -> &'static Specification {
                match self {
                    $(Self::$name => {
                        const SPECIFICATION: Specification = Specification {
                            call: Call::$name,
                            name: stringify!($snake),
                            arguments: &[$((stringify!($argument), $kind)),*],
                            value: $value,
                            errors: &[$(Errno::$errno),*],
                        };
                        &SPECIFICATION
                    })*
                }
            }
        }

        /// Every call described, in the order of its number.
        pub const SPECIFICATIONS: &[&Specification] = &[$(Call::$name.specification()),*];
    };
}

use crate::limits::{CLAIMS_MAX, DATA_BYTES_MAX, PRINT_BYTES_MAX, TRANSFERS_MAX, WAIT_ITEMS_MAX};
use Access::{In, InOut, Out};
use Argument::{
    AnyCapability, Array, Bytes, Capability, Count, Deadline, SizeOf, Structure, Value,
};

calls! {
    /// Does nothing; its cost is that of entering and leaving the kernel.
    Null null = 0 () -> "", [];

    /// Ends the calling task. Does not return. A status above 255 counts as 255.
    Exit exit = 1 (status: Value) -> "", [];

    /// Lets other threads of the same priority run.
    Yield yield = 2 () -> "", [];

    /// Reads the monotonic clock.
    Clock clock = 3 () -> "nanoseconds since boot", [];

    /// Prints bytes on the console, whole or not at all.
    DebugPrint debug_print = 4 (
        console: Capability(Kind::Console, console::WRITE),
        ptr: Bytes(In),
        n_bytes: Count(PRINT_BYTES_MAX, Errno::EMSGSIZE),
    ) -> "", [EBADF EOPNOTSUPP EPERM EMSGSIZE EFAULT];

    /// Blocks until something happens to one of the items, or the deadline passes. Without items it sleeps.
    Wait wait = 5 (
        items: Array("omnibus_wait_item", InOut),
        n_items: Count(WAIT_ITEMS_MAX, Errno::EINVAL),
        item_size: SizeOf("omnibus_wait_item"),
        deadline_ns: Deadline,
    ) -> "number of items with events", [EINVAL E2BIG EFAULT EBADF EOPNOTSUPP EPERM ENOMEM ETIMEDOUT];

    /// Makes a peer that acts for the account.
    PeerNew peer_new = 6 (
        account: Capability(Kind::Account, account::CHARGE),
    ) -> "capability of the peer, with every right", [EBADF EOPNOTSUPP EPERM EDQUOT ENOMEM];

    /// TRANSFER: makes nodes and copies handles, at once (TRA rules).
    Transfer transfer = 7 (
        from: Capability(Kind::Peer, peer::USE),
        command: Structure("bus1_cmd_transfer", In),
        command_size: SizeOf("bus1_cmd_transfer"),
        transfer_size: SizeOf("bus1_transfer"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EMSGSIZE EBADRQC EDQUOT ENOMEM];

    /// RELEASE: gives up nodes and handles in one transaction (REL rules).
    Release release = 8 (
        peer: Capability(Kind::Peer, peer::USE),
        command: Structure("bus1_cmd_release", In),
        command_size: SizeOf("bus1_cmd_release"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EMSGSIZE EBADRQC ENOTUNIQ];

    /// SEND: one message to many handles in one transaction (SND rules).
    Send send = 9 (
        peer: Capability(Kind::Peer, peer::USE),
        command: Structure("bus1_cmd_send", In),
        command_size: SizeOf("bus1_cmd_send"),
        message_size: SizeOf("bus1_message"),
        transfer_size: SizeOf("bus1_transfer"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EMSGSIZE EBADRQC EDQUOT ENOMEM];

    /// RECV: the next message; never blocks (RCV rules).
    Recv recv = 10 (
        peer: Capability(Kind::Peer, peer::RECEIVE),
        command: Structure("bus1_cmd_recv", In),
        command_size: SizeOf("bus1_cmd_recv"),
        metadata_size: SizeOf("bus1_metadata"),
        message_size: SizeOf("bus1_message"),
        transfer_size: SizeOf("bus1_transfer"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EAGAIN EMSGSIZE EDQUOT ENOMEM];

    /// Copies a capability with the same or fewer rights.
    CapabilityCopy capability_copy = 11 (
        capability: AnyCapability,
        rights: Value,
    ) -> "capability of the copy", [EBADF EPERM EDQUOT ENOMEM];

    /// Empties a slot.
    CapabilityDrop capability_drop = 12 (
        capability: AnyCapability,
    ) -> "", [EBADF];

    /// Tells kind and rights of a capability.
    CapabilityInfo capability_info = 13 (
        capability: AnyCapability,
        info: Structure("omnibus_capability_info", Out),
        info_size: SizeOf("omnibus_capability_info"),
    ) -> "", [EBADF EINVAL E2BIG EFAULT];

    /// Starts a thread in the calling task.
    ThreadNew thread_new = 14 (
        start: Structure("omnibus_thread_start", In),
        start_size: SizeOf("omnibus_thread_start"),
    ) -> "capability of the thread, with every right", [EINVAL E2BIG EFAULT EDQUOT ENOMEM];

    /// Ends the calling thread; the last thread's end is `exit(0)`. Does not return.
    ThreadExit thread_exit = 15 (value: Value) -> "", [];

    /// Blocks until the thread has ended.
    ThreadJoin thread_join = 16 (
        thread: Capability(Kind::Thread, thread::JOIN),
        deadline_ns: Deadline,
    ) -> "the value it gave to thread_exit", [EBADF EOPNOTSUPP EPERM EDEADLK ETIMEDOUT];

    /// Sets the calling thread's base of thread-local storage (`fs`); a base outside the user half is `EINVAL`.
    ThreadTls thread_tls = 17 (base: Value) -> "", [EINVAL];

    /// Maps fresh zeroed memory, charged to the task's account.
    VmMap vm_map = 18 (
        map: Structure("omnibus_vm_map", In),
        map_size: SizeOf("omnibus_vm_map"),
    ) -> "address of the memory", [EINVAL E2BIG EFAULT EEXIST EDQUOT ENOMEM];

    /// Unmaps whole pages; every page of the range must be mapped, else `EINVAL`.
    VmUnmap vm_unmap = 19 (
        address: Value,
        n_bytes: Value,
    ) -> "", [EINVAL];

    // 20 was `task_spawn`.

    /// Ends a task. One that has ended stays as it ended.
    TaskKill task_kill = 21 (
        task: Capability(Kind::Task, task::KILL),
    ) -> "", [EBADF EOPNOTSUPP EPERM];

    /// Tells how a task is, or how it ended.
    TaskStatus task_status = 22 (
        task: Capability(Kind::Task, task::WATCH),
        status: Structure("omnibus_task_status", Out),
        status_size: SizeOf("omnibus_task_status"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT];

    /// Carves an account out of another (ACC-7).
    AccountNew account_new = 23 (
        parent: Capability(Kind::Account, account::CARVE),
        limits: Structure("omnibus_account_limits", In),
        limits_size: SizeOf("omnibus_account_limits"),
    ) -> "capability of the account, with every right",
        [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EDQUOT ENOMEM];

    /// Reads limits and use of an account (ACC-6).
    AccountRead account_read = 24 (
        account: Capability(Kind::Account, account::INSPECT),
        state: Structure("omnibus_account_state", Out),
        state_size: SizeOf("omnibus_account_state"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT];

    /// Reads who claims how much of an account (ACC-6), claimants above `after` in ascending order; all ones begins with the least.
    AccountClaims account_claims = 25 (
        account: Capability(Kind::Account, account::INSPECT),
        claims: Array("omnibus_account_claim", Out),
        n_claims: Count(CLAIMS_MAX, Errno::EINVAL),
        claim_size: SizeOf("omnibus_account_claim"),
        after: Value,
    ) -> "number of claims written", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT];

    /// Writes the state of every kernel object as text; what does not fit is cut off.
    Inspect inspect = 26 (
        system: Capability(Kind::System, system::INSPECT),
        ptr: Bytes(Out),
        n_bytes: Count(1 << 20, Errno::EMSGSIZE),
    ) -> "bytes of the whole text", [EBADF EOPNOTSUPP EPERM EMSGSIZE EFAULT];

    /// Makes a memory object of zeroed pages, charged to the account.
    MemoryNew memory_new = 27 (
        account: Capability(Kind::Account, account::CHARGE),
        n_bytes: Value,
    ) -> "capability of the memory, with every right", [EBADF EOPNOTSUPP EPERM EINVAL EMSGSIZE EDQUOT ENOMEM];

    /// Maps a memory object, or a part of it.
    MemoryMap memory_map = 28 (
        map: Structure("omnibus_memory_map", In),
        map_size: SizeOf("omnibus_memory_map"),
    ) -> "address of the memory",
        [EINVAL E2BIG EFAULT EBADF EOPNOTSUPP EPERM ESTALE ESRCH EEXIST EDQUOT ENOMEM ETXTBSY];

    /// Unmaps the mapping of a memory object that begins at an address, whole.
    MemoryUnmap memory_unmap = 29 (
        task: Value,
        address: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL];

    /// Takes a memory object back: it is unmapped everywhere, and every other capability to it is dead.
    MemoryRevoke memory_revoke = 30 (
        memory: Capability(Kind::Memory, memory::REVOKE),
    ) -> "", [EBADF EOPNOTSUPP EPERM ESTALE ENOMEM];

    /// Tells how long a memory object is and how often it is mapped.
    MemoryInfo memory_info = 31 (
        memory: Capability(Kind::Memory, 0),
        info: Structure("omnibus_memory_info", Out),
        info_size: SizeOf("omnibus_memory_info"),
    ) -> "", [EBADF EOPNOTSUPP ESTALE EINVAL E2BIG EFAULT];

    /// Tells whether two capabilities refer to one object, with whatever rights.
    CapabilityCompare capability_compare = 32 (
        first: AnyCapability,
        second: AnyCapability,
    ) -> "1 if they refer to one object, else 0", [EBADF];

    /// Makes a task without memory, capabilities and threads. It ends with its creator if it is not started.
    TaskNew task_new = 33 (
        new: Structure("omnibus_task_new", In),
        new_size: SizeOf("omnibus_task_new"),
    ) -> "capability of the task, with every right",
        [EINVAL E2BIG EFAULT EMSGSIZE EBADF EOPNOTSUPP EPERM EDQUOT ENOMEM];

    /// Puts a copy of a capability into a task's table, with the same or fewer rights.
    TaskGrant task_grant = 34 (
        task: Capability(Kind::Task, task::GRANT),
        capability: AnyCapability,
        rights: Value,
    ) -> "number of the copy in the task's table", [EBADF EOPNOTSUPP EPERM ESRCH EDQUOT ENOMEM];

    /// Starts the first thread of a task that `task_new` made.
    TaskStart task_start = 35 (
        task: Capability(Kind::Task, task::START),
        start: Structure("omnibus_thread_start", In),
        start_size: SizeOf("omnibus_thread_start"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT ESRCH EBUSY EDQUOT ENOMEM];

    /// Has a message sent through a handle when a task has ended: its `omnibus_task_status`.
    TaskWatch task_watch = 36 (
        task: Capability(Kind::Task, task::WATCH),
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EBADRQC EDQUOT ENOMEM];

    /// SEND of a short message to one handle, from registers ([`crate::short`]).
    SendShort send_short = 37 (
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EMSGSIZE EBADRQC EDQUOT ENOMEM];

    /// Waits for the next message and RECVs it into registers ([`crate::short`]).
    ReceiveShort receive_short = 38 (
        peer: Capability(Kind::Peer, peer::RECEIVE),
        deadline_ns: Deadline,
    ) -> "", [EBADF EOPNOTSUPP EPERM EMSGSIZE ENOMEM ETIMEDOUT];

    /// `send_short`, and behind it `receive_short` on the same peer: a client's call, and a server's reply and next request.
    CallShort call_short = 39 (
        peer: Capability(Kind::Peer, peer::USE | peer::RECEIVE),
        handle: Value,
        deadline_ns: Deadline,
    ) -> "", [EBADF EOPNOTSUPP EPERM EMSGSIZE EBADRQC EDQUOT ENOMEM ETIMEDOUT];

    /// Changes the priority of a task's threads, and the highest it can have.
    TaskPriority task_priority = 40 (
        task: Capability(Kind::Task, task::PRIORITY),
        priority: Value,
        maximum: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL ESRCH];

    /// Waits for the next message and RECVs it into memory that registers tell of ([`crate::long`]).
    ReceiveLong receive_long = 41 (
        peer: Capability(Kind::Peer, peer::RECEIVE),
        deadline_ns: Deadline,
        into: Bytes(Out),
        n_into: Value,
        into_transfers: Array("bus1_transfer", Out),
        n_into_transfers: Value,
        transfer_size: SizeOf("bus1_transfer"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EMSGSIZE EFAULT EDQUOT ENOMEM ETIMEDOUT];

    /// SEND of a message to one handle, and behind it `receive_long` on the same peer.
    CallLong call_long = 42 (
        peer: Capability(Kind::Peer, peer::USE | peer::RECEIVE),
        handle: Value,
        deadline_ns: Deadline,
        data: Bytes(In),
        n_data: Count(DATA_BYTES_MAX, Errno::EMSGSIZE),
        transfers: Array("bus1_transfer", In),
        n_transfers: Count(TRANSFERS_MAX, Errno::EMSGSIZE),
        into: Bytes(Out),
        n_into: Value,
        into_transfers: Array("bus1_transfer", Out),
        n_into_transfers: Value,
        transfer_size: SizeOf("bus1_transfer"),
    ) -> "", [
        EBADF EOPNOTSUPP EPERM EINVAL E2BIG EMSGSIZE EFAULT EBADRQC EDQUOT ENOMEM ETIMEDOUT
    ];

    /// Has the faults of a task sent through a handle, as `omnibus_fault`s, instead of ending it.
    TaskFaults task_faults = 43 (
        task: Capability(Kind::Task, task::FAULTS),
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EBADRQC ESRCH EBUSY EDQUOT ENOMEM];

    /// Reads the registers of the thread whose fault was told.
    FaultRead fault_read = 44 (
        task: Capability(Kind::Task, task::FAULTS),
        number: Value,
        registers: Structure("omnibus_registers", Out),
        registers_size: SizeOf("omnibus_registers"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG ESRCH EFAULT];

    /// Says how the thread whose fault was told goes on.
    FaultAnswer fault_answer = 45 (
        task: Capability(Kind::Task, task::FAULTS),
        number: Value,
        answer: Value,
        registers: Structure("omnibus_registers", In),
        registers_size: SizeOf("omnibus_registers"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT ESRCH];

    /// Changes what the calling task may do with whole pages of its own; with no rights they are there and cannot be reached.
    VmProtect vm_protect = 46 (
        address: Value,
        n_bytes: Value,
        rights: Value,
    ) -> "", [EINVAL];

    /// Makes a timer that tells of its expiry through a handle.
    TimerNew timer_new = 47 (
        account: Capability(Kind::Account, account::CHARGE),
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "capability of the timer, with every right", [EBADF EOPNOTSUPP EPERM EBADRQC EDQUOT ENOMEM];

    /// Arms a timer, once or again and again, or disarms it.
    TimerSet timer_set = 48 (
        timer: Capability(Kind::Timer, timer::SET),
        deadline_ns: Deadline,
        period_ns: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM];

    /// Makes a capability to a part of a range of ports or of lines.
    RangeSplit range_split = 49 (
        range: AnyCapability,
        first: Value,
        n_members: Value,
    ) -> "capability of the part, with the same rights", [EBADF EOPNOTSUPP EINVAL EDQUOT ENOMEM];

    /// Reads an I/O port.
    PortIn port_in = 50 (
        ports: Capability(Kind::Ports, ports::IN),
        port: Value,
        n_bytes: Value,
    ) -> "what was read", [EBADF EOPNOTSUPP EPERM EINVAL];

    /// Writes an I/O port.
    PortOut port_out = 51 (
        ports: Capability(Kind::Ports, ports::OUT),
        port: Value,
        n_bytes: Value,
        value: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL];

    /// Has the interrupts of a line told through a handle.
    InterruptBind interrupt_bind = 52 (
        lines: Capability(Kind::Lines, lines::BIND),
        line: Value,
        account: Capability(Kind::Account, account::CHARGE),
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "capability of the interrupt, with every right",
        [EBADF EOPNOTSUPP EPERM EINVAL EBUSY EBADRQC EDQUOT ENOMEM];

    /// Lets the next interrupt of a line in.
    InterruptAcknowledge interrupt_acknowledge = 53 (
        interrupt: Capability(Kind::Interrupt, interrupt::ACKNOWLEDGE),
    ) -> "", [EBADF EOPNOTSUPP EPERM];

    /// Gives an account a share of CPU time, another one, or none.
    AccountShare account_share = 54 (
        account: Capability(Kind::Account, account::LIMIT),
        budget_ns: Value,
        period_ns: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL ENOMEM];

    /// Has a message sent through a handle when a memory object has been taken back: an `omnibus_memory_revoked`.
    MemoryWatch memory_watch = 55 (
        memory: Capability(Kind::Memory, 0),
        peer: Capability(Kind::Peer, peer::USE),
        handle: Value,
    ) -> "", [EBADF EOPNOTSUPP ESTALE EPERM EBADRQC EDQUOT ENOMEM];

    /// RELEASE of the one node or handle that a register names (REL rules).
    ReleaseOne release_one = 56 (
        peer: Capability(Kind::Peer, peer::USE),
        id: Value,
    ) -> "", [EBADF EOPNOTSUPP EPERM EBADRQC];

    /// Gives an account other limits, out of the account that it was carved out of (ACC-7).
    AccountLimits account_limits = 57 (
        account: Capability(Kind::Account, account::LIMIT),
        parent: Capability(Kind::Account, account::CARVE),
        limits: Structure("omnibus_account_limits", In),
        limits_size: SizeOf("omnibus_account_limits"),
    ) -> "", [EBADF EOPNOTSUPP EPERM EINVAL E2BIG EFAULT EDQUOT ENOMEM EBUSY];
}

#[cfg(test)]
mod tests;

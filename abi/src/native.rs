//! Structures of the calls that are Omnibus's own. Same form as those of bus1.

use crate::bus1::structures;

/// [`WaitItem::events`]: RECV would not say `EAGAIN` (RCV-6).
pub const EVENT_READABLE: u64 = 1;

/// [`WaitItem::events`]: the peer closed, or the slot that named it was emptied.
pub const EVENT_HANG_UP: u64 = 2;

/// [`WaitItem::events`]: the task ended.
pub const EVENT_ENDED: u64 = 4;

/// [`VmMap::rights`]: the pages may be read. Always needed.
pub const VM_READ: u64 = 1;

/// [`VmMap::rights`]: the pages may be written.
pub const VM_WRITE: u64 = 2;

/// [`VmMap::rights`]: the pages may be executed; never together with [`VM_WRITE`] (W^X).
pub const VM_EXECUTE: u64 = 4;

/// [`TaskStatus::state`]: the task runs.
pub const TASK_RUNNING: u64 = 0;

/// [`TaskStatus::state`]: the task called `exit`; `code` is its status.
pub const TASK_EXITED: u64 = 1;

/// [`TaskStatus::state`]: the task was killed through a capability.
pub const TASK_KILLED: u64 = 2;

/// [`TaskStatus::state`]: the task faulted; `code` is the vector, `address` the address.
pub const TASK_FAULTED: u64 = 3;

/// [`Fault::flags`]: the thread is in a system call, which met memory that it could not use.
pub const FAULT_IN_CALL: u64 = 1;

/// Answer to a fault: the thread tries again what it did.
pub const FAULT_RETRY: u64 = 0;

/// Answer to a fault: the thread goes on in user mode with the registers that are passed.
pub const FAULT_CONTINUE: u64 = 1;

/// Answer to a fault: the task ends with it, as if nobody had been told.
pub const FAULT_END: u64 = 2;

structures! {
    /// One thing to wait for.
    struct WaitItem = "omnibus_wait_item", 24 {
        /// 0.
        flags @ 0,
        /// A peer (right RECEIVE) or a task (right WATCH).
        capability @ 8,
        /// Written on return: `EVENT_*` bits, 0 if nothing happened here.
        events @ 16,
    }

    /// A new thread of the calling task.
    struct ThreadStart = "omnibus_thread_start", 40 {
        /// 0.
        flags @ 0,
        /// Address of the first instruction.
        entry @ 8,
        /// Stack pointer at entry.
        stack @ 16,
        /// Value of `rdi` at entry.
        argument @ 24,
        /// Base of thread-local storage (`fs`).
        tls_base @ 32,
    }

    /// A range of fresh zeroed memory.
    struct VmMap = "omnibus_vm_map", 32 {
        /// 0.
        flags @ 0,
        /// Page-aligned address, or 0: the kernel chooses.
        address @ 8,
        /// Bytes, a multiple of the page size, not 0.
        n_bytes @ 16,
        /// `VM_*` bits.
        rights @ 24,
    }

    /// A new task without memory, capabilities and threads.
    struct TaskNew = "omnibus_task_new", 40 {
        /// 0.
        flags @ 0,
        /// Account (right CHARGE) that pays for the task.
        account @ 8,
        /// Address of its name, for reports.
        ptr_name @ 16,
        /// Bytes of the name, 1 to [`crate::limits::NAME_BYTES_MAX`].
        n_name @ 24,
        /// Priority of its threads, and the highest it can have: 0 to the caller's highest.
        priority @ 32,
    }

    /// How a task is, or how it ended.
    struct TaskStatus = "omnibus_task_status", 64 from 48 {
        /// One of the `TASK_*`.
        state @ 0,
        /// Exit status, or vector of the fault.
        code @ 8,
        /// Address of the fault (for a page fault the address accessed, else that of the instruction).
        address @ 16,
        /// Number of the task, unique for ever.
        number @ 24,
        /// Frames in use.
        n_frames @ 32,
        /// CPU time used, in nanoseconds.
        cpu_ns @ 40,
        /// Priority of its threads.
        priority @ 48,
        /// The highest priority that it can have, and give.
        priority_maximum @ 56,
    }

    /// A fault, as a message tells it.
    struct Fault = "omnibus_fault", 64 {
        /// 1.
        count @ 0,
        /// Number of the fault, counted from 1 in its task.
        number @ 8,
        /// Number of the task.
        task @ 16,
        /// Number of the thread, unique for ever.
        thread @ 24,
        /// Vector of the exception.
        vector @ 32,
        /// Error code of the exception, 0 if it has none.
        error_code @ 40,
        /// Address accessed by a page fault, else that of the instruction.
        address @ 48,
        /// [`FAULT_IN_CALL`].
        flags @ 56,
    }

    /// The registers of a thread in user mode.
    struct Registers = "omnibus_registers", 152 {
        /// As named.
        rax @ 0,
        /// As named.
        rbx @ 8,
        /// As named.
        rcx @ 16,
        /// As named.
        rdx @ 24,
        /// As named.
        rsi @ 32,
        /// As named.
        rdi @ 40,
        /// As named.
        rbp @ 48,
        /// As named.
        rsp @ 56,
        /// As named.
        r8 @ 64,
        /// As named.
        r9 @ 72,
        /// As named.
        r10 @ 80,
        /// As named.
        r11 @ 88,
        /// As named.
        r12 @ 96,
        /// As named.
        r13 @ 104,
        /// As named.
        r14 @ 112,
        /// As named.
        r15 @ 120,
        /// Address of the next instruction, in the user half.
        rip @ 128,
        /// Flags; bits that a program may not change are passed over.
        rflags @ 136,
        /// Base of `fs`, 0 or in the user half.
        fs_base @ 144,
    }

    /// Maxima of a new account.
    struct AccountLimits = "omnibus_account_limits", 48 from 32 {
        /// 0.
        flags @ 0,
        /// Objects: peers, nodes, handles, messages, tasks, threads.
        objects @ 8,
        /// Bytes of queued payload.
        bytes @ 16,
        /// Page frames.
        frames @ 24,
        /// CPU time that its tasks may use in every period, in nanoseconds: 1 to `cpu_period_ns`; or 0, with a period of 0: as much as the
        /// parent's.
        cpu_budget_ns @ 32,
        /// [`crate::limits::CPU_PERIOD_NS_MIN`] to [`crate::limits::CPU_PERIOD_NS_MAX`].
        cpu_period_ns @ 40,
    }

    /// State of an account (ACC-6).
    struct AccountState = "omnibus_account_state", 96 from 72 {
        /// 0.
        flags @ 0,
        /// Number of the account, unique for ever.
        number @ 8,
        /// Accounts that hold something in this one, itself included.
        n_quotas @ 16,
        /// Maximum of objects.
        objects_maximum @ 24,
        /// Objects not yet taken by any quota.
        objects_available @ 32,
        /// Maximum of bytes.
        bytes_maximum @ 40,
        /// Bytes not yet taken by any quota.
        bytes_available @ 48,
        /// Maximum of frames.
        frames_maximum @ 56,
        /// Frames not yet taken by any quota.
        frames_available @ 64,
        /// CPU time used by its tasks and those of accounts carved out of it, in nanoseconds, of tasks that have ended too.
        cpu_ns @ 72,
        /// Budget of its share of CPU time; 0 if it has none of its own.
        cpu_budget_ns @ 80,
        /// Period of its share.
        cpu_period_ns @ 88,
    }

    /// What one account claims of another (ACC-6).
    struct AccountClaim = "omnibus_account_claim", 64 {
        /// 0.
        flags @ 0,
        /// Number of the claiming account.
        claimant @ 8,
        /// Traces (peers, tasks) of the claimant.
        n_traces @ 16,
        /// Objects claimed from the account.
        objects_claimed @ 24,
        /// Of these, not handed to a trace.
        objects_available @ 32,
        /// Bytes claimed from the account.
        bytes_claimed @ 40,
        /// Of these, not handed to a trace.
        bytes_available @ 48,
        /// Frames claimed from the account.
        frames_claimed @ 56,
    }

    /// What a timer tells.
    struct TimerEvent = "omnibus_timer_event", 16 {
        /// How often it expired since that was told last, at least 1.
        n_expired @ 0,
        /// When it expired last, by its setting.
        deadline_ns @ 8,
    }

    /// What an interrupt line tells.
    struct InterruptEvent = "omnibus_interrupt_event", 16 {
        /// How many messages this one stands for, at least 1.
        n_told @ 0,
        /// The line.
        line @ 8,
    }

    /// What a capability is.
    struct CapabilityInfo = "omnibus_capability_info", 32 {
        /// 0.
        flags @ 0,
        /// [`crate::Kind`] as a number.
        kind @ 8,
        /// Rights, as the kind defines them.
        rights @ 16,
        /// For an account, a task or a memory object its number, else 0.
        number @ 24,
    }

    /// Where a memory object, or a part of it, is to be mapped.
    struct MemoryMap = "omnibus_memory_map", 56 {
        /// 0.
        flags @ 0,
        /// The memory object: its rights bound those of the mapping.
        memory @ 8,
        /// The task into which it is mapped (right MAP), or 0: the calling one.
        task @ 16,
        /// Page-aligned address, or 0: the kernel chooses.
        address @ 24,
        /// First byte of the object, a multiple of the page size.
        offset @ 32,
        /// Bytes, a multiple of the page size, not 0.
        n_bytes @ 40,
        /// `VM_*` bits.
        rights @ 48,
    }

    /// What a memory object is.
    struct MemoryInfo = "omnibus_memory_info", 32 {
        /// 0.
        flags @ 0,
        /// Number of the object, unique for ever.
        number @ 8,
        /// Its length in bytes.
        n_bytes @ 16,
        /// Mappings of it, in all tasks.
        n_mappings @ 24,
    }

    /// That a memory object was taken back, as a message tells it.
    struct MemoryRevoked = "omnibus_memory_revoked", 16 {
        /// 1.
        count @ 0,
        /// Number of the object.
        number @ 8,
    }

    /// What a new task finds at [`crate::layout::STARTUP_ADDRESS`]; `rdi` points at it.
    struct Startup = "omnibus_startup", 104 {
        /// Bytes of this structure in this version.
        n_bytes @ 0,
        /// Number of the task.
        task @ 8,
        /// Entries at `ptr_capabilities`.
        n_capabilities @ 16,
        /// Address of an array of `u64`: the granted capabilities, in the order of the grants.
        ptr_capabilities @ 24,
        /// Bytes at `ptr_arguments`.
        n_arguments @ 32,
        /// Address of the arguments.
        ptr_arguments @ 40,
        /// Address of the template of thread-local storage, or 0.
        ptr_tls @ 48,
        /// Bytes of the template that come from the file.
        n_tls_file @ 56,
        /// Bytes of the template in memory.
        n_tls_memory @ 64,
        /// Alignment of the template in bytes.
        tls_alignment @ 72,
        /// Priority of the task's threads.
        priority @ 80,
        /// Bytes at `ptr_environment`.
        n_environment @ 88,
        /// Address of the environment: by convention strings `NAME=VALUE` that each end in NUL. The first task has none.
        ptr_environment @ 96,
    }
}

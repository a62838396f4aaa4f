//! Every system call as a safe function: slices for arrays, structures by reference, errors as
//! [`Errno`]. The objects of this library are built on these; programs that test the kernel call
//! them directly.
//!
//! Their one invariant: an address that the kernel gets here is that of a live Rust borrow, with
//! the right size and mutability. So no argument of any of them can harm the caller's memory.

mod account;
mod device;
mod fault;
#[allow(unsafe_code)]
mod gate;
mod ipc;
mod memory;
mod slices;
mod task;

pub use account::{
    account_claims, account_limits, account_new, account_read, account_share, inspect,
};
pub use device::{
    interrupt_acknowledge, interrupt_bind, port_in, port_out, range_split, timer_new, timer_set,
};
pub use fault::{fault_answer, fault_read, task_faults};
pub use ipc::{
    Incoming, Outgoing, call_long, peer_new, recv, recv_discard, release, send, send_reporting,
    transfer, wait,
};
pub use memory::{memory_info, memory_map, memory_new, memory_revoke, memory_watch};
pub use slices::{IoSlice, IoSliceMut};
pub use task::{
    capability_compare, capability_copy, capability_drop, capability_info, clock_ns, debug_print,
    exit, null, task_grant, task_kill, task_new, task_priority, task_start, task_status,
    task_watch, thread_exit, thread_join, yield_now,
};

use omnibus_abi::Errno;

/// Result of a call.
pub type Result<T> = core::result::Result<T, Errno>;

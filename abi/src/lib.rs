//! The system-call ABI of Omnibus, written once for kernel, programs and host tools.
//!
//! # Convention
//!
//! * The call's number is in `rax`; arguments are in `rdi rsi rdx r10 r8 r9`, in this order.
//! * On return `rax` holds the status, 0 or a negative error number, and `rdx` the value (0 unless
//!   the call says otherwise, and 0 on every failure). `rcx` and `r11` are lost; all other general registers are
//!   kept. Vector and x87 registers read as zero; their control words are kept.
//! * Every structure is passed with its size, so that it can grow: below version 1 is `EINVAL`, and
//!   a larger one whose tail is not zero, or of more than [`limits::STRUCTURE_BYTES_MAX`] bytes, is
//!   `E2BIG` (STR-3). What the kernel writes behind its own version into a larger one is zero.
//! * A capability is named by a number: generation · 2³² + slot ([`CapabilityNumber`]).
//! * Deadlines are absolute, in nanoseconds of the monotonic clock; [`DEADLINE_NOW`] does not
//!   wait, [`DEADLINE_NEVER`] waits for ever.
//! * Three calls have messages of up to 64 bytes in registers, and return more of them: [`short`].
//! * A number that is not in [`Call`] gives `ENOSYS`; numbers are never used again.
//!
//! [`call::SPECIFICATIONS`] describes every call and argument as data: the kernel's decoder, the
//! bad-input generator and the check of `docs/syscalls.md` all read it.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod bus1;
pub mod call;
pub mod capability;
pub mod errno;
pub mod layout;
pub mod limits;
pub mod long;
pub mod native;
pub mod short;
pub mod status;
pub mod words;

pub use bus1::Structure;
pub use call::Call;
pub use capability::{CapabilityNumber, Kind};
pub use errno::Errno;

/// A deadline that has always passed: look, do not wait.
pub const DEADLINE_NOW: u64 = 0;

/// A deadline that never comes.
pub const DEADLINE_NEVER: u64 = u64::MAX;

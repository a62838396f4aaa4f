//! The kernel's shared objects: the only portable modules with unsafe code.
//!
//! * [`Ref`] is a counted pointer whose making can fail: `alloc::sync::Arc` ends the program when memory is short.
//! * [`List`] is a queue of them whose links lie in the elements, so that entering and leaving need no memory.
//! * [`Slot`] is a place for one of them, without a lock.

#![allow(
    unsafe_code,
    reason = "counted pointers and links in elements; every block says why it is sound"
)]

mod counted;
mod list;
mod slot;

pub use counted::{OutOfMemory, Ref};
pub use list::{Link, Linked, List};
pub use slot::Slot;

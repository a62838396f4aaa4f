//! The kernel's shared objects: the only portable modules with unsafe code.
//!
//! * [`Ref`] is the counted pointer of `omnibus-counted`, whose making can fail.
//! * [`List`] is a queue of them whose links lie in the elements, so that entering and leaving need no memory.
//! * [`Hold`] is what keeps an object in use, apart from pointers to it.
//! * [`Slot`] is a place for one of them, without a lock.

#![allow(
    unsafe_code,
    reason = "links in elements, counts in places; every block says why it is sound"
)]

mod hold;
mod list;
mod slot;

pub use hold::{Held, Hold, Holds};
pub use list::{Link, Linked, List};
pub use omnibus_counted::OutOfMemory;
pub use slot::Slot;

/// A counted pointer to an object of the kernel.
pub type Ref<T> = omnibus_counted::Ref<T, Object>;

/// The kind of the kernel's pointers: a dropped one is seldom the last, most are of one step of a call.
pub struct Object;

impl omnibus_counted::Kind for Object {
    type Tail = omnibus_counted::NoBytes;
    const IS_OFTEN_LAST: bool = false;
}

//! A counted pointer whose making can fail, of the kernel and of the bus1 core.
//!
//! `alloc::sync::Arc` ends the program when memory is short; here that is an answer, [`OutOfMemory`]. There are no weak counts:
//! who makes a cycle breaks it. A value may have bytes behind it in the same block of memory ([`Bytes`]), and the block may be
//! there before the value ([`Vacant`]): a message is one allocation, made and filled before any lock is taken.
//!
//! A user says with a [`Kind`] what it wants besides, at no cost to the other one. That is how a test build of the core learns of
//! every count that is written: a feature of this crate would reach the kernel too, since cargo unites them over a build, and the
//! checkers compile the core's source beside the kernel's core, not this crate's.
//!
//! The count is an ordinary atomic also under a model checker: it orders nothing but the freeing of the object, and exploring
//! its interleavings would hide those that matter. Who has the only pointer, or all there are, may change the count without an
//! atomic operation: nobody else can.
//!
//! The lists of the two users are not here, because they are two things. One of the core is under a lock, whose key each access
//! shows; it can be appended to another in one step, and an element in the middle does not know its list. One of the kernel has
//! its name in each element, so that lists under different locks keep off each other's elements.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod pointer;
mod stock;
mod tail;
mod vacant;

pub use pointer::{Ref, Unique};
pub use stock::{Pointers, Stock};
pub use tail::{Bytes, Extent, Fill, NoBytes};
pub use vacant::Vacant;

/// The machine has no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl From<OutOfMemory> for omnibus_abi::Errno {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Self::ENOMEM
    }
}

/// What a user of the counted pointer wants besides.
pub trait Kind {
    /// Whether bytes lie behind the value: [`Bytes`] or [`NoBytes`].
    type Tail: Extent;

    /// Whether the pointer that is dropped is often the last. Then a drop looks first: a load more for the others, for the last one
    /// no atomic operation.
    const IS_OFTEN_LAST: bool;

    /// Called before a shared count is written, with the object's address.
    #[inline(always)]
    fn before_write(_address: usize) {}
}

#[cfg(test)]
mod tests;

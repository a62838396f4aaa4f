//! The memory of the core: the only modules with unsafe code.
//!
//! | module | what it offers safely |
//! |---|---|
//! | [`counted`] | [`Ref`], [`Vacant`], [`Unique`], [`Stock`]: the counted pointers of `omnibus-counted`, recorded, and as words |
//! | [`spare`] | [`Spare`]: counts that lie ready under a lock, to be given out without an atomic operation |
//! | [`locked`] | [`KeyedMutex`] and [`LockedBy`]: data that lies outside a lock and is reached only with the lock's [`Key`] |
//! | [`list`] | [`List`]: doubly linked, its links lie in the elements; linking needs no memory |
//! | [`links`] | which field of which object is the link of which list |
//!
//! The rest of the crate forbids unsafe code.
#![allow(unsafe_code)]

mod counted;
mod links;
mod list;
mod locked;
mod spare;

pub(crate) use counted::{Block, Ref, Stock, Unique, Vacant};
pub(crate) use links::{EventsOfPeer, OnMark, OnNode, OnQueue, QueuedAtNode};
pub(crate) use list::{Borrowed, Link, List, Packed};
pub(crate) use locked::{Key, KeyedGuard, KeyedMutex, LockedBy, LockedToo, under_second_lock};
pub(crate) use spare::Spare;

pub(crate) use omnibus_counted::Fill;

/// Sets what holds nothing that is to be dropped, as its user knows and the compiler would ask.
#[inline(always)]
pub(crate) fn put<T>(place: &mut T, value: T) {
    core::mem::forget(core::mem::replace(place, value));
}

//! The counted pointers of the core: those of `omnibus-counted`, with a record of the counts that are written (ORD-7), and their
//! addresses as words.
//!
//! What fails for want of memory is an error here (REL-3, ERR-4), and cycles are broken by closing and release.

use core::marker::PhantomData;
use core::ptr::NonNull;

use omnibus_counted::{Extent, Kind};

use crate::sync::record;

/// What can be counted.
pub(crate) trait Block: Sized {
    /// Whether bytes lie behind it: [`omnibus_counted::Bytes`] or [`omnibus_counted::NoBytes`].
    type Tail: Extent;
}

/// The kind of the core's pointers.
pub(crate) struct Recorded<Tail>(PhantomData<Tail>);

impl<Tail: Extent> Kind for Recorded<Tail> {
    type Tail = Tail;
    const IS_OFTEN_LAST: bool = true;

    #[inline(always)]
    fn before_write(address: usize) {
        record(address);
    }
}

/// A counted pointer to a `T`.
pub(crate) type Ref<T> = omnibus_counted::Ref<T, Recorded<<T as Block>::Tail>>;
/// Memory for a `T` and what lies behind it, without the `T`.
pub(crate) type Vacant<T> = omnibus_counted::Vacant<T, Recorded<<T as Block>::Tail>>;
/// A pointer to a `T`, and counts for more.
pub(crate) type Stock<T> = omnibus_counted::Stock<T, Recorded<<T as Block>::Tail>>;
/// The only pointer to a `T`.
pub(crate) type Unique<T> = omnibus_counted::Unique<T, Recorded<<T as Block>::Tail>>;

/// Gives up the pointer for its address; the count stays.
#[inline]
pub(super) fn into_address<T: Block>(pointer: Ref<T>) -> usize {
    pointer.into_raw().as_ptr().expose_provenance()
}

/// Takes back a pointer given up by [`into_address`].
///
/// # Safety
/// As for [`omnibus_counted::Ref::from_raw`], of the pointer whose address it is.
#[inline]
pub(super) unsafe fn from_address<T: Block>(address: usize) -> Ref<T> {
    let pointer = core::ptr::with_exposed_provenance_mut(address);
    // SAFETY: the address of an object is not null; the rest is the caller's promise.
    unsafe { Ref::<T>::from_raw(NonNull::new_unchecked(pointer)) }
}

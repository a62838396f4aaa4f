//! A counted pointer whose making can fail.
//!
//! `alloc::sync::Arc` ends the program when memory is short; here that is an answer (REL-3, ERR-4). There are no weak counts:
//! the core breaks its cycles itself (closing, release).
//!
//! The count is an ordinary atomic also under a model checker: it orders nothing but the freeing of the object, and exploring
//! its interleavings would hide those that matter.

use alloc::alloc::{Layout, alloc, dealloc};
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::Error;
use crate::sync::record;

/// A counted pointer to a `T`.
pub(crate) struct Ref<T> {
    counted: NonNull<Counted<T>>,
}

#[repr(C)]
struct Counted<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: like `Arc`: clones in several threads give `&T` to each, and the last one drops the `T` in its thread.
unsafe impl<T: Send + Sync> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Ref<T> {}

impl<T> Ref<T> {
    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the value is dropped then.
    pub(crate) fn try_new(value: T) -> Result<Ref<T>, Error> {
        let layout = Layout::new::<Counted<T>>();
        // SAFETY: the layout is not empty, it contains the count.
        let memory = unsafe { alloc(layout) }.cast::<Counted<T>>();
        let Some(counted) = NonNull::new(memory) else {
            return Err(Error::OutOfMemory);
        };
        // SAFETY: the memory is fresh, aligned and large enough for a `Counted<T>`.
        unsafe {
            counted.write(Counted {
                count: AtomicUsize::new(1),
                value,
            })
        };
        Ok(Ref { counted })
    }

    /// Whether both point to the same object.
    pub(crate) fn ptr_eq(&self, other: &Ref<T>) -> bool {
        self.counted == other.counted
    }

    /// The address of the object: a name that is unique among living objects.
    pub(crate) fn address(&self) -> usize {
        self.counted.addr().get()
    }

    /// The object, if this is the only pointer to it.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        // SAFETY: `self` keeps the object alive.
        let counted = unsafe { self.counted.as_mut() };
        // Acquire: what the other pointers' threads did happens before this use.
        (counted.count.load(Ordering::Acquire) == 1).then_some(&mut counted.value)
    }

    /// Gives up the pointer for its address; the count stays.
    pub(super) fn into_address(self) -> usize {
        let address = self.counted.as_ptr().expose_provenance();
        core::mem::forget(self);
        address
    }

    /// Takes back a pointer given up by [`Ref::into_address`].
    ///
    /// # Safety
    /// The address came from `into_address` of the same `T`, and the count it stands for is taken back only once.
    pub(super) unsafe fn from_address(address: usize) -> Ref<T> {
        let pointer = core::ptr::with_exposed_provenance_mut(address);
        // SAFETY: the address of an object is not null.
        let counted = unsafe { NonNull::new_unchecked(pointer) };
        Ref { counted }
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the count of this pointer keeps the object alive, and only `get_mut` gives out `&mut`, when there is no other.
        unsafe { &self.counted.as_ref().value }
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Ref<T> {
        record(self.address());
        // SAFETY: the count of this pointer keeps the object alive.
        let count = unsafe { &self.counted.as_ref().count };
        // The count cannot overflow: every pointer counted lies somewhere in memory, and none is forgotten.
        count.fetch_add(1, Ordering::Relaxed);
        Ref {
            counted: self.counted,
        }
    }
}

impl<T> Drop for Ref<T> {
    fn drop(&mut self) {
        record(self.address());
        // SAFETY: the count of this pointer keeps the object alive until it is given back here.
        let count = unsafe { &self.counted.as_ref().count };
        if count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // What the other threads did with the object happens before its end.
        fence(Ordering::Acquire);
        // SAFETY: this was the last pointer; the object was allocated with this layout in `try_new`.
        unsafe {
            self.counted.drop_in_place();
            dealloc(self.counted.as_ptr().cast(), Layout::new::<Counted<T>>());
        }
    }
}

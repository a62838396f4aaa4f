//! A counted pointer whose making can fail.
//!
//! `alloc::sync::Arc` ends the program when memory is short; here that is an answer (REL-3, ERR-4). There are no weak counts:
//! the core breaks its cycles itself (closing, release). A value may have bytes behind it in the same block of memory
//! ([`Bytes`]), and the block may be there before the value ([`Vacant`]): a message is one allocation, made and filled before any
//! lock is taken.
//!
//! The count is an ordinary atomic also under a model checker: it orders nothing but the freeing of the object, and exploring
//! its interleavings would hide those that matter. Who has the only pointer, or all there are, changes the count without an
//! atomic operation: nobody else can.

use alloc::alloc::{Layout, alloc, dealloc};
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::Error;
use crate::sync::record;

use super::tail::{Bytes, Extent, Fill, NoBytes};

/// What can be counted.
pub(crate) trait Block: Sized {
    /// Whether bytes lie behind it: [`Bytes`] or [`NoBytes`].
    type Tail: Extent;
}

/// A counted pointer to a `T`.
pub(crate) struct Ref<T: Block> {
    counted: NonNull<Counted<T>>,
}

/// Memory for a `T` and what lies behind it, without the `T`.
pub(crate) struct Vacant<T: Block> {
    counted: NonNull<Counted<T>>,
}

/// The only pointer to a `T`.
pub(crate) struct Unique<T: Block>(Ref<T>);

#[repr(C)]
struct Counted<T: Block> {
    count: AtomicUsize,
    tail: T::Tail,
    value: T,
}

// SAFETY: like `Arc`: clones in several threads give `&T` to each, and the last one drops the `T` in its thread.
unsafe impl<T: Block + Send + Sync> Send for Ref<T> {}
// SAFETY: as above.
unsafe impl<T: Block + Send + Sync> Sync for Ref<T> {}
// SAFETY: it owns memory, and bytes.
unsafe impl<T: Block> Send for Vacant<T> {}
// SAFETY: `&Vacant` gives nothing but `&[u8]`.
unsafe impl<T: Block> Sync for Vacant<T> {}

/// The layout of a `T` with `n_bytes` behind it; `None` beyond what can be allocated.
#[inline(always)]
fn layout<T: Block>(n_bytes: usize) -> Option<Layout> {
    let fixed = Layout::new::<Counted<T>>();
    let size = fixed.size().checked_add(n_bytes)?;
    Layout::from_size_align(size, fixed.align()).ok()
}

/// Where the bytes behind a value lie.
#[inline(always)]
fn tail_of<T: Block>(counted: NonNull<Counted<T>>) -> NonNull<u8> {
    // SAFETY: the end of the fixed part is inside the block, or its end.
    unsafe { counted.add(1).cast() }
}

/// Frees the block.
///
/// # Safety
/// It came from [`Vacant::take`], its value is gone, and nobody uses it any more.
unsafe fn free<T: Block>(counted: NonNull<Counted<T>>) {
    // SAFETY: the tail is there from the making of the block to here.
    let n_bytes = unsafe { (*counted.as_ptr()).tail.n_bytes() };
    if let Some(layout) = layout::<T>(n_bytes) {
        // SAFETY: it was allocated with this layout, since `n_bytes` never changes.
        unsafe { dealloc(counted.as_ptr().cast(), layout) };
    }
}

impl<T: Block> Vacant<T> {
    #[inline]
    fn take(tail: T::Tail) -> Result<Vacant<T>, Error> {
        let layout = layout::<T>(tail.n_bytes()).ok_or(Error::OutOfMemory)?;
        // SAFETY: the layout is not empty, it contains the count.
        let memory = unsafe { alloc(layout) }.cast::<Counted<T>>();
        let counted = NonNull::new(memory).ok_or(Error::OutOfMemory)?;
        // SAFETY: the memory is fresh, aligned and large enough for a `Counted<T>`.
        unsafe { (&raw mut (*counted.as_ptr()).tail).write(tail) };
        Ok(Vacant { counted })
    }

    /// Moves `value` into the block.
    #[inline(always)]
    pub(crate) fn occupy(self, value: T) -> Ref<T> {
        let counted = ManuallyDrop::new(self).counted;
        let place = counted.as_ptr();
        // SAFETY: the block is this value's alone and large enough; the tail is written already.
        unsafe {
            (&raw mut (*place).count).write(AtomicUsize::new(1));
            (&raw mut (*place).value).write(value);
        }
        Ref { counted }
    }
}

impl<T: Block<Tail = Bytes>> Vacant<T> {
    /// Memory for a `T` with `n_bytes` bytes behind it.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    #[inline]
    pub(crate) fn try_new(n_bytes: usize) -> Result<Vacant<T>, Error> {
        Vacant::take(Bytes::new(n_bytes))
    }

    /// Writes the bytes.
    #[inline]
    pub(crate) fn fill(&mut self) -> Fill<'_> {
        // SAFETY: the block is this value's alone, and has as many bytes behind the value as its tail says.
        unsafe { Fill::new(tail_of(self.counted), &mut (*self.counted.as_ptr()).tail) }
    }
}

impl<T: Block> Drop for Vacant<T> {
    fn drop(&mut self) {
        // SAFETY: there is no value in it, and it is nobody else's.
        unsafe { free(self.counted) };
    }
}

impl<T: Block<Tail = NoBytes>> Ref<T> {
    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the value is dropped then.
    pub(crate) fn try_new(value: T) -> Result<Ref<T>, Error> {
        Ok(Vacant::take(NoBytes)?.occupy(value))
    }
}

impl<T: Block<Tail = Bytes>> Ref<T> {
    /// The bytes behind the value, as far as they are written.
    #[inline]
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: `self` keeps the block; the tail says how many bytes are written, and they change only where there is one pointer.
        unsafe {
            let n_written = self.counted.as_ref().tail.n_written();
            core::slice::from_raw_parts(tail_of(self.counted).as_ptr(), n_written)
        }
    }

    /// Writes the bytes, if this is the only pointer to the object.
    pub(crate) fn fill(&mut self) -> Option<Fill<'_>> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: the block is this pointer's alone, and has as many bytes behind the value as its tail says.
        Some(unsafe { Fill::new(tail_of(self.counted), &mut (*self.counted.as_ptr()).tail) })
    }
}

impl<T: Block> Ref<T> {
    /// Whether both point to the same object.
    #[inline]
    pub(crate) fn ptr_eq(&self, other: &Ref<T>) -> bool {
        self.counted == other.counted
    }

    /// The address of the object: a name that is unique among living objects.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        self.counted.addr().get()
    }

    #[inline(always)]
    fn count(&self) -> &AtomicUsize {
        // SAFETY: the count of this pointer keeps the object alive.
        unsafe { &self.counted.as_ref().count }
    }

    /// Whether there is no other pointer to the object; none can come into being while this one is borrowed exclusively.
    #[inline]
    fn is_unique(&mut self) -> bool {
        // Acquire: what the other pointers' threads did happens before what is done now.
        self.count().load(Ordering::Acquire) == 1
    }

    /// The object, if this is the only pointer to it.
    #[inline]
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: `self` keeps the object alive, and there is no other pointer to it.
        Some(unsafe { &mut self.counted.as_mut().value })
    }

    /// Another pointer to the object. Costs no atomic operation if this is the only one.
    #[inline]
    pub(crate) fn clone_unique(&mut self) -> Ref<T> {
        if !self.is_unique() {
            return self.clone();
        }
        self.count().store(2, Ordering::Relaxed);
        Ref {
            counted: self.counted,
        }
    }

    /// Gives up `self`. Costs no atomic operation if `other` is the only one beside it.
    #[inline]
    pub(crate) fn drop_beside(self, other: &mut Ref<T>) {
        // Acquire: what the pointers' threads that were given up did happens before what is done with the one that remains.
        if self.ptr_eq(other) && self.count().load(Ordering::Acquire) == 2 {
            self.count().store(1, Ordering::Relaxed);
            core::mem::forget(self);
        }
    }

    /// Gives up the pointer for its address; the count stays.
    #[inline]
    pub(super) fn into_address(self) -> usize {
        let address = self.counted.as_ptr().expose_provenance();
        core::mem::forget(self);
        address
    }

    /// Takes back a pointer given up by [`Ref::into_address`].
    ///
    /// # Safety
    /// The address came from `into_address` of the same `T`, and the count it stands for is taken back only once.
    #[inline]
    pub(super) unsafe fn from_address(address: usize) -> Ref<T> {
        let pointer = core::ptr::with_exposed_provenance_mut(address);
        // SAFETY: the address of an object is not null.
        let counted = unsafe { NonNull::new_unchecked(pointer) };
        Ref { counted }
    }

    /// Ends the object.
    ///
    /// # Safety
    /// This was the last pointer to it, and it is used no more.
    #[cold]
    #[inline(never)]
    unsafe fn end(&mut self) {
        // SAFETY: the caller's promise.
        unsafe {
            (&raw mut (*self.counted.as_ptr()).value).drop_in_place();
            free(self.counted);
        }
    }
}

impl<T: Block> Deref for Ref<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the count of this pointer keeps the object alive, and only `get_mut` gives out `&mut`, when there is no other.
        unsafe { &self.counted.as_ref().value }
    }
}

impl<T: Block> Clone for Ref<T> {
    #[inline]
    fn clone(&self) -> Ref<T> {
        record(self.address());
        // The count cannot overflow: every pointer counted lies somewhere in memory, and none is forgotten.
        self.count().fetch_add(1, Ordering::Relaxed);
        Ref {
            counted: self.counted,
        }
    }
}

impl<T: Block> Drop for Ref<T> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_unique() {
            record(self.address());
            if self.count().fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            // What the other threads did with the object happens before its end.
            fence(Ordering::Acquire);
        }
        // SAFETY: this was the last pointer.
        unsafe { self.end() }
    }
}

impl<T: Block<Tail = NoBytes>> Unique<T> {
    /// Bytes that one takes.
    pub(crate) const N_BYTES: usize = size_of::<Counted<T>>();

    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the value is dropped then.
    pub(crate) fn try_new(value: T) -> Result<Unique<T>, Error> {
        Ref::try_new(value).map(Unique)
    }
}

impl<T: Block> Deref for Unique<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Block> DerefMut for Unique<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the pointer is never cloned: this type does not give it out.
        unsafe { &mut self.0.counted.as_mut().value }
    }
}

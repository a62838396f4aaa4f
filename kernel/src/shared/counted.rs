//! A counted pointer whose making can fail.

use alloc::alloc::{Layout, alloc, dealloc};
use core::ops::Deref;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

/// The machine has no memory for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl From<OutOfMemory> for omnibus_abi::Errno {
    fn from(OutOfMemory: OutOfMemory) -> Self {
        Self::ENOMEM
    }
}

/// A counted pointer to a `T`. There are no weak ones: who makes a cycle breaks it.
pub struct Ref<T> {
    counted: NonNull<Counted<T>>,
}

struct Counted<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: as for `Arc`: every pointer gives `&T`, so `T` must be `Sync`; the last one drops the `T`, on any CPU, so `T` must be `Send`.
unsafe impl<T: Send + Sync> Send for Ref<T> {}
// SAFETY: as above: a `&Ref` can be cloned into a `Ref`.
unsafe impl<T: Send + Sync> Sync for Ref<T> {}

impl<T> Ref<T> {
    /// Bytes of memory that an object takes.
    pub const N_BYTES: usize = size_of::<Counted<T>>();

    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the value is dropped then.
    pub fn try_new(value: T) -> Result<Self, OutOfMemory> {
        let layout = Layout::new::<Counted<T>>();
        // SAFETY: the layout is not empty, since it has the count.
        let memory = unsafe { alloc(layout) };
        let counted = NonNull::new(memory)
            .ok_or(OutOfMemory)?
            .cast::<Counted<T>>();
        let count = AtomicUsize::new(1);
        // SAFETY: the memory is fresh, and of the size and alignment of a `Counted<T>`.
        unsafe { counted.write(Counted { count, value }) };
        Ok(Self { counted })
    }

    /// True if both point at one object.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.counted == other.counted
    }

    /// Gives the pointer up for a bare one, which keeps its count.
    pub(super) fn into_raw(self) -> NonNull<()> {
        let raw = self.counted.cast();
        core::mem::forget(self);
        raw
    }

    /// The bare pointer, without a count of its own.
    pub(super) fn as_raw(&self) -> NonNull<()> {
        self.counted.cast()
    }

    /// Takes a bare pointer back.
    ///
    /// # Safety
    /// `raw` came from [`Self::into_raw`] of the same `T`, and its count is taken back only once.
    pub(super) unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self {
            counted: raw.cast(),
        }
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        // SAFETY: this pointer's count keeps the object alive.
        let counted = unsafe { self.counted.as_ref() };
        // It cannot overflow: every pointer counted lies in memory somewhere.
        counted.count.fetch_add(1, Ordering::Relaxed);
        Self {
            counted: self.counted,
        }
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: this pointer's count keeps the object alive, and nobody ever gets a `&mut` to it.
        unsafe { &self.counted.as_ref().value }
    }
}

impl<T> Drop for Ref<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: this pointer's count keeps the object alive until it is given back here.
        let counted = unsafe { self.counted.as_ref() };
        if counted.count.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // SAFETY: this was the last pointer.
        unsafe { end(self.counted) }
    }
}

/// Drops an object and frees its memory.
///
/// # Safety
/// The last pointer to it has given its count back.
#[cold]
#[inline(never)]
unsafe fn end<T>(counted: NonNull<Counted<T>>) {
    // What others did with the object happens before its end.
    fence(Ordering::Acquire);
    // SAFETY: (1) nobody has a pointer to it, as the caller promises; (2) it was allocated with this layout in `try_new`.
    unsafe {
        counted.drop_in_place();
        dealloc(counted.as_ptr().cast(), Layout::new::<Counted<T>>());
    }
}

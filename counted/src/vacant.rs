//! Memory for a value and what lies behind it, without the value.

use alloc::alloc::{Layout, alloc, dealloc};
use core::mem::ManuallyDrop;
use core::ptr::NonNull;
use core::sync::atomic::AtomicUsize;

use crate::{Bytes, Extent, Fill, Kind, OutOfMemory, Ref};

/// A block: the fixed part, behind which the bytes lie.
#[repr(C)]
pub(crate) struct Counted<T, K: Kind> {
    pub(crate) count: AtomicUsize,
    pub(crate) tail: K::Tail,
    pub(crate) value: T,
}

/// Memory for a `T` and what lies behind it, without the `T`.
pub struct Vacant<T, K: Kind> {
    counted: NonNull<Counted<T, K>>,
}

// SAFETY: it owns memory and bytes, and no `T`; an `Extent` may go anywhere.
unsafe impl<T, K: Kind> Send for Vacant<T, K> {}
// SAFETY: `&Vacant` gives nothing.
unsafe impl<T, K: Kind> Sync for Vacant<T, K> {}

/// The layout of a `T` with `n_bytes` behind it; `None` beyond what can be allocated.
#[inline(always)]
fn layout<T, K: Kind>(n_bytes: usize) -> Option<Layout> {
    let fixed = Layout::new::<Counted<T, K>>();
    let size = fixed.size().checked_add(n_bytes)?;
    Layout::from_size_align(size, fixed.align()).ok()
}

/// Where the bytes behind a value lie.
///
/// # Safety
/// `counted` came from [`Vacant::take`] and is not freed.
#[inline(always)]
pub(crate) unsafe fn tail_of<T, K: Kind>(counted: NonNull<Counted<T, K>>) -> NonNull<u8> {
    // SAFETY: the end of the fixed part is inside the block, or its end.
    unsafe { counted.add(1).cast() }
}

/// Frees the block.
///
/// # Safety
/// It came from [`Vacant::take`], its value is gone, and nobody uses it any more.
#[inline]
pub(crate) unsafe fn free<T, K: Kind>(counted: NonNull<Counted<T, K>>) {
    // SAFETY: the tail is there from the making of the block to here.
    let n_bytes = unsafe { (*counted.as_ptr()).tail.n_bytes() };
    if let Some(layout) = layout::<T, K>(n_bytes) {
        // SAFETY: it was allocated with this layout, since `n_bytes` never changes.
        unsafe { dealloc(counted.as_ptr().cast(), layout) };
    }
}

impl<T, K: Kind> Vacant<T, K> {
    #[inline]
    pub(crate) fn take(tail: K::Tail) -> Result<Self, OutOfMemory> {
        let layout = layout::<T, K>(tail.n_bytes()).ok_or(OutOfMemory)?;
        // SAFETY: the layout is not empty, it contains the count.
        let memory = unsafe { alloc(layout) }.cast::<Counted<T, K>>();
        let counted = NonNull::new(memory).ok_or(OutOfMemory)?;
        // SAFETY: the memory is fresh, aligned and large enough for the fixed part.
        unsafe { (&raw mut (*counted.as_ptr()).tail).write(tail) };
        Ok(Self { counted })
    }

    /// The block of a value that was moved out.
    ///
    /// # Safety
    /// It came from [`Vacant::take`], its value is gone, and it is nobody else's.
    #[inline(always)]
    pub(crate) unsafe fn emptied(counted: NonNull<Counted<T, K>>) -> Self {
        Self { counted }
    }

    /// Moves `value` into the block.
    #[inline(always)]
    #[must_use]
    pub fn occupy(self, value: T) -> Ref<T, K> {
        let [pointer] = self.occupy_for(value);
        pointer
    }

    /// Moves `value` into the block, for so many pointers, at least one.
    #[inline(always)]
    #[must_use]
    pub fn occupy_for<const N: usize>(self, value: T) -> [Ref<T, K>; N] {
        const { assert!(N > 0, "nobody would free the block") };
        let counted = ManuallyDrop::new(self).counted;
        let place = counted.as_ptr();
        // SAFETY: the block is this value's alone and large enough; the tail is written already.
        unsafe {
            (&raw mut (*place).count).write(AtomicUsize::new(N));
            (&raw mut (*place).value).write(value);
        }
        // SAFETY: it is occupied, and counts as many pointers as are made.
        [(); N].map(|()| unsafe { Ref::from_counted(counted) })
    }
}

impl<T, K: Kind<Tail = Bytes>> Vacant<T, K> {
    /// Memory for a `T` with `n_bytes` bytes behind it.
    ///
    /// # Errors
    /// [`OutOfMemory`], also for more bytes than an allocation can have (`isize::MAX`).
    #[inline]
    pub fn try_new(n_bytes: usize) -> Result<Self, OutOfMemory> {
        Self::take(Bytes::new(n_bytes))
    }

    /// The bytes, as far as they are written.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block is this value's, and its tail says how many bytes behind it are written.
        unsafe {
            let n_written = (*self.counted.as_ptr()).tail.n_written();
            core::slice::from_raw_parts(tail_of(self.counted).as_ptr(), n_written)
        }
    }

    /// Writes the bytes.
    #[inline]
    pub fn fill(&mut self) -> Fill<'_> {
        // SAFETY: the block is this value's alone, and has as many bytes behind the value as its tail says.
        unsafe { Fill::new(tail_of(self.counted), &mut (*self.counted.as_ptr()).tail) }
    }
}

impl<T, K: Kind> Drop for Vacant<T, K> {
    fn drop(&mut self) {
        // SAFETY: there is no value in it, and it is nobody else's.
        unsafe { free(self.counted) };
    }
}

//! The pointers: one of many, and the only one.

use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use core::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::vacant::{Counted, free, tail_of};
use crate::{Bytes, Fill, Kind, NoBytes, OutOfMemory, Vacant};

/// A count cannot overflow, so no clone has to look: even pointers that are forgotten, and lie nowhere, take centuries to make.
const _: () = assert!(usize::BITS >= 64);

/// A counted pointer to a `T`.
pub struct Ref<T, K: Kind> {
    counted: NonNull<Counted<T, K>>,
}

/// The only pointer to a `T`.
pub struct Unique<T, K: Kind>(Ref<T, K>);

// SAFETY: as for `Arc`: every pointer gives `&T`, so `T` must be `Sync`; the last one drops the `T` in its thread, so `T` must be `Send`.
unsafe impl<T: Send + Sync, K: Kind> Send for Ref<T, K> {}
// SAFETY: as above: a `&Ref` can be cloned into a `Ref`.
unsafe impl<T: Send + Sync, K: Kind> Sync for Ref<T, K> {}

impl<T, K: Kind<Tail = NoBytes>> Ref<T, K> {
    /// Bytes of memory that an object takes.
    pub const N_BYTES: usize = size_of::<Counted<T, K>>();

    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the value is dropped then.
    #[inline(always)]
    pub fn try_new(value: T) -> Result<Self, OutOfMemory> {
        Ok(Vacant::take(NoBytes)?.occupy(value))
    }
}

impl<T, K: Kind<Tail = Bytes>> Ref<T, K> {
    /// The bytes behind the value, as far as they are written.
    #[inline]
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `self` keeps the block; the tail says how many bytes are written, and they change only where there is one pointer.
        unsafe {
            let n_written = self.counted.as_ref().tail.n_written();
            core::slice::from_raw_parts(tail_of(self.counted).as_ptr(), n_written)
        }
    }

    /// Writes the bytes, if this is the only pointer to the object.
    pub fn fill(&mut self) -> Option<Fill<'_>> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: the block is this pointer's alone, and has as many bytes behind the value as its tail says.
        Some(unsafe { Fill::new(tail_of(self.counted), &mut (*self.counted.as_ptr()).tail) })
    }
}

impl<T, K: Kind> Ref<T, K> {
    /// # Safety
    /// The block is occupied, and a count of it becomes this pointer's.
    #[inline(always)]
    pub(crate) unsafe fn from_counted(counted: NonNull<Counted<T, K>>) -> Self {
        Self { counted }
    }

    /// Whether both point to the same object.
    #[inline]
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.counted == other.counted
    }

    /// The address of the object: a name that is unique among living objects.
    #[inline]
    #[must_use]
    pub fn address(&self) -> usize {
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
    pub fn get_mut(&mut self) -> Option<&mut T> {
        if !self.is_unique() {
            return None;
        }
        // SAFETY: `self` keeps the object alive, and there is no other pointer to it.
        Some(unsafe { &mut self.counted.as_mut().value })
    }

    /// Counts `n` pointers more, which are still to be made. Costs no atomic operation if this is the only one.
    #[inline]
    pub(crate) fn take_counts(&mut self, n: usize) {
        if self.is_unique() {
            self.count().store(n.wrapping_add(1), Ordering::Relaxed);
        } else {
            K::before_write(self.address());
            self.count().fetch_add(n, Ordering::Relaxed);
        }
    }

    /// Counts `n` pointers less.
    ///
    /// # Safety
    /// The caller owns so many counts of the object that no pointer stands for, and gives them up.
    pub(crate) unsafe fn give_counts(&self, n: usize) {
        K::before_write(self.address());
        // Never the last: this pointer is counted too.
        self.count().fetch_sub(n, Ordering::Release);
    }

    /// Two more pointers to the object. Costs no atomic operation if this is the only one.
    #[inline]
    #[must_use]
    pub fn clone_unique_twice(&mut self) -> [Self; 2] {
        self.take_counts(2);
        [(); 2].map(|()| Self {
            counted: self.counted,
        })
    }

    /// Another pointer to the object. Costs no atomic operation if this is the only one.
    #[inline]
    #[must_use]
    pub fn clone_unique(&mut self) -> Self {
        self.take_counts(1);
        Self {
            counted: self.counted,
        }
    }

    /// Gives up `self`. Costs no atomic operation if `other` is the only one beside it.
    #[inline]
    pub fn drop_beside(self, other: &mut Self) {
        // Acquire: what the pointers' threads that were given up did happens before what is done with the one that remains.
        if self.ptr_eq(other) && self.count().load(Ordering::Acquire) == 2 {
            self.count().store(1, Ordering::Relaxed);
            core::mem::forget(self);
        }
    }

    /// The value, and the block that it lay in with the bytes behind it, if this and `other` are the only pointers to it. Gives up `other`, and
    /// `self` back, if they are not.
    ///
    /// # Errors
    /// `self`, if there are more pointers.
    #[inline(always)]
    pub fn take_apart(self, other: Self) -> Result<(T, Vacant<T, K>), Self> {
        // Acquire: as in `drop_beside`.
        if !self.ptr_eq(&other) || self.count().load(Ordering::Acquire) != 2 {
            return Err(self);
        }
        let counted = ManuallyDrop::new(self).counted;
        core::mem::forget(other);
        // SAFETY: both pointers are given up, and there is no third: the block is nobody else's. The value is moved out, and its place is vacant
        // from here on.
        Ok(unsafe {
            (
                (&raw const (*counted.as_ptr()).value).read(),
                Vacant::emptied(counted),
            )
        })
    }

    /// Gives up `self`, where there are others as a rule: without a look at the count before ([`Kind::IS_OFTEN_LAST`]).
    #[inline(always)]
    pub fn drop_shared(self) {
        K::before_write(self.address());
        let this = ManuallyDrop::new(self);
        if this.count().fetch_sub(1, Ordering::Release) == 1 {
            // SAFETY: this was the last pointer.
            unsafe { end(this.counted) }
        }
    }

    /// Gives the pointer up for a bare one, which keeps its count. Objects are aligned to their count: the low three bits are zero.
    #[inline(always)]
    #[must_use = "the count is lost with the bare pointer"]
    pub fn into_raw(self) -> NonNull<()> {
        ManuallyDrop::new(self).counted.cast()
    }

    /// The bare pointer, without a count of its own.
    #[inline(always)]
    #[must_use]
    pub fn as_raw(&self) -> NonNull<()> {
        self.counted.cast()
    }

    /// Takes a bare pointer back.
    ///
    /// # Safety
    /// `raw` came from [`Self::into_raw`] of the same `T` and `K`, and the count it stands for is taken back only once, unless all pointers
    /// made from it but one are never dropped and used only while that count is there.
    #[inline(always)]
    #[must_use]
    pub unsafe fn from_raw(raw: NonNull<()>) -> Self {
        Self {
            counted: raw.cast(),
        }
    }
}

impl<T, K: Kind> Deref for Ref<T, K> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the count of this pointer keeps the object alive, and only `get_mut` gives out `&mut`, when there is no other.
        unsafe { &self.counted.as_ref().value }
    }
}

impl<T, K: Kind> Clone for Ref<T, K> {
    #[inline]
    fn clone(&self) -> Self {
        K::before_write(self.address());
        self.count().fetch_add(1, Ordering::Relaxed);
        Self {
            counted: self.counted,
        }
    }
}

impl<T, K: Kind> Drop for Ref<T, K> {
    #[inline(always)]
    fn drop(&mut self) {
        if !K::IS_OFTEN_LAST || !self.is_unique() {
            K::before_write(self.address());
            if self.count().fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
        }
        // SAFETY: this was the last pointer.
        unsafe { end(self.counted) }
    }
}

/// Drops an object and frees its memory.
///
/// # Safety
/// The last pointer to it has given its count back, or is given up here.
#[cold]
#[inline(never)]
unsafe fn end<T, K: Kind>(counted: NonNull<Counted<T, K>>) {
    // What other threads did with the object happens before its end.
    fence(Ordering::Acquire);
    // SAFETY: nobody has a pointer to it, as the caller promises, and it came from `Vacant::take`.
    unsafe {
        (&raw mut (*counted.as_ptr()).value).drop_in_place();
        free(counted);
    }
}

impl<T, K: Kind<Tail = NoBytes>> Unique<T, K> {
    /// Bytes that one takes.
    pub const N_BYTES: usize = Ref::<T, K>::N_BYTES;

    /// Moves `value` to the heap.
    ///
    /// # Errors
    /// [`OutOfMemory`]; the value is dropped then.
    pub fn try_new(value: T) -> Result<Self, OutOfMemory> {
        Ref::try_new(value).map(Self)
    }
}

impl<T, K: Kind> Deref for Unique<T, K> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T, K: Kind> DerefMut for Unique<T, K> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the pointer is never cloned: this type does not give it out.
        unsafe { &mut self.0.counted.as_mut().value }
    }
}

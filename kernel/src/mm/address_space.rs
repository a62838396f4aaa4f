//! Address spaces: what one task may touch.
//!
//! A space owns the page tables of the user half; the entries of the kernel half are shared by all and fixed at boot. It does not own the
//! frames it maps: whoever maps a frame gets it back from [`AddressSpace::unmap`] or, one by one, from [`AddressSpace::tear_down`]. A frame
//! that is *shared* belongs to somebody else for good: the entry says so, and the space forgets it without giving it to anybody.
//!
//! A page that the task may not even read is *hidden*: its entry is absent for the CPU, and keeps the frame for the space.
//!
//! Rules: a page is never both writable and executable; nothing of the kernel half is ever mapped for a user; a space is torn down in
//! batches before it is dropped, so that its end is bounded (ORD-8) however large it is.

#![allow(unsafe_code, reason = "this module owns the page tables of user space")]

use super::PAGE_BYTES;
use super::frames::{self, Frame, OutOfFrames};
use super::paging::{self, ROOT_LEVEL};
use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU64, Ordering};
use omnibus_abi::layout::{USER_END, USER_START};
use x86_64::structures::paging::PageTableFlags;
use x86_64::structures::paging::page_table::PageTableEntry;

/// What a task may do with a page besides reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    /// Read.
    Read,
    /// Read and write.
    ReadWrite,
    /// Read and execute.
    ReadExecute,
}

impl Rights {
    const fn flags(self) -> PageTableFlags {
        let user = PageTableFlags::PRESENT.union(PageTableFlags::USER_ACCESSIBLE);
        match self {
            Self::Read => user.union(PageTableFlags::NO_EXECUTE),
            Self::ReadWrite => user
                .union(PageTableFlags::WRITABLE)
                .union(PageTableFlags::NO_EXECUTE),
            Self::ReadExecute => user,
        }
    }

    fn from_flags(flags: PageTableFlags) -> Self {
        match (
            flags.contains(PageTableFlags::WRITABLE),
            flags.contains(PageTableFlags::NO_EXECUTE),
        ) {
            (true, _) => Self::ReadWrite,
            (false, true) => Self::Read,
            (false, false) => Self::ReadExecute,
        }
    }
}

/// The frame belongs to a memory object: one of the bits that the CPU leaves to us (SDM 3A table 4-20, bits 11:9).
const SHARED: PageTableFlags = PageTableFlags::BIT_9;

/// The page is hidden: one of the bits that the CPU leaves to us, in an entry that it takes for absent (SDM 3A table 4-20).
const HIDDEN: PageTableFlags = PageTableFlags::BIT_10;

/// The frame of an entry for a page, hidden or not.
fn frame_of(entry: &PageTableEntry) -> Option<Frame> {
    let is_there = entry
        .flags()
        .intersects(PageTableFlags::PRESENT.union(HIDDEN));
    is_there.then(|| Frame::containing_address(entry.addr()))
}

/// Why a page could not be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// No frame is left for a page table.
    OutOfFrames,
    /// Something is mapped there.
    Occupied,
    /// The address is not that of a page of the user half.
    OutOfRange,
}

impl From<OutOfFrames> for MapError {
    fn from(_: OutOfFrames) -> Self {
        Self::OutOfFrames
    }
}

/// See the module's documentation.
#[derive(Debug)]
pub struct AddressSpace {
    root: Frame,
    /// Frames used for page tables, the root included.
    n_tables: u64,
    /// Pages mapped, shared ones not among them.
    n_pages: u64,
    /// Shared pages mapped.
    n_shared: u64,
    /// Where tearing down goes on.
    cursor: u64,
}

impl AddressSpace {
    /// An empty user half under the kernel half that all spaces share.
    ///
    /// # Errors
    /// [`OutOfFrames`]
    pub fn new() -> Result<Self, OutOfFrames> {
        let root = frames::allocate_zeroed()?;
        share_kernel_half(root);
        Ok(Self {
            root,
            n_tables: 1,
            n_pages: 0,
            n_shared: 0,
            cursor: 0,
        })
    }

    /// Frames used for page tables, the root included.
    pub fn n_tables(&self) -> u64 {
        self.n_tables
    }

    /// Pages mapped, shared ones not among them.
    pub fn n_pages(&self) -> u64 {
        self.n_pages
    }

    /// How many frames for page tables mapping the page at `address` would take: 0 to 3. For charging them first.
    pub fn n_missing_tables(&self, address: u64) -> u64 {
        // SAFETY: the tree is ours, and this reference ends here.
        unsafe { paging::n_missing_tables(self.root, address) }
    }

    /// Maps `frame` at the page that begins at `address`.
    ///
    /// # Errors
    /// [`MapError`]. Page tables made before frames ran out stay part of the space and of [`AddressSpace::n_tables`].
    pub fn map(&mut self, address: u64, frame: Frame, rights: Rights) -> Result<(), MapError> {
        self.enter(address, frame, rights.flags())?;
        self.n_pages += 1;
        Ok(())
    }

    /// Maps a frame that belongs to somebody else, who keeps it until [`AddressSpace::unmap_shared`] or the space's end.
    ///
    /// # Errors
    /// As for [`AddressSpace::map`].
    pub fn map_shared(
        &mut self,
        address: u64,
        frame: Frame,
        rights: Rights,
    ) -> Result<(), MapError> {
        self.enter(address, frame, rights.flags() | SHARED)?;
        self.n_shared += 1;
        Ok(())
    }

    fn enter(&mut self, address: u64, frame: Frame, flags: PageTableFlags) -> Result<(), MapError> {
        if !is_user_page(address) {
            return Err(MapError::OutOfRange);
        }
        // SAFETY: the tree is ours, there are no large pages in it, and the reference ends with this call.
        let entry = unsafe { paging::find_or_make(self.root, address, 1, &mut self.n_tables)? };
        if !entry.is_unused() {
            return Err(MapError::Occupied);
        }
        // An entry that was absent is not cached in the TLB (SDM 3A 4.10.2.3): nothing to flush.
        entry.set_frame(frame, flags);
        Ok(())
    }

    /// Unmaps the page that begins at `address` and returns its frame; `None` if nothing is mapped there, or a shared frame.
    pub fn unmap(&mut self, address: u64) -> Option<Frame> {
        let frame = self.take(address, false)?;
        self.n_pages -= 1;
        Some(frame)
    }

    /// Unmaps the shared frame at the page that begins at `address`; false if there is none.
    pub fn unmap_shared(&mut self, address: u64) -> bool {
        let is_taken = self.take(address, true).is_some();
        self.n_shared -= u64::from(is_taken);
        is_taken
    }

    fn take(&mut self, address: u64, is_shared: bool) -> Option<Frame> {
        if !is_user_page(address) {
            return None;
        }
        // SAFETY: the tree is ours, and the reference ends with this call.
        let entry = unsafe { paging::find(self.root, address, 1)? };
        let frame = frame_of(entry)?;
        if entry.flags().contains(SHARED) != is_shared {
            return None;
        }
        entry.set_unused();
        flush_page(self.root, address);
        Some(frame)
    }

    /// Changes what the task may do with the page that begins at `address`, whose frame is not shared; `None` hides it. False if there
    /// is no such page.
    pub fn protect(&mut self, address: u64, rights: Option<Rights>) -> bool {
        if !is_user_page(address) {
            return false;
        }
        // SAFETY: the tree is ours, and the reference ends with this call.
        let Some(entry) = (unsafe { paging::find(self.root, address, 1) }) else {
            return false;
        };
        let Some(frame) = frame_of(entry).filter(|_| !entry.flags().contains(SHARED)) else {
            return false;
        };
        entry.set_addr(frame.start_address(), rights.map_or(HIDDEN, Rights::flags));
        flush_page(self.root, address);
        true
    }

    /// True if there is a page that holds `address`, hidden or not.
    pub fn is_occupied(&self, address: u64) -> bool {
        if !is_user_page(address & !(PAGE_BYTES - 1)) {
            return false;
        }
        // SAFETY: the tree is ours, and this reference ends here.
        let entry = unsafe { paging::find(self.root, address, 1) };
        entry.is_some_and(|entry| !entry.is_unused())
    }

    /// True if there is a page that holds `address`, hidden or not, whose frame is not shared.
    pub fn is_own(&self, address: u64) -> bool {
        // SAFETY: the tree is ours, and this reference ends here.
        let entry = unsafe { paging::find(self.root, address, 1) };
        self.is_occupied(address) && entry.is_some_and(|entry| !entry.flags().contains(SHARED))
    }

    /// Frees the page tables above `address` that map nothing any more, the root never, and returns how many they were. Looks at up to three
    /// tables, so it is for the end of an unmapped range, not for each page.
    pub fn prune(&mut self, address: u64) -> u64 {
        let mut n_freed = 0;
        for level in 2..=ROOT_LEVEL {
            // SAFETY: the tree is ours, and the reference ends in this turn.
            let Some(entry) = (unsafe { paging::find(self.root, address, level) }) else {
                continue;
            };
            let Ok(frame) = entry.frame() else {
                continue;
            };
            // SAFETY: a present entry of an upper level points at a table of our tree.
            if unsafe { paging::table(frame) }
                .iter()
                .any(|entry| !entry.is_unused())
            {
                break;
            }
            entry.set_unused();
            // The CPU may remember the way through the table: INVLPG makes it forget (SDM 3A 4.10.4.1).
            flush_page(self.root, address);
            // SAFETY: no entry refers to the table any more, and no CPU remembers it.
            unsafe { frames::free(frame) };
            n_freed += 1;
        }
        self.n_tables -= n_freed;
        n_freed
    }

    /// The frame and the rights of the page that holds `address`; `None` if there is none, or it is hidden.
    pub fn translate(&self, address: u64) -> Option<(Frame, Rights)> {
        if !is_user_page(address & !(PAGE_BYTES - 1)) {
            return None;
        }
        // SAFETY: the tree is ours, and the reference ends with this call.
        let entry = unsafe { paging::find(self.root, address, 1)? };
        Some((entry.frame().ok()?, Rights::from_flags(entry.flags())))
    }

    /// Makes this the space that user addresses mean on this CPU.
    pub fn activate(&self) {
        activate(self.root);
    }

    /// Takes the space apart, looking at about `n_entries` page-table entries (rounded up to a whole table), and hands every frame that
    /// was mapped and is not shared to `release`. Returns `true` when nothing is left; then, and only then, the space is given to [`AddressSpace::finish`].
    ///
    /// The space must not be mapped into again. It may be the active one: the kernel's own takes its place first.
    pub fn tear_down(&mut self, n_entries: usize, release: &mut dyn FnMut(Frame)) -> bool {
        leave(self.root);
        let mut n_left = n_entries.max(1);
        while self.cursor < USER_END {
            if n_left == 0 {
                return false;
            }
            let n_looked_at = self.tear_down_step(release);
            n_left = n_left.saturating_sub(n_looked_at);
        }
        true
    }

    /// Clears what the cursor points at and moves it on: a whole table of pages, or an absent entry of an upper table. Returns the number of
    /// entries looked at.
    fn tear_down_step(&mut self, release: &mut dyn FnMut(Frame)) -> usize {
        let at = self.cursor;
        for level in (2..=ROOT_LEVEL).rev() {
            // SAFETY: the tree is ours; the tables above exist, or an upper level would have been absent in an earlier turn.
            let is_absent =
                unsafe { paging::find(self.root, at, level) }.is_none_or(|entry| entry.is_unused());
            if is_absent {
                self.advance(at, level);
                return 1;
            }
        }
        let (mut n_released, mut n_forgotten) = (0, 0);
        // SAFETY: the tree is ours, and nobody uses the table while we hold it.
        if let Some(entry) = unsafe { paging::find(self.root, at, 2) }
            && let Ok(frame) = entry.frame()
        {
            // SAFETY: as above.
            for page in unsafe { paging::table(frame) }.iter_mut() {
                let Some(mapped) = frame_of(page) else {
                    continue;
                };
                let is_shared = page.flags().contains(SHARED);
                page.set_unused();
                if is_shared {
                    n_forgotten += 1;
                } else {
                    n_released += 1;
                    release(mapped);
                }
            }
        }
        self.n_pages -= n_released;
        self.n_shared -= n_forgotten;
        self.advance(at, 2);
        512
    }

    /// Moves the cursor behind the entry of `level` at `at` and frees every table that is behind the cursor entirely.
    fn advance(&mut self, at: u64, level: u32) {
        self.cursor = (at & !(paging::entry_bytes(level) - 1)) + paging::entry_bytes(level);
        for upper in 2..=ROOT_LEVEL {
            if at / paging::entry_bytes(upper) == self.cursor / paging::entry_bytes(upper) {
                break;
            }
            // SAFETY: the tree is ours; what the entry points at has been emptied: the cursor went through all of it.
            if let Some(entry) = unsafe { paging::find(self.root, at, upper) }
                && let Ok(frame) = entry.frame()
            {
                entry.set_unused();
                self.n_tables -= 1;
                // SAFETY: no entry refers to the table any more, and the space is active nowhere.
                unsafe { frames::free(frame) };
            }
        }
    }

    /// Frees the root of a space that has been torn down.
    ///
    /// # Panics
    /// If something is left of it.
    pub fn finish(self) {
        let space = ManuallyDrop::new(self);
        assert!(
            space.cursor >= USER_END
                && space.n_tables == 1
                && space.n_pages == 0
                && space.n_shared == 0,
            "{:?} is not torn down",
            *space
        );
        // SAFETY: the space is active nowhere (`tear_down` left it), and its root is the last table.
        unsafe { frames::free(space.root) }
    }
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        // Dropping a space would lose its frames. An empty one can go, as after a failed `new` of its owner.
        if self.n_tables == 1 && self.n_pages == 0 && self.n_shared == 0 {
            leave(self.root);
            // SAFETY: the space is active nowhere, and its root is the last table.
            unsafe { frames::free(self.root) }
        } else {
            panic!(
                "an address space with {} pages was dropped without being torn down",
                self.n_pages
            )
        }
    }
}

/// The root of a space, for those who make it active again and again: without a lock, and until it is [closed](Root::close).
#[derive(Debug)]
pub struct Root(AtomicU64);

impl Root {
    /// That of `space`, which is not torn down before this is closed.
    pub fn of(space: &AddressSpace) -> Self {
        Self(AtomicU64::new(space.root.start_address().as_u64()))
    }

    /// Makes the space the one that user addresses mean on this CPU; false if it is closed.
    #[inline]
    pub fn activate(&self) -> bool {
        let root = self.0.load(Ordering::Relaxed);
        if root != 0 {
            // SAFETY: it is the root of a space that has not begun to be torn down; who tears it down leaves it first (`tear_down`).
            unsafe { activate_root(root) }
        }
        root != 0
    }

    /// The space begins to be torn down.
    pub fn close(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// True if `address` is that of a page a user may have.
const fn is_user_page(address: u64) -> bool {
    address >= USER_START && address < USER_END && address.is_multiple_of(PAGE_BYTES)
}

#[cfg(not(test))]
use super::kernel_space::{activate, activate_root, flush_page, leave, share_kernel_half};

/// On the host there is no kernel half and no CPU that walks the tables.
#[cfg(test)]
mod host {
    use super::Frame;
    pub(super) fn activate(_: Frame) {}
    pub(super) unsafe fn activate_root(_: u64) {}
    pub(super) fn flush_page(_: Frame, _: u64) {}
    pub(super) fn leave(_: Frame) {}
    pub(super) fn share_kernel_half(_: Frame) {}
}
#[cfg(test)]
use host::{activate, activate_root, flush_page, leave, share_kernel_half};

#[cfg(test)]
#[path = "address_space_tests.rs"]
mod tests;

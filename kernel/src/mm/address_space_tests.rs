//! Address spaces on the emulated machine.

use super::*;
use crate::mm::frames::tests_support::machine;

const ADDRESSES: [u64; 8] = [
    USER_START,
    0x20_0000,
    0x3fff_f000,
    0x4000_0000,
    0x7f_ffff_f000,
    0x80_0000_0000,
    0x7fff_0000_0000,
    USER_END - PAGE_BYTES,
];

fn tear_down(mut space: AddressSpace, n_entries: usize) -> (usize, usize) {
    let (mut n_released, mut n_batches) = (0, 1);
    let mut release = |frame| {
        n_released += 1;
        // SAFETY: the tests map frames that they allocated and do not use.
        unsafe { frames::free(frame) }
    };
    while !space.tear_down(n_entries, &mut release) {
        n_batches += 1;
    }
    space.finish();
    (n_released, n_batches)
}

/// What is mapped is found again with its rights, and nothing else is.
#[test]
fn a_mapped_page_is_found_with_its_rights() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    for (i, &address) in ADDRESSES.iter().enumerate() {
        let frame = frames::allocate().unwrap();
        let rights = [Rights::Read, Rights::ReadWrite, Rights::ReadExecute][i % 3];
        assert_eq!(space.translate(address), None);
        space.map(address, frame, rights).unwrap();
        assert_eq!(space.translate(address + 0xfff), Some((frame, rights)));
        assert_eq!(space.map(address, frame, rights), Err(MapError::Occupied));
    }
    assert_eq!(space.n_pages(), 8);
    assert_eq!(tear_down(space, usize::MAX).0, 8);
}

/// No page outside the user half, and none that is not aligned, can be mapped.
#[test]
fn only_user_pages_can_be_mapped() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    let frame = frames::allocate().unwrap();
    for address in [
        0,
        1,
        0x1001,
        USER_END,
        0x7fff_ffff_ffff,
        0x8000_0000_0000,
        0xffff_8000_0000_0000,
        u64::MAX - 4095,
    ] {
        assert_eq!(
            space.map(address, frame, Rights::Read),
            Err(MapError::OutOfRange),
            "{address:#x}"
        );
        assert_eq!(space.unmap(address), None);
        assert_eq!(space.translate(address), None);
    }
    // SAFETY: it was never mapped.
    unsafe { frames::free(frame) };
}

/// A page can be unmapped once, and mapped anew; the smallest batch looks at one absent entry or one whole table.
#[test]
fn unmapping_returns_the_frame_once() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    let frame = frames::allocate().unwrap();
    space.map(0x5000, frame, Rights::Read).unwrap();
    assert_eq!(space.unmap(0x5000), Some(frame));
    assert_eq!(space.unmap(0x5000), None);
    assert_eq!(space.unmap(0x8000_0000), None);
    space.map(0x5000, frame, Rights::ReadWrite).unwrap();
    assert_eq!(tear_down(space, 1), (1, 1 + 511 + 511 + 255));
}

/// Rights can be changed; a page without any keeps its frame, is not found, and keeps others away.
#[test]
fn a_hidden_page_is_still_there() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    let frames = [frames::allocate().unwrap(), frames::allocate().unwrap()];
    for (frame, address) in frames.into_iter().zip([0x5000, 0x6000]) {
        space.map(address, frame, Rights::ReadWrite).unwrap();
        assert!(space.protect(address, Some(Rights::Read)));
        assert_eq!(space.translate(address), Some((frame, Rights::Read)));
        assert!(space.protect(address, None));
        assert_eq!(space.translate(address), None);
        assert!(space.is_occupied(address) && space.is_own(address));
        assert_eq!(
            space.map(address, frame, Rights::Read),
            Err(MapError::Occupied)
        );
    }
    assert!(space.protect(0x5000, Some(Rights::ReadExecute)));
    assert_eq!(
        space.translate(0x5000),
        Some((frames[0], Rights::ReadExecute))
    );
    assert_eq!(space.unmap(0x6000), Some(frames[1]));
    assert!(!space.protect(0x6000, None) && !space.is_occupied(0x6000));
    space.map(0x6000, frames[1], Rights::Read).unwrap();
    assert!(space.protect(0x6000, None));
    assert_eq!(tear_down(space, usize::MAX).0, 2);
}

/// The rights of a shared frame are not changed here.
#[test]
fn a_shared_page_is_not_protected() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    let frame = frames::allocate().unwrap();
    space.map_shared(0x5000, frame, Rights::Read).unwrap();
    assert!(!space.protect(0x5000, None));
    assert_eq!(space.translate(0x5000), Some((frame, Rights::Read)));
    assert!(space.unmap_shared(0x5000));
    assert_eq!(tear_down(space, usize::MAX).0, 0);
    // SAFETY: nothing maps it any more.
    unsafe { frames::free(frame) };
}

/// The number of missing tables is exactly how many frames mapping takes.
#[test]
fn missing_tables_are_counted_exactly() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    for (address, n_expected) in [
        (0x1000, 3),
        (0x2000, 0),
        (0x20_0000, 1),
        (0x4000_0000, 2),
        (0x80_0000_0000, 3),
    ] {
        let frame = frames::allocate().unwrap();
        let n_free = frames::counts().n_free;
        assert_eq!(space.n_missing_tables(address), n_expected, "{address:#x}");
        space.map(address, frame, Rights::Read).unwrap();
        assert_eq!(n_free - frames::counts().n_free, n_expected);
    }
    assert_eq!(space.n_tables(), 10);
    tear_down(space, 1000);
}

/// However a space is torn down, in whatever batches, every frame comes back, of pages and of tables.
#[test]
fn tearing_down_gives_everything_back() {
    let _machine = machine();
    for n_entries in [1, 7, 512, 5000, usize::MAX] {
        let before = frames::counts();
        let mut space = AddressSpace::new().unwrap();
        let mut n_mapped = 0;
        for &base in &ADDRESSES {
            for i in 0..5 {
                let frame = frames::allocate().unwrap();
                match space.map(base + i * PAGE_BYTES, frame, Rights::ReadWrite) {
                    Ok(()) => n_mapped += 1,
                    // SAFETY: the frame was not mapped.
                    Err(_) => unsafe { frames::free(frame) },
                }
            }
        }
        let (n_released, n_batches) = tear_down(space, n_entries);
        assert_eq!(n_released, n_mapped);
        assert!(n_entries != usize::MAX || n_batches == 1);
        assert_eq!(frames::counts(), before, "in batches of {n_entries}");
    }
}

/// When frames run out in the middle of a mapping, it fails, the tables made so far are counted, and all comes back.
#[test]
fn running_out_of_frames_leaves_a_whole_space() {
    let _machine = machine();
    let before = frames::counts();
    for n_spare in 0..3 {
        let mut space = AddressSpace::new().unwrap();
        let frame = frames::allocate().unwrap();
        let mut hoard = Vec::new();
        while frames::counts().n_free > n_spare {
            hoard.push(frames::allocate().unwrap());
        }
        assert_eq!(
            space.map(0x1000, frame, Rights::Read),
            Err(MapError::OutOfFrames)
        );
        assert_eq!(space.n_tables(), 1 + n_spare);
        for frame in hoard.into_iter().chain([frame]) {
            // SAFETY: hoarded frames are not used.
            unsafe { frames::free(frame) };
        }
        tear_down(space, 100);
        assert_eq!(frames::counts(), before);
    }
}

/// Tables that map nothing any more can be pruned: all but those that other pages need, the root never.
#[test]
fn pruning_frees_what_maps_nothing() {
    let _machine = machine();
    let mut space = AddressSpace::new().unwrap();
    for &address in &ADDRESSES {
        let frame = frames::allocate().unwrap();
        space.map(address, frame, Rights::ReadWrite).unwrap();
        assert_eq!(space.prune(address), 0, "{address:#x} is mapped");
    }
    for &address in &ADDRESSES {
        let frame = space.unmap(address).unwrap();
        // SAFETY: it was unmapped just now.
        unsafe { frames::free(frame) };
        let n_tables = space.n_tables();
        let n_freed = space.prune(address);
        assert_eq!(space.n_tables(), n_tables - n_freed);
        assert_eq!(space.prune(address), 0, "pruned twice");
    }
    assert_eq!(space.n_tables(), 1);
    assert_eq!(tear_down(space, usize::MAX).0, 0);
}

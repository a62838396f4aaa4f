//! Large blocks on the emulated machine: page tables in its memory stand for addresses that nobody reaches through them.

use super::*;
use crate::mm::frames::tests_support::machine;
use crate::mm::physical;
use std::collections::HashMap;
use std::vec::Vec;

/// A root of its own.
fn tables() -> Tables {
    let root = frames::allocate_zeroed().unwrap();
    // SAFETY: the root is new, and each test has one `Large` for it.
    unsafe { Tables::new(root, |_| ()) }
}

/// The frame behind a page of a block.
fn frame(tables: &mut Tables, address: u64) -> Option<Frame> {
    let entry = tables.entries(address)?.first()?;
    entry.frame().ok()
}

/// Writes a number into each page of `pages`, through the frames behind them.
fn mark(tables: &mut Tables, address: u64, pages: Range<u64>, number: u64) {
    for page in pages {
        let frame = frame(tables, address + page * PAGE_BYTES).expect("a page of the block");
        // SAFETY: the frame is the block's, and a number fits.
        unsafe { physical::pointer::<u64>(frame.start_address()).write(number + page) };
    }
}

/// True if each page of `pages` holds what [`mark`] wrote, and the next one of the slot, if there is one, is not mapped.
fn is_marked(tables: &mut Tables, address: u64, pages: Range<u64>, number: u64) -> bool {
    let is_full = pages.end * PAGE_BYTES == slot_bytes(slot_of(address).0);
    let behind = address + pages.end * PAGE_BYTES;
    pages.clone().all(|page| {
        let frame = frame(tables, address + page * PAGE_BYTES);
        // SAFETY: as for `mark`.
        frame.is_some_and(|frame| unsafe {
            physical::pointer::<u64>(frame.start_address()).read() == number + page
        })
    }) && (is_full || frame(tables, behind).is_none())
}

/// How many tables the tree has, the root included.
fn n_tables_below(root: Frame, level: u32) -> u64 {
    // SAFETY: the test owns the tree.
    let table = unsafe { paging::table(root) };
    let below = table
        .iter()
        .filter(|entry| entry.flags().contains(PageTableFlags::PRESENT));
    match level {
        1 => 1,
        level => {
            1 + below
                .map(|entry| n_tables_below(Frame::containing_address(entry.addr()), level - 1))
                .sum::<u64>()
        }
    }
}

/// Blocks in use share no frame and no address, keep what is written through every resize, and give every frame back: what is left
/// in use are the tables and one spare of each class.
#[test]
fn large_blocks_are_disjoint_and_keep_their_content() {
    let _machine = machine();
    let n_used_before = frames::counts().n_used();
    let (mut tables, mut large) = (tables(), Large::new());
    let mut random = 88_172_645_463_325_252_u64;
    let mut blocks: Vec<(u64, u64, u64)> = Vec::new();
    for number in 0..4000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let n_pages = 2 + (random >> 8) % 40;
        let number = number << 32;
        match (random % 4, blocks.len()) {
            (0 | 1, n) if n < 60 => {
                let address = large.allocate(&mut tables, n_pages).unwrap();
                let overlaps = |&(start, n, _): &(u64, u64, u64)| {
                    start < address + n_pages * PAGE_BYTES && address < start + n * PAGE_BYTES
                };
                assert!(!blocks.iter().any(overlaps), "block at {address:#x}");
                mark(&mut tables, address, 0..n_pages, number);
                blocks.push((address, n_pages, number));
            }
            (2, n) if n > 0 => {
                let index = random as usize % n;
                let (address, n_before, number) = blocks[index];
                assert!(is_marked(&mut tables, address, 0..n_before, number));
                // SAFETY: the block is in use, and this is the one reference to it.
                let resized = unsafe { large.resize(&mut tables, address, n_before, n_pages) };
                let address = resized.unwrap();
                mark(&mut tables, address, n_before.min(n_pages)..n_pages, number);
                blocks[index] = (address, n_pages, number);
            }
            (_, n) if n > 0 => {
                let (address, n_pages, number) = blocks.swap_remove(random as usize % n);
                assert!(is_marked(&mut tables, address, 0..n_pages, number));
                // SAFETY: it is given back once.
                unsafe { large.free(&mut tables, address, n_pages) };
            }
            _ => {}
        }
        let n_pages: u64 = blocks.iter().map(|block| block.1).sum();
        assert_eq!(large.n_pages(), n_pages);
    }
    for (address, n_pages, number) in blocks {
        assert!(is_marked(&mut tables, address, 0..n_pages, number));
        // SAFETY: it is given back once.
        unsafe { large.free(&mut tables, address, n_pages) };
    }
    // The root is the test's.
    assert_eq!(
        frames::counts().n_used() - n_used_before,
        large.n_idle_frames() + 1
    );
    assert_eq!(n_tables_below(tables.root, ROOT_LEVEL), large.n_tables + 1);
}

/// A slot is used again, last given back first: many blocks that come and go need the addresses and tables of one.
#[test]
fn large_slots_are_used_again() {
    let _machine = machine();
    let (mut tables, mut large) = (tables(), Large::new());
    let three: Vec<_> = (0..3)
        .map(|_| large.allocate(&mut tables, 3).unwrap())
        .collect();
    let n_tables = large.n_tables;
    for &address in &three {
        // SAFETY: it is given back once.
        unsafe { large.free(&mut tables, address, 3) };
    }
    // The first is the spare, the others are taken in the other order.
    let again: Vec<_> = (0..3)
        .map(|_| large.allocate(&mut tables, 4).unwrap())
        .collect();
    assert_eq!(again, [three[0], three[2], three[1]]);
    for address in again {
        // SAFETY: as above.
        unsafe { large.free(&mut tables, address, 4) };
    }
    assert_eq!(large.n_tables, n_tables);
    assert_eq!(large.n_pages(), 0);
}

/// When frames run out, in whatever step, nothing has changed: not the block, not the number of pages, no slot is lost.
#[test]
fn large_blocks_fail_without_a_trace() {
    let _machine = machine();
    let (mut tables, mut large) = (tables(), Large::new());
    let kept = large.allocate(&mut tables, 5).unwrap();
    // A spare, so that taking it over fails, too.
    let spare = large.allocate(&mut tables, 17).unwrap();
    // SAFETY: it is given back once.
    unsafe { large.free(&mut tables, spare, 17) };
    mark(&mut tables, kept, 0..5, 7 << 32);
    let mut hoard = Vec::new();
    while let Ok(frame) = frames::allocate() {
        hoard.push(frame);
    }
    let mut n_failed = HashMap::new();
    // With one frame more each time, each call gets further; the tables that were made stay.
    for n_free in 0..80 {
        for (what, n_pages) in [("allocate", 20), ("grow in place", 8), ("grow", 40)] {
            let n_before = (
                large.n_pages(),
                large.n_idle_frames() + frames::counts().n_free,
            );
            let done = match what {
                "allocate" => large.allocate(&mut tables, n_pages),
                // SAFETY: nobody uses the block but this test; if it moves, it moves back below.
                _ => unsafe { large.resize(&mut tables, kept, 5, n_pages) },
            };
            let Some(address) = done else {
                let n_after = (
                    large.n_pages(),
                    large.n_idle_frames() + frames::counts().n_free,
                );
                assert_eq!(n_after, n_before, "{what} with {n_free} frames");
                assert!(is_marked(&mut tables, kept, 0..5, 7 << 32), "{what}");
                *n_failed.entry(what).or_insert(0) += 1;
                continue;
            };
            // SAFETY: the block is given back, or made as it was: its class has a slot for it, the one that it left.
            unsafe {
                match what {
                    "allocate" => large.free(&mut tables, address, n_pages),
                    _ => {
                        let back = large.resize(&mut tables, address, n_pages, 5);
                        assert_eq!(back, Some(kept), "{what}, and back");
                    }
                }
            }
            assert!(is_marked(&mut tables, kept, 0..5, 7 << 32), "{what}");
        }
        let frame = hoard.pop().expect("the machine has so many frames");
        // SAFETY: it was allocated above and never used.
        unsafe { frames::free(frame) };
    }
    for frame in hoard {
        // SAFETY: as above.
        unsafe { frames::free(frame) };
    }
    for what in ["allocate", "grow in place", "grow"] {
        assert!((1..80).contains(&n_failed[what]), "{what}: {n_failed:?}");
    }
}

/// The classes cover every length from 2 pages to the most, each with the least slot that fits.
#[test]
fn large_classes_fit() {
    assert_eq!(class_of(0), None);
    for n_pages in 2..=PAGES_MAX {
        let slot = slot_bytes(class_of(n_pages).unwrap()) / PAGE_BYTES;
        assert!(
            n_pages <= slot && slot < 2 * n_pages,
            "{n_pages} pages in {slot}"
        );
    }
    assert_eq!(class_of(PAGES_MAX + 1), None);
    for class in 0..N_CLASSES {
        let last = REGION_BYTES / slot_bytes(class) - 1;
        for slot in [0, 1, last] {
            assert_eq!(slot_of(slot_address(class, slot)), (class, slot));
        }
    }
}

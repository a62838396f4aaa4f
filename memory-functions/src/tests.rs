//! Each function against the obvious one, for every length around its size classes, at every
//! alignment of 16, and with every byte around the range watched.

extern crate std;

use super::{compare, copy, copy_overlapping, fill, length};
use std::vec::Vec;

const LENGTHS: core::ops::Range<usize> = 0..200;
const ALIGNMENTS: core::ops::Range<usize> = 0..16;

fn pattern(n: usize) -> Vec<u8> {
    (0..n).map(|i| (i * 7 + i / 256 + 3) as u8).collect()
}

/// A copy moves exactly its bytes and returns its destination.
#[test]
fn mem_copy_moves_exactly_its_bytes() {
    let source = pattern(256);
    for n in LENGTHS {
        for alignment in ALIGNMENTS {
            let mut actual = [0xEE; 256];
            let mut expected = [0xEE; 256];
            expected[alignment..alignment + n].copy_from_slice(&source[3..3 + n]);
            let to = actual[alignment..].as_mut_ptr();
            // SAFETY: both ranges lie in their buffers: 15 + 199 and 3 + 199 are below 256.
            let value = unsafe { copy(to, source[3..].as_ptr(), n) };
            assert_eq!(value, to);
            assert_eq!(actual, expected, "n {n}, alignment {alignment}");
        }
    }
}

/// A move is right however its ranges overlap.
#[test]
fn mem_move_is_right_for_every_overlap() {
    let source = pattern(512);
    for n in LENGTHS {
        for from in (0..280).step_by(3) {
            let mut actual = source.clone();
            let mut expected = source.clone();
            expected.copy_within(from..from + n, 140);
            let base = actual.as_mut_ptr();
            // SAFETY: both ranges lie in the buffer: 280 + 199 and 140 + 199 are below 512.
            let value = unsafe { copy_overlapping(base.add(140), base.add(from), n) };
            assert_eq!(value as usize, base as usize + 140);
            assert_eq!(actual, expected, "n {n}, from {from}");
        }
    }
}

/// A fill sets exactly its bytes, to the low byte of the value.
#[test]
fn mem_fill_sets_exactly_its_bytes() {
    for n in LENGTHS {
        for alignment in ALIGNMENTS {
            let mut actual = [0x11; 256];
            let mut expected = [0x11; 256];
            expected[alignment..alignment + n].fill(0xA5);
            let to = actual[alignment..].as_mut_ptr();
            // SAFETY: the range lies in the buffer: 15 + 199 is below 256.
            let value = unsafe { fill(to, 0x7FA5, n) };
            assert_eq!(value, to);
            assert_eq!(actual, expected, "n {n}, alignment {alignment}");
        }
    }
}

/// A comparison finds the first difference, wherever it is, and orders bytes as unsigned.
#[test]
fn mem_compare_finds_the_first_difference() {
    let left = pattern(256);
    for n in LENGTHS {
        for difference in 0..=n {
            let mut right = left.clone();
            right[difference] = !left[difference];
            // Behind the first difference another one of the opposite sign, which must not count.
            right[difference + 1] = if left[difference] < right[difference] {
                0
            } else {
                255
            };
            let expected = left[..n].cmp(&right[..n]) as i32;
            // SAFETY: both buffers hold at least n bytes.
            let actual = unsafe { compare(left.as_ptr(), right.as_ptr(), n) };
            assert_eq!(actual.signum(), expected, "n {n}, difference {difference}");
        }
    }
}

/// The length of a string is the number of bytes before its first zero byte.
#[test]
fn mem_length_ends_at_the_first_zero() {
    for n in LENGTHS {
        let mut string = [1u8; 256];
        string[n] = 0;
        // SAFETY: the string ends in the buffer.
        assert_eq!(unsafe { length(string.as_ptr()) }, n);
    }
}

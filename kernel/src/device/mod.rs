//! What a driver needs of the machine: I/O ports, interrupt lines, and timers.
//!
//! | module | is |
//! |---|---|
//! | [`ports`] | which ports are given out, and to read and write them |
//! | [`interrupts`] | which line is bound to which node, and when it may interrupt |
//! | [`timers`] | which timer expires when |

pub mod interrupts;
pub mod ports;
pub mod timers;

/// A range of ports or of lines, which capabilities name: `n` members from `first` on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    first: u16,
    n: u32,
}

impl Range {
    /// All of `n` members, at most 65,536.
    #[must_use]
    pub const fn all(n: u32) -> Self {
        Self { first: 0, n }
    }

    /// Its part of `n` members from `first` on; `None` if that is empty, or not all of it is a part.
    #[must_use]
    pub fn part(self, first: u64, n: u64) -> Option<Self> {
        if n == 0 || !self.has(first, n) {
            return None;
        }
        Some(Self {
            first: u16::try_from(first).ok()?,
            n: u32::try_from(n).ok()?,
        })
    }

    /// True if all `n` members from `first` on are its own.
    #[must_use]
    pub fn has(self, first: u64, n: u64) -> bool {
        let end = u64::from(self.first) + u64::from(self.n);
        first >= u64::from(self.first) && first.checked_add(n).is_some_and(|last| last <= end)
    }

    /// A number that no other range has.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from(self.n) << 16 | u64::from(self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A part of a range is never more than the range, whatever is asked for, and never empty.
    #[test]
    fn dev_a_part_is_within_its_range() {
        let all = Range::all(1 << 16);
        assert_eq!(all.part(0, 1 << 16), Some(all));
        let part = all.part(0x3f8, 8).unwrap();
        assert!(part.has(0x3f8, 8) && part.has(0x3ff, 1) && part.has(0x3ff, 0));
        for (first, n) in [
            (0x3f7, 1),
            (0x3f8, 9),
            (0x400, 1),
            (0, 1 << 16),
            (u64::MAX, 1),
            (0x3f8, u64::MAX),
            (u64::MAX, u64::MAX),
            (0x3f8, 0),
        ] {
            assert_eq!(part.part(first, n), None, "{n} from {first:#x}");
        }
        assert_eq!(
            part.part(0x3fa, 2).and_then(|part| part.part(0x3f8, 8)),
            None
        );
        assert_ne!(part.number(), all.part(0x3f8, 7).unwrap().number());
    }
}

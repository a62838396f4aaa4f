//! Names for addresses of the kernel: the table `kernel.sym` of the initrd, or `kernel-trace.sym` for the kernel that is built to be watched.
//!
//! The table is text, one line per function: 16 hexadecimal digits, a space, the name; sorted by address. It is searched where it lies, by
//! halving, so it costs no memory; a line that is not of this form ends the search without a name.

use omnibus_archive::Archive;

/// Name of the table in the initrd.
const FILE: &str = if cfg!(feature = "trace") {
    "kernel-trace.sym"
} else {
    "kernel.sym"
};

/// The table of the archive `initrd`; an empty one, without which backtraces have no names, if there is none.
pub fn of_initrd(initrd: &[u8]) -> Symbols<'_> {
    let table = Archive::parse(initrd)
        .ok()
        .and_then(|archive| archive.find(FILE));
    Symbols::new(table.map_or(&[], |file| file.bytes))
}

/// A symbol table.
#[derive(Clone, Copy, Debug)]
pub struct Symbols<'a> {
    text: &'a [u8],
}

impl<'a> Symbols<'a> {
    /// The table in `text`.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text }
    }

    /// The function that `address` belongs to, if the table has one that begins at or before it: its name, and how far into it.
    pub fn find(&self, address: u64) -> Option<(&'a str, u64)> {
        // Invariant: the line that starts at `low` begins at or before `address` (once one was found); all from `high` on begin after it.
        let (mut low, mut high) = (0, self.text.len());
        let mut found = None;
        while low < high {
            let start = self.line_start((low + high) / 2, low);
            let line = self.line(start);
            let (symbol, name) = parse(line)?;
            if symbol <= address {
                found = Some((name, address - symbol));
                low = start + line.len() + 1;
            } else {
                high = start;
            }
        }
        found
    }

    /// Start of the line that holds byte `at`; not before `low`, where a line starts.
    fn line_start(&self, at: usize, low: usize) -> usize {
        self.text[low..at]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(low, |newline| low + newline + 1)
    }

    fn line(&self, start: usize) -> &'a [u8] {
        let rest = &self.text[start..];
        &rest[..rest
            .iter()
            .position(|&byte| byte == b'\n')
            .unwrap_or(rest.len())]
    }
}

fn parse(line: &[u8]) -> Option<(u64, &str)> {
    let (digits, name) = core::str::from_utf8(line).ok()?.split_once(' ')?;
    Some((u64::from_str_radix(digits, 16).ok()?, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str =
        "ffffffff80200000 alpha\nffffffff80200010 beta::<u8, T>\nffffffff80200100 gamma\n";

    /// An address belongs to the last function that begins at or before it.
    #[test]
    fn an_address_belongs_to_the_function_before_it() {
        for text in [TABLE, TABLE.trim_end()] {
            let symbols = Symbols::new(text.as_bytes());
            assert_eq!(symbols.find(0xffff_ffff_801f_ffff), None);
            assert_eq!(symbols.find(0xffff_ffff_8020_0000), Some(("alpha", 0)));
            assert_eq!(symbols.find(0xffff_ffff_8020_000f), Some(("alpha", 15)));
            assert_eq!(
                symbols.find(0xffff_ffff_8020_0010),
                Some(("beta::<u8, T>", 0))
            );
            assert_eq!(
                symbols.find(0xffff_ffff_8020_00ff),
                Some(("beta::<u8, T>", 0xef))
            );
            assert_eq!(
                symbols.find(u64::MAX),
                Some(("gamma", u64::MAX - 0xffff_ffff_8020_0100))
            );
        }
    }

    /// Against a linear search, in a table of 1,000 functions of all sizes.
    #[test]
    fn halving_finds_what_a_linear_search_finds() {
        let starts: Vec<u64> = (0..1000).map(|i| 1000 + i * i).collect();
        let text: String = starts
            .iter()
            .map(|start| format!("{start:016x} f{}\n", "x".repeat((start % 37) as usize)))
            .collect();
        let symbols = Symbols::new(text.as_bytes());
        for address in (0..1_010_000).step_by(97) {
            let expected = starts.iter().rev().find(|&&start| start <= address);
            assert_eq!(
                symbols.find(address).map(|(_, offset)| address - offset),
                expected.copied()
            );
        }
    }

    /// A damaged table gives no name, and no panic.
    #[test]
    fn a_damaged_table_gives_no_name() {
        for text in [
            "",
            "\n",
            "\n\n\n",
            "zzzz name\n",
            "ffffffff80200000",
            "\u{fffd} x",
            "0 ",
        ] {
            let got = Symbols::new(text.as_bytes()).find(0xffff_ffff_8020_0000);
            assert!(got.is_none() || text == "0 ", "{text:?}: {got:?}");
        }
        assert_eq!(Symbols::new(b"\xff\xff x\n").find(1), None);
    }
}

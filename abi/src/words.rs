//! The kernel's command line: words that the host tool writes and the kernel reads.
//!
//! A command line is a row of words separated by blanks (0x20). A word is `KEY=VALUE`. A key starts with a letter `a` to
//! `z` and goes on with those, digits and `-`; no key comes twice. A value is a list of items separated by commas; most
//! words have exactly one. An item is any string of bytes: those that are not graphic ASCII, and `%`, `,` and `"`, are
//! written as `%` with two hexadecimal digits. So the arguments `a b`, `` and `50%,` of a program are
//! `args=a%20b,,50%25%2C`. A word that is absent is an empty list, while `args=` is a list of one empty item.

use core::fmt::{self, Display, Formatter, Write};
use core::iter;

/// The longest command line, in bytes. QEMU and the PVH entry set none; this one lets the kernel keep a copy.
pub const MAX_N_BYTES: usize = 2048;

/// The word that names the first task's program in the archive.
pub const INIT: &str = "init";

/// The word that lists the first task's arguments.
pub const ARGUMENTS: &str = "args";

/// The word that breaks the mechanism behind one chapter of the tour.
pub const SABOTAGE: &str = "sabotage";

/// The word that lets the root account hold more than memory backs.
pub const OVERCOMMIT: &str = "overcommit";

/// The word that switches the kernel's trace on.
pub const TRACE: &str = "trace";

/// Every word there is, with what its value is. Host tool and kernel refuse others.
pub const KEYS: [(&str, &str); 7] = [
    (INIT, "name of the first task's program in the archive"),
    (ARGUMENTS, "arguments of the first task"),
    (
        "slice",
        "ticks of the interrupt timer after which it fires in user mode, again and again",
    ),
    (
        OVERCOMMIT,
        "how many times as many objects and bytes the root account may hold as memory backs: then ENOMEM comes before EDQUOT",
    ),
    ("test", "a way for the kernel to fail on purpose"),
    (
        SABOTAGE,
        "chapter of the tour whose mechanism is broken, a to h; only in the kernel built for this test",
    ),
    (
        TRACE,
        "on: the kernel keeps its last events, and prints them at its end or in a panic",
    ),
];

/// A word of the command line, its value still as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<'line> {
    /// The key, of the form that [`is_key`] accepts.
    pub key: &'line str,
    /// The value as written; see [`items`] and [`decode`].
    pub value: &'line [u8],
}

/// Something on a command line that is not a word, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAWord<'line>(pub &'line [u8]);

impl Display for NotAWord<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "kernel word \"{}\" is not of the form KEY=VALUE",
            self.0.escape_ascii()
        )
    }
}

/// Whether `text` is a key: `a` to `z` first, then `a` to `z`, digits and `-`.
pub fn is_key(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_lowercase)
        && text
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

/// The words of a command line in their order. Escapes inside the values are not looked at yet.
pub fn words(line: &[u8]) -> impl Iterator<Item = Result<Word<'_>, NotAWord<'_>>> {
    line.split(|&byte| byte == b' ')
        .filter(|text| !text.is_empty())
        .map(|text| {
            let not_a_word = NotAWord(text);
            let equals = text
                .iter()
                .position(|&byte| byte == b'=')
                .ok_or(not_a_word)?;
            let (key, value) = (&text[..equals], &text[equals + 1..]);
            match core::str::from_utf8(key) {
                Ok(key) if is_key(key.as_bytes()) => Ok(Word { key, value }),
                _ => Err(not_a_word),
            }
        })
}

/// The items of a value, each still as it was written. There is always at least one.
pub fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',')
}

/// A `%` that two hexadecimal digits do not follow, or a byte that should have been written with one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape;

impl Display for BadEscape {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a kernel word has graphic ASCII and %XX only, with two hexadecimal digits XX")
    }
}

/// The bytes that an item stands for. The first error ends the row.
pub fn decode(item: &[u8]) -> impl Iterator<Item = Result<u8, BadEscape>> {
    let mut rest = item;
    iter::from_fn(move || {
        let (&first, behind) = rest.split_first()?;
        let (byte, behind) = match (first, behind) {
            (b'%', [high, low, behind @ ..]) => (
                nibble(*high).zip(nibble(*low)).map(|(h, l)| h << 4 | l),
                behind,
            ),
            (b'%', _) => (None, behind),
            (byte, behind) => (is_plain(byte).then_some(byte), behind),
        };
        rest = if byte.is_some() { behind } else { &[] };
        Some(byte.ok_or(BadEscape))
    })
}

/// Writes the bytes of one item so that [`decode`] gives them back.
///
/// # Errors
/// Those of `out`.
pub fn encode(item: &[u8], out: &mut impl Write) -> fmt::Result {
    for &byte in item {
        if is_plain(byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}

/// Whether a byte of an item is written as it is.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'%' | b',' | b'"')
}

/// The value of a hexadecimal digit.
fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(item: &[u8]) -> String {
        let mut text = String::new();
        encode(item, &mut text).expect("a string takes everything");
        text
    }

    fn decoded(item: &[u8]) -> Result<Vec<u8>, BadEscape> {
        decode(item).collect()
    }

    /// Every byte survives the way to the kernel, and none of them ends a word or an item.
    #[test]
    fn every_byte_comes_back() {
        let all = (0..=u8::MAX).collect::<Vec<_>>();
        let text = encoded(&all);
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b',')
        );
        assert_eq!(decoded(text.as_bytes()), Ok(all));
    }

    /// A list of no item, of one empty item and of an item with a comma are three different things.
    #[test]
    fn lists_keep_empty_items() {
        assert_eq!(items(b"").collect::<Vec<_>>(), [b""]);
        assert_eq!(
            items(b"a,,50%25%2C").map(decoded).collect::<Vec<_>>(),
            [Ok(b"a".to_vec()), Ok(b"".to_vec()), Ok(b"50%,".to_vec())]
        );
    }

    /// Blanks separate words, in any number; a value may have further equals signs and may be empty.
    #[test]
    fn words_are_cut_at_blanks() {
        let line = b"  init=tour x-1=a=b  args= ";
        assert_eq!(
            words(line).collect::<Vec<_>>(),
            [
                Ok(Word {
                    key: "init",
                    value: b"tour"
                }),
                Ok(Word {
                    key: "x-1",
                    value: b"a=b"
                }),
                Ok(Word {
                    key: "args",
                    value: b""
                }),
            ]
        );
    }

    /// What is not a word is named as it was written.
    #[test]
    fn a_bad_word_is_named() {
        for bad in ["init", "=x", "Init=x", "1a=x", "a_b=x", "\u{e9}=x"] {
            assert_eq!(
                words(bad.as_bytes()).collect::<Vec<_>>(),
                [Err(NotAWord(bad.as_bytes()))]
            );
        }
        assert!(NotAWord(b"a\x07").to_string().contains("\"a\\x07\""));
    }

    /// A bad escape is an error and ends the item; it is never guessed at.
    #[test]
    fn a_bad_escape_is_refused() {
        for bad in ["%", "a%2", "%2x", "%x2", "%%41", "%+1", "a\tb", "\u{e9}"] {
            assert_eq!(decoded(bad.as_bytes()), Err(BadEscape), "{bad:?}");
        }
        assert_eq!(decode(b"%zzabc").count(), 1);
    }
}

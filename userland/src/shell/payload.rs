//! Bytes of messages as people write and read them: text, or `hex:` and two digits for each byte.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// How bytes begin that are written as digits.
const HEX: &str = "hex:";

/// The bytes that a word stands for. What was quoted is text, whatever it begins with.
///
/// # Errors
/// What is wrong with the digits.
pub fn bytes(word: &str, is_quoted: bool) -> Result<Vec<u8>, String> {
    let Some(digits) = word.strip_prefix(HEX).filter(|_| !is_quoted) else {
        return Ok(word.into());
    };
    let values = digits.chars().map(|c| {
        let value = c.to_digit(16).map(|value| value as u8);
        value.ok_or_else(|| format!("\"{c}\" in \"{word}\" is no digit of a hexadecimal number"))
    });
    let values: Vec<u8> = values.collect::<Result<_, _>>()?;
    match values.as_chunks() {
        (pairs, []) => Ok(pairs.iter().map(|[high, low]| high << 4 | low).collect()),
        _ => Err(format!("\"{word}\" has a digit too few: a byte has two")),
    }
}

/// The same way back: text if it is printable, else digits. A text that is read back is these bytes.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let is_printable = |text: &&str| {
        text.chars()
            .all(|c| !c.is_control() || c == '\n' || c == '\t')
    };
    if let Some(text) = core::str::from_utf8(bytes).ok().filter(is_printable) {
        return quoted(text);
    }
    let mut digits = String::from(HEX);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// In double quotes, as [`super::words`] reads them.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '"' | '\\' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Text that is not ours, fit for the terminal: what would steer it is shown instead.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::words::split;

    /// Digits are bytes; what is quoted is text; a fault is named.
    #[test]
    fn sh_bytes_are_written_as_text_or_digits() {
        assert_eq!(bytes("hex:00fFa0", false), Ok(vec![0, 0xff, 0xa0]));
        assert_eq!(bytes("hex:", false), Ok(vec![]));
        assert_eq!(bytes("hex:00", true), Ok(b"hex:00".to_vec()));
        assert!(bytes("hex:0", false).is_err_and(|fault| fault.contains("too few")));
        assert!(bytes("hex:0g", false).is_err_and(|fault| fault.contains("\"g\"")));
    }

    /// What is shown can be typed again, and means the same bytes.
    #[test]
    fn sh_bytes_shown_are_bytes_read() {
        let all: Vec<u8> = (0..=255).collect();
        for sent in [
            &b"hello"[..],
            b"",
            b"two\nlines\t\"quoted\" \\",
            "é".as_bytes(),
            &all,
            b"hex:00",
            b"\x1b[2J",
        ] {
            let shown = shown(sent);
            assert!(!shown.contains('\x1b'));
            let word = &split(&shown).unwrap().words[0];
            assert_eq!(
                bytes(&word.text, word.is_quoted),
                Ok(sent.to_vec()),
                "{shown}"
            );
        }
    }
}

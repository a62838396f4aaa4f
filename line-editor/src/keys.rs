//! Bytes of a terminal as keys: UTF-8, control characters, and the escape sequences of xterm and its kin (ECMA-48; XTerm Control
//! Sequences, "PC-Style Function Keys" and "Window manipulation"). The parser is that of `anstyle-parse`, whose state outlives any cut between two reads.

use alloc::collections::VecDeque;

use anstyle_parse::{Params, Parser, Perform};

/// A key, or what a terminal says by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// A control character by the letter that makes it: Ctrl-A is `Control('a')`.
    Control(char),
    /// A character together with Alt, or behind Escape.
    Alt(char),
    /// Return, or a line feed.
    Enter,
    /// Tab.
    Tab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// ←
    Left,
    /// →
    Right,
    /// ↑
    Up,
    /// ↓
    Down,
    /// Home.
    Home,
    /// End.
    End,
    /// Ctrl-← or Alt-←.
    WordLeft,
    /// Ctrl-→ or Alt-→.
    WordRight,
    /// Not a key: the terminal has so many rows and columns. A line without a terminal has 0 of both.
    Size {
        /// Rows.
        rows: u16,
        /// Columns.
        columns: u16,
    },
}

/// Ends whatever sequence was begun (ECMA-48, CAN).
const CANCEL: u8 = 0x18;
const ESCAPE: u8 = 0x1b;
/// What the key Backspace sends on most terminals.
const DELETE_CHARACTER: char = '\x7f';

/// Bytes of a sequence, at most. The parser would keep what it takes for a title without bound.
const SEQUENCE_BYTES_MAX: u32 = 64;

/// Makes keys of bytes, one after the other.
#[derive(Debug, Default)]
pub struct Keys {
    parser: Parser,
    found: Found,
    /// Bytes of the sequence that has begun.
    n_begun: u32,
}

impl Keys {
    /// Nothing was read yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next byte. Its keys are to be taken before the next one: [`Self::next_key`].
    pub fn byte(&mut self, byte: u8) {
        // A control character is always heard, also in the middle of a string that nobody ends.
        let is_control = byte < 0x20 && byte != ESCAPE;
        if is_control || self.n_begun == SEQUENCE_BYTES_MAX {
            self.parser.advance(&mut self.found, CANCEL);
            self.found.is_behind_ss3 = false;
        }
        self.found.has_acted = false;
        self.parser.advance(&mut self.found, byte);
        self.n_begun = if self.found.has_acted {
            0
        } else {
            (self.n_begun + 1).min(SEQUENCE_BYTES_MAX)
        };
    }

    /// The next key of what was read.
    pub fn next_key(&mut self) -> Option<Key> {
        self.found.keys.pop_front()
    }
}

#[derive(Debug, Default)]
struct Found {
    keys: VecDeque<Key>,
    /// The last byte ended something: a character or a sequence.
    has_acted: bool,
    /// The next character belongs to a sequence that began with SS3 (ESC O), as cursor keys send in the keypad's application mode.
    is_behind_ss3: bool,
}

impl Found {
    fn push(&mut self, key: Option<Key>) {
        self.has_acted = true;
        self.keys.extend(key);
    }
}

impl Perform for Found {
    fn print(&mut self, character: char) {
        let key = if core::mem::take(&mut self.is_behind_ss3) {
            u8::try_from(character)
                .ok()
                .and_then(|last| cursor_key(last, false))
        } else if character == DELETE_CHARACTER {
            Some(Key::Backspace)
        } else {
            Some(Key::Char(character))
        };
        self.push(key);
    }

    fn execute(&mut self, byte: u8) {
        let key = match byte {
            b'\r' | b'\n' => Some(Key::Enter),
            b'\t' => Some(Key::Tab),
            // Ctrl-H is what Backspace sends on some terminals.
            0x08 => Some(Key::Backspace),
            1..=26 if byte != CANCEL => Some(Key::Control(char::from(byte - 1 + b'a'))),
            _ => None,
        };
        self.push(key);
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], is_cut: bool, action: u8) {
        self.has_acted = true;
        if is_cut || !intermediates.is_empty() {
            return;
        }
        let mut numbers = [0_u16; 3];
        for (number, param) in numbers.iter_mut().zip(params) {
            *number = param.first().copied().unwrap_or(0);
        }
        let key = match (action, numbers) {
            (b'~', [1 | 7, ..]) => Some(Key::Home),
            (b'~', [4 | 8, ..]) => Some(Key::End),
            (b'~', [3, ..]) => Some(Key::Delete),
            (b't', [8, rows, columns]) => Some(Key::Size { rows, columns }),
            // Modifiers are 1 + a sum in which Alt is 2 and Control 4.
            (_, [_, modifiers, _]) => {
                let has_modifier = modifiers.saturating_sub(1) & (2 | 4) != 0;
                cursor_key(action, has_modifier)
            }
        };
        self.push(key);
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], is_cut: bool, byte: u8) {
        self.has_acted = true;
        if is_cut || !intermediates.is_empty() {
            return;
        }
        match byte {
            b'O' => self.is_behind_ss3 = true,
            _ => self.push(Some(Key::Alt(char::from(byte)))),
        }
    }
}

/// A cursor key by the last byte of its sequence.
fn cursor_key(last: u8, has_modifier: bool) -> Option<Key> {
    Some(match (last, has_modifier) {
        (b'A', _) => Key::Up,
        (b'B', _) => Key::Down,
        (b'C', false) => Key::Right,
        (b'C', true) => Key::WordRight,
        (b'D', false) => Key::Left,
        (b'D', true) => Key::WordLeft,
        (b'H', _) => Key::Home,
        (b'F', _) => Key::End,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::new();
        let mut found = Vec::new();
        for &byte in bytes {
            keys.byte(byte);
            found.extend(core::iter::from_fn(|| keys.next_key()));
        }
        found
    }

    /// Characters of any length, control characters and both kinds of cursor keys are read, byte by byte.
    #[test]
    fn ed_keys_are_read_byte_by_byte() {
        use Key::*;
        assert_eq!(
            keys("aé€😀".as_bytes()),
            "aé€😀".chars().map(Char).collect::<Vec<_>>()
        );
        assert_eq!(
            keys(b"\x01\r\n\t\x7f\x08"),
            [Control('a'), Enter, Enter, Tab, Backspace, Backspace]
        );
        assert_eq!(keys(b"\x1b[A\x1bOB\x1b[C\x1bOD"), [Up, Down, Right, Left]);
        assert_eq!(
            keys(b"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~"),
            [Home, End, Home, End, Home, End, Delete]
        );
        assert_eq!(
            keys(b"\x1b[1;5D\x1b[1;3C\x1bb"),
            [WordLeft, WordRight, Alt('b')]
        );
        assert_eq!(
            keys(b"\x1b[8;24;80t"),
            [Size {
                rows: 24,
                columns: 80
            }]
        );
    }

    /// What is no key does nothing, a control character ends any sequence, and what follows is read.
    #[test]
    fn ed_bad_bytes_are_harmless() {
        use Key::*;
        assert_eq!(keys(b"\x1b[99;99;99z\x1b[?25ha"), [Char('a')]);
        for begun in [
            &b"\x1b"[..],
            b"\x1b[",
            b"\x1b[1;",
            b"\x1bO",
            b"\x1b]0;title",
            b"\x1bP1$q",
            b"\x1bXsos",
        ] {
            let bytes = [begun, b"\x03a"].concat();
            assert_eq!(keys(&bytes), [Control('c'), Char('a')], "behind {begun:?}");
        }
        let endless = [&b"\x1b]"[..], &[b'x'; 1000]].concat();
        assert!(keys(&endless).len() > 1000 - 2 * SEQUENCE_BYTES_MAX as usize);
        // A character that is broken off may take the byte with it that broke it.
        assert_eq!(keys(b"\xff\xc3ab").last(), Some(&Char('b')));
        assert_eq!(keys(b"\0\x1c\x1d\x18"), []);
    }
}

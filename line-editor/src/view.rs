//! Where prompt and line are on the screen, and the bytes that bring them there (ECMA-48: CUU, CUF, ED).
//!
//! A terminal that has written its last column stays there until the next character comes. So where a text ends at the edge, the view
//! goes to the next line itself; then the cursor is where the arithmetic has it.

use alloc::string::String;
use core::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// A place on the screen, from the beginning of the prompt on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

#[derive(Debug)]
pub(crate) struct View {
    /// Columns of the terminal; `usize::MAX` if there is none.
    columns: usize,
    cursor: Place,
}

impl View {
    pub(crate) const fn new() -> Self {
        Self {
            columns: usize::MAX,
            cursor: Place { row: 0, column: 0 },
        }
    }

    /// 0 columns are no terminal. A terminal with fewer than two could not show every character.
    pub(crate) fn set_columns(&mut self, columns: u16) {
        self.columns = match columns {
            0 => usize::MAX,
            columns => usize::from(columns).max(2),
        };
    }

    pub(crate) const fn columns(&self) -> usize {
        self.columns
    }

    /// From the beginning of a line: writes prompt and text, and leaves the cursor behind `before` of the text.
    pub(crate) fn draw(&mut self, prompt: &str, text: &str, before: &str, out: &mut String) {
        self.cursor = Place::default();
        self.append(prompt, out);
        self.append(text, out);
        let end = self.cursor;
        let mut target = self.behind(Place::default(), prompt);
        target = self.behind(target, before);
        self.cursor = self.settled(target);
        if end != self.cursor {
            move_up(end.row - self.cursor.row, out);
            out.push('\r');
            move_right(self.cursor.column, out);
        }
    }

    /// Writes more text at the cursor, which is at the end.
    pub(crate) fn append(&mut self, text: &str, out: &mut String) {
        for character in text.chars() {
            out.push(shown(character));
        }
        let end = self.behind(self.cursor, text);
        self.cursor = self.settled(end);
        if self.cursor != end {
            out.push_str("\r\n");
        }
    }

    /// Takes prompt and text off the screen; the cursor is then where the prompt began.
    pub(crate) fn erase(&mut self, out: &mut String) {
        move_up(self.cursor.row, out);
        out.push_str("\r\x1b[J");
        self.cursor = Place::default();
    }

    /// Where the cursor is behind a text that was written from `from` on.
    fn behind(&self, from: Place, text: &str) -> Place {
        text.chars().fold(from, |place, character| {
            let width = shown(character).width().unwrap_or(0);
            if width > self.columns - place.column.min(self.columns) {
                return Place {
                    row: place.row + 1,
                    column: width,
                };
            }
            Place {
                row: place.row,
                column: place.column + width,
            }
        })
    }

    /// The place on the next line, if this one is behind the edge.
    fn settled(&self, place: Place) -> Place {
        if place.column < self.columns {
            return place;
        }
        Place {
            row: place.row + 1,
            column: 0,
        }
    }
}

/// Control characters cannot come from keys, but from a text that is completed: they are shown as what they are not.
fn shown(character: char) -> char {
    if character.is_control() {
        char::REPLACEMENT_CHARACTER
    } else {
        character
    }
}

fn move_up(n_rows: usize, out: &mut String) {
    if n_rows > 0 {
        // Writing to a string cannot fail.
        let _ = write!(out, "\x1b[{n_rows}A");
    }
}

fn move_right(n_columns: usize, out: &mut String) {
    if n_columns > 0 {
        let _ = write!(out, "\x1b[{n_columns}C");
    }
}

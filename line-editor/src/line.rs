//! A line and a cursor in it. The cursor stands before a character and never between one and the marks that combine with it.

use alloc::string::String;
use unicode_width::UnicodeWidthChar;

/// Bytes of a line, at most.
pub(crate) const N_BYTES_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(crate) struct Line {
    text: String,
    /// Byte before which the cursor stands.
    cursor: usize,
}

impl Line {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn before_cursor(&self) -> &str {
        &self.text[..self.cursor]
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.cursor == self.text.len()
    }

    /// Another text, with the cursor at its end.
    pub(crate) fn set(&mut self, text: &str) {
        self.text.clear();
        self.text.push_str(text);
        self.cursor = text.len();
    }

    /// Writes at the cursor; false if that is too much.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let has_room = self.text.len() + text.len() <= N_BYTES_MAX;
        if has_room {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
        }
        has_room
    }

    /// Writes `text` in place of what stands from `start` to the cursor; false if that is too much.
    pub(crate) fn replace(&mut self, start: usize, text: &str) -> bool {
        let has_room = self.text.len() - (self.cursor - start) + text.len() <= N_BYTES_MAX;
        if has_room {
            self.text.replace_range(start..self.cursor, text);
            self.cursor = start + text.len();
        }
        has_room
    }

    /// Takes away what stands between the cursor and `to`, and returns it.
    pub(crate) fn cut(&mut self, to: usize) -> String {
        let range = to.min(self.cursor)..to.max(self.cursor);
        self.cursor = range.start;
        self.text.drain(range).collect()
    }

    pub(crate) fn move_to(&mut self, place: usize) {
        self.cursor = place;
    }

    /// The place before the character before the cursor.
    pub(crate) fn left(&self) -> usize {
        let mut places = self.before_cursor().char_indices().rev();
        let base = places.find(|(_, character)| !is_combining(*character));
        base.map_or(0, |(place, _)| place)
    }

    /// The place behind the character behind the cursor.
    pub(crate) fn right(&self) -> usize {
        let mut places = self.text[self.cursor..].char_indices().skip(1);
        let next = places.find(|(_, character)| !is_combining(*character));
        next.map_or(self.text.len(), |(place, _)| self.cursor + place)
    }

    /// The beginning of the word before the cursor.
    pub(crate) fn word_left(&self) -> usize {
        let trimmed = self.before_cursor().trim_end();
        let blank = trimmed
            .char_indices()
            .rev()
            .find(|(_, c)| c.is_whitespace());
        blank.map_or(0, |(place, blank)| place + blank.len_utf8())
    }

    /// The end of the word behind the cursor.
    pub(crate) fn word_right(&self) -> usize {
        let behind = &self.text[self.cursor..];
        let n_blank = behind.len() - behind.trim_start().len();
        let word = &behind[n_blank..];
        let n_word = word.find(char::is_whitespace).unwrap_or(word.len());
        self.cursor + n_blank + n_word
    }

    pub(crate) fn end(&self) -> usize {
        self.text.len()
    }
}

/// A character that is shown on the one before it.
pub(crate) fn is_combining(character: char) -> bool {
    character.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cursor goes over a character with its marks in one step, and over words with the blanks before them.
    #[test]
    fn ed_the_cursor_moves_by_characters_and_words() {
        let mut line = Line::default();
        line.set("ae\u{301}€");
        assert_eq!(line.left(), 4);
        line.move_to(4);
        assert_eq!(line.left(), 1);
        line.move_to(1);
        assert_eq!((line.left(), line.right()), (0, 4));
        line.set(" one  two ");
        assert_eq!(line.word_left(), 6);
        line.move_to(4);
        assert_eq!((line.word_left(), line.word_right()), (1, 9));
        line.move_to(0);
        assert_eq!(
            (line.word_left(), line.left(), line.word_right()),
            (0, 0, 4)
        );
    }

    /// A line that is full takes nothing more and stays as it is.
    #[test]
    fn ed_a_line_has_a_bound() {
        let mut line = Line::default();
        assert!(line.insert(&"x".repeat(N_BYTES_MAX)));
        assert!(!line.insert("y") && !line.replace(0, &"z".repeat(N_BYTES_MAX + 1)));
        assert_eq!(line.text().len(), N_BYTES_MAX);
        assert!(line.replace(1, "y"));
        assert_eq!(line.text(), "xy");
    }
}

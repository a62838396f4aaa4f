//! A line as words, with quotes as shells have them.
//!
//! Blanks separate words. In `"double quotes"` blanks are themselves, and `\n`, `\t`, `\"` and `\\` are a line feed, a tab, a quote and a
//! backslash; in `'single quotes'` everything is itself. Elsewhere a backslash makes the next character itself. A word that begins with `#`
//! begins a comment. An unquoted `&` at the end is [`Line::is_background`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// A word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// What it says, without its quotes.
    pub text: String,
    /// Where it begins in the line, in bytes.
    pub start: usize,
    /// Whether some of it stood in quotes: it is no name of an option then.
    pub is_quoted: bool,
}

/// A line that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The words, the command first.
    pub words: Vec<Word>,
    /// Whether it ended with `&`.
    pub is_background: bool,
}

/// A quote that nothing closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unclosed {
    /// The quote.
    pub quote: char,
    /// The column in which it stands, from 1.
    pub column: usize,
}

impl fmt::Display for Unclosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quote, column } = self;
        write!(f, "the {quote} in column {column} is not closed")
    }
}

/// Reads a line.
///
/// # Errors
/// A quote that is not closed.
pub fn split(line: &str) -> Result<Line, Unclosed> {
    let (mut words, unclosed) = read(line);
    if let Some(unclosed) = unclosed {
        return Err(unclosed);
    }
    let is_background = words
        .last()
        .is_some_and(|word| word.text == "&" && !word.is_quoted);
    if is_background {
        words.pop();
    }
    Ok(Line {
        words,
        is_background,
    })
}

/// The words of a line that may not be finished, for completion: the last one is that which is being written, and may be empty.
#[must_use]
pub fn begun(line: &str) -> Vec<Word> {
    let (mut words, unclosed) = read(line);
    let is_between = line.is_empty() || line.ends_with(|c: char| c.is_whitespace());
    if is_between && unclosed.is_none() {
        words.push(Word {
            start: line.len(),
            ..Word::default()
        });
    }
    words
}

/// The words as far as they go, and what is wrong with the last one.
fn read(line: &str) -> (Vec<Word>, Option<Unclosed>) {
    let mut words = Vec::new();
    let mut rest = line.char_indices().peekable();
    while let Some(&(start, first)) = rest.peek() {
        if first.is_whitespace() {
            rest.next();
            continue;
        }
        if first == '#' {
            break;
        }
        let mut word = Word {
            start,
            ..Word::default()
        };
        while let Some((at, c)) = rest.next_if(|(_, c)| !c.is_whitespace()) {
            match c {
                '"' | '\'' => {
                    word.is_quoted = true;
                    let is_plain = c == '\'';
                    if !quoted(c, is_plain, &mut rest, &mut word.text) {
                        words.push(word);
                        let column = line[..at].chars().count() + 1;
                        return (words, Some(Unclosed { quote: c, column }));
                    }
                }
                '\\' => {
                    word.is_quoted = true;
                    word.text.push(rest.next().map_or('\\', |(_, next)| next));
                }
                c => word.text.push(c),
            }
        }
        words.push(word);
    }
    (words, None)
}

/// Takes what stands up to the closing quote; false if there is none.
fn quoted(
    quote: char,
    is_plain: bool,
    rest: &mut impl Iterator<Item = (usize, char)>,
    text: &mut String,
) -> bool {
    while let Some((_, c)) = rest.next() {
        match c {
            c if c == quote => return true,
            '\\' if !is_plain => match rest.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, next)) => text.push(next),
                None => return false,
            },
            c => text.push(c),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(line: &str) -> Vec<String> {
        let words = split(line).unwrap().words;
        words.into_iter().map(|word| word.text).collect()
    }

    /// Quotes keep blanks together and what is special plain; a comment is no word.
    #[test]
    fn sh_words_are_split_and_quoted() {
        assert_eq!(texts("  send h1\t\"a b\"  "), ["send", "h1", "a b"]);
        assert_eq!(
            texts(r#"echo "a\n\"\\" 'a\n"' a\ b x"y"z"#),
            ["echo", "a\n\"\\", "a\\n\"", "a b", "xyz"]
        );
        assert_eq!(texts("echo '' # and no more"), ["echo", ""]);
        assert_eq!(texts(""), [""; 0]);
    }

    /// An `&` at the end is one only if it stands alone and unquoted.
    #[test]
    fn sh_background_is_an_unquoted_end() {
        let is = |line| split(line).unwrap().is_background;
        assert!(is("start hello &") && is("start hello & # so"));
        assert!(!is("start hello '&'") && !is("start a& b") && !is("start hello&"));
    }

    /// A quote that is not closed is named with its column, counted in characters.
    #[test]
    fn sh_an_open_quote_is_named() {
        let fault = split("écho \"a b").unwrap_err();
        assert_eq!(
            fault,
            Unclosed {
                quote: '"',
                column: 6
            }
        );
        assert_eq!(split("echo \"a\\").unwrap_err().column, 6);
    }

    /// The word that is being written is the last one, also between words and in open quotes.
    #[test]
    fn sh_the_word_being_written() {
        let last = |line| begun(line).pop().map(|word| (word.start, word.text));
        assert_eq!(last(""), Some((0, String::new())));
        assert_eq!(last("start "), Some((6, String::new())));
        assert_eq!(last("start he"), Some((6, "he".into())));
        assert_eq!(last("send h1 \"a b"), Some((8, "a b".into())));
    }
}

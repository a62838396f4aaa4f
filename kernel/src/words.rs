//! The kernel words: what the command line says. Its grammar and the words there are stand in [`omnibus_abi::words`].

use core::fmt::{self, Display, Formatter};

use omnibus_abi::words::{self, KEYS};

pub use omnibus_abi::words::{decode, items};

/// What is wrong with a command line. `Display` names the word and says what is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint<'a> {
    /// It is longer than the kernel takes; the number of its bytes.
    TooLong(usize),
    /// Something is not a word.
    NotAWord(words::NotAWord<'a>),
    /// There is no such word.
    Unknown(&'a str),
    /// A word comes twice.
    Twice(&'a str),
    /// A word's value has a bad escape.
    BadEscape(&'a str),
}

impl Display for Complaint<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(n_bytes) => write!(
                f,
                "the kernel's command line has {n_bytes} bytes, and at most {} are allowed",
                words::MAX_N_BYTES
            ),
            Self::NotAWord(text) => text.fmt(f),
            Self::Unknown(key) => {
                write!(f, "there is no kernel word \"{key}\"; there are")?;
                KEYS.iter().try_for_each(|(known, _)| write!(f, " {known}"))
            }
            Self::Twice(key) => write!(f, "the kernel word \"{key}\" comes twice"),
            Self::BadEscape(key) => write!(f, "kernel word \"{key}\": {}", words::BadEscape),
        }
    }
}

/// Checks a whole command line, so that looking things up in it afterwards cannot fail.
///
/// # Errors
/// The first thing wrong with it.
pub fn check(line: &str) -> Result<(), Complaint<'_>> {
    if line.len() > words::MAX_N_BYTES {
        return Err(Complaint::TooLong(line.len()));
    }
    let mut is_seen = [false; KEYS.len()];
    for word in words::words(line.as_bytes()) {
        let word = word.map_err(Complaint::NotAWord)?;
        let known = KEYS
            .iter()
            .zip(&mut is_seen)
            .find(|((key, _), _)| *key == word.key);
        let (_, is_seen) = known.ok_or(Complaint::Unknown(word.key))?;
        if core::mem::replace(is_seen, true) {
            return Err(Complaint::Twice(word.key));
        }
        if items(word.value).flat_map(decode).any(|byte| byte.is_err()) {
            return Err(Complaint::BadEscape(word.key));
        }
    }
    Ok(())
}

/// The value of the word `key` as it is written, see [`items`] and [`decode`]; `None` if there is none.
pub fn find<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let word = words::words(line.as_bytes())
        .flatten()
        .find(|word| word.key == key)?;
    core::str::from_utf8(word.value).ok()
}

/// The value of `key` as a number.
///
/// # Errors
/// The value, if it is not a decimal number below 2^64.
pub fn number<'a>(line: &'a str, key: &str) -> Result<Option<u64>, &'a str> {
    find(line, key)
        .map(|value| value.parse().map_err(|_| value))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word is found by its whole key, and its value is as it is written.
    #[test]
    fn words_are_found_by_their_whole_key() {
        let line = "  slice=12 init=a=b%20c args=";
        assert_eq!(check(line), Ok(()));
        assert_eq!(find(line, "slice"), Some("12"));
        assert_eq!(find(line, "init"), Some("a=b%20c"));
        assert_eq!(find(line, "args"), Some(""));
        assert_eq!(find(line, "lice"), None);
        assert_eq!(find("", "init"), None);
    }

    /// A number is decimal and whole; anything else is named.
    #[test]
    fn a_bad_number_is_named() {
        assert_eq!(number("slice=1", "slice"), Ok(Some(1)));
        assert_eq!(number("slice=x1", "slice"), Err("x1"));
        assert_eq!(
            number("slice=18446744073709551616", "slice"),
            Err("18446744073709551616")
        );
        assert_eq!(number("", "slice"), Ok(None));
    }

    /// A line with anything wrong in it is refused as a whole, by the name of the first wrong thing.
    #[test]
    fn a_wrong_line_is_refused() {
        assert_eq!(check("slise=1"), Err(Complaint::Unknown("slise")));
        assert_eq!(
            check("init=a slice=1 init=b"),
            Err(Complaint::Twice("init"))
        );
        assert_eq!(check("args=a,%2"), Err(Complaint::BadEscape("args")));
        assert!(matches!(check("init"), Err(Complaint::NotAWord(_))));
        let long = "init=".to_owned() + &"x".repeat(words::MAX_N_BYTES);
        assert_eq!(check(&long), Err(Complaint::TooLong(long.len())));
        assert!(
            Complaint::Unknown("slise")
                .to_string()
                .ends_with("init args slice overcommit test sabotage trace")
        );
    }
}

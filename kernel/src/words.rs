//! The kernel words: what the command line says, as `key=value` separated by blanks.
//!
//! A value with blanks is put in double quotes; inside them `\"` and `\\` stand for the characters. Words the kernel does not know are for
//! the programs.

/// The value of the first word `key=…` as it is written, without its quotes; `None` if there is none. Inner escapes are left as they are.
pub fn find<'a>(words: &'a str, key: &str) -> Option<&'a str> {
    let mut rest = words;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        let (word, after) = rest.split_at(end_of_word(rest));
        rest = after;
        if let Some((name, value)) = word.split_once('=')
            && name == key
        {
            return Some(
                value
                    .strip_prefix('"')
                    .map_or(value, |inner| inner.strip_suffix('"').unwrap_or(inner)),
            );
        }
    }
}

/// The value of `key` as a number.
///
/// # Errors
/// The value, if it is not a decimal number below 2^64.
pub fn number<'a>(words: &'a str, key: &str) -> Result<Option<u64>, &'a str> {
    find(words, key)
        .map(|value| value.parse().map_err(|_| value))
        .transpose()
}

fn end_of_word(text: &str) -> usize {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b' ' | b'\t' | b'\n' if !is_quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first word with the key counts, and only a whole key matches.
    #[test]
    fn words_are_found_by_their_whole_key() {
        let words = "  xtest=no test=panic test=other flag args=\"a b\\\" c\" last=";
        assert_eq!(find(words, "test"), Some("panic"));
        assert_eq!(find(words, "args"), Some("a b\\\" c"));
        assert_eq!(find(words, "last"), Some(""));
        assert_eq!(find(words, "flag"), None);
        assert_eq!(find(words, "b"), None);
        assert_eq!(find("", "test"), None);
        assert_eq!(find("a=\"never closed", "a"), Some("never closed"));
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
}

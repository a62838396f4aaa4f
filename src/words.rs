//! The kernel's command line as the host writes it. Its grammar is in [`omnibus_abi::words`].

use std::str::FromStr;

use crate::exit::WrongValue;
use anyhow::Result;
use omnibus_abi::words::{self, KEYS, MAX_N_BYTES};

/// A word given by the user as `KEY=VALUE`, the value plain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// The key.
    key: String,
    /// The value, one item, not yet written in the kernel's form.
    value: String,
}

impl FromStr for Setting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || {
            KEYS.map(|(key, value)| format!("{key} ({value})"))
                .join(", ")
        };
        match text.split_once('=') {
            Some((key, value)) if KEYS.iter().any(|(known, _)| *known == key) => Ok(Self {
                key: key.to_owned(),
                value: value.to_owned(),
            }),
            Some((key, _)) => Err(format!(
                "there is no kernel word \"{key}\"; there are: {}",
                known()
            )),
            None => Err(format!(
                "a kernel word is KEY=VALUE; the keys are: {}",
                known()
            )),
        }
    }
}

/// Writes a command line: the first task, its arguments, then the user's words.
///
/// # Errors
/// If a key comes twice or the line is too long for the kernel.
pub(crate) fn command_line(
    init: &str,
    arguments: &[String],
    settings: &[Setting],
) -> Result<String> {
    let mut line = format!("{}={}", words::INIT, encoded(init));
    if !arguments.is_empty() {
        let items = arguments
            .iter()
            .map(|argument| encoded(argument))
            .collect::<Vec<_>>();
        line.push_str(&format!(" {}={}", words::ARGUMENTS, items.join(",")));
    }
    let mut keys = vec![words::INIT, words::ARGUMENTS];
    for Setting { key, value } in settings {
        if keys.contains(&key.as_str()) {
            let complaint =
                format!("the kernel word \"{key}\" is given twice, or set by the tool itself");
            return Err(WrongValue(complaint).into());
        }
        keys.push(key);
        line.push_str(&format!(" {key}={}", encoded(value)));
    }
    if line.len() > MAX_N_BYTES {
        return Err(WrongValue(format!(
            "the kernel's command line would have {} bytes, and at most {MAX_N_BYTES} are allowed",
            line.len()
        ))
        .into());
    }
    Ok(line)
}

fn encoded(item: &str) -> String {
    let mut text = String::new();
    // A string takes everything, so the only error there is cannot come.
    let _ = words::encode(item.as_bytes(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(text: &str) -> Setting {
        text.parse().unwrap()
    }

    fn line(init: &str, arguments: &[&str], settings: &[Setting]) -> Result<String> {
        command_line(
            init,
            &arguments
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            settings,
        )
    }

    /// The kernel's reader gives back exactly what the user typed: blanks, commas, quotes, empty arguments and all.
    #[test]
    fn arguments_come_back() {
        let arguments = ["", "a b", "50%,", "\"'\\$", "é\n", "--flag=x"];
        let line = line("tour", &arguments, &[setting("slice=a b=c")]).unwrap();
        let read = words::words(line.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        let plain = |value| {
            words::items(value)
                .map(|item| {
                    String::from_utf8(words::decode(item).map(Result::unwrap).collect()).unwrap()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(
            read.iter().map(|word| word.key).collect::<Vec<_>>(),
            ["init", "args", "slice"]
        );
        assert_eq!(plain(read[0].value), ["tour"]);
        assert_eq!(plain(read[1].value), arguments);
        assert_eq!(plain(read[2].value), ["a b=c"]);
    }

    /// Without arguments there is no word for them, because an empty one would be one empty argument.
    #[test]
    fn no_arguments_no_word() {
        assert_eq!(line("tour", &[], &[]).unwrap(), "init=tour");
        assert_eq!(line("tour", &[""], &[]).unwrap(), "init=tour args=");
    }

    /// A key given twice, a key of the tool's own and a line too long are refused by name.
    #[test]
    fn ambiguity_and_length_are_refused() {
        let twice = line("tour", &[], &[setting("test=1"), setting("test=2")])
            .unwrap_err()
            .to_string();
        assert!(twice.contains("\"test\""), "{twice}");
        assert!(line("tour", &[], &[setting("init=x")]).is_err());
        let long = line("tour", &[&"x".repeat(MAX_N_BYTES)], &[])
            .unwrap_err()
            .to_string();
        assert!(long.contains(&MAX_N_BYTES.to_string()), "{long}");
    }

    /// A word that is not KEY=VALUE, or that the kernel does not have, is refused with those that it has.
    #[test]
    fn a_bad_setting_says_what_is_allowed() {
        for bad in ["x", "=1", "Slice=1", "slise=1"] {
            let complaint = bad.parse::<Setting>().unwrap_err();
            assert!(complaint.contains("slice (ticks"), "{complaint}");
        }
    }
}

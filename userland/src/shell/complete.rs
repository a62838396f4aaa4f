//! What the word that is being written may become: names of what there is, by the table of commands.

use alloc::string::String;
use alloc::vec::Vec;
use omnibus_line_editor::{Completer, Completion};

use super::commands::{COMMANDS, Command, Names, find};
use super::words::{Word, begun};

/// Knows the names of what there is now. Those of the commands are known without it.
pub trait Known {
    /// The names of this sort, in any order.
    fn names(&self, sort: Names) -> Vec<String>;
}

/// Completes by what `0` knows.
#[derive(Debug)]
pub struct ByTable<'a, K>(pub &'a K);

impl<K: Known> Completer for ByTable<'_, K> {
    fn complete(&self, text: &str) -> Completion {
        let words = begun(text);
        let Some((last, before)) = words.split_last() else {
            // A comment.
            return Completion::default();
        };
        if last.is_quoted {
            return Completion::default();
        }
        let mut candidates = match before.split_first() {
            None => names(self.0, Names::Command),
            Some((command, words)) => match find(&command.text) {
                Some(command) => of_command(self.0, command, words, &last.text),
                None => Vec::new(),
            },
        };
        candidates.retain(|name| name.starts_with(&last.text));
        candidates.sort();
        candidates.dedup();
        Completion {
            start: last.start,
            candidates,
        }
    }
}

/// What may stand behind `words` of a command.
fn of_command(known: &impl Known, command: &Command, words: &[Word], last: &str) -> Vec<String> {
    let value = |word: &Word| {
        let mut options = command.options.iter();
        options.find_map(|(name, value)| (*name == word.text).then_some(*value))
    };
    if let Some(sort) = words.last().and_then(value).flatten() {
        return names(known, sort);
    }
    // Words that are neither options nor what follows one.
    let mut n_words = 0;
    let mut is_value = false;
    for word in words {
        let value = value(word);
        n_words += usize::from(value.is_none() && !is_value);
        is_value = value.flatten().is_some();
    }
    let sort = command.words.get(n_words).or(command.words.last());
    let mut found = names(known, sort.copied().unwrap_or(Names::Nothing));
    if last.starts_with('-') {
        found.extend(command.options.iter().map(|(name, _)| (*name).into()));
    }
    found
}

fn names(known: &impl Known, sort: Names) -> Vec<String> {
    match sort {
        Names::Nothing => Vec::new(),
        Names::Command => COMMANDS.iter().map(|command| command.name.into()).collect(),
        Names::Of(words) => words.iter().map(|&word| word.into()).collect(),
        sort => known.names(sort),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Few;

    impl Known for Few {
        fn names(&self, sort: Names) -> Vec<String> {
            let names: &[&str] = match sort {
                Names::Program => &["store", "hello", "help"],
                Names::Task => &["init"],
                Names::Job => &["hello"],
                Names::Handle => &["h1", "h2"],
                Names::Peer => &["p1"],
                Names::Grant => &["archive", "system"],
                _ => &[],
            };
            names.iter().map(|&name| name.into()).collect()
        }
    }

    fn complete(text: &str) -> (usize, Vec<String>) {
        let Completion { start, candidates } = ByTable(&Few).complete(text);
        (start, candidates)
    }

    /// Commands, sub-commands, options and names are completed where each can stand, sorted.
    #[test]
    fn sh_names_are_completed_where_they_can_stand() {
        assert_eq!(complete("sta").1, ["start", "status"]);
        assert_eq!(
            complete("start h"),
            (6, vec!["hello".into(), "help".into()])
        );
        assert_eq!(complete("start hello h").1, [""; 0]);
        assert_eq!(complete("start --name x hel").1, ["hello", "help"]);
        assert_eq!(complete("start --n").1, ["--name", "--node"]);
        assert_eq!(complete("start --grant ").1, ["archive", "system"]);
        assert_eq!(complete("peer ").1, ["close", "new"]);
        assert_eq!(complete("peer close ").1, ["p1"]);
        assert_eq!(complete("send h1 ").1, ["h1", "h2"]);
        assert_eq!(complete("send h1 text --with h").1, ["h1", "h2"]);
        assert_eq!(complete("recv --wait ").1, ["p1"]);
        assert_eq!(complete("caps i").1, ["init"]);
        assert_eq!(complete("stop ").1, ["hello"]);
        assert_eq!(complete("help st").1, ["start", "status", "stop"]);
    }

    /// Nothing is completed behind an unknown command, in quotes and in comments.
    #[test]
    fn sh_nothing_is_completed_where_nothing_is_known() {
        for text in ["what ", "start \"h", "# st", "tasks x"] {
            assert_eq!(complete(text).1, [""; 0], "{text}");
        }
    }
}

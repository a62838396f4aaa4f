//! The terminal: what was typed and not yet taken, the line that is being typed, and what is printed beside it.
//!
//! Whatever is printed while a line is shown goes above it: the line is taken off the screen first, and shown again when there is nothing
//! more to print ([`Desk::show`]). Without a terminal on the other side, as when a script is piped in, nothing is shown but what is printed.

use alloc::collections::VecDeque;
use alloc::string::String;

use omnibus_line_editor::{Completer, Editor, Event, Key, Keys, NoCompletion, columns};
use omnibus_userland::console;
use omnibus_userland::shell::table::Table;

/// Bytes that are typed ahead before no more are taken, so that a script that is longer waits where it comes from.
const TYPED_MAX: usize = 16384;
/// Shown before a command.
const PROMPT: &str = "omnibus> ";
/// Asks for the size of the text area (XTerm Control Sequences, "Window manipulation"); the tool waits for it before it lets input through.
const ASK_SIZE: &str = "\x1b[18t";
/// How long to wait for the answer. A terminal that does not know the question does not answer.
const PATIENCE_NS: u64 = 5_000_000_000;
/// Columns of a terminal that does not say.
const COLUMNS_ASSUMED: u16 = 80;

/// See the module's documentation.
pub(crate) struct Desk {
    editor: Editor,
    keys: Keys,
    /// Bytes that came in and were not taken.
    typed: VecDeque<u8>,
    /// Whether a terminal is there, when it is known.
    has_terminal: Option<bool>,
    n_columns: u16,
    /// Whether what is printed next begins a line.
    is_at_line_start: bool,
    /// The input is at its end.
    has_ended: bool,
    patience_ns: u64,
}

impl Desk {
    pub(crate) fn new(now_ns: u64) -> Self {
        Self {
            editor: Editor::new(PROMPT),
            keys: Keys::new(),
            typed: VecDeque::new(),
            has_terminal: None,
            n_columns: COLUMNS_ASSUMED,
            is_at_line_start: true,
            has_ended: false,
            patience_ns: now_ns.saturating_add(PATIENCE_NS),
        }
    }

    /// Asks what terminal it is.
    pub(crate) fn ask(&self) {
        write(ASK_SIZE.as_bytes());
    }

    /// When to [`Self::assume`].
    pub(crate) const fn patience_ns(&self) -> u64 {
        self.patience_ns
    }

    /// Takes it for a terminal, since nobody says anything.
    pub(crate) fn assume(&mut self) {
        if self.has_terminal.is_none() {
            self.resize(COLUMNS_ASSUMED);
        }
    }

    /// Whether it is known if there is a terminal.
    pub(crate) const fn is_known(&self) -> bool {
        self.has_terminal.is_some()
    }

    /// Whether the input is at its end. On a terminal it goes on behind one.
    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended && self.typed.is_empty()
    }

    fn is_terminal(&self) -> bool {
        self.has_terminal.unwrap_or(true)
    }

    fn resize(&mut self, n_columns: u16) {
        self.has_terminal = Some(n_columns != 0);
        self.n_columns = if n_columns == 0 {
            COLUMNS_ASSUMED
        } else {
            n_columns
        };
        let was_shown = self.editor.is_shown();
        if was_shown {
            self.hide();
        }
        self.editor.set_columns(n_columns);
        if was_shown {
            self.show();
        }
    }

    /// Whether more can come in.
    pub(crate) fn has_room(&self) -> bool {
        self.typed.len() < TYPED_MAX
    }

    /// Bytes came in.
    pub(crate) fn arrived(&mut self, bytes: &[u8]) {
        self.typed.extend(bytes);
    }

    /// Forgets what came in and was not taken.
    pub(crate) fn forget(&mut self) {
        self.typed.clear();
    }

    /// Takes what came in and was not taken.
    pub(crate) fn take_typed(&mut self) -> VecDeque<u8> {
        core::mem::take(&mut self.typed)
    }

    /// The next key that was typed.
    pub(crate) fn next_key(&mut self) -> Option<Key> {
        loop {
            match self.keys.next_key() {
                Some(Key::Size { columns, .. }) => self.resize(columns),
                Some(key) => return Some(key),
                None => self.keys.byte(self.typed.pop_front()?),
            }
        }
    }

    /// Edits the line.
    pub(crate) fn key(&mut self, key: Key, completer: &dyn Completer) -> Option<Event> {
        if !self.is_terminal() {
            // A script means a blank where it has a tab.
            let key = if key == Key::Tab { Key::Char(' ') } else { key };
            let event = self.editor.key(key, &NoCompletion).event;
            self.has_ended |= event == Some(Event::End);
            return event;
        }
        let step = self.editor.key(key, completer);
        write(step.output.as_bytes());
        if step.event.is_some() {
            self.is_at_line_start = true;
        }
        step.event
    }

    /// Has commands typed, or lines for a program.
    pub(crate) fn set_for_commands(&mut self, is_for_commands: bool) {
        self.hide();
        let prompt = if is_for_commands { PROMPT } else { "" };
        self.editor.set_prompt(prompt, is_for_commands);
    }

    /// Shows the line that is being typed.
    pub(crate) fn show(&mut self) {
        if self.editor.is_shown() || !self.is_terminal() {
            return;
        }
        self.begin_line();
        let shown = self.editor.show();
        write(shown.as_bytes());
    }

    fn hide(&mut self) {
        let hidden = self.editor.hide();
        if self.is_terminal() {
            write(hidden.as_bytes());
        }
    }

    fn begin_line(&mut self) {
        if !self.is_at_line_start {
            write(b"\n");
            self.is_at_line_start = true;
        }
    }

    /// Prints lines, from the beginning of one on.
    pub(crate) fn say(&mut self, text: &str) {
        self.hide();
        self.begin_line();
        let mut line = String::from(text);
        line.push('\n');
        write(line.as_bytes());
    }

    /// Prints a table.
    pub(crate) fn say_table(&mut self, table: &Table) {
        self.say(&table.lines().join("\n"));
    }

    /// Prints names side by side.
    pub(crate) fn say_columns(&mut self, names: &[String]) {
        self.say(&columns(names, self.n_columns.into()).join("\n"));
    }

    /// Prints what a program prints.
    pub(crate) fn print(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last() {
            self.hide();
            write(bytes);
            self.is_at_line_start = *last == b'\n';
        }
    }
}

fn write(bytes: &[u8]) {
    if !bytes.is_empty() {
        // A console that is gone is noticed where its input ends.
        let _ = console::own(|console| console.write(bytes));
    }
}

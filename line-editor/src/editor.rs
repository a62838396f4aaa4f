//! The editor: what each key does to line and screen.

use alloc::string::String;

use crate::completion::{Completer, Completion, columns};
use crate::history::History;
use crate::keys::Key;
use crate::line::{Line, is_combining};
use crate::view::View;

/// What a key brought about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The line is finished. The editor is hidden.
    Line(String),
    /// The line was given up. The editor is hidden.
    Interrupt,
    /// The input has ended. The editor is hidden.
    End,
}

/// What is to be written to the terminal after a key, and what it brought about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Bytes for the terminal.
    pub output: String,
    /// What happened, if something did.
    pub event: Option<Event>,
}

/// Rings the terminal's bell.
const BELL: &str = "\x07";
/// Goes to the top of an empty screen.
const CLEAR: &str = "\x1b[H\x1b[2J";
/// Columns of a list if there is no terminal.
const COLUMNS_ASSUMED: usize = 80;

/// See the crate's documentation.
#[derive(Debug)]
pub struct Editor {
    prompt: String,
    line: Line,
    history: History,
    view: View,
    /// What was taken away last.
    cut: String,
    is_shown: bool,
    keeps_history: bool,
}

impl Editor {
    /// Hidden, and without a terminal. The prompt is to be shown before the line.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        Self {
            prompt: prompt.into(),
            line: Line::default(),
            history: History::default(),
            view: View::new(),
            cut: String::new(),
            is_shown: false,
            keeps_history: true,
        }
    }

    /// Another prompt, from the next [`Self::show`] on; `keeps_history` is whether finished lines are kept.
    pub fn set_prompt(&mut self, prompt: &str, keeps_history: bool) {
        self.prompt.clear();
        self.prompt.push_str(prompt);
        self.keeps_history = keeps_history;
    }

    /// The terminal has so many columns; 0 if there is none. While the editor is shown this is for what is drawn next: how a terminal
    /// treats lines that are there when it changes its width is its own affair.
    pub fn set_columns(&mut self, columns: u16) {
        self.view.set_columns(columns);
    }

    /// True if prompt and line are on the screen.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        self.is_shown
    }

    /// Shows prompt and line; the cursor is at the beginning of a line. What is to be written.
    pub fn show(&mut self) -> String {
        let mut out = String::new();
        if !self.is_shown {
            self.draw(&mut out);
            self.is_shown = true;
        }
        out
    }

    /// Takes prompt and line off the screen, so that something else can be printed there. The line stays. What is to be written.
    pub fn hide(&mut self) -> String {
        let mut out = String::new();
        if self.is_shown {
            self.view.erase(&mut out);
            self.is_shown = false;
        }
        out
    }

    /// Carries out a key.
    pub fn key(&mut self, key: Key, completer: &dyn Completer) -> Step {
        let mut out = self.show();
        let event = match key {
            Key::Enter => Some(self.finish(&mut out)),
            Key::Control('c') => Some(self.interrupt(&mut out)),
            Key::Control('d') if self.line.text().is_empty() => {
                self.leave("", &mut out);
                Some(Event::End)
            }
            Key::Size { columns, .. } => {
                self.view.erase(&mut out);
                self.set_columns(columns);
                self.draw(&mut out);
                None
            }
            Key::Char(character) => {
                self.write(character.encode_utf8(&mut [0; 4]), &mut out);
                None
            }
            Key::Tab => {
                self.complete(completer, &mut out);
                None
            }
            key => {
                self.edit(key, &mut out);
                None
            }
        };
        Step { output: out, event }
    }

    fn draw(&mut self, out: &mut String) {
        let Self { view, line, .. } = self;
        view.draw(&self.prompt, line.text(), line.before_cursor(), out);
    }

    fn redraw(&mut self, out: &mut String) {
        self.view.erase(out);
        self.draw(out);
    }

    /// Writes at the cursor.
    fn write(&mut self, text: &str, out: &mut String) {
        // A mark belongs to a character that may be at the end of the row before.
        let can_append = self.line.is_at_end() && !text.starts_with(is_combining);
        if !self.line.insert(text) {
            out.push_str(BELL);
        } else if can_append {
            self.view.append(text, out);
        } else {
            self.redraw(out);
        }
    }

    /// Leaves the line on the screen, with `mark` behind it, and goes to the next one. The line is empty then.
    fn leave(&mut self, mark: &str, out: &mut String) {
        if !self.line.is_at_end() {
            self.line.move_to(self.line.end());
            self.redraw(out);
        }
        out.push_str(mark);
        out.push_str("\r\n");
        self.line.set("");
        self.history.leave();
        self.is_shown = false;
    }

    fn finish(&mut self, out: &mut String) -> Event {
        let text: String = self.line.text().into();
        self.leave("", out);
        if self.keeps_history {
            self.history.add(&text);
        }
        Event::Line(text)
    }

    fn interrupt(&mut self, out: &mut String) -> Event {
        self.leave("^C", out);
        Event::Interrupt
    }

    /// The keys that change the line or move in it.
    fn edit(&mut self, key: Key, out: &mut String) {
        let line = &mut self.line;
        match key {
            Key::Left | Key::Control('b') => line.move_to(line.left()),
            Key::Right | Key::Control('f') => line.move_to(line.right()),
            Key::Home | Key::Control('a') => line.move_to(0),
            Key::End | Key::Control('e') => line.move_to(line.end()),
            Key::WordLeft | Key::Alt('b') => line.move_to(line.word_left()),
            Key::WordRight | Key::Alt('f') => line.move_to(line.word_right()),
            Key::Backspace => drop(line.cut(line.left())),
            Key::Delete | Key::Control('d') => drop(line.cut(line.right())),
            Key::Control('k') => self.cut = line.cut(line.end()),
            Key::Control('u') => self.cut = line.cut(0),
            Key::Control('w') => self.cut = line.cut(line.word_left()),
            Key::Alt('d') => self.cut = line.cut(line.word_right()),
            Key::Control('y') => {
                let text = self.cut.clone();
                return self.write(&text, out);
            }
            Key::Control('l') => {
                out.push_str(CLEAR);
                return self.draw(out);
            }
            Key::Up | Key::Control('p') => match self.history.back(line.text()) {
                Some(text) => line.set(text),
                None => return out.push_str(BELL),
            },
            Key::Down | Key::Control('n') => match self.history.forth() {
                Some(text) => line.set(text),
                None => return out.push_str(BELL),
            },
            _ => return,
        }
        self.redraw(out);
    }

    fn complete(&mut self, completer: &dyn Completer, out: &mut String) {
        let before = self.line.before_cursor();
        let completion = completer.complete(before);
        let n_written = before.len().saturating_sub(completion.start);
        let common = completion.common();
        let is_known = before.is_char_boundary(completion.start) && !common.is_empty();
        match completion.candidates.as_slice() {
            [only] if is_known => {
                let mut text = only.clone();
                text.push(' ');
                self.put(completion.start, &text, out);
            }
            [_, _, ..] if is_known && common.len() > n_written => {
                self.put(completion.start, common, out);
            }
            [_, _, ..] => self.list(&completion, out),
            _ => out.push_str(BELL),
        }
    }

    fn put(&mut self, start: usize, text: &str, out: &mut String) {
        if !self.line.replace(start, text) {
            out.push_str(BELL);
        }
        self.redraw(out);
    }

    /// Shows the candidates below the line, and the line again below them.
    fn list(&mut self, completion: &Completion, out: &mut String) {
        let place = self.line.before_cursor().len();
        self.line.move_to(self.line.end());
        self.redraw(out);
        self.line.move_to(place);
        out.push_str("\r\n");
        let n_columns = self.view.columns().min(COLUMNS_ASSUMED);
        for row in columns(&completion.candidates, n_columns) {
            out.push_str(&row);
            out.push_str("\r\n");
        }
        self.draw(out);
    }
}

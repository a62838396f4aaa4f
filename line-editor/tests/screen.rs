//! What is on the screen: the editor against an emulated terminal (the crate `vt100`), which knows nothing of the editor.

use omnibus_line_editor::{Completer, Completion, Editor, Event, Key, Keys, NoCompletion};
use proptest::prelude::*;
use std::num::NonZero;
use unicode_width::UnicodeWidthChar;

const PROMPT: &str = "> ";

/// An editor at a terminal.
struct Desk {
    editor: Editor,
    keys: Keys,
    terminal: vt100::Parser,
    events: Vec<Event>,
    columns: u16,
}

fn terminal(columns: u16) -> vt100::Parser {
    let columns = NonZero::new(columns).expect("no terminal is that narrow");
    vt100::Parser::new(const { NonZero::new(64).unwrap() }, columns, 0)
}

struct Names(&'static [&'static str]);

impl Completer for Names {
    fn complete(&self, text: &str) -> Completion {
        let start = text.rfind(' ').map_or(0, |blank| blank + 1);
        let begins = self
            .0
            .iter()
            .filter(|name| name.starts_with(&text[start..]));
        Completion {
            start,
            candidates: begins.map(|&name| name.to_owned()).collect(),
        }
    }
}

impl Desk {
    fn new(columns: u16) -> Self {
        let mut editor = Editor::new(PROMPT);
        editor.set_columns(columns);
        let mut terminal = terminal(columns);
        terminal.process(editor.show().as_bytes());
        Self {
            editor,
            keys: Keys::new(),
            terminal,
            events: Vec::new(),
            columns,
        }
    }

    fn press(&mut self, key: Key, completer: &dyn Completer) {
        let step = self.editor.key(key, completer);
        self.terminal.process(step.output.as_bytes());
        if let Some(event) = step.event {
            self.events.push(event);
            self.terminal.process(self.editor.show().as_bytes());
        }
    }

    fn send(&mut self, bytes: &[u8]) -> &mut Self {
        self.send_with(bytes, &NoCompletion)
    }

    fn send_with(&mut self, bytes: &[u8], completer: &dyn Completer) -> &mut Self {
        for &byte in bytes {
            self.keys.byte(byte);
            while let Some(key) = self.keys.next_key() {
                self.press(key, completer);
            }
        }
        self
    }

    /// The rows of the screen that have something, and the cursor.
    fn screen(&self) -> (Vec<String>, (u16, u16)) {
        let screen = self.terminal.screen();
        let mut rows: Vec<String> = screen.rows(0, self.columns).collect();
        while rows.last().is_some_and(|row| row.is_empty()) {
            rows.pop();
        }
        (rows, screen.cursor_position())
    }

    fn finished(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Line(text) => Some(text.as_str()),
                Event::Interrupt | Event::End => None,
            })
            .collect()
    }
}

fn rows(rows: &[&str]) -> Vec<String> {
    rows.iter().map(|&row| row.to_owned()).collect()
}

/// Each editing key does what the table in the crate's documentation says, and the screen shows it.
#[test]
fn ed_every_key_edits_as_it_is_told() {
    for (typed, line, column) in [
        (&b"abc\x1b[D\x1b[DX"[..], "aXbc", 2),
        (b"abc\x01X\x05Y", "XabcY", 5),
        (b"abc\x1b[HX\x1b[FY", "XabcY", 5),
        (b"abc\x02\x06\x02\x7f", "ac", 1),
        (b"abc\x01\x04", "bc", 0),
        (b"abc\x01\x1b[3~", "bc", 0),
        (b"one two\x17", "one ", 4),
        (b"one two\x1b[1;5D\x0b", "one ", 4),
        (b"one two\x15", "", 0),
        (b"one two\x17\x01\x19", "twoone ", 3),
        (b"one two\x1bb\x1bbX\x1bfY", "XoneY two", 5),
        (b"one two\x01\x1bd", " two", 0),
        (b"\x7f\x1b[D\x1b[C\x1b[3~\x17\x0b\x15\x19", "", 0),
    ] {
        let mut desk = Desk::new(40);
        desk.send(typed);
        let shown = format!("{PROMPT}{line}");
        let screen = (rows(&[shown.trim_end()]), (0, 2 + column));
        let (seen, cursor) = desk.screen();
        let seen: Vec<_> = seen.iter().map(|row| row.trim_end().to_owned()).collect();
        assert_eq!((seen, cursor), screen, "{typed:?}");
        desk.send(b"\r");
        assert_eq!(desk.finished(), [line], "{typed:?}");
    }
}

/// Earlier lines come back, are changed without being changed in the history, and the line that was begun waits behind them.
#[test]
fn ed_earlier_lines_come_back() {
    let mut desk = Desk::new(40);
    desk.send(b"first\rsecond\rbegun\x1b[A\x1b[A!\x1b[B\x1b[B\r\x10\x10\x10\x0e\r");
    assert_eq!(desk.finished(), ["first", "second", "begun", "second"]);
}

/// A line that is given up stays on the screen with a mark, and the next one is empty; Ctrl-D ends the input on an empty line only.
#[test]
fn ed_interrupt_and_end() {
    let mut desk = Desk::new(40);
    desk.send(b"abc\x1b[D\x03x\x01\x04\x04");
    assert_eq!(desk.events, [Event::Interrupt, Event::End]);
    assert_eq!(desk.screen().0, rows(&["> abc^C", "> ", "> "]));
}

/// A name is completed as far as it is certain; if there is more than one way, both are shown below the line and nothing is lost.
#[test]
fn ed_names_are_completed() {
    let names = Names(&["start", "status", "stop", "tasks"]);
    let mut desk = Desk::new(40);
    desk.send_with(b"ta\t", &names);
    assert_eq!(desk.screen(), (rows(&["> tasks "]), (0, 8)));
    desk.send_with(b"\x15s\tx\x1b[D", &names);
    assert_eq!(desk.screen(), (rows(&["> stx"]), (0, 4)));
    desk.send_with(b"\t", &names);
    assert_eq!(
        desk.screen(),
        (rows(&["> stx", "start   status  stop", "> stx"]), (2, 4))
    );
    desk.send_with(b"\x05\x7fo\t\r", &names);
    assert_eq!(desk.finished(), ["stop "]);
}

/// What was on the screen above the prompt stays there while the line is hidden, shown again, and redrawn at every key.
#[test]
fn ed_output_goes_above_the_line() {
    let mut desk = Desk::new(10);
    desk.send(b"a line of three rows here\x1b[D\x1b[D");
    let before = desk.screen();
    let hidden = desk.editor.hide();
    desk.terminal.process(hidden.as_bytes());
    assert_eq!(desk.screen(), (vec![], (0, 0)));
    desk.terminal.process(b"told\r\n");
    let shown = desk.editor.show();
    desk.terminal.process(shown.as_bytes());
    let mut after = desk.screen();
    assert_eq!(after.0.remove(0), "told");
    assert_eq!((after.0, after.1.0), (before.0, before.1.0 + 1));
}

/// Keys that a terminal may send in any order.
fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        8 => prop_oneof![Just('a'), Just('b'), Just(' '), Just('é'), Just('漢'), Just('\u{301}')].prop_map(Key::Char),
        4 => prop_oneof![
            Just(Key::Left), Just(Key::Right), Just(Key::Home), Just(Key::End), Just(Key::WordLeft),
            Just(Key::WordRight), Just(Key::Backspace), Just(Key::Delete), Just(Key::Up), Just(Key::Down), Just(Key::Tab),
        ],
        2 => prop::char::range('a', 'z').prop_map(Key::Control),
        1 => Just(Key::Enter),
    ]
}

/// Where the cursor is behind `text` on a terminal, by going through it character by character; the last column wraps at once.
fn place(text: &str, columns: u16) -> (u16, u16) {
    let (mut row, mut column) = (0, 0);
    for character in text.chars() {
        let width = character.width().unwrap_or(0) as u16;
        if column + width > columns {
            (row, column) = (row + 1, 0);
        }
        column += width;
    }
    if column == columns {
        (row + 1, 0)
    } else {
        (row, column)
    }
}

proptest! {
    /// Whatever keys are pressed, drawing the line anew on an empty screen gives the screen that is there: rule 1. The cursor is never
    /// outside the line.
    #[test]
    fn ed_the_screen_depends_on_the_line_alone(keys in prop::collection::vec(any_key(), 0..60), columns in 3_u16..30) {
        let names = Names(&["ab", "aba", "abé"]);
        let mut desk = Desk::new(columns);
        for key in keys {
            desk.press(key, &names);
            // A finished line, a list or a cleared screen moves the prompt: begin anew below it.
            if !matches!(key, Key::Enter | Key::Tab | Key::Control('c' | 'd' | 'i' | 'j' | 'l' | 'm')) {
                let fresh = desk.editor.hide() + "\x1b[H\x1b[2J" + &desk.editor.show();
                let mut other = terminal(columns);
                let was = desk.screen();
                other.process(fresh.as_bytes());
                let rows: Vec<String> = other.screen().rows(0, columns).collect();
                let n_rows = rows.iter().rposition(|row| !row.is_empty()).map_or(0, |last| last + 1);
                prop_assert!(was.0.ends_with(&rows[..n_rows]), "{:?} and {:?}", was, rows);
                prop_assert_eq!(was.1.1, other.screen().cursor_position().1);
                desk.terminal = other;
            }
        }
    }

    /// A line that is typed is wrapped where the terminal wraps it, and the cursor is behind it.
    #[test]
    fn ed_long_lines_wrap(text in "[ab é漢]{0,60}", columns in 3_u16..30) {
        let mut desk = Desk::new(columns);
        desk.send(text.as_bytes());
        let shown = format!("{PROMPT}{text}");
        prop_assert_eq!(desk.screen().1, place(&shown, columns));
        let contents: String = desk.screen().0.concat();
        let (contents, shown): (String, String) = (contents.replace(' ', ""), shown.replace(' ', ""));
        prop_assert_eq!(contents, shown);
    }

    /// Any bytes at all, cut anywhere, do no harm: the line stays within its bound, and a line can be typed behind them.
    #[test]
    fn ed_any_bytes_are_harmless(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut desk = Desk::new(20);
        desk.send(&bytes).send(b"\x03\x15still here\r");
        let finished = desk.finished();
        prop_assert_eq!(finished.last(), Some(&"still here"));
    }
}

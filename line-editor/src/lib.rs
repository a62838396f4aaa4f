//! A line editor for a terminal, as a function of keys: bytes go in, bytes for the terminal and finished lines come out.
//!
//! ```text
//!  bytes of the terminal ──> Keys ──> Key ──> Editor ──> Step { output, event }
//!                                               │
//!                            Line, History, Completer, View (where things are on the screen)
//! ```
//!
//! It reads nothing, writes nothing and waits for nothing: whoever uses it does. So a program that waits for messages can have one, and
//! its tests run on the host, against an emulated terminal.
//!
//! **States.** *Shown*: prompt and line are on the screen, the cursor where the line's is. *Hidden*: they are not, and the cursor is at the
//! beginning of a line; something else can be printed. [`Editor::show`] and [`Editor::hide`] lead from one to the other, and a line that is
//! finished or interrupted leaves the editor hidden.
//!
//! **Rules.**
//! 1. What the screen shows depends on prompt, line and width alone, not on how the line came about.
//! 2. No byte does harm: what is no key does nothing, a sequence that is never finished ends with the next control character, and a
//!    line has a bound.
//! 3. Without a terminal on the other side ([`Editor::set_columns`] with 0) lines are longer than any screen.
//!
//! | key | does |
//! |---|---|
//! | ← → Home End, Ctrl-B F A E; Ctrl-← →, Alt-B F | moves by characters, to an end, by words |
//! | Backspace, Delete, Ctrl-H D; Ctrl-K U W, Alt-D | takes away a character; to the end, to the beginning, a word |
//! | Ctrl-Y | puts back what was taken away last by more than a character |
//! | ↑ ↓, Ctrl-P N | goes through earlier lines |
//! | Tab | completes; shows what is possible if there is more than one way |
//! | Ctrl-L | clears the screen |
//! | Ctrl-C | gives the line up |
//! | Ctrl-D | on an empty line: the end of input |
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod completion;
mod editor;
mod history;
mod keys;
mod line;
mod view;

pub use completion::{Completer, Completion, NoCompletion, columns};
pub use editor::{Editor, Event, Step};
pub use keys::{Key, Keys};

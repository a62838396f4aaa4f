//! The parts of the shell that need no kernel: words of a line, the table of commands, completion of names, the kernel's report as tables,
//! and bytes as people write and read them.
//!
//! ```text
//!   line ── words ──> the command and its words ──> src/bin/shell ──> calls
//!                                                       │
//!   inspect's text ── report ──> tasks, peers, accounts ┴── table ──> lines for the terminal
//! ```
//!
//! [`docs/shell.md`](../../../docs/shell.md) is the reference for its users.

pub mod commands;
pub mod complete;
pub mod payload;
pub mod report;
pub mod table;
pub mod wanted;
pub mod words;

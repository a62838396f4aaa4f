//! A second specification of bus1, to be held against the core.
//!
//! The core answers "how can every peer be independent and still see one order"; this crate does not even try. A [`World`] is
//! one log of everything that was queued and not yet received, and plain collections of peers, nodes and handles. Every rule
//! is written the shortest way that can be read, with linear searches throughout, and cites its id.
//!
//! The model is an *acceptor*. What the rules leave open (the numbers of managed ids, the order of notifications inside one
//! transaction) it takes from what was observed, and checks that the rules allow it; all else it computes and the caller
//! compares. So the same code judges a single thread step by step and, through [`history`], what several threads saw.
#![forbid(unsafe_code)]

mod call;
mod commands;
pub mod history;
mod quota;
mod world;

pub use call::{Call, Entry, Failure, Kind, Outcome, Source};
pub use quota::{Account, Quota, Slots};
pub use world::{PeerState, World};

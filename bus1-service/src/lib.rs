//! The bus1 core: peers, nodes, handles, messages, transactions, accounts.
//!
//! Five nouns. A [`Peer`] is a local container with one incoming queue and one id namespace. A *node* is a receiving end of a
//! peer, a *handle* a sending end that refers to one node; both are named by an [`Id`] that means something on one peer only. A
//! *message* carries bytes and copies of handles. An [`Account`] pays for all of it.
//!
//! Four verbs, each in one call for programs of the host, and in phases for a kernel that must be able to stop between them:
//!
//! | verb | one call | phases |
//! |---|---|---|
//! | transfer | [`Peer::transfer`] | [`PreparingTransfer`] → [`PreparedTransfer`] → [`Effects`] |
//! | release | [`Peer::release`] | [`Peer::begin_release`], then [`Peer::work`] until done |
//! | send | [`Peer::send`] | [`PreparingSend`] → [`PreparedSend`] → [`StagedSend`] → [`Effects`] |
//! | receive | [`Peer::recv`] | [`Peer::begin_recv`] → [`Receiving`] → [`Effects`] |
//!
//! Everything before the last arrow can fail and leaves no trace; everything behind it cannot fail and needs no memory. No
//! operation blocks, no lock is ever waited for while another is held, and no callback runs under a lock. Whoever wants to watch is told
//! [what took effect](TraceEvent).
//!
//! ```
//! # struct Host;
//! # impl bus1_service::System for Host {
//! #     type Watch = ();
//! #     type Object = std::convert::Infallible;
//! #     type Amounts = [u64; 2];
//! # }
//! # fn main() -> Result<(), bus1_service::Error> {
//! let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
//! let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
//! let (node, handle) = server.create_node(&client)?;
//! client.send(&[handle], &[], b"hello")?.finish_silently();
//! let received = server.recv()?;
//! assert_eq!(received.metadata().id, node);
//! assert_eq!(received.payload(), b"hello");
//! # Ok(())
//! # }
//! ```
#![cfg_attr(
    not(any(
        test,
        feature = "loom",
        feature = "shuttle",
        feature = "hooks",
        feature = "record"
    )),
    no_std
)]
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

extern crate alloc;
#[cfg(any(
    test,
    feature = "loom",
    feature = "shuttle",
    feature = "hooks",
    feature = "record"
))]
extern crate std;

mod account;
mod amounts;
mod carried;
mod effects;
mod error;
mod event;
mod hand_over;
mod handle;
mod hook;
#[cfg(feature = "hooks")]
pub mod hooks;
mod id;
pub mod limits;
mod mem;
mod message;
#[cfg(feature = "mutants")]
pub mod mutant;
#[cfg(not(feature = "mutants"))]
mod mutant;
mod node;
mod peer;
mod queue;
#[cfg(feature = "record")]
pub mod record;
mod recv;
#[cfg(feature = "sabotage")]
pub mod sabotage;
mod send;
mod sync;
mod system;
mod table;
mod trace;
mod transaction;
mod transfer;

pub use account::{Account, AccountInfo, Actor, Charge, QuotaInfo, TraceInfo};
pub use amounts::{Amounts, BYTES, OBJECTS};
pub use effects::{Effects, Progress, Wake};
pub use error::{Error, Place, QuotaError};
pub use event::{EVENT_WORDS_MAX, Event, Told};
pub use hand_over::{Aim, Cargo, Handed, Receivers};
pub use id::{AccountNumber, Id};
pub use peer::{EntryInfo, ObjectInfo, Peer, PeerInfo};
pub use recv::{Glance, Kind, Metadata, Payload, Received, Receiving, Retry};
pub use send::{PreparedSend, PreparingSend, StagedSend};
pub use system::System;
pub use trace::{PeerName, TraceEvent};
pub use transfer::{PreparedTransfer, PreparingTransfer, Source};

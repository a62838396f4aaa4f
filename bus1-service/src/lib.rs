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
//! operation blocks, no lock is ever held while another is taken, and no callback runs under a lock.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

mod account;
mod amounts;
mod effects;
mod error;
mod id;
pub mod limits;
mod peer;
mod recv;
mod send;
mod system;
mod transfer;

pub use account::{Account, Actor, Charge};
pub use amounts::{Amounts, BYTES, OBJECTS};
pub use effects::{Effects, Progress, Wake};
pub use error::{Error, Place, QuotaError};
pub use id::{AccountNumber, Id};
pub use peer::Peer;
pub use recv::{Kind, Metadata, Received, Receiving, Retry};
pub use send::{PreparedSend, PreparingSend, StagedSend};
pub use system::System;
pub use transfer::{PreparedTransfer, PreparingTransfer, Source};

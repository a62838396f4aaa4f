//! Errors. Each carries what a person needs to find the cause: which entry, whose account and how full.

use syscall::error as errno;

use crate::{AccountNumber, Id};

/// The entry of the caller's arrays that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Entry of the handles that a message or a transfer carries, counted from 0.
    Transfer(usize),
    /// Entry of the destinations of a message, counted from 0 (SND-2: its place in the errors array).
    Destination(usize),
    /// Entry of the ids of a release, counted from 0.
    Release(usize),
    /// The call as a whole.
    Call,
}

/// Whose limit refused a charge, and how full it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaError {
    /// The account that was to be charged.
    pub target: AccountNumber,
    /// The account on whose behalf.
    pub claimant: AccountNumber,
    /// The slot that was short: [`crate::OBJECTS`], [`crate::BYTES`] or one of the embedder's.
    pub slot: usize,
    /// The amount asked for.
    pub requested: u64,
    /// What the target's maximum is.
    pub maximum: u64,
    /// What the target has left for anybody.
    pub available: u64,
    /// What the claimant holds of the target already.
    pub claimed: u64,
}

/// Why a call changed nothing (ERR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The id names no node or handle of this peer, or a node where a handle is needed: `EBADRQC` (OBJ-5).
    UnknownId(Place, Id),
    /// RELEASE named the same id twice: `ENOTUNIQ` (REL-1).
    NamedTwice(Place, Id),
    /// An account's limit: `EDQUOT` (ERR-4).
    Quota(Place, QuotaError),
    /// More is claimed of an account than it would be left with: `EBUSY` ([`crate::Account::resize`]). `requested` is what it
    /// was to have, the claimant the account itself, and `claimed` what all have claimed.
    InUse(QuotaError),
    /// The machine's limit, of memory or of ids: `ENOMEM` (ERR-4, OBJ-4).
    OutOfMemory,
    /// More entries or bytes than one command may have: `EMSGSIZE` (STR-2).
    TooLong,
    /// Nothing to receive: `EAGAIN` (RCV-1).
    NothingQueued,
    /// Another call on the same peer is half-way and must be let through first: `EBUSY`. Not a result of a command: the
    /// embedder tries again (OBJ-8).
    Busy,
    /// The peer is closing: `EBADF`.
    Closed,
}

impl From<omnibus_counted::OutOfMemory> for Error {
    fn from(omnibus_counted::OutOfMemory: omnibus_counted::OutOfMemory) -> Error {
        Error::OutOfMemory
    }
}

impl Error {
    /// The Linux error number, positive.
    #[must_use]
    pub const fn errno(&self) -> i32 {
        match self {
            Error::UnknownId(..) => errno::EBADRQC,
            Error::NamedTwice(..) => errno::ENOTUNIQ,
            Error::Quota(..) => errno::EDQUOT,
            Error::InUse(..) => errno::EBUSY,
            Error::OutOfMemory => errno::ENOMEM,
            Error::TooLong => errno::EMSGSIZE,
            Error::NothingQueued => errno::EAGAIN,
            Error::Busy => errno::EBUSY,
            Error::Closed => errno::EBADF,
        }
    }

    /// The error, about destination `index` of a message if it is a limit's.
    pub(crate) fn at_destination(self, index: usize) -> Error {
        match self {
            Error::Quota(_, quota) => Error::Quota(Place::Destination(index), quota),
            other => other,
        }
    }

    /// The destination that the error is about, for the errors array of SEND (SND-2).
    #[must_use]
    pub const fn destination(&self) -> Option<usize> {
        match self {
            Error::UnknownId(Place::Destination(index), _)
            | Error::Quota(Place::Destination(index), _) => Some(*index),
            _ => None,
        }
    }
}

//! What can be called, and what can come of it. Peers are named by their place in the list, objects by their ids.

/// One call on one peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// TRANSFER.
    Transfer {
        /// The peer whose handles are copied, and which gets the nodes.
        from: usize,
        /// The peer that gets the handles.
        to: usize,
        /// The entries, in order.
        sources: Vec<Source>,
    },
    /// RELEASE.
    Release {
        /// The caller.
        peer: usize,
        /// The nodes and handles, in order.
        ids: Vec<u64>,
    },
    /// SEND.
    Send {
        /// The sender.
        peer: usize,
        /// Handles to send through, in order.
        destinations: Vec<u64>,
        /// Handles to copy to each destination, in order.
        transfers: Vec<u64>,
        /// The bytes.
        payload: Vec<u8>,
    },
    /// RECV.
    Recv {
        /// The receiver.
        peer: usize,
    },
    /// RECV with DISCARD.
    Discard {
        /// The receiver.
        peer: usize,
    },
    /// The last capability of the peer is dropped, and everything that follows from it is done.
    Close {
        /// The peer that closes.
        peer: usize,
    },
}

impl Call {
    /// The peer that makes the call.
    #[must_use]
    pub fn caller(&self) -> usize {
        match self {
            Call::Transfer { from, .. } => *from,
            Call::Release { peer, .. }
            | Call::Send { peer, .. }
            | Call::Recv { peer }
            | Call::Discard { peer }
            | Call::Close { peer } => *peer,
        }
    }

    /// The peers whose capabilities the call uses.
    #[must_use]
    pub fn peers(&self) -> Vec<usize> {
        match self {
            Call::Transfer { from, to, .. } => vec![*from, *to],
            call => vec![call.caller()],
        }
    }
}

/// One entry of a TRANSFER.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Make a node on the source peer, and a handle to it on the destination.
    Create,
    /// Copy the handle with this id.
    Copy(u64),
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// TRANSFER succeeded: the id of the node of each created entry, and of the handle of every entry.
    Transferred {
        /// Ids on the source peer; `None` for copies.
        nodes: Vec<Option<u64>>,
        /// Ids on the destination peer.
        handles: Vec<u64>,
    },
    /// SEND, RELEASE or closing succeeded.
    Done,
    /// RECV or DISCARD took this out of the queue.
    Received(Entry),
    /// The call changed nothing.
    Failed(Failure),
}

/// What a user message or a notification looks like to its receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// The node it came in on, or the handle or node it is about (RCV-4).
    pub id: u64,
    /// Number of the sender's account; `None` for notifications.
    pub account: Option<u64>,
    /// The bytes.
    pub payload: Vec<u8>,
    /// Ids of the carried handles, in the sender's order; empty if it was discarded.
    pub transfers: Vec<u64>,
}

/// Kind of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A message.
    User,
    /// The node behind an own handle is gone.
    NodeRelease,
    /// The last handle on an own node is gone.
    HandleRelease,
}

/// Why a call failed, with the entry of the caller's array that was the reason, as far as the rules fix it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The peer, or the destination peer of a TRANSFER, is closed: `EBADF`.
    Closed,
    /// `EBADRQC` for this entry of the handles to copy.
    UnknownTransfer(usize),
    /// `EBADRQC` for this destination.
    UnknownDestination(usize),
    /// `EBADRQC` for this entry of a RELEASE.
    UnknownRelease(usize),
    /// `ENOTUNIQ` for this entry of a RELEASE.
    NamedTwice(usize),
    /// `EDQUOT` for this destination.
    QuotaOfDestination(usize),
    /// `EDQUOT` otherwise.
    Quota,
    /// `EMSGSIZE`: a bound of STR-2.
    TooLong,
    /// `EAGAIN`.
    NothingQueued,
    /// `ENOMEM`: the model never runs out of memory.
    OutOfMemory,
}

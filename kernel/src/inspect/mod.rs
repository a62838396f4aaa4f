//! The state of every kernel object as text, in a stable order: the machine, tasks with their threads and capabilities, peers with
//! their nodes, handles and queues, memory objects, timers, accounts with who claims how much.
//!
//! The text is made line by line by a [`Cursor`], so that it may be as long as it likes; each line is of one instant. A system in which
//! nothing runs but the reader reads the same twice.

mod accounts;
mod machine;
mod memories;
mod peers;
mod tasks;
mod timers;

use core::fmt;

use accounts::Seek;

use crate::device::timers::Timer;
use crate::memory::Memory;
use crate::service::{Account, peer::PeerObject};
use crate::shared::Ref;
use crate::task::{task::Task, thread::Thread};

/// Where the text goes on. It keeps what it stands on, so going on costs the same however much there is.
#[derive(Clone)]
pub enum Cursor {
    /// The machine's counters.
    Machine,
    /// The task behind this one, or the first.
    Task(Option<Ref<Task>>),
    /// The thread behind this one, or the first, of the task.
    Thread(Ref<Task>, Option<Ref<Thread>>),
    /// The first capability from this slot on, of the task.
    Capability(Ref<Task>, u32),
    /// The peer behind this one, or the first.
    Peer(Option<Ref<PeerObject>>),
    /// The first object from this slot on, of the peer.
    Object(Ref<PeerObject>, u32),
    /// The entry of this index in the queue of the peer.
    Entry(Ref<PeerObject>, usize),
    /// The memory object behind this one, or the first.
    Memory(Option<Ref<Memory>>),
    /// The timer behind this one, or the first.
    Timer(Option<Ref<Timer>>),
    /// The account that is being looked for.
    Account(Seek),
    /// The first quota from this place on, of the account.
    Quota(Account, u64),
    /// The end.
    End,
}

impl Cursor {
    /// The beginning.
    pub const START: Self = Self::Machine;

    /// True at the end.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        matches!(self, Self::End)
    }

    /// Writes the next line, if there is one here; the cursor behind it.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn line(self, out: &mut impl fmt::Write) -> Result<Self, fmt::Error> {
        match self {
            Self::Machine => machine::line(out),
            Self::Task(after) => tasks::task(out, after.as_ref()),
            Self::Thread(task, after) => tasks::thread(out, task, after.as_ref()),
            Self::Capability(task, slot) => tasks::capability(out, task, slot),
            Self::Peer(after) => peers::peer(out, after.as_ref()),
            Self::Object(peer, slot) => peers::object(out, peer, slot),
            Self::Entry(peer, index) => peers::entry(out, peer, index),
            Self::Memory(after) => memories::memory(out, after.as_ref()),
            Self::Timer(after) => timers::timer(out, after.as_ref()),
            Self::Account(seek) => accounts::account(out, seek),
            Self::Quota(account, place) => accounts::quota(out, account, place),
            Self::End => Ok(Self::End),
        }
    }
}

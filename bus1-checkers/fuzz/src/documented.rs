//! The errors that the core documents, by the function that may return them.

use bus1_service::Error;

/// Function and error, as they are called in the source. Functions that hand on the errors of their phases have those, too.
pub const DOCUMENTED: &[(&str, &str)] = &[
    ("Account::root", "OutOfMemory"),
    ("Account::child", "Quota"),
    ("Account::child", "OutOfMemory"),
    ("Account::resize", "Quota"),
    ("Account::resize", "InUse"),
    ("Account::resize", "OutOfMemory"),
    ("Account::charge", "Quota"),
    ("Account::charge", "OutOfMemory"),
    ("Charge::grow", "Quota"),
    ("Charge::grow", "OutOfMemory"),
    ("Peer::new", "Quota"),
    ("Peer::new", "OutOfMemory"),
    ("Peer::create_node", "Quota"),
    ("Peer::create_node", "OutOfMemory"),
    ("Peer::transfer", "UnknownId"),
    ("Peer::transfer", "TooLong"),
    ("Peer::transfer", "Quota"),
    ("Peer::transfer", "OutOfMemory"),
    ("PreparingTransfer::reserve", "TooLong"),
    ("PreparingTransfer::reserve", "OutOfMemory"),
    ("PreparingTransfer::sources", "UnknownId"),
    ("PreparingTransfer::sources", "TooLong"),
    ("PreparingTransfer::sources", "OutOfMemory"),
    ("PreparingTransfer::step", "UnknownId"),
    ("PreparingTransfer::step", "Quota"),
    ("PreparingTransfer::step", "OutOfMemory"),
    ("PreparedTransfer::commit", "UnknownId"),
    ("Peer::send", "UnknownId"),
    ("Peer::send", "TooLong"),
    ("Peer::send", "Quota"),
    ("Peer::send", "OutOfMemory"),
    ("PreparingSend::transfers", "UnknownId"),
    ("PreparingSend::transfers", "TooLong"),
    ("PreparingSend::transfers", "OutOfMemory"),
    ("PreparingSend::objects", "TooLong"),
    ("PreparingSend::objects", "OutOfMemory"),
    ("PreparingSend::destinations", "UnknownId"),
    ("PreparingSend::destinations", "TooLong"),
    ("PreparingSend::destinations", "OutOfMemory"),
    ("PreparingSend::step", "UnknownId"),
    ("PreparingSend::step", "Quota"),
    ("PreparingSend::step", "OutOfMemory"),
    ("StagedSend::commit", "UnknownId"),
    ("Peer::release", "UnknownId"),
    ("Peer::release", "NamedTwice"),
    ("Peer::release", "TooLong"),
    ("Peer::release", "Closed"),
    ("Peer::begin_release", "UnknownId"),
    ("Peer::begin_release", "NamedTwice"),
    ("Peer::begin_release", "TooLong"),
    ("Peer::begin_release", "Busy"),
    ("Peer::begin_release", "Closed"),
    ("Peer::recv", "NothingQueued"),
    ("Peer::begin_recv", "NothingQueued"),
    ("Peer::begin_recv", "Busy"),
    ("Peer::new_event", "TooLong"),
    ("Peer::new_event", "UnknownId"),
    ("Peer::new_event", "Quota"),
    ("Peer::new_event", "OutOfMemory"),
    ("Receiving::commit", "Retry"),
    ("Receiving::discard", "Retry"),
];

/// What may become of a message that is handed over together, which has no errors: SEND tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Together {
    /// Everybody was given it.
    Given,
    /// It was decided, and somebody was not given it: his node was released meanwhile.
    Dropped,
    /// Everybody waited, another command was made, and it was not decided.
    NotDecided,
}

/// How often each entry of [`DOCUMENTED`] was reached, and each of [`Together`].
#[derive(Clone, Copy, Debug)]
pub struct Reached {
    counts: [u32; DOCUMENTED.len()],
    together: [u32; 3],
}

impl Default for Reached {
    fn default() -> Self {
        Reached {
            counts: [0; DOCUMENTED.len()],
            together: [0; 3],
        }
    }
}

impl Reached {
    /// The counts, in the order of [`DOCUMENTED`].
    #[must_use]
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// Adds those of another program.
    pub fn add(&mut self, other: &Reached) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        for (count, more) in self.together.iter_mut().zip(other.together) {
            *count += more;
        }
    }

    /// How often this became of a message that was to be handed over together.
    #[must_use]
    pub fn n_together(&self, what: Together) -> u32 {
        self.together[what as usize]
    }

    pub(crate) fn note_together(&mut self, what: Together) {
        self.together[what as usize] += 1;
    }

    /// `function` returned `error`.
    ///
    /// # Panics
    /// If that is not documented.
    pub(crate) fn note(&mut self, function: &str, error: &Error) {
        self.note_named(function, name(error));
    }

    /// `function` asked to begin again.
    pub(crate) fn note_retry(&mut self, function: &str) {
        self.note_named(function, "Retry");
    }

    fn note_named(&mut self, function: &str, error: &str) {
        let place = DOCUMENTED.iter().position(|row| *row == (function, error));
        let place = place.unwrap_or_else(|| panic!("{function} does not document {error}"));
        self.counts[place] += 1;
    }
}

fn name(error: &Error) -> &'static str {
    match error {
        Error::UnknownId(..) => "UnknownId",
        Error::NamedTwice(..) => "NamedTwice",
        Error::Quota(..) => "Quota",
        Error::InUse(..) => "InUse",
        Error::OutOfMemory => "OutOfMemory",
        Error::TooLong => "TooLong",
        Error::NothingQueued => "NothingQueued",
        Error::Busy => "Busy",
        Error::Closed => "Closed",
    }
}

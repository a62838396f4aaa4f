//! How a task ended.

use omnibus_abi::limits::EXIT_STATUS_MAX;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It called `exit`, or its last thread ended.
    Exited(u8),
    /// Somebody killed it.
    Killed,
    /// It faulted.
    Faulted {
        /// Vector of the exception.
        vector: u8,
        /// Address accessed for a page fault, else of the instruction.
        address: u64,
    },
}

impl End {
    /// Of `exit(status)`: a status above 255 counts as 255.
    #[must_use]
    pub fn exited(status: u64) -> Self {
        Self::Exited(status.min(EXIT_STATUS_MAX) as u8)
    }
}

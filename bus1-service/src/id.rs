//! Names: what a peer calls its nodes and handles, and what the world calls an account.

use core::fmt;

/// Name of a node or a handle on one peer (OBJ-4).
///
/// Ids of one peer mean nothing on another. Bit 0 is set in every id that the core chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Id(u64);

impl Id {
    /// The id that never names anything: all ones.
    pub const INVALID: Id = Id(u64::MAX);

    /// The id with this number, whatever it names.
    #[must_use]
    pub const fn from_u64(number: u64) -> Id {
        Id(number)
    }

    /// The number that stands in the binary structures.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether the core chose this id (bit 0); ids with bit 0 clear are reserved for ids chosen by the caller.
    #[must_use]
    pub const fn is_managed(self) -> bool {
        self.0 & 1 == 1
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({:#x})", self.0)
    }
}

/// Number of an account: one for all receivers (OBJ-1), never used again (ACC-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct AccountNumber(u64);

impl AccountNumber {
    /// The account with this number.
    #[must_use]
    pub const fn from_u64(number: u64) -> AccountNumber {
        AccountNumber(number)
    }

    /// The number that stands in `bus1_metadata.account`.
    #[must_use]
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

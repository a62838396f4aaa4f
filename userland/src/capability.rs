//! Capabilities that give their slot back on drop.

use crate::calls::{self, Result};
use omnibus_abi::CapabilityNumber;
use omnibus_abi::native::CapabilityInfo;

/// A slot of the task's table that this value owns: emptied on drop.
#[derive(Debug)]
pub struct Owned(CapabilityNumber);

impl Owned {
    /// Takes over a slot. Whoever else knows the number finds it stale afterwards (`EBADF`).
    #[must_use]
    pub const fn new(number: CapabilityNumber) -> Self {
        Self(number)
    }

    /// The number, for calls.
    #[must_use]
    pub const fn number(&self) -> CapabilityNumber {
        self.0
    }

    /// Gives this value up without emptying the slot.
    #[must_use]
    pub const fn into_number(self) -> CapabilityNumber {
        let number = self.0;
        core::mem::forget(self);
        number
    }

    /// A second slot for the same object, with these rights.
    ///
    /// # Errors
    /// `EPERM`: a right that this one does not have. `ENOMEM`.
    pub fn copy(&self, rights: u64) -> Result<Self> {
        calls::capability_copy(self.0, rights).map(Self)
    }

    /// Kind, rights, and the object's number.
    ///
    /// # Errors
    /// `EBADF` if the slot was emptied behind this value's back.
    pub fn info(&self) -> Result<CapabilityInfo> {
        calls::capability_info(self.0)
    }
}

/// What every type that owns a capability of one kind begins with.
macro_rules! owns_capability {
    ($($name:ident),*) => {$(
        impl $name {
            /// Takes over a capability of this kind, for instance one that was granted.
            #[must_use]
            pub const fn from_capability(number: omnibus_abi::CapabilityNumber) -> Self {
                Self($crate::capability::Owned::new(number))
            }

            /// The capability's number.
            #[must_use]
            pub const fn number(&self) -> omnibus_abi::CapabilityNumber {
                self.0.number()
            }
        }
    )*};
}
pub(crate) use owns_capability;

impl Drop for Owned {
    fn drop(&mut self) {
        // A slot that is empty already is what we want.
        let _ = calls::capability_drop(self.0);
    }
}

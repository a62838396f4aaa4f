//! Where a message goes, and where the caller wants to know which destination failed (SND-2).

use bus1_service::{Error, Id};
use omnibus_abi::Errno;

use crate::service;
use crate::syscall::caller::Caller;
use crate::syscall::user::{Fault, UserMemory, WriteClaim};

/// Errors written per access to user memory.
const ERRORS_AT_ONCE: usize = 64;

/// Where the destinations of a message are.
#[derive(Clone, Copy)]
pub enum Destinations {
    /// There is one, with this id; no errors are reported.
    One(u64),
    /// In memory.
    Array {
        /// Their address.
        address: u64,
        /// How many.
        n_destinations: u64,
        /// Where their errors go, or 0.
        ptr_errors: u64,
    },
}

impl Destinations {
    /// How many there are.
    pub(super) const fn n(self) -> u64 {
        match self {
            Self::One(_) => 1,
            Self::Array { n_destinations, .. } => n_destinations,
        }
    }
}

/// Where the caller wants to know which destination failed.
pub(super) struct Errors {
    claim: Option<WriteClaim>,
    n_destinations: u64,
}

impl Errors {
    /// Reads the destinations into the scratch, and checks where their errors go.
    ///
    /// # Errors
    /// `EFAULT`.
    pub(super) fn read(caller: &mut Caller<'_>, destinations: Destinations) -> Result<Self, Errno> {
        let (n_destinations, ptr_errors) = match destinations {
            Destinations::One(id) => {
                if let Some(first) = caller.scratch.ids.first_mut() {
                    *first = Id::from_u64(id);
                }
                (1, 0)
            }
            Destinations::Array {
                address,
                n_destinations,
                ptr_errors,
            } => {
                caller.read_ids(address, n_destinations)?;
                (n_destinations, ptr_errors)
            }
        };
        let claim = match ptr_errors {
            0 => None,
            address => {
                let claim = WriteClaim::new(address, n_destinations * 4)?;
                claim.probe(&caller.memory)?;
                Some(claim)
            }
        };
        Ok(Self {
            claim,
            n_destinations,
        })
    }

    /// SND-2: the entry of the destination that failed holds the error, those before it 0.
    pub(super) fn refuse(&self, memory: &impl UserMemory, error: &Error) -> Errno {
        let errno = service::errno(error);
        if let (Some(claim), Some(index)) = (&self.claim, error.destination()) {
            // The call fails already: a page that went away meanwhile changes nothing.
            let index = index as u64;
            let _ = write_zeros(memory, claim, index)
                .and_then(|()| claim.write_at(memory, index * 4, &errno.number().to_le_bytes()));
        }
        errno
    }

    /// SND-2: on success all entries are 0. A page that went away since it was checked loses its zeros: the message is sent.
    pub(super) fn succeed(&self, memory: &impl UserMemory) {
        if let Some(claim) = &self.claim {
            let _ = write_zeros(memory, claim, self.n_destinations);
        }
    }
}

fn write_zeros(memory: &impl UserMemory, claim: &WriteClaim, n_entries: u64) -> Result<(), Fault> {
    let zeros = [0; ERRORS_AT_ONCE * 4];
    let mut n_done = 0;
    while n_done < n_entries * 4 {
        let n_bytes = (n_entries * 4 - n_done).min(zeros.len() as u64);
        claim.write_at(memory, n_done, &zeros[..n_bytes as usize])?;
        n_done += n_bytes;
    }
    Ok(())
}

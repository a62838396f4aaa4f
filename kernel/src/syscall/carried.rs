//! Capabilities among the transfers of a message: taken from the sender's table, put into the receiver's.

use alloc::vec::Vec;

use bus1_service::{Id, Receiving};
use omnibus_abi::bus1::{INVALID, TRANSFER_FLAG_CAPABILITY, TRANSFER_WITHHELD_SHIFT, Transfer};
use omnibus_abi::limits::CAPABILITIES_MAX;
use omnibus_abi::{CapabilityNumber, Errno};

use super::caller::{Caller, Scratch};
use super::structure::OutArray;
use crate::cap::carried::Carried;
use crate::service::Omnibus;
use crate::task::task::Task;

/// How many of the transfers of a message are what.
#[derive(Clone, Copy)]
pub struct Counts {
    /// Entries, of either kind.
    pub n_transfers: usize,
    /// Handles, whose ids are the first in the scratch.
    pub n_handles: usize,
}

impl Counts {
    /// Bytes of the list that the capabilities are kept in.
    #[must_use]
    pub const fn n_list_bytes(self) -> usize {
        (self.n_transfers - self.n_handles) * size_of::<Carried>()
    }
}

/// Sorts the `n_transfers` entries that are in the words of the scratch: the ids of the handles among them go to its ids.
///
/// # Errors
/// `EINVAL` for a flag, or an id that is none, in any of them; `EMSGSIZE` for too many capabilities.
pub fn sort(scratch: &mut Scratch, n_transfers: usize) -> Result<Counts, Errno> {
    let mut n_handles = 0;
    for &[flags, number] in entries(scratch.words.get(..2 * n_transfers)) {
        if number == INVALID || !(flags == 0 || is_capability(flags)) {
            return Err(Errno::EINVAL);
        }
        if flags == 0
            && let Some(id) = scratch.ids.get_mut(n_handles)
        {
            *id = Id::from_u64(number);
            n_handles += 1;
        }
    }
    if (n_transfers - n_handles) as u64 > CAPABILITIES_MAX {
        return Err(Errno::EMSGSIZE);
    }
    Ok(Counts {
        n_transfers,
        n_handles,
    })
}

/// Copies of the capabilities among the entries in the words of the scratch, in order.
///
/// # Errors
/// For each in turn `EBADF`, `EOPNOTSUPP` if it does not travel; `ENOMEM`.
pub fn collect(caller: &Caller<'_>, counts: Counts) -> Result<Vec<Carried>, Errno> {
    let mut carried = Vec::new();
    if counts.n_transfers == counts.n_handles {
        return Ok(carried);
    }
    carried
        .try_reserve_exact(counts.n_transfers - counts.n_handles)
        .map_err(|_| Errno::ENOMEM)?;
    look_up(caller, counts, |capability| carried.push(capability))?;
    Ok(carried)
}

/// The error that [`collect`] would give for one of the capabilities, without a list.
///
/// # Errors
/// For each in turn `EBADF`, `EOPNOTSUPP` if it does not travel.
pub fn check(caller: &Caller<'_>, counts: Counts) -> Result<(), Errno> {
    look_up(caller, counts, drop)
}

fn look_up(
    caller: &Caller<'_>,
    counts: Counts,
    mut found: impl FnMut(Carried),
) -> Result<(), Errno> {
    let words = caller.scratch.words.get(..2 * counts.n_transfers);
    for (place, &[flags, number]) in (0..).zip(entries(words)) {
        if is_capability(flags) {
            let capabilities = caller.task().capabilities.lock();
            let capability = capabilities.any(CapabilityNumber(number))?;
            let withheld = flags >> TRANSFER_WITHHELD_SHIFT;
            found(Carried::new(capability, withheld, place)?);
        }
    }
    Ok(())
}

const fn is_capability(flags: u64) -> bool {
    flags & ((1 << TRANSFER_WITHHELD_SHIFT) - 1) == TRANSFER_FLAG_CAPABILITY
}

fn entries(words: Option<&[u64]>) -> &[[u64; 2]] {
    words.unwrap_or_default().as_chunks::<2>().0
}

/// Capabilities of a message in the receiver's table, before the message is taken: they are dropped again unless it is.
pub struct Installed<'a> {
    task: &'a Task,
    numbers: Vec<CapabilityNumber>,
}

impl<'a> Installed<'a> {
    /// None yet.
    #[must_use]
    pub const fn none(task: &'a Task) -> Self {
        Self {
            task,
            numbers: Vec::new(),
        }
    }

    /// Puts the capabilities that a message carries into the table of its receiver, and writes all that it carries to `transfers`, which
    /// has room for it.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`: the table. `EFAULT`.
    pub fn deliver(
        &mut self,
        caller: &Caller<'_>,
        receiving: &Receiving<Omnibus>,
        transfers: &OutArray<Transfer>,
    ) -> Result<(), Errno> {
        self.install(receiving)?;
        for (index, transfer) in (0..).zip(self.transfers(receiving)) {
            transfers.write(&caller.memory, index, transfer)?;
        }
        Ok(())
    }

    fn install(&mut self, receiving: &Receiving<Omnibus>) -> Result<(), Errno> {
        let objects = receiving.objects();
        // The list is gone before the step ends.
        self.numbers
            .try_reserve_exact(objects.len())
            .map_err(|_| Errno::ENOMEM)?;
        for carried in objects {
            let number = self.task.insert(carried.capability())?;
            self.numbers.push(number);
        }
        Ok(())
    }

    /// The transfers of the message as its receiver sees them, in the sender's order (RCV-3).
    fn transfers(&self, receiving: &Receiving<Omnibus>) -> impl Iterator<Item = Transfer> {
        let mut handles = receiving.transfers().iter();
        let mut capabilities = receiving.objects().iter().zip(&self.numbers).peekable();
        (0..receiving.n_transfers()).map(move |place| {
            match capabilities.next_if(|(carried, _)| carried.place() == place) {
                Some((_, number)) => Transfer {
                    flags: TRANSFER_FLAG_CAPABILITY,
                    id: number.0,
                },
                None => Transfer {
                    flags: 0,
                    id: handles.next().map_or(INVALID, |id| id.as_u64()),
                },
            }
        })
    }

    /// The message was taken: they stay.
    pub fn keep(mut self) {
        self.numbers.clear();
    }
}

impl Drop for Installed<'_> {
    fn drop(&mut self) {
        for number in &self.numbers {
            let removed = self.task.capabilities.lock().remove(*number);
            drop(removed);
        }
    }
}

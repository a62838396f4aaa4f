//! RELEASE: nodes and handles are given up in one transaction (REL rules). Needs no memory (REL-3).

use bus1_service::{Error, Id, Progress};
use omnibus_abi::Errno;
use omnibus_abi::bus1::CmdRelease;
use omnibus_abi::capability::peer;
use omnibus_abi::limits::IDS_MAX;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Operation, Outcome};
use super::structure::SizeOf;
use crate::service::{self, peer::Hold};
use crate::task::reaper::{self, BATCH};

/// Ids above which naming them is a batch by itself.
const LONG: usize = 64;

/// A release that has begun, or was refused and is to leave no trace. Its state is in the peer.
pub struct Release {
    hold: Hold,
    /// What the call returns in the end.
    result: Result<u64, Errno>,
}

/// `release(peer, command, command_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` size; `EFAULT`, `E2BIG` tail; `EINVAL` flags;
/// `EMSGSIZE` count; `EFAULT` ids; `EBADRQC`; `ENOTUNIQ`.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare(caller, arguments) {
        Ok(outcome) => outcome,
        Err(errno) => errno.into(),
    }
}

fn prepare(
    caller: &mut Caller<'_>,
    [number, address, size, ..]: Arguments,
) -> Result<Outcome, Errno> {
    let hold = caller.peer(number, peer::USE)?;
    let command = SizeOf::<CmdRelease>::new(size)?.read(&caller.memory, address)?;
    if command.flags != 0 {
        return Err(Errno::EINVAL);
    }
    if command.n_ids > IDS_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let ids = caller.read_ids(command.ptr_ids, command.n_ids)?;
    Ok(release(hold, ids))
}

/// `release_one(peer, id)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EBADRQC`.
pub fn one(caller: &Caller<'_>, [number, id, ..]: Arguments) -> Outcome {
    match caller.peer(number, peer::USE) {
        Ok(hold) => release(hold, &[Id::from_u64(id)]),
        Err(errno) => errno.into(),
    }
}

fn release(hold: Hold, ids: &[Id]) -> Outcome {
    if let &[id] = ids
        && hold.core.release_one(id, &mut service::wake)
    {
        return Outcome::Done(Ok(0));
    }
    let result = match hold.core.begin_release(ids) {
        Err(Error::Busy) => {
            // Another thread's release of this peer is on its way: help it, then begin again.
            let _ = hold.work(BATCH);
            return Outcome::More(Operation::Restart);
        }
        begun => begun.map(|()| 0).map_err(|error| service::errno(&error)),
    };
    let release = Release { hold, result };
    if ids.len() > LONG {
        // Naming many was a batch by itself.
        Outcome::More(Operation::Release(release))
    } else {
        release.step()
    }
}

impl Release {
    /// Does a batch of what the peer has begun.
    pub fn step(self) -> Outcome {
        match self.hold.work(BATCH) {
            Progress::Done => Outcome::Done(self.result),
            Progress::More | Progress::Busy => Outcome::More(Operation::Release(self)),
        }
    }

    /// The reaper sees it through (REL-4).
    pub fn abandon(self) {
        reaper::finish(self.hold.object().clone());
    }
}

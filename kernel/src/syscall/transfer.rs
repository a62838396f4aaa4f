//! TRANSFER: nodes are made and handles copied from one peer to another, at one instant (TRA rules).
//!
//! The new ids are known before they name anything, so both arrays are written before the commit (ERR-1 allows them to have
//! been written by a call that fails). A page that has gone away since it was looked at is waited for with everything set aside: the
//! source array may hold new ids already, so the call could not be made again from its beginning.

use bus1_service::{Error, Id, Place, PreparedTransfer, PreparingTransfer, Progress, Source};
use omnibus_abi::Errno;
use omnibus_abi::bus1::{self, CmdTransfer, INVALID, TRANSFER_FLAG_CREATE};
use omnibus_abi::capability::peer;
use omnibus_abi::limits::TRANSFERS_MAX;

use super::Arguments;
use super::caller::Caller;
use super::operation::{Finish, Operation, Outcome};
use super::paid::{self, Paid};
use super::stopped::Stopped;
use super::structure::{OutArray, SizeOf};
use crate::service::{self, Effects, Omnibus, peer::Hold};
use crate::task::reaper::BATCH;

/// Entries written in one batch.
const WRITE_BATCH: u64 = 256;

/// Entries above which looking them up is a batch by itself.
const LONG: u64 = 64;

/// Sources looked up at once.
const SOURCES_AT_ONCE: usize = 32;

enum Stage {
    Preparing(PreparingTransfer<Omnibus>),
    Writing(PreparedTransfer<Omnibus>),
}

impl Stage {
    fn abort(self) -> Effects {
        match self {
            Self::Preparing(transfer) => transfer.abort(),
            Self::Writing(transfer) => transfer.abort(),
        }
    }
}

/// A transfer on its way.
pub struct Transfer {
    from: Hold,
    /// Kept open as long as the call runs.
    _to: Hold,
    stage: Stage,
    /// For the lists of the stage.
    paid: Paid,
    src: OutArray<bus1::Transfer>,
    dst: OutArray<bus1::Transfer>,
    n_written: u64,
    n_transfers: u64,
}

/// `transfer(from, command, command_size, transfer_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` sizes; `EFAULT`, `E2BIG` tail;
/// `EINVAL` flags; `EMSGSIZE` count; then as TRA-3 and TRA-4 say.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    match prepare(caller, arguments) {
        Ok(Ok(transfer)) if transfer.n_transfers > LONG => {
            Outcome::More(Operation::Transfer(transfer))
        }
        Ok(Ok(transfer)) => transfer.step(caller),
        Ok(Err(finish)) => finish.step(),
        Err(errno) => errno.into(),
    }
}

fn prepare(
    caller: &mut Caller<'_>,
    [number, address, command_size, transfer_size, ..]: Arguments,
) -> Result<Result<Transfer, Finish>, Errno> {
    let from = caller.peer(number, peer::USE)?;
    let command_size = SizeOf::<CmdTransfer>::new(command_size)?;
    let size = SizeOf::<bus1::Transfer>::new(transfer_size)?;
    let command = command_size.read(&caller.memory, address)?;
    if command.flags != 0 {
        return Err(Errno::EINVAL);
    }
    let n_transfers = command.n_transfers;
    if n_transfers > TRANSFERS_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let to = match command.to {
        INVALID => from.clone(),
        to => caller.peer(to, peer::GIVE)?,
    };
    let sources = read_sources(caller, size, command.ptr_src, n_transfers)?;
    let src = size.claim_array(command.ptr_src, n_transfers)?;
    let dst = size.claim_array(command.ptr_dst, n_transfers)?;
    if sources.has_creates {
        src.probe(&caller.memory)?;
    }
    dst.probe(&caller.memory)?;
    if !sources.are_valid {
        return Err(Errno::EINVAL);
    }
    let refused = |error: Error| service::errno(&error);
    let lists = PreparingTransfer::<Omnibus>::list_bytes(n_transfers as usize);
    let paid = match paid::pay(caller.thread, lists) {
        Ok(paid) => paid,
        // An id that names nothing comes first (TRA-4).
        Err(errno) => return Err(find_unknown(caller, n_transfers, &from).unwrap_or(errno)),
    };
    let mut preparing = from.core.begin_transfer(&to.core).map_err(refused)?;
    if let Err(error) = look_up(caller, n_transfers, &mut preparing) {
        let errno = service::errno(&error);
        return Ok(Err(Finish::new(preparing.abort(), from, paid, Err(errno))));
    }
    Ok(Ok(Transfer {
        from,
        _to: to,
        stage: Stage::Preparing(preparing),
        paid,
        src,
        dst,
        n_written: 0,
        n_transfers,
    }))
}

/// What the entries of the source array say.
struct Sources {
    /// A node is to be made, so the array will be written.
    has_creates: bool,
    /// No flag is unknown, and only what is to be made has no id.
    are_valid: bool,
}

/// Reads all entries into the scratch, a node to be made as the invalid id. `EFAULT` for any of them comes before `EINVAL` for any
/// (TRA-4).
fn read_sources(
    caller: &mut Caller<'_>,
    size: SizeOf<bus1::Transfer>,
    address: u64,
    n_transfers: u64,
) -> Result<Sources, Errno> {
    let array = size.read_array(address, n_transfers)?;
    let words = array.read_all(&caller.memory, &mut caller.scratch.words)?;
    let (entries, _) = words.as_chunks::<2>();
    let mut sources = Sources {
        has_creates: false,
        are_valid: true,
    };
    for (id, &[flags, number]) in caller.scratch.ids.iter_mut().zip(entries) {
        match (flags, number) {
            (TRANSFER_FLAG_CREATE, INVALID) => sources.has_creates = true,
            (0, number) if number != INVALID => {}
            _ => sources.are_valid = false,
        }
        *id = Id::from_u64(number);
    }
    Ok(sources)
}

fn look_up(
    caller: &Caller<'_>,
    n_transfers: u64,
    preparing: &mut PreparingTransfer<Omnibus>,
) -> Result<(), Error> {
    preparing.reserve(n_transfers as usize)?;
    let ids = caller.scratch.ids.get(..n_transfers as usize);
    for part in ids.unwrap_or_default().chunks(SOURCES_AT_ONCE) {
        let mut sources = [Source::Create; SOURCES_AT_ONCE];
        for (source, &id) in sources.iter_mut().zip(part) {
            if id != Id::INVALID {
                *source = Source::Copy(id);
            }
        }
        preparing.sources(sources.get(..part.len()).unwrap_or_default())?;
    }
    Ok(())
}

/// `EBADRQC` if one of the handles to be copied is none of `from`.
fn find_unknown(caller: &Caller<'_>, n_transfers: u64, from: &Hold) -> Option<Errno> {
    let ids = caller.scratch.ids.get(..n_transfers as usize)?;
    let is_unknown = |&id: &Id| id != Id::INVALID && from.core.find_unknown(&[id]).is_some();
    let index = ids.iter().position(is_unknown)?;
    let error = Error::UnknownId(Place::Transfer(index), *ids.get(index)?);
    Some(service::errno(&error))
}

impl Transfer {
    /// Goes on until a batch is full.
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        loop {
            match self.stage {
                Stage::Preparing(mut preparing) => match preparing.step(BATCH) {
                    Ok(Progress::Done) => match preparing.prepared() {
                        Ok(prepared) => self.stage = Stage::Writing(prepared),
                        Err(error) => return service::errno(&error).into(),
                    },
                    Ok(Progress::More | Progress::Busy) => {
                        self.stage = Stage::Preparing(preparing);
                        return Outcome::More(Operation::Transfer(self));
                    }
                    Err(error) => {
                        let effects = preparing.abort();
                        let errno = service::errno(&error);
                        return Finish::new(effects, self.from, self.paid, Err(errno)).step();
                    }
                },
                Stage::Writing(ref mut prepared) => {
                    if self.n_written < self.n_transfers {
                        let end = self.n_transfers.min(self.n_written + WRITE_BATCH);
                        for index in self.n_written..end {
                            let written = write(caller, prepared, index, &self.src, &self.dst);
                            if let Err(errno) = written {
                                self.n_written = index;
                                return self.miss(caller, errno);
                            }
                        }
                        self.n_written = end;
                        // The commit of many is a batch of its own.
                        if self.n_transfers > u64::from(BATCH) {
                            return Outcome::More(Operation::Transfer(self));
                        }
                    }
                    return match prepared.commit() {
                        Ok(effects) => {
                            let finish = Finish::new(effects, self.from, self.paid, Ok(0));
                            // So is the arrival of many.
                            if self.n_transfers > u64::from(BATCH) {
                                return Outcome::More(Operation::Finish(finish));
                            }
                            finish.step()
                        }
                        Err(error) => self.give_up(service::errno(&error)),
                    };
                }
            }
        }
    }

    /// An entry cannot be written, though it could when it was looked at: the thread stands at that, if its task has a pager.
    #[cold]
    fn miss(self, caller: &Caller<'_>, errno: Errno) -> Outcome {
        match (errno, Stopped::in_call(caller.thread, false)) {
            (Errno::EFAULT, Some(stopped)) => {
                Outcome::More(Operation::Stopped(stopped.before(self)))
            }
            _ => {
                // The arrays are not as they were: the call is not made again for a pager that comes now.
                caller.thread.missed.clear();
                self.give_up(errno)
            }
        }
    }

    /// Gives everything back; the thread has been given other registers, and goes on with them.
    pub fn resume(self) -> Outcome {
        Finish::resume(self.stage.abort(), self.from, self.paid).step()
    }

    fn give_up(self, errno: Errno) -> Outcome {
        Finish::new(self.stage.abort(), self.from, self.paid, Err(errno)).step()
    }

    /// Gives everything back.
    pub fn abandon(self) -> Finish {
        Finish::new(self.stage.abort(), self.from, self.paid, Err(Errno::EINVAL))
    }
}

fn write(
    caller: &Caller<'_>,
    prepared: &PreparedTransfer<Omnibus>,
    index: u64,
    src: &OutArray<bus1::Transfer>,
    dst: &OutArray<bus1::Transfer>,
) -> Result<(), Errno> {
    let entry = |id: Id| bus1::Transfer {
        flags: 0,
        id: id.as_u64(),
    };
    if let Some(node) = prepared.node(index as usize) {
        src.write(&caller.memory, index, entry(node))?;
    }
    let handle = prepared.handle(index as usize).unwrap_or(Id::INVALID);
    dst.write(&caller.memory, index, entry(handle))
}

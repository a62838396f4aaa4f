//! SEND: one message to many handles in one transaction (SND rules).
//!
//! ```text
//!   Preparing ──> Filling ──> Staging ──> (committed) Finish(Ok)
//!       └────────────┴───────────┴── refused, fault ──> Finish(Err)
//! ```
//!
//! Every stage goes on in batches. Nothing is visible before the commit; a stage that is given up gives everything back,
//! in batches as well.

pub mod brief;
mod destinations;

use bus1_service::{Error, Id, Place, PreparedSend, PreparingSend, Progress, StagedSend};
use omnibus_abi::Errno;
use omnibus_abi::bus1::{CmdSend, MESSAGE_TYPE_USER, Message, Transfer};
use omnibus_abi::capability::peer;
use omnibus_abi::limits::{COPIES_MAX, DATA_BYTES_MAX, DESTINATIONS_MAX, TRANSFERS_MAX};

use super::Arguments;
use super::caller::Caller;
use super::carried::{self, Counts};
use super::operation::{Finish, Operation, Outcome};
use super::paid::{self, Paid};
use super::structure::SizeOf;
use super::user::Fault;
use super::vectors::{self, Vectors};
use crate::sabotage::{self, Promise};
use crate::service::{self, Effects, Omnibus, peer::Hold};
use crate::task::reaper::BATCH;

pub use destinations::Destinations;
use destinations::Errors;

/// Payload copied in one batch: one 16-byte load and store each is two instructions.
const COPY_BYTES: usize = 256 << 10;

/// Ids above which looking them up is a batch by itself.
const LONG: u64 = 64;

enum Stage {
    Preparing(PreparingSend<Omnibus>),
    Filling(PreparedSend<Omnibus>),
    Staging(StagedSend<Omnibus>),
}

impl Stage {
    fn abort(self) -> Effects {
        match self {
            Self::Preparing(send) => send.abort(),
            Self::Filling(send) => send.abort(),
            Self::Staging(send) => send.abort(),
        }
    }
}

/// A send on its way.
pub struct Send {
    hold: Hold,
    stage: Stage,
    errors: Errors,
    vectors: Vectors,
    /// For the lists of stage and vectors.
    paid: Paid,
    n_data: usize,
    n_filled: usize,
    /// Looking up its arrays was a batch by itself.
    is_long: bool,
}

/// `send(peer, command, command_size, message_size, transfer_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` sizes; `EFAULT`, `E2BIG`
/// tail; `EINVAL` flags; `EMSGSIZE` count of destinations; then as SND-5 says.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    if brief::send(caller) {
        return Outcome::Done(Ok(0));
    }
    match read(caller, arguments) {
        Ok((hold, request)) => request.begin(caller, hold),
        Err(errno) => errno.into(),
    }
}

fn go_on(caller: &mut Caller<'_>, prepared: Result<Result<Send, Finish>, Errno>) -> Outcome {
    match prepared {
        Ok(Ok(send)) if send.is_long => Outcome::More(Operation::Send(send)),
        Ok(Ok(send)) => send.step(caller),
        Ok(Err(finish)) => finish.step(),
        Err(errno) => errno.into(),
    }
}

/// What is to be sent, and to whom. The data vectors are in the scratch.
pub struct Request {
    /// How much of everything; the addresses of the vectors are of no use any more.
    pub message: Message,
    /// To whom.
    pub destinations: Destinations,
    /// Bytes of a transfer.
    pub transfer_size: SizeOf<Transfer>,
}

/// Reads and checks the structures.
fn read(
    caller: &mut Caller<'_>,
    [
        number,
        address,
        command_size,
        message_size,
        transfer_size,
        _,
    ]: Arguments,
) -> Result<(Hold, Request), Errno> {
    let hold = caller.peer(number, peer::USE)?;
    let command_size = SizeOf::<CmdSend>::new(command_size)?;
    let message_size = SizeOf::<Message>::new(message_size)?;
    let transfer_size = SizeOf::<Transfer>::new(transfer_size)?;
    let command = command_size.read(&caller.memory, address)?;
    if command.flags != 0 {
        return Err(Errno::EINVAL);
    }
    if command.n_destinations > DESTINATIONS_MAX {
        return Err(Errno::EMSGSIZE);
    }
    let mut message = message_size.read(&caller.memory, command.ptr_message)?;
    if sabotage::breaks(Promise::CarriedHandles) {
        message.n_transfers = 0;
    }
    if message.flags != 0 || message.kind != MESSAGE_TYPE_USER {
        return Err(Errno::EINVAL);
    }
    check_bounds(&message, command.n_destinations)?;
    let words = &mut caller.scratch.vectors;
    let (address, n_vectors) = (message.ptr_data_vecs, message.n_data_vecs);
    if vectors::read_array(&caller.memory, address, n_vectors, words)? < message.n_data {
        return Err(Errno::EMSGSIZE);
    }
    let destinations = Destinations::Array {
        address: command.ptr_destinations,
        n_destinations: command.n_destinations,
        ptr_errors: command.ptr_errors,
    };
    Ok((
        hold,
        Request {
            message,
            destinations,
            transfer_size,
        },
    ))
}

/// Checks what must not be more than so many (STR-2).
///
/// # Errors
/// `EMSGSIZE`.
pub fn check_bounds(message: &Message, n_destinations: u64) -> Result<(), Errno> {
    let n_copies = message.n_transfers.saturating_mul(n_destinations);
    let is_long = message.n_transfers > TRANSFERS_MAX || n_copies > COPIES_MAX;
    if is_long || message.n_data > DATA_BYTES_MAX {
        return Err(Errno::EMSGSIZE);
    }
    Ok(())
}

impl Request {
    /// Sends it: the same as [`begin`], from there on.
    pub fn begin(&self, caller: &mut Caller<'_>, hold: Hold) -> Outcome {
        let prepared = self.prepare(caller, hold);
        go_on(caller, prepared)
    }

    /// Reads and checks everything from the transfers up to the destinations. What fails after the core was asked gives back what it holds.
    fn prepare(&self, caller: &mut Caller<'_>, hold: Hold) -> Result<Result<Send, Finish>, Errno> {
        let Self {
            message,
            destinations: command,
            transfer_size,
        } = self;
        let n_vectors = message.n_data_vecs;
        let counts = read_transfers(caller, message, *transfer_size)?;
        let (n_transfers, n_destinations) = (message.n_transfers, command.n());
        let [plan, sources, destinations] =
            PreparingSend::<Omnibus>::list_bytes(counts.n_transfers, n_destinations as usize);
        let kept = Vectors::n_list_bytes(n_vectors as usize);
        let lists = [plan, sources, counts.n_list_bytes(), destinations, kept];
        let paid = match paid::pay(caller.thread, lists) {
            Ok(paid) => paid,
            Err(errno) => return Err(first_cause(caller, &hold, counts, *command, errno)),
        };
        let refused = |error: Error| service::errno(&error);
        let mut preparing = hold
            .core
            .begin_send(message.n_data as usize)
            .map_err(refused)?;
        let looked_up = look_up(caller, counts, *command, &mut preparing).and_then(|errors| {
            let words = caller.scratch.vectors.get(..2 * n_vectors as usize);
            Ok((errors, Vectors::keep(words.unwrap_or_default())?))
        });
        Ok(match looked_up {
            Ok((errors, vectors)) => Ok(Send {
                hold,
                stage: Stage::Preparing(preparing),
                errors,
                vectors,
                paid,
                n_data: message.n_data as usize,
                n_filled: 0,
                is_long: n_transfers + n_destinations > LONG,
            }),
            Err(errno) => Err(Finish::new(preparing.abort(), hold, paid, Err(errno))),
        })
    }
}

/// Reads what is carried into the scratch: `EFAULT` for any of it comes before `EINVAL` for any (SND-5).
fn read_transfers(
    caller: &mut Caller<'_>,
    message: &Message,
    size: SizeOf<Transfer>,
) -> Result<Counts, Errno> {
    let array = size.read_array(message.ptr_transfers, message.n_transfers)?;
    array.read_all(&caller.memory, &mut caller.scratch.words)?;
    carried::sort(caller.scratch, message.n_transfers as usize)
}

fn look_up(
    caller: &mut Caller<'_>,
    counts: Counts,
    destinations: Destinations,
    preparing: &mut PreparingSend<Omnibus>,
) -> Result<Errors, Errno> {
    let ids = caller.scratch.ids.get(..counts.n_handles);
    preparing
        .transfers(ids.ok_or(Errno::EMSGSIZE)?)
        .map_err(|error| service::errno(&error))?;
    preparing
        .objects(carried::collect(caller, counts)?)
        .map_err(|error| service::errno(&error))?;
    let errors = Errors::read(caller, destinations)?;
    let ids = caller.scratch.ids.get(..destinations.n() as usize);
    preparing
        .destinations(ids.ok_or(Errno::EMSGSIZE)?)
        .map_err(|error| errors.refuse(&caller.memory, &error))?;
    Ok(errors)
}

/// The error of a call whose lists cannot be paid for: what [`look_up`] would have found, which comes first (SND-5), or else `refused`.
fn first_cause(
    caller: &mut Caller<'_>,
    hold: &Hold,
    counts: Counts,
    destinations: Destinations,
    refused: Errno,
) -> Errno {
    let unknown = |ids: Option<&[Id]>, place: fn(usize) -> Place| {
        let ids = ids.unwrap_or_default();
        let index = hold.core.find_unknown(ids)?;
        Some(Error::UnknownId(place(index), *ids.get(index)?))
    };
    let ids = caller.scratch.ids.get(..counts.n_handles);
    if let Some(error) = unknown(ids, Place::Transfer) {
        return service::errno(&error);
    }
    if let Err(errno) = carried::check(caller, counts) {
        return errno;
    }
    let errors = match Errors::read(caller, destinations) {
        Ok(errors) => errors,
        Err(errno) => return errno,
    };
    let ids = caller.scratch.ids.get(..destinations.n() as usize);
    match unknown(ids, Place::Destination) {
        Some(error) => errors.refuse(&caller.memory, &error),
        None => refused,
    }
}

/// Copies the bytes from `start` to `end` of the payload in. If nobody gets the message, nobody is charged for them, and they are
/// only read.
fn fill(
    caller: &mut Caller<'_>,
    vectors: &mut Vectors,
    prepared: &mut PreparedSend<Omnibus>,
    start: usize,
    end: usize,
) -> Result<(), Fault> {
    if prepared.n_kept() < end {
        return vectors.read_past(&caller.memory, end - start, &mut caller.scratch.bytes);
    }
    let payload = prepared.payload_piece(end);
    let piece = payload.get_mut(start..end).unwrap_or_default();
    vectors.copy_in(&caller.memory, piece)?;
    if sabotage::breaks(Promise::Payload)
        && let Some(byte) = piece.get_mut(64)
    {
        *byte ^= 1;
    }
    Ok(())
}

impl Send {
    /// Goes on until a batch is full.
    pub fn step(mut self, caller: &mut Caller<'_>) -> Outcome {
        loop {
            match self.stage {
                Stage::Preparing(mut preparing) => match preparing.step(BATCH) {
                    Ok(Progress::Done) => match preparing.prepared() {
                        Ok(prepared) => self.stage = Stage::Filling(prepared),
                        Err(error) => {
                            // It took everything with it.
                            return self.errors.refuse(&caller.memory, &error).into();
                        }
                    },
                    Ok(Progress::More | Progress::Busy) => {
                        self.stage = Stage::Preparing(preparing);
                        return Outcome::More(Operation::Send(self));
                    }
                    Err(error) => {
                        let errno = self.errors.refuse(&caller.memory, &error);
                        let effects = preparing.abort();
                        return Finish::new(effects, self.hold, self.paid, Err(errno)).step();
                    }
                },
                Stage::Filling(ref mut prepared) => {
                    let end = self.n_data.min(self.n_filled + COPY_BYTES);
                    if let Err(fault) =
                        fill(caller, &mut self.vectors, prepared, self.n_filled, end)
                    {
                        return self.give_up(fault.into());
                    }
                    self.n_filled = end;
                    if self.n_filled < self.n_data {
                        return Outcome::More(Operation::Send(self));
                    }
                    let Stage::Filling(prepared) = self.stage else {
                        return Errno::EINVAL.into();
                    };
                    self.stage = Stage::Staging(prepared.stage());
                }
                Stage::Staging(ref mut staged) => {
                    if staged.step(BATCH) != Progress::Done {
                        return Outcome::More(Operation::Send(self));
                    }
                    return match staged.commit() {
                        Ok(effects) => {
                            self.errors.succeed(&caller.memory);
                            Finish::new(effects, self.hold, self.paid, Ok(0)).step()
                        }
                        Err(error) => {
                            let errno = self.errors.refuse(&caller.memory, &error);
                            self.give_up(errno)
                        }
                    };
                }
            }
        }
    }

    fn give_up(self, errno: Errno) -> Outcome {
        Finish::new(self.stage.abort(), self.hold, self.paid, Err(errno)).step()
    }

    /// Gives everything back.
    pub fn abandon(self) -> Finish {
        Finish::new(self.stage.abort(), self.hold, self.paid, Err(Errno::EINVAL))
    }
}

//! RECV: the next message of a peer; never blocks, and needs no memory and no quota (RCV rules), but for room in the table for
//! capabilities that it carries (decision 0020).
//!
//! It is one step: what is copied out is bounded by what a message may hold, and a thread that was stopped with half a
//! message would keep more urgent threads from the queue for as long as it does not run.

use bus1_service::{Error, Kind, Receiving};
use omnibus_abi::Errno;
use omnibus_abi::bus1::{CmdRecv, INVALID, Message, Metadata, RECV_FLAG_DISCARD, Transfer};
use omnibus_abi::capability::peer;

use super::Arguments;
use super::caller::Caller;
use super::carried::Installed;
use super::operation::{Finish, Operation, Outcome};
use super::paid::Paid;
use super::structure::SizeOf;
use super::vectors;
use crate::sabotage::{self, Promise};
use crate::service::{self, Omnibus};

/// How often a call begins again before it lets others run, when another call on the peer was faster.
const TRIES: u32 = 4;

/// Where the message goes.
struct Out {
    command: CmdRecv,
    metadata_size: SizeOf<Metadata>,
    message_size: SizeOf<Message>,
    /// The message structure as the caller gave it: the capacities.
    given: Message,
    transfer_size: SizeOf<Transfer>,
}

/// `recv(peer, command, command_size, metadata_size, message_size, transfer_size)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EINVAL`, `E2BIG` sizes;
/// `EFAULT`, `E2BIG` tail; `EINVAL` flags; `EFAULT` message structure; then as RCV-1 says.
pub fn begin(caller: &mut Caller<'_>, arguments: Arguments) -> Outcome {
    receive(caller, arguments).unwrap_or_else(Outcome::from)
}

fn receive(
    caller: &mut Caller<'_>,
    [
        number,
        address,
        command_size,
        metadata_size,
        message_size,
        transfer_size,
    ]: Arguments,
) -> Result<Outcome, Errno> {
    let hold = caller.peer(number, peer::RECEIVE)?;
    let command_size = SizeOf::<CmdRecv>::new(command_size)?;
    let metadata_size = SizeOf::<Metadata>::new(metadata_size)?;
    let message_size = SizeOf::<Message>::new(message_size)?;
    let transfer_size = SizeOf::<Transfer>::new(transfer_size)?;
    let command = command_size.read(&caller.memory, address)?;
    if command.flags & !RECV_FLAG_DISCARD != 0 {
        return Err(Errno::EINVAL);
    }
    let given = message_size.read(&caller.memory, command.ptr_message)?;
    if given.flags != 0 || given.kind != INVALID {
        return Err(Errno::EINVAL);
    }
    let out = Out {
        command,
        metadata_size,
        message_size,
        given,
        transfer_size,
    };
    for _ in 0..TRIES {
        let receiving = match hold.core.begin_recv() {
            Ok(receiving) => receiving,
            Err(Error::Busy) => continue,
            Err(error) => return Err(service::errno(&error)),
        };
        if sabotage::breaks(Promise::Notices) && receiving.kind() != Kind::User {
            if let Ok(effects) = receiving.discard() {
                return Ok(Finish::new(effects, hold, Paid::default(), Err(Errno::EAGAIN)).step());
            }
            continue;
        }
        let installed = out.copy(caller, &receiving)?;
        let taken = if out.is_discard() {
            receiving.discard()
        } else {
            receiving.commit()
        };
        if let Ok(effects) = taken {
            installed.keep();
            return Ok(Finish::new(effects, hold, Paid::default(), Ok(0)).step());
        }
        // A RELEASE took it away meanwhile (REL-2): look at what comes next.
    }
    Ok(Outcome::More(Operation::Restart))
}

impl Out {
    fn is_discard(&self) -> bool {
        self.command.flags == RECV_FLAG_DISCARD
    }

    /// Copies everything out; the message stays first in its queue.
    fn copy<'a>(
        &self,
        caller: &mut Caller<'a>,
        receiving: &Receiving<Omnibus>,
    ) -> Result<Installed<'a>, Errno> {
        let payload = receiving.payload();
        let n_transfers = receiving.n_transfers() as u64;
        let needed = Message {
            n_transfers,
            n_data: payload.len() as u64,
            ..self.given
        };
        let mut installed = Installed::none(&caller.thread.task);
        if receiving.kind() == Kind::User && !self.is_discard() {
            let Message {
                ptr_data_vecs,
                n_data_vecs,
                n_data,
                ..
            } = self.given;
            let words = &mut caller.scratch.vectors;
            let room = vectors::read_array(&caller.memory, ptr_data_vecs, n_data_vecs, words)?;
            // RCV-2: what is needed is told, and nothing else is touched.
            if needed.n_data > room.min(n_data) || n_transfers > self.given.n_transfers {
                self.tell(caller, receiving, needed)?;
                return Err(Errno::EMSGSIZE);
            }
            let words = words.get(..2 * n_data_vecs as usize);
            vectors::copy_out(&caller.memory, words.unwrap_or_default(), &payload)?;
            let transfers = self
                .transfer_size
                .claim_array(self.given.ptr_transfers, n_transfers)?;
            installed.deliver(caller, receiving, &transfers)?;
        }
        let taken = Message {
            kind: service::kind_number(receiving.kind()),
            ..needed
        };
        self.tell(caller, receiving, taken)?;
        Ok(installed)
    }

    fn tell(
        &self,
        caller: &Caller<'_>,
        receiving: &Receiving<Omnibus>,
        message: Message,
    ) -> Result<(), Errno> {
        let metadata = receiving.metadata();
        let metadata = Metadata {
            flags: 0,
            id: metadata.id.as_u64(),
            account: metadata.account.map_or(INVALID, |number| number.as_u64()),
        };
        let CmdRecv {
            ptr_metadata,
            ptr_message,
            ..
        } = self.command;
        let out = self.metadata_size.claim(ptr_metadata)?;
        out.write(&caller.memory, 0, metadata)?;
        let out = self.message_size.claim(ptr_message)?;
        out.write(&caller.memory, 0, message)
    }
}

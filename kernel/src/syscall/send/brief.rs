//! SEND of a message that is as small as a short one and carries nothing, to one destination or to a few: in one step, with all that there
//! is to read on the stack.
//!
//! Whatever is unusual about it is left to the general path, which begins again and reads again: nothing has happened then, as with a call
//! that begins again after a page fault.

use bus1_service::Id;
use omnibus_abi::CapabilityNumber;
use omnibus_abi::bus1::{CmdSend, MESSAGE_TYPE_USER, Message, Transfer};
use omnibus_abi::capability::peer;
use omnibus_abi::short::SHORT_BYTES_MAX;

use crate::cap::select;
use crate::mm::user;
use crate::service::{self, peer::PeerObject};
use crate::task::machine::Machine;
use crate::task::thread::Thread;

/// Most destinations.
const FEW: usize = 8;

/// Such a message.
pub struct Brief {
    /// Capability of the peer.
    pub peer: u64,
    ids: [Id; FEW],
    n_destinations: usize,
    /// The payload is the front of these.
    pub bytes: [u8; SHORT_BYTES_MAX as usize],
    /// Bytes of it.
    pub n_bytes: usize,
}

impl Brief {
    /// Reads the message that a thread which makes the call `send` tells of. `None` if it is another, if there is anything wrong about it, or if
    /// errors of single destinations are to be told.
    #[inline(always)]
    #[must_use]
    pub fn read(machine: &Machine) -> Option<Self> {
        let (_, [peer, command, command_size, message_size, transfer_size, _]) = machine.call();
        let sizes = [command_size, message_size, transfer_size];
        if sizes != [CmdSend::SIZE, Message::SIZE, Transfer::SIZE] {
            return None;
        }
        let command = CmdSend::from_words(user::read_words(command).ok()?);
        let message = Message::from_words(user::read_words(command.ptr_message).ok()?);
        let Message {
            flags: 0,
            kind: MESSAGE_TYPE_USER,
            n_transfers: 0,
            n_data: n_bytes @ ..=SHORT_BYTES_MAX,
            n_data_vecs: 1,
            ptr_data_vecs,
            ..
        } = message
        else {
            return None;
        };
        let CmdSend {
            flags: 0,
            n_destinations: n_destinations @ 1..,
            ptr_errors: 0,
            ptr_destinations,
            ..
        } = command
        else {
            return None;
        };
        let [base, length] = user::read_words(ptr_data_vecs).ok()?;
        if length < n_bytes {
            return None;
        }
        let mut words = [0; FEW];
        let words = words.get_mut(..n_destinations as usize)?;
        user::copy_words_from_user(words, ptr_destinations).ok()?;
        let mut brief = Self {
            peer,
            ids: [Id::INVALID; FEW],
            n_destinations: words.len(),
            bytes: [0; SHORT_BYTES_MAX as usize],
            n_bytes: n_bytes as usize,
        };
        for (id, word) in brief.ids.iter_mut().zip(words) {
            *id = Id::from_u64(*word);
        }
        let payload = brief.bytes.get_mut(..n_bytes as usize)?;
        user::copy_from_user(payload, base).ok()?;
        Some(brief)
    }

    /// Where it goes.
    #[inline(always)]
    #[must_use]
    pub fn ids(&self) -> &[Id] {
        self.ids.get(..self.n_destinations).unwrap_or_default()
    }

    /// Queues it. `None` if anything is refused: then nothing has happened.
    #[inline(always)]
    pub fn queue(&self, at: &PeerObject) -> Option<()> {
        let payload = self.bytes.get(..self.n_bytes)?;
        let effects = match self.ids() {
            ids @ [_] => at.core.send(ids, &[], payload).ok()?,
            ids => at.core.send_few(ids, payload).ok()??,
        };
        // Messages that carry nothing: a wake for each, or its end.
        effects.finish(&mut service::wake);
        Some(())
    }
}

/// Sends such a message of `sender`, which makes the call `send`, by queues. False if it is another, or anything is refused: then nothing has
/// happened.
pub fn send(sender: &Thread) -> bool {
    let Some(brief) = Brief::read(&sender.machine) else {
        return false;
    };
    let capabilities = sender.task.capabilities.lock();
    let hold = capabilities.look_up(CapabilityNumber(brief.peer), peer::USE, select::peer);
    hold.is_ok_and(|hold| brief.queue(hold).is_some())
}

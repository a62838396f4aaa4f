//! SEND of a message that is as small as a short one and carries nothing, to one destination or to a few: in one step, with all that there
//! is to read on the stack.
//!
//! Whatever is unusual about it is left to the general path, which begins again and reads again: nothing has happened then, as with a call
//! that begins again after a page fault.

use bus1_service::Id;
use omnibus_abi::bus1::{CmdSend, MESSAGE_TYPE_USER, Message, Transfer};
use omnibus_abi::capability::peer;
use omnibus_abi::short::SHORT_BYTES_MAX;

use crate::mm::user;
use crate::service::{self, peer::PeerObject};
use crate::syscall::caller::{Caller, Scratch};
use crate::task::machine::Machine;

/// Most destinations.
const DESTINATIONS_MAX: u64 = 64;

/// Such a message.
pub struct Brief {
    /// Capability of the peer.
    pub peer: u64,
    n_destinations: u64,
    ptr_destinations: u64,
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
            n_destinations: n_destinations @ 1..=DESTINATIONS_MAX,
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
        let mut brief = Self {
            peer,
            n_destinations,
            ptr_destinations,
            bytes: [0; SHORT_BYTES_MAX as usize],
            n_bytes: n_bytes as usize,
        };
        let payload = brief.bytes.get_mut(..n_bytes as usize)?;
        user::copy_from_user(payload, base).ok()?;
        Some(brief)
    }

    /// Reads where it goes into `ids`, by way of `words`. `None` if they cannot be read.
    #[inline(always)]
    #[must_use]
    pub fn destinations<'a>(&self, words: &mut [u64], ids: &'a mut [Id]) -> Option<&'a [Id]> {
        let n_destinations = self.n_destinations as usize;
        let (words, ids) = (
            words.get_mut(..n_destinations)?,
            ids.get_mut(..n_destinations)?,
        );
        user::copy_words_from_user(words, self.ptr_destinations).ok()?;
        for (id, word) in ids.iter_mut().zip(words) {
            *id = Id::from_u64(*word);
        }
        Some(ids)
    }

    /// Queues it. `None` if anything is refused: then nothing has happened.
    #[inline(always)]
    pub fn queue(&self, at: &PeerObject, ids: &[Id]) -> Option<()> {
        let payload = self.bytes.get(..self.n_bytes)?;
        let effects = match ids {
            [_] => at.core.send(ids, &[], payload).ok()?,
            _ => at.core.send_few(ids, payload).ok()??,
        };
        // Messages that carry nothing: a wake for each, or its end.
        effects.finish(&mut service::wake);
        Some(())
    }
}

/// Sends such a message of a caller that makes the call `send`, by queues. False if it is another, or anything is refused: then nothing has
/// happened.
pub(super) fn send(caller: &mut Caller<'_>) -> bool {
    let Some(brief) = Brief::read(&caller.thread.machine) else {
        return false;
    };
    let Ok(hold) = caller.peer(brief.peer, peer::USE) else {
        return false;
    };
    let Scratch { words, ids, .. } = &mut *caller.scratch;
    let ids = brief.destinations(words, ids);
    ids.is_some_and(|ids| brief.queue(&hold, ids).is_some())
}

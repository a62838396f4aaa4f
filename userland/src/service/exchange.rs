//! A request and its reply, without the heap: what every client's end of a session is made of ([`super::session`], [`crate::console`]).

use super::frame::{Fields, OPEN, UNREAD};
use super::session::PATIENCE;
use crate::calls::{self, Incoming};
use crate::capability::Owned;
use crate::port::Port;
use crate::time;
use omnibus_abi::bus1::{
    MESSAGE_TYPE_HANDLE_RELEASE, MESSAGE_TYPE_NODE_RELEASE, TRANSFER_FLAG_CAPABILITY, Transfer,
};
use omnibus_abi::{CapabilityNumber, Errno};

/// Bytes of a reply without fields.
pub const REPLY_BYTES: usize = 8;

/// Both ways between a client and its server, as the client's peer has them.
#[derive(Clone, Copy, Debug)]
pub struct Ways {
    /// The client's peer, on which nothing else arrives that anybody waits for.
    pub port: Port,
    /// Handle to the server's node.
    pub server: u64,
    /// The own node that replies come in on.
    pub reply: u64,
}

/// Why there is no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The request was not sent, and can be made again.
    Unsent(Errno),
    /// The server refused it, or there was no answer.
    Unanswered(Errno),
}

impl From<Failed> for Errno {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unsent(error) | Failed::Unanswered(error) => error,
        }
    }
}

impl Ways {
    /// Makes the request of this sequence number, and takes the reply into `reply` and `given`, at most until `deadline_ns`: how many bytes and
    /// transfers it has.
    ///
    /// # Errors
    /// `EPIPE`: the server has ended, or ended the session. `ETIMEDOUT`. `EMSGSIZE`: the reply does not fit, which no server's does that keeps to
    /// the protocol. Those of SEND; those of the server.
    pub fn exchange(
        self,
        deadline_ns: u64,
        sequence: u32,
        request: (&[u8], &[Transfer]),
        (reply, given): (&mut [u8], &mut [Transfer]),
    ) -> Result<(usize, usize), Failed> {
        let came = self
            .port
            .exchange_until(deadline_ns, self.server, request, (reply, given))
            .map_err(|(error, how_far)| match error {
                error if how_far.is_sent() => Failed::Unanswered(error),
                error => unsent(error),
            })?;
        self.settle(deadline_ns, sequence, came, (reply, given))
    }

    /// Opens a session at the door that `server` is. `to_reply` is a handle to `reply`, which is let go of if the request was sent. The handle to
    /// the session's own node.
    ///
    /// # Errors
    /// Those of [`Self::exchange`]; `EPIPE` also when nobody serves there. `EINVAL`: the server gives no handle.
    pub fn open(self, to_reply: u64) -> Result<u64, Failed> {
        // A frame of the operation OPEN, without fields.
        let request = [OPEN, 0].map(u32::to_le_bytes);
        let carried = [Transfer {
            flags: 0,
            id: to_reply,
        }];
        self.port
            .send(self.server, request.as_flattened(), &carried)
            .map_err(unsent)?;
        // From here on the server alone has one, so that its end is told.
        calls::release(self.port.number(), &[to_reply]).map_err(Failed::Unanswered)?;
        let deadline_ns = time::deadline_in(PATIENCE);
        let (mut reply, mut given) = ([0; REPLY_BYTES], [Transfer::default()]);
        let came = self.port.next_until(deadline_ns, &mut reply, &mut given);
        let came = came.map_err(|(error, _)| Failed::Unanswered(error))?;
        match self.settle(deadline_ns, 0, came, (&mut reply, &mut given))? {
            (_, 1) => Ok(given[0].id),
            _ => Err(Failed::Unanswered(Errno::EINVAL)),
        }
    }

    /// Takes what comes until it is the reply.
    fn settle(
        self,
        deadline_ns: u64,
        sequence: u32,
        mut came: Incoming,
        (reply, given): (&mut [u8], &mut [Transfer]),
    ) -> Result<(usize, usize), Failed> {
        loop {
            let n_given = came.message.n_transfers as usize;
            // Nothing of the protocol gives capabilities.
            let is_handle = |transfer: &Transfer| transfer.flags != TRANSFER_FLAG_CAPABILITY;
            let outcome = match self.outcome(sequence, &came, reply) {
                Some(Ok(_)) if !given[..n_given].iter().all(is_handle) => Some(Err(Errno::EINVAL)),
                outcome => outcome,
            };
            if let Some(Ok(n_bytes)) = outcome {
                return Ok((n_bytes, n_given));
            }
            self.let_go(&given[..n_given]);
            if let Some(Err(error)) = outcome {
                return Err(Failed::Unanswered(error));
            }
            // What has come is taken whatever the time: a server must not keep a client by what it did not ask for.
            if time::now_ns() > deadline_ns {
                return Err(Failed::Unanswered(Errno::ETIMEDOUT));
            }
            came = self
                .port
                .next_until(deadline_ns, reply, given)
                .map_err(|(error, _)| Failed::Unanswered(error))?;
        }
    }

    /// What this message or notification says of a request: that it was done, in so many bytes; that it was not; or nothing.
    fn outcome(self, expected: u32, came: &Incoming, reply: &[u8]) -> Option<Result<usize, Errno>> {
        let message = &came.message;
        match (message.kind, came.metadata.id) {
            (MESSAGE_TYPE_NODE_RELEASE, id) if id == self.server => Some(Err(Errno::EPIPE)),
            (MESSAGE_TYPE_HANDLE_RELEASE, id) if id == self.reply => Some(Err(Errno::EPIPE)),
            // Of something that went before.
            (MESSAGE_TYPE_NODE_RELEASE | MESSAGE_TYPE_HANDLE_RELEASE, _) => None,
            _ => {
                let n_bytes = message.n_data as usize;
                match Fields::of(&reply[..n_bytes]) {
                    Ok((word, sequence, _)) if sequence == expected || sequence == UNREAD => {
                        Some(answer(word).map(|()| n_bytes))
                    }
                    // The reply to a request that was given up.
                    _ => None,
                }
            }
        }
    }

    /// Gives up what a message carried that nobody wants.
    fn let_go(self, given: &[Transfer]) {
        for transfer in given {
            match transfer.flags {
                TRANSFER_FLAG_CAPABILITY => drop(Owned::new(CapabilityNumber(transfer.id))),
                // It may have gone already.
                _ => drop(calls::release(self.port.number(), &[transfer.id])),
            }
        }
    }
}

/// What an error of SEND is to a client.
const fn unsent(error: Errno) -> Failed {
    match error {
        Errno::EBADRQC => Failed::Unsent(Errno::EPIPE),
        error => Failed::Unsent(error),
    }
}

/// What the word of a reply says.
fn answer(word: u32) -> Result<(), Errno> {
    let error = i32::try_from(word).map(Errno::new);
    match (word, error) {
        (0, _) => Ok(()),
        (_, Ok(Some(error))) => Err(error),
        _ => Err(Errno::EINVAL),
    }
}

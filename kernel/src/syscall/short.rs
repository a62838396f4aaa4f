//! Messages in registers: `send_short`, `receive_short`, and `call_short`, which is the two in one.
//!
//! They mean what SEND, `wait` and RECV mean, rule for rule; only the bytes come and go by another way ([`omnibus_abi::short`]). This is the
//! general path: it is taken whenever [`crate::fast`] finds anything unusual, and defines what that does.
//!
//! ```text
//!   call_short ── sent ──> Receive ── found ──> done
//!                            │ ^
//!              nothing there v │ woken, deadline
//!                          Blocked
//! ```

use bus1_service::{Error, Glance, Id, Receiving};
use omnibus_abi::Errno;
use omnibus_abi::bus1::MESSAGE_TYPE_USER;
use omnibus_abi::capability::peer;
use omnibus_abi::short::{Descriptor, N_WORDS, SHORT_BYTES_MAX};

use super::caller::Caller;
use super::carried::Installed;
use super::long;
use super::operation::{Operation, Outcome};
use super::stopped::Stopped;
use crate::service::peer::{Hold, PeerObject};
use crate::service::{self, Omnibus};
use crate::shared::Ref;
use crate::task::machine::{From, Machine, ShortCall, Words};
use crate::task::scheduler;
use crate::task::thread::Thread;
use crate::time;

/// How often a receive begins again before it lets others run, when another call on the peer was faster.
const TRIES: u32 = 4;

/// `send_short(peer, handle, carried)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EMSGSIZE`; `EBADRQC`; `EDQUOT`, `ENOMEM`.
pub fn send(caller: &Caller<'_>) -> Outcome {
    let call = caller.thread.machine.short_call();
    let sent = caller
        .peer(call.peer, peer::USE)
        .and_then(|hold| send_message(&caller.thread.machine, &hold, &call));
    Outcome::Done(sent.map(|()| 0))
}

/// `receive_short(peer, deadline_ns)`: `EBADF`, `EOPNOTSUPP`, `EPERM`; `EMSGSIZE`; `ENOMEM`; `ETIMEDOUT`.
pub fn receive(caller: &Caller<'_>) -> Outcome {
    Receive::new(false).step(caller)
}

/// `call_short(peer, handle, deadline_ns)`: what [`send`] refuses, then what [`receive`] does.
pub fn call(caller: &Caller<'_>) -> Outcome {
    let call = caller.thread.machine.short_call();
    let sent = caller
        .peer(call.peer, peer::USE | peer::RECEIVE)
        .and_then(|hold| send_message(&caller.thread.machine, &hold, &call));
    match sent {
        Ok(()) => Receive::new(true).step(caller),
        Err(errno) => {
            caller.thread.machine.describe(Descriptor::default());
            errno.into()
        }
    }
}

/// Sends the message in the registers of a thread that makes `call` on `peer`, by way of the queue.
///
/// # Errors
/// `EMSGSIZE`; `EBADRQC`; `EDQUOT`, `ENOMEM`.
pub fn send_message(machine: &Machine, peer: &PeerObject, call: &ShortCall) -> Result<(), Errno> {
    if call.n_bytes > SHORT_BYTES_MAX {
        return send_beside(machine, peer, call);
    }
    send_bytes(machine, peer, call, call.n_bytes, &[])
}

/// The same of a call that offers something beside bytes.
#[cold]
fn send_beside(machine: &Machine, peer: &PeerObject, call: &ShortCall) -> Result<(), Errno> {
    let beside = machine.beside()?;
    send_bytes(
        machine,
        peer,
        call,
        beside.n_bytes,
        beside.carried.as_slice(),
    )
}

#[inline(always)]
fn send_bytes(
    machine: &Machine,
    peer: &PeerObject,
    call: &ShortCall,
    n_bytes: u64,
    carried: &[Id],
) -> Result<(), Errno> {
    let bytes = machine.message_bytes();
    let payload = bytes.get(..n_bytes as usize).unwrap_or_default();
    let sent = peer
        .core
        .send(&[Id::from_u64(call.handle)], carried, payload);
    let effects = sent.map_err(|error| service::errno(&error))?;
    // One message that carries one handle at most: a wake, or its end.
    effects.finish(&mut service::wake);
    Ok(())
}

/// The part of a call that waits for a message and takes it. What the call was given is in the thread's registers.
pub struct Receive {
    /// The call has sent a message before.
    is_sent: bool,
    /// Whose waiters it is among, and whether as the sole one.
    entered: Option<(Ref<PeerObject>, bool)>,
}

/// What came of looking for a message.
enum Found {
    Nothing,
    Busy,
    /// There is one, and memory that it is to go to cannot be used.
    Missed,
    Done(Result<u64, Errno>),
}

impl Receive {
    /// Of a call that has sent its message if `is_sent`.
    #[must_use]
    pub fn new(is_sent: bool) -> Self {
        Self {
            is_sent,
            entered: None,
        }
    }

    /// Of a thread that was the sole one of `peer` ([`crate::task::thread::Work::Receive`]).
    #[must_use]
    pub fn woken(machine: &Machine, peer: Ref<PeerObject>) -> Self {
        Self {
            is_sent: machine.short_call().has_sent(),
            entered: Some((peer, true)),
        }
    }

    /// Waits, having entered the queue of waiters and found nothing since.
    fn block(self) -> Outcome {
        match self.entered {
            Some((peer, true)) => Outcome::Receive(peer),
            _ => Outcome::Block(Operation::Receive(self)),
        }
    }

    /// Looks; waits if there is nothing. The peer is named by its slot: if that was emptied meanwhile, it is `EBADF`, as for the RECV
    /// behind a wait that ended with hang-up (RCV-6).
    pub fn step(mut self, caller: &Caller<'_>) -> Outcome {
        self.leave(caller.thread);
        let call = caller.thread.machine.short_call();
        let hold = match caller.peer(call.peer, peer::RECEIVE) {
            Ok(hold) => hold,
            Err(errno) => return self.refuse(caller, errno).into(),
        };
        for _ in 0..TRIES {
            match self.look(caller, &hold, call.deadline_ns) {
                Found::Done(result) => {
                    self.leave(caller.thread);
                    return result.into();
                }
                Found::Busy => {}
                Found::Missed => {
                    self.leave(caller.thread);
                    return self.miss(caller);
                }
                Found::Nothing if self.entered.is_some() => return self.block(),
                // What came before the queue was entered woke nobody: look once more.
                Found::Nothing => {
                    if let Err(errno) = self.enter(caller.thread, hold.object(), call.deadline_ns) {
                        return self.refuse(caller, errno).into();
                    }
                }
            }
        }
        Outcome::More(Operation::Receive(self))
    }

    fn look(&self, caller: &Caller<'_>, hold: &Hold, deadline_ns: u64) -> Found {
        if let There::Taken(value) = look(&caller.thread.machine, hold) {
            return Found::Done(Ok(value));
        }
        match hold.core.begin_recv() {
            Ok(receiving) => self.take(caller, receiving),
            Err(Error::NothingQueued) if deadline_ns <= time::now_ns() => {
                Found::Done(self.refuse(caller, Errno::ETIMEDOUT))
            }
            Err(Error::NothingQueued) => Found::Nothing,
            Err(_) => Found::Busy,
        }
    }

    /// Takes the first message out of the queue, if it fits.
    fn take(&self, caller: &Caller<'_>, receiving: Receiving<Omnibus>) -> Found {
        let payload = receiving.payload();
        let (n_data, n_transfers) = (payload.len(), receiving.n_transfers());
        let kind = service::kind_number(receiving.kind());
        let descriptor = self.described(Descriptor::new(kind, n_data as u64, n_transfers as u64));
        let machine = &caller.thread.machine;
        let is_long = machine.short_call().is_long();
        let (copied, words) = if is_long {
            (long::copy_out(caller, &receiving), [0; N_WORDS])
        } else {
            // Of what is carried only a handle fits a register.
            let is_handle = n_transfers == 1 && receiving.objects().is_empty();
            let is_taken = is_handle && machine.takes_handle(n_data as u64);
            let is_too_much = n_data as u64 > SHORT_BYTES_MAX || (n_transfers > 0 && !is_taken);
            let room = if is_too_much {
                Err(Errno::EMSGSIZE)
            } else {
                Ok(Installed::none(caller.task()))
            };
            (room, words_of(&payload))
        };
        let installed = match copied {
            Ok(installed) => installed,
            Err(Errno::EMSGSIZE) => {
                machine.describe(descriptor);
                return Found::Done(Err(Errno::EMSGSIZE));
            }
            Err(Errno::EFAULT) => return Found::Missed,
            Err(errno) => return Found::Done(self.refuse(caller, errno)),
        };
        let from = From::of(&receiving.metadata());
        let carried = receiving.transfer(0).filter(|_| !is_long);
        let Ok(effects) = receiving.commit() else {
            // A RELEASE took it away meanwhile (REL-2).
            return Found::Busy;
        };
        installed.keep();
        effects.finish(&mut service::wake);
        if let Some(id) = carried {
            machine.set_carried(id);
        }
        Found::Done(Ok(if is_long {
            machine.receive_beside(descriptor, from)
        } else {
            machine.receive(&words, descriptor, from)
        }))
    }

    fn described(&self, descriptor: Descriptor) -> Descriptor {
        if self.is_sent {
            descriptor.sent()
        } else {
            descriptor
        }
    }

    /// Memory of the call cannot be used: the thread stands at that, if its task has a pager. The registers hold what the call was given as
    /// long as it has not ended.
    pub fn miss(&self, caller: &Caller<'_>) -> Outcome {
        match Stopped::in_call(caller.thread, self.is_sent) {
            Some(stopped) => Outcome::More(Operation::Stopped(stopped)),
            None => self.refuse(caller, Errno::EFAULT).into(),
        }
    }

    /// Ends with an error, and tells whether the message was sent.
    pub fn refuse(&self, caller: &Caller<'_>, errno: Errno) -> Result<u64, Errno> {
        let descriptor = self.described(Descriptor::default());
        caller.thread.machine.describe(descriptor);
        Err(errno)
    }

    fn enter(
        &mut self,
        thread: &Ref<Thread>,
        peer: &Ref<PeerObject>,
        deadline_ns: u64,
    ) -> Result<(), Errno> {
        // Nobody may hand the CPU over to a thread whose time has to be looked after.
        let is_sole = !thread.task.is_metered() && peer.waiters.enter_sole(thread);
        if !is_sole {
            let waiter = thread.waiter().ok_or(Errno::ENOMEM)?;
            peer.waiters.enter(&waiter).map_err(|_| Errno::ENOMEM)?;
        }
        self.entered = Some((peer.clone(), is_sole));
        scheduler::set_deadline(thread, deadline_ns);
        Ok(())
    }

    /// Waits no more.
    pub fn leave(&mut self, thread: &Ref<Thread>) {
        let Some((peer, is_sole)) = self.entered.take() else {
            return;
        };
        if is_sole {
            peer.waiters.leave_sole(thread);
        } else if let Some(waiter) = thread.waiter() {
            peer.waiters.leave(&waiter);
        }
        if thread.has_deadline() {
            scheduler::cancel_deadline(thread);
        }
    }
}

/// What somebody finds who waits for a message.
pub enum There {
    /// Nothing, and nothing is on its way.
    Nothing,
    /// A short message, which is in the thread's registers now: what the call returns.
    Taken(u64),
    /// Something that takes longer.
    Other,
}

/// Takes the first message of `peer` into the registers of a thread that makes a receiving call, if it is one that can be taken at once.
#[inline(always)]
pub fn look(machine: &Machine, peer: &PeerObject) -> There {
    let call = machine.short_call();
    if call.is_long() {
        return if peer.core.is_idle() {
            There::Nothing
        } else {
            There::Other
        };
    }
    let received = match peer.core.glance(SHORT_BYTES_MAX as usize) {
        Glance::Nothing => return There::Nothing,
        Glance::Other => return There::Other,
        Glance::Small(received) => received,
    };
    let payload = received.payload();
    let descriptor = Descriptor::new(MESSAGE_TYPE_USER, payload.len() as u64, 0);
    let descriptor = if call.has_sent() {
        descriptor.sent()
    } else {
        descriptor
    };
    let from = From::of(&received.metadata());
    machine.set_payload(payload);
    There::Taken(machine.receive_beside(descriptor, from))
}

/// A payload as words, what is missing of the last one as 0.
pub fn words_of(payload: &[u8]) -> Words {
    let mut words = [0; N_WORDS];
    let (whole, rest) = payload.as_chunks::<8>();
    for (word, bytes) in words.iter_mut().zip(whole) {
        *word = u64::from_le_bytes(*bytes);
    }
    if let Some(word) = words.get_mut(whole.len()) {
        let mut bytes = [0; 8];
        for (to, from) in bytes.iter_mut().zip(rest) {
            *to = *from;
        }
        *word = u64::from_le_bytes(bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A payload of any length up to the longest becomes the words that its sender had, with zeros behind its end.
    #[test]
    fn snd_1_words_hold_the_payload_and_nothing_else() {
        let bytes: std::vec::Vec<u8> = (1..=64).collect();
        for n_bytes in 0..=64 {
            let words = words_of(&bytes[..n_bytes]);
            let back: std::vec::Vec<u8> =
                words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(back[..n_bytes], bytes[..n_bytes]);
            assert!(back[n_bytes..].iter().all(|&byte| byte == 0));
        }
    }
}

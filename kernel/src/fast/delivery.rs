//! Whom a message is handed over to, and how its bytes get there.
//!
//! | from | to | |
//! |---|---|---|
//! | registers | registers | word by word, once the message is sent |
//! | memory | memory | once, from the active address space into the frames of the other |
//! | memory | registers | by way of the kernel |
//! | registers | memory | by way of the kernel |
//! | the kernel, which has read them already | either | |
//!
//! What goes to memory, or comes from there, may meet a page that is not there: so it is copied before the message is decided
//! ([`bus1_service::Peer::deliver`]).

use core::cell::Cell;
use core::mem::ManuallyDrop;

use bus1_service::{Handed, Id};
use omnibus_abi::bus1::{MESSAGE_TYPE_USER, Transfer};
use omnibus_abi::short::{Descriptor, SHORT_BYTES_MAX};

use crate::mm::user;
use crate::shared::Ref;
use crate::task::doing::Receiving;
use crate::task::machine::From;
use crate::task::space::Crossing;
use crate::task::thread::Thread;

/// A place for the bytes of a short message.
pub(super) type Bytes = [u8; SHORT_BYTES_MAX as usize];

/// A thread that was waiting, and runs now as far as others can tell. Its pointer is dropped by hand: so nobody has to ask whether it
/// is to be.
pub(super) struct Claimed {
    pub(super) thread: ManuallyDrop<Ref<Thread>>,
    /// The call in which it waited.
    pub(super) call: Receiving,
}

/// Where the bytes of a message come from.
#[derive(Clone, Copy)]
pub(super) enum Source<'a> {
    /// The sender's registers.
    Registers,
    /// This address of the sender's memory, by way of this place if they go to registers.
    User(u64, &'a Cell<Bytes>),
    /// They were read before: the front of these.
    Kernel(&'a Bytes),
}

/// A message on its way.
#[derive(Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) sender: &'a Thread,
    pub(super) n_bytes: u64,
    pub(super) source: Source<'a>,
}

impl<'a> Outgoing<'a> {
    /// One from registers.
    #[inline(always)]
    pub(super) fn plain(sender: &'a Thread, n_bytes: u64) -> Self {
        Self {
            sender,
            n_bytes,
            source: Source::Registers,
        }
    }

    /// True if the bytes are moved before the message is decided: they come from memory, or go there.
    pub(super) fn is_delivered(self, receiver: &Claimed) -> bool {
        matches!(self.source, Source::User(..)) || receiver.call.is_long()
    }

    /// Puts the message where the receiver wants it; a handle that it carries will be called `carried`. False if that cannot be done.
    pub(super) fn deliver(self, receiver: &Claimed, carried: Option<Id>) -> bool {
        if receiver.call.is_long() {
            return self.into_memory(&receiver.thread, carried);
        }
        match self.source {
            _ if self.n_bytes > SHORT_BYTES_MAX => false,
            _ if carried.is_some() && !receiver.thread.machine.takes_handle(self.n_bytes) => false,
            Source::User(address, place) => {
                let mut bytes = [0; SHORT_BYTES_MAX as usize];
                let payload = bytes.get_mut(..self.n_bytes as usize);
                let copied = payload.map(|payload| user::copy_from_user(payload, address));
                place.set(bytes);
                copied.is_some_and(|copied| copied.is_ok())
            }
            Source::Registers | Source::Kernel(_) => true,
        }
    }

    fn into_memory(self, receiver: &Thread, carried: Option<Id>) -> bool {
        let (machine, space) = (&receiver.machine, &receiver.task.space);
        let (call, memory) = (machine.short_call(), machine.memory());
        let n_carried = u64::from(carried.is_some());
        if self.n_bytes > memory.into.n
            || n_carried > memory.into_transfers.n
            || call.n_bytes != Transfer::SIZE
        {
            return false;
        }
        let transfer = carried.map(|id| {
            let (flags, id) = (0, id.as_u64());
            (memory.into_transfers.address, Transfer { flags, id })
        });
        let registers;
        let from = match self.source {
            Source::User(address, _) => Crossing::User(address),
            Source::Kernel(bytes) => Crossing::Kernel(bytes),
            Source::Registers => {
                registers = self.sender.machine.message_bytes();
                Crossing::Kernel(&registers)
            }
        };
        space.take_in(memory.into.address, self.n_bytes as usize, from, transfer)
    }

    /// The message is sent, and what it carries is known to the receiver as `carried`: puts what is not there yet into its registers.
    pub(super) fn put(self, receiver: &Claimed, carried: Option<Id>) {
        let machine = &receiver.thread.machine;
        if let Some(id) = carried
            && !receiver.call.is_long()
        {
            machine.set_carried(id);
        }
        let put = |bytes: &Bytes| {
            machine.set_payload(bytes.get(..self.n_bytes as usize).unwrap_or_default());
        };
        match self.source {
            _ if receiver.call.is_long() => {}
            Source::Registers => self.sender.machine.hand_message(machine, self.n_bytes),
            Source::User(_, place) => put(&place.get()),
            Source::Kernel(bytes) => put(bytes),
        }
    }
}

impl Claimed {
    /// A message of so many bytes and handles is sent, and where it belongs: the receiver's call ends with it.
    #[inline(always)]
    pub(super) fn end(
        self,
        n_bytes: u64,
        n_carried: u64,
        handed: Handed,
    ) -> ManuallyDrop<Ref<Thread>> {
        let from = From {
            id: handed.node.as_u64(),
            account: handed.account.as_u64(),
        };
        let Self { thread, call } = self;
        let descriptor = Descriptor::new(MESSAGE_TYPE_USER, n_bytes, n_carried);
        thread.machine.end_receive(call.describe(descriptor), from);
        thread.doing.received();
        thread
    }
}

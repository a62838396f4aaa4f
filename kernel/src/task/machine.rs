//! A thread's registers, as the portable kernel sees them.

#![allow(
    unsafe_code,
    reason = "the registers are written by the entry code, behind Rust's back"
)]

use core::cell::UnsafeCell;
use core::ptr::NonNull;

use bus1_service::{Id, Metadata};
use omnibus_abi::bus1::INVALID;
use omnibus_abi::long::Memory;
use omnibus_abi::native::Registers;
use omnibus_abi::short::{
    CARRY, Descriptor, N_BYTES_SHIFT, N_WORDS, SHORT_BYTES_BESIDE_MAX, SHORT_BYTES_MAX, TAKE,
};
use omnibus_abi::{Call, Errno, status};

use crate::arch::context::UserContext;
use crate::syscall::Arguments;

/// How a thread begins.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    /// First instruction.
    pub entry: u64,
    /// Stack pointer.
    pub stack: u64,
    /// Value of `rdi`.
    pub argument: u64,
    /// Base of thread-local storage.
    pub tls_base: u64,
}

/// The words of a message in registers.
pub type Words = [u64; N_WORDS];

/// Arguments of a call with a message in registers, or in memory that they tell of.
#[derive(Clone, Copy, Debug)]
pub struct ShortCall {
    /// Its number.
    pub number: u64,
    /// Bytes to be sent, and above all that there can be, what else is offered ([`Machine::beside`]); of a call with a message in memory,
    /// the bytes of a transfer.
    pub n_bytes: u64,
    /// Capability of the peer.
    pub peer: u64,
    /// Id of the handle to send through.
    pub handle: u64,
    /// How long to wait for a message.
    pub deadline_ns: u64,
}

/// What a call with a message in registers sends.
#[derive(Clone, Copy, Debug)]
pub struct Beside {
    /// Bytes.
    pub n_bytes: u64,
    /// A copy of this handle.
    pub carried: Option<Id>,
}

impl ShortCall {
    /// True if a thread that blocks in it has sent a message before.
    #[must_use]
    pub const fn has_sent(&self) -> bool {
        self.number == Call::CallShort as u64 || self.number == Call::CallLong as u64
    }

    /// True if its message is in memory ([`omnibus_abi::long`]).
    #[inline(always)]
    #[must_use]
    pub const fn is_long(&self) -> bool {
        self.number == Call::CallLong as u64 || self.number == Call::ReceiveLong as u64
    }
}

/// Where a message came in, and from whom (RCV-4).
#[derive(Clone, Copy, Debug)]
pub struct From {
    /// Of the own node; of the own handle or node for a notification.
    pub id: u64,
    /// The sender's account.
    pub account: u64,
}

impl From {
    /// As the core tells it.
    #[inline(always)]
    #[must_use]
    pub fn of(metadata: &Metadata) -> Self {
        Self {
            id: metadata.id.as_u64(),
            account: metadata.account.map_or(INVALID, |number| number.as_u64()),
        }
    }
}

/// See the module's documentation.
pub struct Machine(UnsafeCell<UserContext>);

// SAFETY: the registers of a thread are touched by one CPU at a time: the one that runs it, or that has just made it, or that has claimed it
// (`Doing::claim`). A thread goes from one CPU to another by the word that tells what it does (`super::doing`, rule 4).
unsafe impl Sync for Machine {}

impl Machine {
    /// Registers of a new thread.
    ///
    /// # Errors
    /// `EINVAL` if the entry or the base is not in the user half.
    pub fn new(start: Start) -> Result<Self, Errno> {
        let context = UserContext::new(start.entry, start.stack, start.argument);
        let mut context = context.map_err(|_| Errno::EINVAL)?;
        if start.tls_base != 0 {
            let set = context.set_fs_base(start.tls_base);
            set.map_err(|_| Errno::EINVAL)?;
        }
        Ok(Self(UnsafeCell::new(context)))
    }

    /// Where the entry code finds them.
    #[must_use]
    pub fn context(&self) -> NonNull<UserContext> {
        NonNull::from(self.get())
    }

    /// Number and arguments of the call that the thread makes.
    #[must_use]
    pub fn call(&self) -> (u64, Arguments) {
        let context = self.get();
        (context.call_number(), context.arguments())
    }

    /// `rax`, which names the call that the thread makes.
    #[inline(always)]
    #[must_use]
    pub fn call_number(&self) -> u64 {
        self.get().call_number()
    }

    /// What a call with a message in registers was given ([`omnibus_abi::short`]).
    #[must_use]
    #[inline(always)]
    pub fn short_call(&self) -> ShortCall {
        let context = self.get();
        ShortCall {
            number: context.call_number() & ((1 << N_BYTES_SHIFT) - 1),
            n_bytes: context.call_number() >> N_BYTES_SHIFT,
            peer: context.rdi,
            handle: context.rsi,
            deadline_ns: context.rbx,
        }
    }

    /// What a call with a message in registers sends, with or without a handle.
    ///
    /// # Errors
    /// `EMSGSIZE`: more bytes than there can be.
    #[inline(always)]
    pub fn beside(&self) -> Result<Beside, Errno> {
        let context = self.get();
        let rax = context.call_number();
        // A call that receives nothing takes no handle.
        let is_sending = rax as u32 == Call::SendShort as u32;
        let known = if is_sending { CARRY } else { CARRY | TAKE };
        let n_bytes = (rax & !known) >> N_BYTES_SHIFT;
        let carries = rax & CARRY != 0;
        let n_most = if carries {
            SHORT_BYTES_BESIDE_MAX
        } else {
            SHORT_BYTES_MAX
        };
        if n_bytes > n_most {
            return Err(Errno::EMSGSIZE);
        }
        let [.., last] = context.message;
        let carried = carries.then_some(Id::from_u64(last));
        Ok(Beside { n_bytes, carried })
    }

    /// True if a handle may come with a message of `n_bytes` into the registers of its call, which is a short one.
    #[inline(always)]
    #[must_use]
    pub fn takes_handle(&self, n_bytes: u64) -> bool {
        n_bytes <= SHORT_BYTES_BESIDE_MAX && self.get().call_number() & TAKE != 0
    }

    /// Puts the id of the handle that came with a message where it belongs.
    #[inline(always)]
    pub fn set_carried(&self, id: Id) {
        let [.., last] = &mut self.get().message;
        *last = id.as_u64();
    }

    /// The memory that a call with a message there was given ([`omnibus_abi::long`]).
    #[must_use]
    #[inline(always)]
    pub fn memory(&self) -> Memory {
        Memory::from_words(self.get().message)
    }

    /// The bytes in its message registers, of which a message is the first so many.
    #[inline(always)]
    #[must_use]
    pub fn message_bytes(&self) -> [u8; SHORT_BYTES_MAX as usize] {
        self.get().message_bytes()
    }

    /// Puts what was received into its registers. The value of the call, which is what `rdx` is to hold.
    pub fn receive(&self, message: &Words, descriptor: Descriptor, from: From) -> u64 {
        self.get().set_message(message, descriptor.n_data());
        self.receive_beside(descriptor, from)
    }

    /// Puts what is told of a message beside its bytes into its registers. The value of the call, as in [`Self::receive`].
    pub fn receive_beside(&self, descriptor: Descriptor, from: From) -> u64 {
        let context = self.get();
        context.rdi = from.id;
        context.rsi = from.account;
        self.describe(descriptor)
    }

    /// Puts the message in these registers into those of the thread `to`.
    #[inline(always)]
    pub fn hand_message(&self, to: &Self, n_bytes: u64) {
        self.get().hand_message(to.get(), n_bytes);
    }

    /// Puts a payload, of at most as many bytes as there is room for, into its registers; what is missing of its last word is 0.
    #[inline(always)]
    pub fn set_payload(&self, payload: &[u8]) {
        if let Ok(all) = payload.try_into() {
            return self.get().set_message_bytes(all);
        }
        let registers = &mut self.get().message;
        let (whole, rest) = payload.as_chunks::<8>();
        for (register, bytes) in registers.iter_mut().zip(whole) {
            *register = u64::from_le_bytes(*bytes);
        }
        if !rest.is_empty()
            && let Some(register) = registers.get_mut(whole.len())
        {
            let bytes = rest.iter().rev();
            *register = bytes.fold(0, |word, &byte| word << 8 | u64::from(byte));
        }
    }

    /// Puts the words of a message into its registers.
    pub fn set_message(&self, message: &Words, n_bytes: u64) {
        self.get().set_message(message, n_bytes);
    }

    /// Ends its receiving call with a message, which is where it belongs already.
    #[inline(always)]
    pub fn end_receive(&self, descriptor: Descriptor, from: From) {
        let context = self.get();
        context.rbx = descriptor.0;
        context.rdi = from.id;
        context.rsi = from.account;
        context.rax = 0;
    }

    /// Tells how far a call came. The value of the call, which is what `rdx` holds already.
    pub fn describe(&self, descriptor: Descriptor) -> u64 {
        let context = self.get();
        context.rbx = descriptor.0;
        // More registers than rax and rdx were written.
        #[cfg(not(test))]
        crate::arch::forget_current();
        context.message[0]
    }

    /// Ends the call.
    pub fn set_result(&self, result: Result<u64, Errno>) {
        let (status, value) = status::encode(result);
        self.get().set_result(status, value);
    }

    /// The registers of a thread that is in the kernel.
    #[must_use]
    pub fn told(&self) -> Registers {
        self.get().told()
    }

    /// Lets the thread go on in user mode with these registers.
    ///
    /// # Errors
    /// `EINVAL` if the next instruction or the base is not in the user half.
    pub fn set_told(&self, registers: &Registers) -> Result<(), Errno> {
        self.get().set_told(registers).map_err(|_| Errno::EINVAL)
    }

    /// Sets the base of thread-local storage.
    ///
    /// # Errors
    /// `EINVAL` if it is neither 0 nor in the user half.
    pub fn set_tls_base(&self, base: u64) -> Result<(), Errno> {
        self.get().set_fs_base(base).map_err(|_| Errno::EINVAL)
    }

    /// Address of the next instruction.
    #[must_use]
    pub fn instruction(&self) -> u64 {
        self.get().rip()
    }

    #[allow(
        clippy::mut_from_ref,
        reason = "the reference does not leave this module's functions"
    )]
    fn get(&self) -> &mut UserContext {
        // SAFETY: (1) only the CPU that runs the thread, or makes it, or has claimed it, calls this; (2) while the kernel runs, the entry code does not touch the
        // context; (3) each reference ends within one function of this module, none of which calls another while it has it.
        unsafe { &mut *self.0.get() }
    }
}

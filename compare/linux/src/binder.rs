//! The binder driver's protocol, as far as the experiments need it (Linux, include/uapi/linux/android/binder.h).
//!
//! A thread writes commands and reads returns by one `ioctl`. A command or return is a number of 32 bits, which holds the size of
//! what follows in bits 16 to 29, as numbers of `ioctl` do. Payloads that arrive lie in memory that the driver has mapped,
//! read-only, until the receiver frees them. Handle 0 is the one process that made itself the context manager.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::time::Duration;

use nix::errno::Errno;

use crate::sys::{self, BufferSpace, Result};

/// The device.
pub(crate) const DEVICE: &str = "/dev/binder";

/// Bytes of the mapped memory: what Android's library takes.
const N_BUFFER_BYTES: usize = (1 << 20) - 2 * 4096;

const BC_TRANSACTION: u32 = 0x4040_6300;
const BC_REPLY: u32 = 0x4040_6301;
const BC_FREE_BUFFER: u32 = 0x4008_6303;
const BC_ACQUIRE: u32 = 0x4004_6305;
const BC_RELEASE: u32 = 0x4004_6306;
const BC_INCREFS_DONE: u32 = 0x4010_6308;
const BC_ACQUIRE_DONE: u32 = 0x4010_6309;
const BC_ENTER_LOOPER: u32 = 0x630c;
const BC_REQUEST_DEATH_NOTIFICATION: u32 = 0x400c_630e;

const BR_TRANSACTION: u32 = 0x8040_7202;
const BR_REPLY: u32 = 0x8040_7203;
const BR_DEAD_REPLY: u32 = 0x7205;
const BR_TRANSACTION_COMPLETE: u32 = 0x7206;
const BR_INCREFS: u32 = 0x8010_7207;
const BR_ACQUIRE: u32 = 0x8010_7208;
const BR_DEAD_BINDER: u32 = 0x8008_720f;
const BR_FAILED_REPLY: u32 = 0x7211;

/// `BINDER_TYPE_BINDER`: a node of the sender's own.
const OWN_NODE: u32 = 0x7362_2a85;
/// Bytes of a `flat_binder_object`; its handle or node stands at byte 8.
const N_OBJECT_BYTES: usize = 24;

/// `TF_ONE_WAY`.
const ONE_WAY: u32 = 1;

/// What arrived for a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// A request.
    Request(Message),
    /// The reply to its own request.
    Reply(Message),
    /// A one-way message was taken over by the driver.
    Sent,
    /// Its request or reply was refused, or the other is dead.
    Refused(Errno),
    /// The node behind a handle is gone.
    Dead,
}

/// A payload in mapped memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// A number of the sender's choice.
    pub(crate) code: u32,
    flags: u32,
    address: u64,
    n_bytes: u64,
}

/// An open device: the driver's idea of a process.
#[derive(Debug)]
pub(crate) struct Binder {
    device: File,
    buffers: BufferSpace,
    /// Commands to be written.
    commands: Vec<u8>,
    arrived: VecDeque<Arrived>,
    /// What the commands to be written point to.
    object: Box<([u8; N_OBJECT_BYTES], u64)>,
}

impl Binder {
    /// Opens the device.
    pub(crate) fn open() -> Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open(DEVICE);
        let device = device.map_err(|error| sys::errno(&error))?;
        let buffers = BufferSpace::new(&device, N_BUFFER_BYTES)?;
        Ok(Self {
            device,
            buffers,
            commands: Vec::with_capacity(512),
            arrived: VecDeque::with_capacity(8),
            object: Box::default(),
        })
    }

    /// Becomes the process that everybody reaches as handle 0, and serves.
    pub(crate) fn open_manager() -> Result<Self> {
        let mut binder = Self::open()?;
        // The one before is forgotten a while after its process has ended.
        while let Err(error) = sys::become_context_manager(&binder.device) {
            if error != Errno::EBUSY {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        binder.command(BC_ENTER_LOOPER, &[]);
        Ok(binder)
    }

    fn command(&mut self, command: u32, operands: &[&[u8]]) {
        self.commands.extend_from_slice(&command.to_le_bytes());
        for operand in operands {
            self.commands.extend_from_slice(operand);
        }
    }

    /// `struct binder_transaction_data`.
    fn transaction(
        &mut self,
        command: u32,
        handle: u32,
        code: u32,
        flags: u32,
        data: &[u8],
        n_offsets: u64,
    ) {
        let words = [
            u64::from(handle),
            0,
            u64::from(code) | u64::from(flags) << 32,
            0,
            data.len() as u64,
            n_offsets * 8,
            data.as_ptr() as u64,
            &raw const self.object.1 as u64,
        ];
        self.command(command, &[]);
        for word in words {
            self.commands.extend_from_slice(&word.to_le_bytes());
        }
    }

    /// Sends a request through `handle` and copies the reply into `reply`. A request that comes back meanwhile is answered empty.
    /// Returns how many did.
    pub(crate) fn call(
        &mut self,
        handle: u32,
        code: u32,
        data: &[u8],
        reply: &mut [u8],
    ) -> Result<u32> {
        self.transaction(BC_TRANSACTION, handle, code, 0, data, 0);
        self.finish_call(reply)
    }

    /// The same with an own node in place of bytes.
    pub(crate) fn call_with_node(
        &mut self,
        handle: u32,
        code: u32,
        node: u64,
        reply: &mut [u8],
    ) -> Result<u32> {
        let (object, offset) = &mut *self.object;
        object[..4].copy_from_slice(&OWN_NODE.to_le_bytes());
        object[8..16].copy_from_slice(&node.to_le_bytes());
        *offset = 0;
        let object = *object;
        // The driver copies both at the `ioctl`, which comes before this returns.
        self.transaction(BC_TRANSACTION, handle, code, 0, &object, 1);
        self.finish_call(reply)
    }

    fn finish_call(&mut self, reply: &mut [u8]) -> Result<u32> {
        let mut n_calls_back = 0;
        loop {
            match self.next()? {
                Arrived::Reply(message) => {
                    self.take(message, reply)?;
                    return Ok(n_calls_back);
                }
                Arrived::Request(message) => {
                    n_calls_back += 1;
                    self.take(message, &mut [])?;
                    self.reply(&[]);
                }
                Arrived::Refused(error) => return Err(error),
                Arrived::Sent | Arrived::Dead => {}
            }
        }
    }

    /// Sends a message that has no reply.
    pub(crate) fn send(&mut self, handle: u32, code: u32, data: &[u8]) -> Result<()> {
        self.transaction(BC_TRANSACTION, handle, code, ONE_WAY, data, 0);
        loop {
            match self.next()? {
                Arrived::Sent => return Ok(()),
                Arrived::Refused(error) => return Err(error),
                _ => {}
            }
        }
    }

    /// Replies to the request that was taken last; written with what is read next.
    pub(crate) fn reply(&mut self, data: &[u8]) {
        self.transaction(BC_REPLY, 0, 0, 0, data, 0);
    }

    /// Waits for what arrives next.
    pub(crate) fn next(&mut self) -> Result<Arrived> {
        let mut returns = [0; 512];
        loop {
            if let Some(arrived) = self.arrived.pop_front() {
                return Ok(arrived);
            }
            let n_bytes = sys::write_read(&self.device, &self.commands, &mut returns)?;
            self.commands.clear();
            self.understand(&returns[..n_bytes])?;
        }
    }

    fn understand(&mut self, mut returns: &[u8]) -> Result<()> {
        while let Some((number, rest)) = returns.split_first_chunk::<4>() {
            let number = u32::from_le_bytes(*number);
            let n_bytes = (number >> 16 & 0x3fff) as usize;
            let (operand, rest) = rest.split_at_checked(n_bytes).ok_or(Errno::EBADMSG)?;
            returns = rest;
            let arrived = match number {
                BR_TRANSACTION => Arrived::Request(Message::of(operand)?),
                BR_REPLY => Arrived::Reply(Message::of(operand)?),
                BR_TRANSACTION_COMPLETE => Arrived::Sent,
                BR_DEAD_REPLY => Arrived::Refused(Errno::EPIPE),
                BR_FAILED_REPLY => Arrived::Refused(Errno::ENOBUFS),
                BR_DEAD_BINDER => Arrived::Dead,
                BR_INCREFS => {
                    self.command(BC_INCREFS_DONE, &[operand]);
                    continue;
                }
                BR_ACQUIRE => {
                    self.command(BC_ACQUIRE_DONE, &[operand]);
                    continue;
                }
                _ => continue,
            };
            self.arrived.push_back(arrived);
        }
        Ok(())
    }

    /// Copies a payload out, as far as it fits, and frees it with what is written next.
    pub(crate) fn take(&mut self, message: Message, into: &mut [u8]) -> Result<usize> {
        let n_bytes = into.len().min(message.n_bytes as usize);
        self.buffers.read(message.address, &mut into[..n_bytes])?;
        self.free(message);
        Ok(n_bytes)
    }

    /// Frees a payload with what is written next; handles in it that were not kept go with it.
    pub(crate) fn free(&mut self, message: Message) {
        self.command(BC_FREE_BUFFER, &[&message.address.to_le_bytes()]);
    }

    /// The handle in a payload.
    pub(crate) fn handle_in(&self, message: Message) -> Result<u32> {
        let mut object = [0; 12];
        self.buffers.read(message.address, &mut object)?;
        let [.., a, b, c, d] = object;
        Ok(u32::from_le_bytes([a, b, c, d]))
    }

    /// Keeps a handle beyond the payload that it came in.
    pub(crate) fn keep(&mut self, handle: u32) {
        self.command(BC_ACQUIRE, &[&handle.to_le_bytes()]);
    }

    /// Gives a kept handle up.
    pub(crate) fn forget(&mut self, handle: u32) {
        self.command(BC_RELEASE, &[&handle.to_le_bytes()]);
    }

    /// Asks to be told when the node behind a handle is gone.
    pub(crate) fn watch(&mut self, handle: u32) {
        let cookie = 1_u64;
        self.command(
            BC_REQUEST_DEATH_NOTIFICATION,
            &[&handle.to_le_bytes(), &cookie.to_le_bytes()],
        );
    }
}

impl Message {
    /// Whether the sender waits for a reply.
    pub(crate) fn is_call(&self) -> bool {
        self.flags & ONE_WAY == 0
    }

    fn of(data: &[u8]) -> Result<Self> {
        let word = |index: usize| {
            let bytes = data.get(8 * index..8 * index + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let (Some(code), Some(n_bytes), Some(address)) = (word(2), word(4), word(6)) else {
            return Err(Errno::EBADMSG);
        };
        Ok(Self {
            code: code as u32,
            flags: (code >> 32) as u32,
            address,
            n_bytes,
        })
    }
}

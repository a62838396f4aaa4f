//! The binder driver, as far as the experiments need it.
//!
//! A thread writes commands and reads returns by one `ioctl`. A command or return is a number of 32 bits, which holds the size of
//! what follows in bits 16 to 29, as numbers of `ioctl` do. Payloads that arrive lie in memory that the driver has mapped,
//! read-only, until the receiver frees them. Handle 0 is the one process that made itself the context manager.

mod process;
mod protocol;

use std::collections::VecDeque;
use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::sys::{self, BufferSpace, Result};
pub(crate) use process::{Late, manager};
pub(crate) use protocol::Message;
use protocol::*;

/// The devices, each with a context manager of its own.
pub(crate) const DEVICES: [&str; 2] = ["/dev/binder", "/dev/binder-second"];

/// What makes the module have them.
pub(crate) const MODULE_PARAMETERS: &CStr = c"devices=binder,binder-second";

/// The handle of the context manager.
pub(crate) const MANAGER: u32 = 0;

/// Bytes of the mapped memory: what Android's library takes.
const N_BUFFER_BYTES: usize = (1 << 20) - 2 * 4096;

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
    /// Nobody has a handle to a node of its own any more.
    Released,
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
    /// Opens the first device.
    pub(crate) fn open() -> Result<Self> {
        Self::open_device(DEVICES[0])
    }

    /// Opens a device.
    pub(crate) fn open_device(name: &str) -> Result<Self> {
        let device = OpenOptions::new().read(true).write(true).open(name);
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

    /// Becomes the process that everybody reaches as [`MANAGER`] through the first device.
    pub(crate) fn open_manager() -> Result<Self> {
        Self::open_manager_of(DEVICES[0])
    }

    /// The same for any device.
    pub(crate) fn open_manager_of(name: &str) -> Result<Self> {
        let mut binder = Self::open_device(name)?;
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
        data: *const [u8],
        n_offsets: u64,
    ) {
        let words = [
            u64::from(handle),
            0,
            u64::from(code) | u64::from(flags) << 32,
            0,
            data.len() as u64,
            n_offsets * 8,
            data.cast::<u8>() as u64,
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
        self.transaction_with(handle, code, 0, (OWN_NODE, node));
        self.finish_call(reply)
    }

    fn transaction_with(&mut self, handle: u32, code: u32, flags: u32, carried: (u32, u64)) {
        let (object, offset) = &mut *self.object;
        object[..4].copy_from_slice(&carried.0.to_le_bytes());
        object[8..16].copy_from_slice(&carried.1.to_le_bytes());
        *offset = 0;
        // The driver copies it at the next `ioctl`, before it can be changed again.
        let data: *const [u8] = &self.object.0;
        self.transaction(BC_TRANSACTION, handle, code, flags, data, 1);
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
                Arrived::Sent | Arrived::Dead | Arrived::Released => {}
            }
        }
    }

    /// Sends a message that has no reply.
    pub(crate) fn send(&mut self, handle: u32, code: u32, data: &[u8]) -> Result<()> {
        self.transaction(BC_TRANSACTION, handle, code, ONE_WAY, data, 0);
        self.finish_sending()
    }

    /// The same with an own node in place of bytes.
    pub(crate) fn send_with_node(&mut self, handle: u32, node: u64) -> Result<()> {
        self.transaction_with(handle, 0, ONE_WAY, (OWN_NODE, node));
        self.finish_sending()
    }

    /// The same with a handle that it holds.
    pub(crate) fn send_with_handle(&mut self, handle: u32, carried: u32) -> Result<()> {
        self.transaction_with(handle, 0, ONE_WAY, (HELD_HANDLE, carried.into()));
        self.finish_sending()
    }

    /// Waits until the driver has taken a message or a reply over. What arrives meanwhile stays.
    fn finish_sending(&mut self) -> Result<()> {
        let mut others = VecDeque::new();
        let sent = loop {
            match self.next()? {
                Arrived::Sent => break Ok(()),
                Arrived::Refused(error) => break Err(error),
                other => others.push_back(other),
            }
        };
        others.append(&mut self.arrived);
        self.arrived = others;
        sent
    }

    /// Takes a request that carries a node, keeps and watches that, and replies. Returns its handle.
    pub(crate) fn adopt(&mut self) -> Result<u32> {
        let request = loop {
            if let Arrived::Request(request) = self.next()? {
                break request;
            }
        };
        let handle = self.handle_in(request)?;
        self.keep(handle);
        self.watch(handle);
        self.free(request);
        self.reply(&[]);
        self.finish_sending()?;
        Ok(handle)
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

    /// What arrives next, if anything does within so many milliseconds of silence.
    pub(crate) fn next_within(&mut self, patience_ms: u16) -> Result<Option<Arrived>> {
        while self.arrived.is_empty() {
            self.flush()?;
            let mut items = [PollFd::new(self.device.as_fd(), PollFlags::POLLIN)];
            if poll(&mut items, PollTimeout::from(patience_ms))? == 0 {
                return Ok(None);
            }
            let mut returns = [0; 512];
            let n_bytes = sys::write_read(&self.device, &[], &mut returns)?;
            self.understand(&returns[..n_bytes])?;
        }
        Ok(self.arrived.pop_front())
    }

    /// Writes what is to be written, and reads nothing.
    pub(crate) fn flush(&mut self) -> Result<()> {
        sys::write_read(&self.device, &self.commands, &mut [])?;
        self.commands.clear();
        Ok(())
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
                BR_RELEASE => Arrived::Released,
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

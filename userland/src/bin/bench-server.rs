//! The other end of what `bench` and `compare` measure: answers messages, as its first argument says.
//!
//! Arguments: how to answer, and the id of the handle that leads back. The first byte of a request orders something besides; what is
//! measured is sent with orders of 0.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::bus1::MESSAGE_TYPE_USER;
use omnibus_userland::abi::limits::IDS_MAX;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::bench_server::order;
use omnibus_userland::calls::{self, Result};
use omnibus_userland::memory::Memory;
use omnibus_userland::port::{Arrived, Port, Short};
use omnibus_userland::{environment, program};

program!(main);

/// Largest message, in bytes.
const ROOM: usize = 1 << 16;

struct Server {
    peer: CapabilityNumber,
    port: Port,
    reply: u64,
    data: Vec<u8>,
}

fn main() -> Result<()> {
    let mut arguments = environment::arguments();
    let kind = arguments.next().unwrap_or_default();
    let reply = arguments.next().and_then(|id| id.parse().ok());
    let peer = environment::find(Kind::Peer).ok_or(Errno::ENOENT)?;
    let server = Server {
        peer,
        port: Port::new(peer),
        reply: reply.ok_or(Errno::EINVAL)?,
        data: vec![0; ROOM],
    };
    match kind {
        "short" => server.echo_short(),
        "echo" => server.echo(),
        "mapped" => server.echo_mapped(),
        "apart" => server.echo_apart(),
        "keep" => server.keep(),
        "drop" => server.drop_each(),
        "count" => server.count(false),
        "count-long" => server.count_long(),
        "acknowledge" => server.count(true),
        _ => Err(Errno::EINVAL),
    }
}

impl Server {
    /// Returns every byte, from registers to registers.
    fn echo_short(self) -> Result<()> {
        let mut request = self.port.next_short(DEADLINE_NEVER)?;
        loop {
            let reply = request.to_short();
            request = self.port.call_short(self.reply, &reply, DEADLINE_NEVER)?;
        }
    }

    /// Returns every byte.
    fn echo(mut self) -> Result<()> {
        let mut into = vec![0; ROOM];
        let mut n_data = self.port.next(&mut self.data, &mut [])?.message.n_data as usize;
        loop {
            // What came in goes out, and the next comes into the other half.
            let out = self.data.get(..n_data).ok_or(Errno::EMSGSIZE)?;
            let incoming = self
                .port
                .exchange(self.reply, out, &[], &mut into, &mut [])?;
            n_data = incoming.message.n_data as usize;
            core::mem::swap(&mut self.data, &mut into);
        }
    }

    /// Returns every byte through a memory object that both map: a request lies at its start, the reply in its second half. The
    /// message has the number of bytes.
    fn echo_mapped(mut self) -> Result<()> {
        let memory = environment::find(Kind::Memory).ok_or(Errno::ENOENT)?;
        let mapping = Memory::from_capability(memory).map(VM_READ | VM_WRITE)?;
        let mut request = self.port.next_short(DEADLINE_NEVER)?.to_short();
        loop {
            let n_data = request.words[0] as usize;
            let data = self.data.get_mut(..n_data).ok_or(Errno::EMSGSIZE)?;
            mapping.read(0, data);
            mapping.write(mapping.n_bytes() / 2, data);
            request = self
                .port
                .call_short(self.reply, &request, DEADLINE_NEVER)?
                .to_short();
        }
    }

    /// Returns every byte, by a call for the reply and a call for the next request.
    fn echo_apart(self) -> Result<()> {
        loop {
            let request = self.port.next_short(DEADLINE_NEVER)?;
            self.port.send_short(self.reply, &request.to_short())?;
        }
    }

    /// Keeps the handle that comes with a request until it is told to release them all.
    fn keep(self) -> Result<()> {
        let mut kept = Vec::with_capacity(2 * IDS_MAX as usize);
        let mut request = self.port.next_with(DEADLINE_NEVER)?;
        loop {
            let carried = request.carried().ok_or(Errno::EINVAL)?;
            match request.words[0] as u8 {
                order::RELEASE => {
                    for ids in kept.chunks(IDS_MAX as usize) {
                        calls::release(self.peer, ids)?;
                    }
                    kept.clear();
                }
                asked => {
                    if asked == order::USE {
                        self.port.send(carried, &[], &[])?;
                    }
                    kept.push(carried);
                }
            }
            request = self.answer_and_take()?;
        }
    }

    /// Releases the handle that comes with a request before it replies.
    fn drop_each(self) -> Result<()> {
        let mut request = self.port.next_with(DEADLINE_NEVER)?;
        loop {
            let carried = request.carried().ok_or(Errno::EINVAL)?;
            if request.words[0] as u8 == order::USE {
                self.port.send(carried, &[], &[])?;
            }
            calls::release(self.peer, &[carried])?;
            request = self.answer_and_take()?;
        }
    }

    fn answer_and_take(&self) -> Result<Arrived> {
        self.port
            .call_with(self.reply, &Short::EMPTY, None, DEADLINE_NEVER)
    }

    /// Counts messages; with `is_last` it acknowledges each, because it is the last to get it.
    fn count(self, is_last: bool) -> Result<()> {
        let mut counted = Counted::new();
        let mut incoming = self.port.next_short(DEADLINE_NEVER)?;
        loop {
            let bytes = incoming.words.map(u64::to_le_bytes);
            let data = bytes
                .as_flattened()
                .get(..incoming.descriptor.n_data() as usize);
            let data = data.ok_or(Errno::EMSGSIZE)?;
            let report = counted.take(incoming.descriptor.kind(), data);
            incoming = if is_last || report.is_some() {
                let answer = report.unwrap_or(Short::EMPTY);
                self.port.call_short(self.reply, &answer, DEADLINE_NEVER)?
            } else {
                self.port.next_short(DEADLINE_NEVER)?
            };
        }
    }

    /// Counts messages that are too long for registers.
    fn count_long(mut self) -> Result<()> {
        let mut counted = Counted::new();
        loop {
            let message = self.port.next(&mut self.data, &mut [])?.message;
            let data = self.data.get(..message.n_data as usize);
            if let Some(report) = counted.take(message.kind, data.ok_or(Errno::EMSGSIZE)?) {
                self.port.send_short(self.reply, &report)?;
            }
        }
    }
}

/// Messages so far, and whether those that were to be checked had their pattern.
struct Counted {
    n_messages: u64,
    is_intact: bool,
}

impl Counted {
    const fn new() -> Self {
        Self {
            n_messages: 0,
            is_intact: true,
        }
    }

    /// Takes a message into account; the report, if that is what it asks for.
    fn take(&mut self, kind: u64, data: &[u8]) -> Option<Short> {
        let first = data.first().copied().unwrap_or_default();
        if first == order::REPORT {
            let mut report = Short::EMPTY;
            report.words[0] = if self.is_intact {
                self.n_messages
            } else {
                u64::MAX
            };
            report.n_bytes = 8;
            return Some(report);
        }
        self.n_messages += u64::from(kind == MESSAGE_TYPE_USER);
        if first == order::CHECK {
            self.is_intact &= data[2..].iter().all(|&byte| byte == data[1]);
        }
        None
    }
}

//! The driver of the first serial port. It is granted its ports, its interrupt line, an account and a peer; its argument is a node of
//! that peer, at which clients are heard:
//!
//! | message | asks for |
//! |---|---|
//! | bytes, no handle | these bytes on the line, a carriage return before each line feed |
//! | no bytes, a handle | an empty message through that handle when all that came before is on the line |
//! | the bytes `input`, a handle | what comes in on the line, from now on, through that handle |
//!
//! While much is waiting to be sent nothing more is taken from clients; their accounts' shares of the queue hold them back then. It ends
//! when the last handle to the node is gone and all is sent.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use omnibus_userland::abi::{CapabilityNumber, DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Message, Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::device::{Lines, Ports};
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::uart::{COM1, Uart};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{driver, environment, program, time};

/// Bytes that wait to be sent before nothing more is taken from clients.
const OUTGOING_MAX: usize = 8192;

/// How long the last bytes may be on their way before it is looked again.
const LAST_BYTES_NS: u64 = 1_000_000;

program!(main);

struct Driver {
    uart: Uart<AtPorts>,
    /// Who wants to know when all is sent.
    waiting: Vec<Handle>,
    /// Who gets what comes in.
    input: Option<Handle>,
}

fn main() -> Result<()> {
    let find = |kind| environment::find(kind).ok_or(Errno::ENOENT);
    let door = driver::door()?;
    let account = Account::from_capability(find(Kind::Account)?);
    let clients = Peer::from_capability(find(Kind::Peer)?);
    let ports = Ports::from_capability(find(Kind::Ports)?);
    let lines: CapabilityNumber = find(Kind::Lines)?;
    // Interrupts have a queue of their own, which clients cannot fill.
    let chip = Peer::new(&account)?;
    let (_node, handle) = chip.node()?;
    let interrupt = Lines::from_capability(lines).bind(COM1.2, &account, &handle)?;
    let mut driver = Driver {
        uart: Uart::new(AtPorts::new(ports, COM1.0), false)?,
        waiting: Vec::new(),
        input: None,
    };
    interrupt.acknowledge()?;
    let mut is_wanted = true;
    while is_wanted || !driver.uart.is_idle()? {
        let mut set = WaitSet::new().peer(&chip);
        let takes_more = is_wanted && driver.uart.n_outgoing() < OUTGOING_MAX;
        if takes_more {
            set = set.peer(&clients);
        }
        let is_ending = !driver.waiting.is_empty() || !is_wanted;
        let deadline_ns = if is_ending {
            time::now_ns() + LAST_BYTES_NS
        } else {
            DEADLINE_NEVER
        };
        match set.wait(deadline_ns) {
            Ok(_) | Err(Errno::ETIMEDOUT) => {}
            Err(errno) => return Err(errno),
        }
        if let Some(Received::Message(_)) = chip.try_recv()? {
            driver.uart.interrupt()?;
            interrupt.acknowledge()?;
            driver.hand_on()?;
        }
        if takes_more {
            match clients.try_recv()? {
                Some(Received::Message(message)) if message.node == door => driver.hear(message)?,
                Some(Received::HandleRelease { node }) if node == door => is_wanted = false,
                _ => {}
            }
        }
        if driver.uart.is_idle()? {
            for handle in driver.waiting.drain(..) {
                // Who has gone does not want to know.
                let _ = handle.send(b"");
            }
        }
    }
    driver.uart.end()
}

impl Driver {
    fn hear(&mut self, mut message: Message) -> Result<()> {
        match (message.handles.pop(), message.data.as_slice()) {
            (None, bytes) => {
                for line in bytes.split_inclusive(|&byte| byte == b'\n') {
                    match line.strip_suffix(b"\n") {
                        Some(text) => {
                            self.uart.send(text)?;
                            self.uart.send(b"\r\n")?;
                        }
                        None => self.uart.send(line)?,
                    }
                }
            }
            (Some(handle), b"") => self.waiting.push(handle),
            (Some(handle), b"input") => self.input = Some(handle),
            // Nothing that is known: the handle is given back.
            (Some(_), _) => {}
        }
        Ok(())
    }

    /// Hands on what came in. Who does not take it loses it.
    fn hand_on(&mut self) -> Result<()> {
        let bytes: Vec<u8> = core::iter::from_fn(|| self.uart.receive()).collect();
        if !bytes.is_empty()
            && let Some(input) = &self.input
            && input.send(&bytes) == Err(Errno::EBADRQC)
        {
            self.input = None;
        }
        Ok(())
    }
}

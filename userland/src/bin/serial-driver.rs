//! The driver of the first serial port, and so the console of every program that is given a handle to its node `door`.
//!
//! A boot plan gives it the ports `uart` and the line `interrupt`. It ends when nobody can reach it any more and all is sent.
#![no_std]
#![no_main]

use omnibus_userland::abi::{DEADLINE_NEVER, Errno};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::device::{Lines, Ports};
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::console::Console;
use omnibus_userland::driver::uart::{COM1, Uart};
use omnibus_userland::part::{Part, capability};
use omnibus_userland::service::server::{Limits, Server};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{program, time};

/// How long the last bytes may be on their way before it is looked again.
const LAST_BYTES_NS: u64 = 1_000_000;

program!(main);

fn main() -> Result<()> {
    let part = Part::take()?;
    let door = part.node("door")?;
    let ports = Ports::from_capability(capability("uart")?);
    let lines = Lines::from_capability(capability("interrupt")?);
    // Interrupts have a queue of their own, which clients cannot fill.
    let chip = Peer::new(&part.account)?;
    let (_node, handle) = chip.node()?;
    let interrupt = lines.bind(COM1.2, &part.account, &handle)?;
    let uart = Uart::new(AtPorts::new(ports, COM1.0), false)?;
    let mut server = Server::new(Console::new(uart, Some(door)), &part.peer, Limits::COMMON);
    interrupt.acknowledge()?;
    loop {
        let is_idle = server.service.tell_if_idle()?;
        if is_idle && server.is_done() {
            return server.service.uart.end();
        }
        let takes_more = server.service.has_room();
        let mut set = WaitSet::new().peer(&chip);
        if takes_more {
            set = set.peer(&part.peer);
        }
        // The chip says that it takes more bytes, but not that the last one has left it.
        let is_ending = server.service.is_awaited() || server.is_done();
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
            server.service.uart.interrupt()?;
            interrupt.acknowledge()?;
        }
        if takes_more {
            server.try_step()?;
        }
        server.service.hand_on()?;
    }
}

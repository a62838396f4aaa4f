//! Prints date and time, which it asks the driver of the clock for: the client of a driver, in a plan with both (`./run-qemu.sh run init date`).
#![no_std]
#![no_main]

use core::time::Duration;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Received;
use omnibus_userland::calls::Result;
use omnibus_userland::driver::clock_chip::Date;
use omnibus_userland::part::Part;
use omnibus_userland::{println, program, time};

program!(main);

/// How long the driver may take to look at its chip.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> Result<()> {
    let part = Part::take()?;
    let (node, handle) = part.peer.node()?;
    part.handle("clock")?.send_with(b"", &[&handle])?;
    drop(handle);
    let deadline_ns = time::deadline_in(PATIENCE);
    loop {
        match part.peer.recv_until(deadline_ns)? {
            Received::Message(message) if message.node == node.id() => {
                let date = Date::of_bytes(&message.data).ok_or(Errno::EINVAL)?;
                println!("{date}");
                return Ok(());
            }
            // The driver has ended, and with it whatever it was asked.
            Received::NodeRelease { .. } => return Err(Errno::EPIPE),
            _ => {}
        }
    }
}

//! The driver of the real-time clock: to a message at its node `door` that carries a handle it answers through that handle with year, month,
//! day, hour, minute and second, a 64-bit word each, or with nothing if the chip has no date.
//!
//! A boot plan gives it the ports `chip`. It ends when the last handle to the node is gone.
#![no_std]
#![no_main]

use omnibus_userland::bus::Received;
use omnibus_userland::calls::Result;
use omnibus_userland::device::Ports;
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::{CLOCK_CHIP, ClockChip, Date};
use omnibus_userland::part::{Part, capability};
use omnibus_userland::program;

program!(main);

fn main() -> Result<()> {
    let part = Part::take()?;
    let door = part.node("door")?;
    let ports = Ports::from_capability(capability("chip")?);
    let chip = ClockChip::new(AtPorts::new(ports, CLOCK_CHIP.0))?;
    loop {
        match part.peer.recv()? {
            Received::Message(message) if message.node == door.id() => {
                let answer = chip.date()?.map(Date::to_bytes).unwrap_or_default();
                for handle in &message.handles {
                    // Who has gone does not want to know.
                    let _ = handle.send(&answer);
                }
            }
            Received::HandleRelease { node } if node == door.id() => return Ok(()),
            _ => {}
        }
    }
}

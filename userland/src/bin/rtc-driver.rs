//! The driver of the real-time clock. It is granted its ports and a peer; its argument is a node of that peer. To a message that carries
//! a handle it answers through that handle with year, month, day, hour, minute and second, a 64-bit word each, or with nothing if the chip
//! has no date. It ends when the last handle to the node is gone.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use omnibus_userland::abi::{Errno, Kind};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::device::Ports;
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::{CLOCK_CHIP, ClockChip, Date};
use omnibus_userland::{driver, environment, program};

program!(main);

fn main() -> Result<()> {
    let find = |kind| environment::find(kind).ok_or(Errno::ENOENT);
    let door = driver::door()?;
    let peer = Peer::from_capability(find(Kind::Peer)?);
    let ports = Ports::from_capability(find(Kind::Ports)?);
    let chip = ClockChip::new(AtPorts::new(ports, CLOCK_CHIP.0))?;
    loop {
        match peer.recv()? {
            Received::Message(message) if message.node == door => {
                let answer = chip.date()?.map(words).unwrap_or_default();
                for handle in &message.handles {
                    // Who has gone does not want to know.
                    let _ = handle.send(&answer);
                }
            }
            Received::HandleRelease { node } if node == door => return Ok(()),
            _ => {}
        }
    }
}

fn words(date: Date) -> Vec<u8> {
    let Date {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = date;
    let words = [
        u64::from(year),
        month.into(),
        day.into(),
        hour.into(),
        minute.into(),
        second.into(),
    ];
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

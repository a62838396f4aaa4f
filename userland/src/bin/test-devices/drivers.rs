//! Drivers that are programs.

use super::clock_chip::{all_lines, all_ports};
use core::time::Duration;
use omnibus_userland::abi::Kind;
use omnibus_userland::abi::capability::account;
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::{Handle, Message, Node, Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::CLOCK_CHIP;
use omnibus_userland::driver::uart::{COM1, Uart};
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, tests, time};

/// A driver, and a handle to its door.
struct Started {
    task: Task,
    own: Peer,
    door: Handle,
    _account: Account,
}

impl Started {
    /// Starts a driver with its ports, its line, an account and a peer.
    fn new(bench: &Bench, program: &'static str, chip: (u16, u64, u64)) -> Result<Self> {
        let payer = bench.account.carve(1024, 1 << 16, 512)?;
        let own = Peer::new(&bench.account)?;
        let theirs = Peer::new(&payer)?;
        let (node, door): (Node, Handle) = theirs.node_for(&own)?;
        let (ports, lines) = (
            all_ports()?.part(chip.0, chip.1)?,
            all_lines()?.part(chip.2, 1)?,
        );
        let task = Command::new(program)
            .grant(ports.number(), Kind::Ports.all_rights())
            .grant(lines.number(), Kind::Lines.all_rights())
            .grant(payer.number(), account::CHARGE)
            .grant(theirs.number(), Kind::Peer.all_rights())
            .argument(node.into_id())
            .spawn(&payer)?;
        Ok(Self {
            task,
            own,
            door,
            _account: payer,
        })
    }

    /// Sends bytes with a handle for the answer, and waits for it.
    fn ask(&self, bytes: &[u8]) -> Outcome<Message> {
        let (_node, handle) = self.own.node()?;
        self.own.send(&[&self.door], bytes, &[&handle])?;
        drop(handle);
        loop {
            match self.own.recv_until(time::deadline_in(PATIENCE))? {
                Received::Message(message) => return Ok(message),
                Received::HandleRelease { .. } => {}
                other => return Err(Failure::new(format_args!("{other:?}"))),
            }
        }
    }

    /// Gives the door up, and waits for the driver to end by itself.
    fn end(self) -> Outcome<()> {
        drop(self.door);
        WaitSet::new()
            .task(&self.task)
            .wait(time::deadline_in(PATIENCE))?;
        check_eq!(
            Ending::of(&self.task.status()?),
            Some(Ending::Exited(0)),
            "its end"
        );
        Ok(())
    }
}

tests! {
    /// Through a serial port whose output is its input every byte comes back once and in order, driven by its interrupts alone.
    fn drv_1_a_serial_port_in_a_loop(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_node, handle) = peer.node()?;
        let interrupt = all_lines()?.bind(COM1.2, &bench.account, &handle)?;
        let ports = all_ports()?.part(COM1.0, COM1.1)?;
        let mut uart = Uart::new(AtPorts::new(ports, COM1.0), true)?;
        interrupt.acknowledge()?;
        let (n_bytes, mut n_received, mut is_right) = (2000_u32, 0, true);
        let byte = |n: u32| (n * 7 % 251) as u8;
        let bytes: alloc::vec::Vec<u8> = (0..n_bytes).map(byte).collect();
        uart.send(&bytes)?;
        // Nothing may be printed before the loop is opened: it would come back.
        let mut heard = Ok(());
        while n_received < n_bytes && heard.is_ok() {
            heard = peer.recv_until(time::deadline_in(PATIENCE)).map(drop);
            uart.interrupt()?;
            interrupt.acknowledge()?;
            while let Some(received) = uart.receive() {
                is_right &= received == byte(n_received);
                n_received += 1;
            }
        }
        uart.end()?;
        check_eq!((n_received, heard), (n_bytes, Ok(())), "bytes that came back");
        check!(is_right, "they came back in another order");
        Ok(())
    }

    /// The serial driver prints what it is sent, says when that is on the line, and gives the port back when nobody can reach it.
    fn drv_2_the_serial_driver(bench) {
        for _ in 0..2 {
            let driver = Started::new(bench, "serial-driver", COM1)?;
            driver.door.send(b"a line of the serial driver\nand")?;
            driver.door.send(b" another\n")?;
            check_eq!(driver.ask(b"")?.data.len(), 0, "all is on the line");
            driver.end()?;
        }
        Ok(())
    }

    /// The clock driver tells a date, and a later one after a second.
    fn drv_3_the_clock_driver(bench) {
        let driver = Started::new(bench, "rtc-driver", CLOCK_CHIP)?;
        let date = || -> Outcome<alloc::vec::Vec<u64>> {
            let answer = driver.ask(b"")?;
            let (words, rest) = answer.data.as_chunks();
            check_eq!((words.len(), rest.len()), (6, 0), "an answer");
            Ok(words.iter().copied().map(u64::from_le_bytes).collect())
        };
        let first = date()?;
        check!((2020..2100).contains(&first[0]), "the year is {}", first[0]);
        time::sleep(Duration::from_millis(1100));
        let second = date()?;
        check!(second > first, "{second:?} behind {first:?}");
        driver.end()
    }
}

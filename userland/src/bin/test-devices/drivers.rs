//! Drivers that are programs.

use super::stage::{CLOCK, SERIAL, Stage};
use core::time::Duration;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::console::Console;
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::uart::{COM1, Uart};
use omnibus_userland::suite::devices::{all_lines, all_ports};
use omnibus_userland::{check, check_eq, tests, time};

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
            let stage = Stage::new(bench, SERIAL)?;
            let mut console = Console::open(&stage.client, stage.door())?;
            console.write(b"a line of the serial driver\nand")?;
            console.write(b" another\n")?;
            console.drain()?;
            drop(console);
            stage.end()?;
        }
        Ok(())
    }

    /// The clock driver tells a date, and a later one after a second.
    fn drv_3_the_clock_driver(bench) {
        let stage = Stage::new(bench, CLOCK)?;
        let date = || -> Outcome<alloc::vec::Vec<u64>> {
            let (node, handle) = stage.peer.node()?;
            stage.door().send_with(b"", &[&handle])?;
            drop(handle);
            let answer = stage.hear(&node)?;
            let (words, rest) = answer.as_chunks();
            check_eq!((words.len(), rest.len()), (6, 0), "an answer");
            Ok(words.iter().copied().map(u64::from_le_bytes).collect())
        };
        let first = date()?;
        check!((2020..2100).contains(&first[0]), "the year is {}", first[0]);
        time::sleep(Duration::from_millis(1100));
        let second = date()?;
        check!(second > first, "{second:?} behind {first:?}");
        stage.end()
    }
}

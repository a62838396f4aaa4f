//! I/O ports.

use omnibus_userland::abi::capability::ports;
use omnibus_userland::abi::{CapabilityNumber, Errno};
use omnibus_userland::calls;
use omnibus_userland::device::Ports;
use omnibus_userland::suite::devices::all_ports;
use omnibus_userland::{check, check_eq, tests};

/// The scratch register of the first serial port (PC16550D, 8.9): it holds what was written to it, and does nothing.
const SCRATCH: u16 = 0x3ff;

tests! {
    /// What is written to a device's register is read from it, byte by byte and two bytes at a time.
    fn prt_1_reading_and_writing(bench) {
        let com1 = all_ports()?.part(0x3f8, 8)?;
        let before = com1.read(SCRATCH)?;
        for value in [0x5a, 0xa5, 0, 0xff] {
            com1.write(SCRATCH, value)?;
            check_eq!(com1.read(SCRATCH)?, value, "the scratch register");
            let pair = calls::port_in(com1.number(), SCRATCH - 1, 2)?;
            check_eq!((pair >> 8) as u8, value, "the upper byte of a pair");
        }
        com1.write(SCRATCH, before)?;
        let _ = bench;
        Ok(())
    }

    /// A part of a range is never more than the range, and has the rights of the capability that it was made from.
    fn prt_2_parts(bench) {
        let all = all_ports()?;
        let com1 = all.part(0x3f8, 8)?;
        for (first, n) in [(0x3f7, 1), (0x3f8, 9), (0x3f8, 0), (0x400, 1), (0, 0x10000)] {
            check_eq!(com1.part(first, n).map(drop), Err(Errno::EINVAL), "{n} from {first:#x}");
        }
        for port in [0x3f7, 0x400, 0] {
            check_eq!(com1.read(port), Err(Errno::EINVAL), "port {port:#x}");
            check_eq!(com1.write(port, 0), Err(Errno::EINVAL), "port {port:#x}");
        }
        let input = calls::capability_copy(com1.number(), ports::IN)?;
        let input = Ports::from_capability(input).part(SCRATCH, 1)?;
        check_eq!(input.read(SCRATCH).map(drop), Ok(()), "with IN");
        check_eq!(input.write(SCRATCH, 0), Err(Errno::EPERM), "without OUT");
        check_eq!(input.read(SCRATCH - 1), Err(Errno::EINVAL), "its neighbour");
        let same = all.part(0x3f8, 8)?;
        check_eq!(calls::capability_compare(com1.number(), same.number())?, true, "the same range");
        check_eq!(calls::capability_compare(com1.number(), all.number())?, false, "another range");
        let split = |number: CapabilityNumber| calls::range_split(number, 0, 1).map(drop);
        check_eq!(split(bench.console), Err(Errno::EOPNOTSUPP), "a console has no parts");
        Ok(())
    }

    /// The ports of the kernel's own chips are refused, whoever asks, also in an access that only touches them.
    fn prt_3_the_kernels_own(bench) {
        let all = all_ports()?;
        for port in [0x20, 0x21, 0xa0, 0xa1, 0x40, 0x43, 0x61, 0xe9, 0xf4, 0xf7, 0x4d0] {
            check_eq!(all.read(port), Err(Errno::EPERM), "port {port:#x}");
            check_eq!(all.write(port, 0), Err(Errno::EPERM), "port {port:#x}");
        }
        check_eq!(calls::port_in(all.number(), 0xf2, 4), Err(Errno::EPERM), "over the border");
        check_eq!(calls::port_out(all.number(), 0xffff, 1, 0x100), Err(Errno::EINVAL), "a long value");
        check!(calls::port_in(all.number(), 0xffff, 2) == Err(Errno::EINVAL), "beyond the last port");
        let _ = bench;
        Ok(())
    }
}

//! Capability numbers, kinds and rights.

use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind, status};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::memory::Memory;
use omnibus_userland::raw::{self, Registers};
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// A capability number is generation times 2^32 plus slot; a slot used again has the next generation.
    fn cap_1_generation_and_slot(bench) {
        let first = calls::capability_copy(bench.console, 1)?;
        calls::capability_drop(first)?;
        for step in 1..=100 {
            let next = calls::capability_copy(bench.console, 1)?;
            let expected = CapabilityNumber::new(first.generation() + step, first.slot());
            check_eq!(next, expected, "the number after {step} uses");
            check_eq!(next.0 >> 32, u64::from(expected.generation()), "its upper half");
            calls::capability_drop(next)?;
            check_eq!(calls::capability_drop(first), Err(Errno::EBADF), "the first number");
        }
        Ok(())
    }

    /// Empty and stale slots are EBADF, the wrong kind EOPNOTSUPP, a missing right EPERM, in this order.
    fn cap_2_errors_in_order(bench) {
        let empty = CapabilityNumber::new(1, 1 << 20);
        for number in [CapabilityNumber(0), CapabilityNumber::INVALID, empty] {
            check_eq!(calls::peer_new(number), Err(Errno::EBADF), "a peer for {number:?}");
        }
        check_eq!(calls::peer_new(bench.console), Err(Errno::EOPNOTSUPP), "a peer for a console");
        let weak_console = calls::capability_copy(bench.console, 0)?;
        check_eq!(calls::peer_new(weak_console), Err(Errno::EOPNOTSUPP), "kind before right");
        let weak = calls::capability_copy(bench.account.number(), 0)?;
        check_eq!(calls::peer_new(weak), Err(Errno::EPERM), "a peer without CHARGE");
        calls::capability_drop(weak)?;
        calls::capability_drop(weak_console)?;
        Ok(())
    }

    /// Rights only shrink: a copy can have any of the original's, never another one.
    fn cap_3_rights_only_shrink(bench) {
        let all = Kind::Account.all_rights();
        for rights in 0..=all {
            let copy = calls::capability_copy(bench.account.number(), rights)?;
            check_eq!(calls::capability_info(copy)?.rights, rights, "rights of the copy");
            for more in 0..16 {
                let result = calls::capability_copy(copy, more);
                let is_less = more & !rights == 0;
                check!(is_less == result.is_ok(), "{more} out of {rights}: {result:?}");
                match result {
                    Ok(number) => calls::capability_drop(number)?,
                    Err(error) => check_eq!(error, Errno::EPERM, "{more} out of {rights}"),
                }
            }
            calls::capability_drop(copy)?;
        }
        Ok(())
    }

    /// Kind, rights and number of a capability can be read, and what it refers to compared, also without any right.
    fn cap_4_info(bench) {
        let peer = Peer::new(&bench.account)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let expected = [
            (bench.task, Kind::Task), (bench.account.number(), Kind::Account),
            (bench.console, Kind::Console), (bench.system, Kind::System), (peer.number(), Kind::Peer),
            (memory.number(), Kind::Memory),
        ];
        for (number, kind) in expected {
            let info = calls::capability_info(number)?;
            check_eq!((info.kind, info.rights), (kind as u64, kind.all_rights()), "{kind:?}");
            let copy = calls::capability_copy(number, 0)?;
            check_eq!(calls::capability_info(copy)?.kind, kind as u64, "{kind:?} without rights");
            check_eq!(calls::capability_info(copy)?.number, info.number, "its object");
            for (other, other_kind) in expected {
                let is_same = calls::capability_compare(copy, other)?;
                check_eq!(is_same, other == number, "{kind:?} and {other_kind:?} are one");
            }
            calls::capability_drop(copy)?;
        }
        let account = calls::capability_info(bench.account.number())?.number;
        check_eq!(account, bench.account.state()?.number, "the account's number");
        Ok(())
    }

    /// Thousands of slots at once work, and all of them are gone when dropped.
    fn cap_5_many_slots(bench) {
        let numbers: alloc::vec::Vec<_> = (0..2000)
            .map(|_| calls::capability_copy(bench.console, 1))
            .collect::<Result<_, _>>()?;
        for &number in &numbers {
            check_eq!(calls::capability_info(number)?.kind, Kind::Console as u64, "{number:?}");
        }
        for &number in &numbers {
            calls::capability_drop(number)?;
        }
        for &number in &numbers {
            check_eq!(calls::capability_info(number).map(drop), Err(Errno::EBADF), "{number:?}");
        }
        Ok(())
    }

    /// A call number that is not in the ABI gives ENOSYS and the value 0, whatever the arguments.
    fn abi_unknown_calls_are_enosys(_) {
        let end = omnibus_userland::abi::Call::END;
        let enosys = Registers { status: status::encode(Err(Errno::ENOSYS)).0, value: 0 };
        let numbers = [20, end, end + 1, 255, 256, 1 << 31, (1 << 32) + 1, 1 << 63, u64::MAX];
        for number in numbers {
            for argument in [0, 1, u64::MAX, 0xFFFF_8000_0000_0000] {
                // SAFETY: there is no such call, so nothing is written.
                let registers = unsafe { raw::call_number(number, [argument; 6]) };
                check_eq!(registers, enosys, "call {number:#x}");
            }
        }
        Ok(())
    }

    /// On success the status is 0; on failure it is the negative error number and the value is 0.
    fn abi_status_and_value(bench) {
        // SAFETY: the clock writes nothing.
        let clock = unsafe { raw::call_number(3, [u64::MAX; 6]) };
        check_eq!(clock.status, 0, "status of clock");
        check!(clock.value > 0, "the clock stands");
        // SAFETY: a peer is made, and nothing written.
        let failed = unsafe { raw::call_number(6, [bench.console.0, 1, 2, 3, 4, 5]) };
        check_eq!(failed.status as i64, -i64::from(Errno::EOPNOTSUPP.number()), "status");
        check_eq!(failed.value, 0, "value of a failure");
        Ok(())
    }

    /// A print is whole or nothing, bounded, and needs the console's right.
    fn abi_print(bench) {
        let long = [b' '; 4097];
        check_eq!(calls::debug_print(bench.console, &long), Err(Errno::EMSGSIZE), "too long");
        check_eq!(calls::debug_print(bench.console, b""), Ok(()), "nothing");
        let weak = calls::capability_copy(bench.console, 0)?;
        check_eq!(calls::debug_print(weak, b"x"), Err(Errno::EPERM), "without the right");
        calls::capability_drop(weak)?;
        check_eq!(calls::debug_print(bench.task, b"x"), Err(Errno::EOPNOTSUPP), "on a task");
        Ok(())
    }
}

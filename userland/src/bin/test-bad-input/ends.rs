//! The two calls that do not return: each case is a task, or a thread, of its own.

use crate::threads;
use alloc::vec::Vec;
use omnibus_userland::abi::limits::EXIT_STATUS_MAX;
use omnibus_userland::abi::native::TASK_EXITED;
use omnibus_userland::abi::{Call, DEADLINE_NEVER};
use omnibus_userland::check::Outcome;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::Command;
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check_eq, environment};

/// What the argument may be.
const VALUES: [u64; 10] = [
    0,
    1,
    255,
    256,
    257,
    1 << 32,
    (1 << 32) + 5,
    1 << 63,
    0xffff_8000_0000_0000,
    u64::MAX,
];

/// Arguments of all cases: each value, and each of them in each register that the call does not use.
fn all_registers() -> impl Iterator<Item = [u64; 6]> {
    VALUES.into_iter().flat_map(|value| {
        (0..6).map(move |register| {
            let mut registers = [7; 6];
            registers[register] = value;
            registers
        })
    })
}

/// `exit`: a status above 255 counts as 255. Returns the number of cases.
pub(crate) fn exits(bench: &Bench) -> Outcome<usize> {
    for registers in all_registers() {
        let command = Command::new(crate::PROGRAM).argument("--child");
        let command = registers.iter().fold(command, Command::argument);
        let child = command.spawn(&bench.account)?;
        WaitSet::new().task(&child).wait(DEADLINE_NEVER)?;
        let status = child.status()?;
        let expected = (TASK_EXITED, registers[0].min(EXIT_STATUS_MAX));
        check_eq!((status.state, status.code), expected, "{registers:x?}");
    }
    Ok(all_registers().count())
}

/// `thread_exit`: the value reaches whoever joins as it is. Returns the number of cases.
pub(crate) fn thread_exits() -> Outcome<usize> {
    for registers in all_registers() {
        check_eq!(
            threads::value_of(registers),
            Ok(registers[0]),
            "{registers:x?}"
        );
    }
    Ok(all_registers().count())
}

/// A child: makes the call with the registers that it is told, or ends at once.
pub(crate) fn child() -> u8 {
    let registers: Vec<u64> = environment::arguments()
        .skip(1)
        .map(|word| word.parse().expect("a register is a number"))
        .collect();
    if let Ok(registers) = <[u64; 6]>::try_from(registers) {
        let (registers, _) = crate::invocation::call_number(Call::Exit as u64, registers);
        panic!("exit returned {registers:?}");
    }
    0
}

//! The calls of whoever looks after the faults of a task.

use super::Result;
use super::gate::{Register, call};
use omnibus_abi::native::Registers;
use omnibus_abi::{Call, CapabilityNumber};

/// Has the faults of a task (right FAULTS) sent through a handle of `peer` (right USE).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: a capability. `EBADRQC`: no handle of the peer. `ESRCH`: the task has ended. `EBUSY`: a fault waits for
/// its answer. `EDQUOT`, `ENOMEM`.
pub fn task_faults(task: CapabilityNumber, peer: CapabilityNumber, handle: u64) -> Result<()> {
    let arguments = [task.0, peer.0, handle].map(Register::number);
    call(Call::TaskFaults, arguments).map(drop)
}

/// Reads the registers of the thread that stands at the fault `number` of a task (right FAULTS).
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `ESRCH`: no such fault waits for an answer.
pub fn fault_read(task: CapabilityNumber, number: u64) -> Result<Registers> {
    let mut registers = Registers::default();
    let arguments = [
        Register::number(task.0),
        Register::number(number),
        Register::output(&mut registers),
        Register::number(Registers::SIZE),
    ];
    call(Call::FaultRead, arguments).map(|_| registers)
}

/// Answers the fault `number` of a task (right FAULTS) with one of the `FAULT_*`; the registers count for `FAULT_CONTINUE`.
///
/// # Errors
/// `EBADF`, `EOPNOTSUPP`, `EPERM`: the capability. `EINVAL`: no answer, or a register that cannot be. `ESRCH`: no such fault waits for an
/// answer.
pub fn fault_answer(
    task: CapabilityNumber,
    number: u64,
    answer: u64,
    registers: &Registers,
) -> Result<()> {
    let arguments = [
        Register::number(task.0),
        Register::number(number),
        Register::number(answer),
        Register::input(registers),
        Register::number(Registers::SIZE),
    ];
    call(Call::FaultAnswer, arguments).map(drop)
}

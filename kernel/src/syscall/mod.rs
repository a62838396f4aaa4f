//! System calls: decode, look up, let the core do it, encode. One file per family.
//!
//! The table of calls is [`omnibus_abi::call`]; [`begin`] matches on it, so a call without a body does not compile. A
//! call ends at once, or leaves the rest of it in the thread as an [`Operation`].

pub mod account;
pub mod basic;
pub mod caller;
pub mod capability;
pub mod carried;
pub mod device;
pub mod fault;
pub mod inspect;
pub mod join;
pub mod long;
pub mod machine_memory;
pub mod memory;
pub mod memory_object;
pub mod operation;
pub mod paid;
pub mod recv;
pub mod release;
pub mod send;
pub mod short;
pub mod stopped;
pub mod structure;
pub mod task;
pub mod task_build;
pub mod task_priority;
pub mod thread;
pub mod transfer;
pub mod user;
pub mod vectors;
pub mod wait;

use omnibus_abi::short::N_BYTES_SHIFT;
use omnibus_abi::{Call, Errno};

use caller::Caller;
use operation::Outcome;

/// The arguments of a call, in the order `rdi rsi rdx r10 r8 r9`.
pub type Arguments = [u64; 6];

/// The call that `rax` names: those with a message in registers have its length in the upper half, those with one in memory the size of a
/// transfer.
#[must_use]
pub fn decode(rax: u64) -> Option<Call> {
    let call = Call::from_number(rax & ((1 << N_BYTES_SHIFT) - 1))?;
    (rax >> N_BYTES_SHIFT == 0 || call.is_short() || call.is_long()).then_some(call)
}

/// The answer of a call that has no arguments and needs nobody: known as soon as it is decoded.
#[inline(always)]
pub fn brief(number: u64) -> Option<Result<u64, Errno>> {
    const NULL: u64 = Call::Null as u64;
    const CLOCK: u64 = Call::Clock as u64;
    match number {
        NULL => Some(Ok(0)),
        CLOCK => Some(Ok(crate::time::now_ns())),
        _ => None,
    }
}

/// Begins the call that the caller's registers name.
#[inline(always)]
pub fn begin(caller: &mut Caller<'_>) -> Outcome {
    let (number, arguments) = caller.thread.machine.call();
    caller.thread.missed.clear();
    let Some(call) = decode(number) else {
        return Outcome::Done(Err(Errno::ENOSYS));
    };
    match call {
        Call::Null => Outcome::Done(Ok(0)),
        Call::Exit => basic::exit(caller, arguments),
        Call::Yield => Outcome::Yield,
        Call::Clock => Outcome::Done(Ok(crate::time::now_ns())),
        Call::DebugPrint => basic::debug_print(caller, arguments).into(),
        Call::Wait => wait::begin(caller, arguments),
        Call::PeerNew => basic::peer_new(caller, arguments).into(),
        Call::Transfer => transfer::begin(caller, arguments),
        Call::Release => release::begin(caller, arguments),
        Call::ReleaseOne => release::one(caller, arguments),
        Call::Send => send::begin(caller, arguments),
        Call::Recv => recv::begin(caller, arguments),
        Call::CapabilityCopy => capability::copy(caller, arguments).into(),
        Call::CapabilityDrop => capability::drop_slot(caller, arguments),
        Call::CapabilityInfo => capability::info(caller, arguments).into(),
        Call::ThreadNew => thread::new(caller, arguments).into(),
        Call::ThreadExit => thread::exit(caller, arguments),
        Call::ThreadJoin => join::begin(caller, arguments),
        Call::ThreadTls => thread::tls(caller, arguments).into(),
        Call::VmMap => memory::map(caller, arguments),
        Call::VmUnmap => memory::unmap(caller, arguments),
        Call::VmProtect => memory::protect(caller, arguments),
        Call::TaskKill => task::kill(caller, arguments),
        Call::TaskStatus => task::status(caller, arguments).into(),
        Call::AccountNew => account::new(caller, arguments).into(),
        Call::AccountRead => account::read(caller, arguments),
        Call::AccountShare => account::share(caller, arguments),
        Call::AccountLimits => account::limits(caller, arguments).into(),
        Call::AccountClaims => account::claims(caller, arguments).into(),
        Call::Inspect => inspect::begin(caller, arguments),
        Call::MemoryNew => memory_object::new(caller, arguments),
        Call::MemoryMap => memory_object::map(caller, arguments),
        Call::MemoryUnmap => memory_object::unmap(caller, arguments),
        Call::MemoryRevoke => memory_object::revoke(caller, arguments),
        Call::TaskNew => task_build::new(caller, arguments).into(),
        Call::TaskGrant => task_build::grant(caller, arguments).into(),
        Call::TaskStart => task_build::start(caller, arguments).into(),
        Call::TaskPriority => task_priority::begin(caller, arguments),
        Call::TaskFaults => fault::name_pager(caller, arguments),
        Call::FaultRead => fault::read(caller, arguments).into(),
        Call::FaultAnswer => fault::answer(caller, arguments).into(),
        Call::TaskWatch => task_build::watch(caller, arguments).into(),
        Call::CapabilityCompare => capability::compare(caller, arguments).into(),
        Call::MemoryWatch => memory_object::watch(caller, arguments).into(),
        Call::MemoryInfo => memory_object::info(caller, arguments).into(),
        Call::TimerNew => device::timer_new(caller, arguments).into(),
        Call::TimerSet => device::timer_set(caller, arguments).into(),
        Call::RangeSplit => device::range_split(caller, arguments).into(),
        Call::PortIn => device::port_in(caller, arguments).into(),
        Call::PortOut => device::port_out(caller, arguments).into(),
        Call::InterruptBind => device::interrupt_bind(caller, arguments).into(),
        Call::InterruptAcknowledge => device::interrupt_acknowledge(caller, arguments).into(),
        Call::SendShort => short::send(caller),
        Call::ReceiveShort => short::receive(caller),
        Call::CallShort => short::call(caller),
        Call::ReceiveLong => long::receive(caller),
        Call::CallLong => long::call(caller),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a call that gives or takes a message by registers may have anything in the upper half of its number.
    #[test]
    fn abi_lengths_belong_to_calls_with_messages() {
        for &call in Call::ALL {
            assert_eq!(decode(call as u64), Some(call));
            for n_bytes in [1, 64, 65, u64::from(u32::MAX)] {
                let decoded = decode(n_bytes << N_BYTES_SHIFT | call as u64);
                let has_upper_half = call.is_short() || call.is_long();
                assert_eq!(decoded, has_upper_half.then_some(call));
            }
        }
        assert_eq!(decode(Call::END), None);
    }
}

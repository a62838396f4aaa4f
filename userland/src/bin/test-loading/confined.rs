//! A task that was given nothing can reach nothing.

use omnibus_userland::abi::call::{Argument, SPECIFICATIONS};
use omnibus_userland::abi::native::{MemoryMap, TaskNew, VM_READ, WaitItem};
use omnibus_userland::abi::short::N_WORDS;
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, status};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::archive::Archive;
use omnibus_userland::calls;
use omnibus_userland::raw;
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::{check_eq, tests, time};

/// Capability numbers that are tried: these slots in these generations.
const SLOTS: u32 = 300;
const GENERATIONS: u32 = 4;

tests! {
    /// A task without capabilities gets EBADF from every call on any object, whatever number it tries, and can wait for nothing but time.
    fn cnf_1_nothing_given_nothing_reached(bench) {
        let own = bench.account.carve(64, 0, 1024)?;
        let task = Command::new(crate::PROGRAM).spawn(&own)?;
        let ending = task.wait_until(time::deadline_in(PATIENCE))?;
        // The status is the number of the first call that was not refused, and 1; or 255, if there is an archive.
        check_eq!(ending, Ending::Exited(0), "the end of the confined task");
        Ok(())
    }
}

/// The confined task: its status is 0 if everything was refused, else one more than the number of the call that was not.
pub(crate) fn main() -> u8 {
    for slot in 0..SLOTS {
        for generation in 0..GENERATIONS {
            let number = CapabilityNumber::new(generation, slot);
            if let Some(call) = reaches(number) {
                return call as u8 + 1;
            }
        }
    }
    // Nor is there anything to start a program from.
    match Archive::given() {
        Err(Errno::EBADF) => 0,
        _ => u8::MAX,
    }
}

/// The first call that does not refuse this number as one that names nothing.
fn reaches(number: CapabilityNumber) -> Option<Call> {
    for specification in SPECIFICATIONS {
        let takes_one = matches!(
            specification.arguments.first(),
            Some((_, Argument::Capability(..) | Argument::AnyCapability))
        );
        if !takes_one {
            continue;
        }
        let call = specification.call;
        let result = if call.is_short() || call.is_long() {
            // They return more than two registers. Those with a message in memory find no room there.
            let registers = raw::call_short([call as u64, number.0, 0, 0], [0; N_WORDS]);
            status::decode(registers.status, registers.words[0])
        } else {
            // SAFETY: the capability is looked at first; if it named something, the addresses are null, where nothing is mapped.
            #[allow(unsafe_code)]
            unsafe {
                raw::call(call, [number.0, 0, 0, 0, 0, 0])
            }
        };
        if result != Err(Errno::EBADF) {
            return Some(call);
        }
    }
    // These have theirs in structures.
    let map = MemoryMap {
        memory: number.0,
        n_bytes: 4096,
        rights: VM_READ,
        ..MemoryMap::default()
    };
    if calls::memory_map(&map) != Err(Errno::EBADF) {
        return Some(Call::MemoryMap);
    }
    if calls::task_new(number, "x", 0) != Err(Errno::EBADF) {
        return Some(Call::TaskNew);
    }
    let item = WaitItem {
        capability: number.0,
        ..WaitItem::default()
    };
    if calls::wait(&mut [item], 0) != Err(Errno::EBADF) {
        return Some(Call::Wait);
    }
    None
}

/// The structures that hold a capability; one more belongs above.
const _: () = assert!(TaskNew::SIZE == 40 && MemoryMap::SIZE == 56);

//! A task that was given nothing can reach nothing.

use crate::stage::Stage;
use omnibus_userland::abi::call::{Argument, SPECIFICATIONS};
use omnibus_userland::abi::native::{MemoryMap, TaskNew, TaskSpawn, VM_READ, WaitItem};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno};
use omnibus_userland::actor::PATIENCE;
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
        let stage = Stage::new(bench)?;
        let own = bench.account.carve(64, 0, 1024)?;
        let task = stage.load(&Command::new(crate::PROGRAM), &own)?;
        let ending = task.wait_until(time::deadline_in(PATIENCE))?;
        // The status is the number of the first call that was not refused, and 1.
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
    0
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
        // SAFETY: the capability is looked at first; if it named something, the addresses are null, where nothing is mapped.
        #[allow(unsafe_code)]
        let result = unsafe { raw::call(specification.call, [number.0, 0, 0, 0, 0, 0]) };
        if result != Err(Errno::EBADF) {
            return Some(specification.call);
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
    let spawn = calls::Spawn {
        account: number,
        name: "hello",
        arguments: &[],
        grants: &[],
        priority: 0,
    };
    if calls::task_spawn(&spawn) != Err(Errno::EBADF) {
        return Some(Call::TaskSpawn);
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
const _: () = assert!(TaskSpawn::SIZE == 80 && TaskNew::SIZE == 40 && MemoryMap::SIZE == 56);

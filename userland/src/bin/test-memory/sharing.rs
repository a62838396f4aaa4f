//! The same pages in several tasks.

use crate::sharer::GREETING;
use crate::{director, share};
use omnibus_userland::abi::capability::memory::{EXECUTE, READ, WRITE};
use omnibus_userland::abi::capability::task;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::memory::Memory;
use omnibus_userland::task::{Ending, Task};
use omnibus_userland::{calls, check, check_eq, raw, tests, time};

const RW: u64 = VM_READ | VM_WRITE;

/// Where a test maps something into another task.
const PLACE: u64 = 0x4000_0000_0000;

const PAGE_FAULT: u64 = 14;

tests! {
    /// What one task writes, another reads, without a copy and both ways.
    fn mob_11_two_tasks_share_pages(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let mapping = memory.map(RW)?;
        let sharer = share(&director, "write", memory.number(), READ | WRITE)?;
        check_eq!(director.hear(&sharer)?.data, b"written", "what it says");
        let mut found = [0; GREETING.len()];
        mapping.read(0, &mut found);
        check_eq!(&found, GREETING, "what it wrote");
        mapping.write(100, b"answer");
        sharer.handle.send(b"look")?;
        check_eq!(director.hear(&sharer)?.data, b"answer", "what it read");
        Ok(())
    }

    /// A task that may only read cannot write: not by asking, and not by trying.
    fn mob_12_readers_cannot_write(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let asking = share(&director, "refused", memory.number(), READ)?;
        let eperm = Errno::EPERM.number() as u8;
        check_eq!(director.hear(&asking)?.data, [0, eperm, eperm], "what it may map");
        let trying = share(&director, "write-read-only", memory.number(), READ)?;
        director.hear(&trying)?;
        let ending = trying.task.wait_until(time::deadline_in(PATIENCE))?;
        check!(
            matches!(ending, Ending::Faulted { vector: PAGE_FAULT, .. }),
            "it ended with {ending:?}"
        );
        Ok(())
    }

    /// While one task may write an object, no other may execute it, and the other way round.
    fn mob_13_write_xor_execute_across_tasks(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let busy = Errno::ETXTBSY.number() as u8;
        let all = READ | WRITE | EXECUTE;
        let writable = memory.map(RW)?;
        let sharer = share(&director, "refused", memory.number(), all)?;
        check_eq!(director.hear(&sharer)?.data, [0, 0, busy], "beside a writable mapping");
        drop(writable);
        let _executable = memory.map(VM_READ | VM_EXECUTE)?;
        let sharer = share(&director, "refused", memory.number(), all)?;
        check_eq!(director.hear(&sharer)?.data, [0, busy, 0], "beside an executable mapping");
        Ok(())
    }

    /// A task's mappings end with it, however it ends, and the object is as before.
    fn mob_14_mappings_end_with_the_task(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, 600 * PAGE_BYTES)?;
        for (what, is_killed) in [("hold", false), ("hold", true), ("spin", true)] {
            let sharer = share(&director, what, memory.number(), READ | WRITE)?;
            director.hear(&sharer)?;
            check_eq!(memory.info()?.n_mappings, 1, "mappings while it runs");
            if is_killed {
                sharer.task.kill()?;
            } else {
                sharer.handle.send(b"go on")?;
            }
            sharer.task.wait_until(time::deadline_in(PATIENCE))?;
            check_eq!(memory.info()?.n_mappings, 0, "mappings after {what}");
            while director.peer().try_recv()?.is_some() {}
            calls::capability_drop(sharer.task.number())?;
            let state = sharer.account.state()?;
            check_eq!(
                [state.objects_available, state.frames_available],
                [state.objects_maximum, state.frames_maximum],
                "what its account has after {what}"
            );
        }
        Ok(())
    }

    /// Memory can be mapped into a task through a capability of the task with the right MAP, and unmapped there.
    fn mob_15_into_another_task(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        memory.map(RW)?.write(0, &[77]);
        for is_there in [true, false] {
            let reader = director.cast("sharer", crate::PROGRAM, &[&"read-at", &PLACE])?;
            director.hear(&reader)?;
            let before = reader.account.state()?;
            check_eq!(memory.map_into(&reader.task, PLACE, VM_READ)?, PLACE, "the place");
            let during = reader.account.state()?;
            check!(during.frames_available < before.frames_available, "page tables are charged");
            if !is_there {
                unmap_in(reader.task.number(), PLACE)?;
                let after = reader.account.state()?;
                check!(after.frames_available > during.frames_available, "page tables are given back");
            }
            reader.handle.send(b"read")?;
            if is_there {
                check_eq!(director.hear(&reader)?.data, [77], "what it reads");
            } else {
                let ending = reader.task.wait_until(time::deadline_in(PATIENCE))?;
                let expected = Ending::Faulted { vector: PAGE_FAULT, address: PLACE };
                check_eq!(ending, expected, "its end when it was unmapped");
            }
        }
        Ok(())
    }

    /// Mapping into a task needs the right MAP, and a task that has not ended.
    fn mob_16_into_another_task_refusals(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let reader = director.cast("sharer", crate::PROGRAM, &[&"read-at", &PLACE])?;
        director.hear(&reader)?;
        let number = calls::capability_copy(reader.task.number(), task::WATCH | task::KILL)?;
        let watcher = Task::from_capability(number);
        let into = |task: &Task| memory.map_into(task, PLACE, VM_READ).map(drop);
        check_eq!(into(&watcher), Err(Errno::EPERM), "without MAP");
        check_eq!(unmap_in(number, PLACE), Err(Errno::EPERM), "unmapping without MAP");
        check_eq!(unmap_in(reader.task.number(), PLACE), Err(Errno::EINVAL), "what is not there");
        reader.task.kill()?;
        reader.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(into(&reader.task), Err(Errno::ESRCH), "a task that has ended");
        check_eq!(memory.info()?.n_mappings, 0, "mappings");
        Ok(())
    }
}

fn unmap_in(task: CapabilityNumber, address: u64) -> calls::Result<()> {
    // SAFETY: it is unmapped in another task.
    unsafe { raw::call(Call::MemoryUnmap, [task.0, address]) }.map(drop)
}

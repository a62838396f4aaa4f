//! What may be answered, and by whom.

use crate::client::{MARKS, UD2_BYTES};
use crate::stage::{HOLE, Stage};
use omnibus_userland::abi::capability::task;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{FAULT_RETRY, VM_READ, VM_WRITE};
use omnibus_userland::abi::{Errno, Kind};
use omnibus_userland::calls;
use omnibus_userland::fault::Registers;
use omnibus_userland::memory::Memory;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, tests, thread};

const INVALID_OPCODE: u64 = 6;

tests! {
    /// The registers of a thread that stands at a fault can be read and changed; it goes on with what they are then.
    fn flt_5_registers(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"undefined"])?;
        let told = stage.hear()?;
        let registers = client.task.registers(&told)?;
        check_eq!((told.vector, told.address), (INVALID_OPCODE, registers.rip), "the fault");
        check_eq!([registers.rax, registers.rcx], MARKS, "rax and rcx");
        let changed = Registers { rax: 99, rip: registers.rip + UD2_BYTES, ..registers };
        for wrong in [
            Registers { rip: 1 << 47, ..changed },
            Registers { rip: 0, ..changed },
            Registers { fs_base: 1 << 63, ..changed },
        ] {
            check_eq!(client.task.go_on(&told, &wrong), Err(Errno::EINVAL), "{wrong:?}");
        }
        check_eq!(client.task.registers(&told)?, registers, "what a refusal leaves");
        // Flags that are not a program's own are passed over.
        client.task.go_on(&told, &Registers { rflags: !0x4_0100, ..changed })?;
        check_eq!(client.end()?, Ending::Exited(99), "its end");
        Ok(())
    }

    /// A thread in a system call that is given registers goes on with them in user mode, and the call is not made.
    fn flt_6_registers_in_a_call(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"in-calls", &HOLE])?;
        let told = stage.hear()?;
        let registers = client.task.registers(&told)?;
        check_eq!(registers.rax, omnibus_userland::abi::Call::Send as u64, "the call");
        // As if SEND had said that there is no memory: the client gives up.
        let status = omnibus_userland::abi::status::encode(Err(Errno::ENOMEM)).0;
        client.task.go_on(&told, &Registers { rax: status, rdx: 0, ..registers })?;
        check_eq!(client.end()?, Ending::Exited(1), "its end");
        Ok(())
    }

    /// A thread that tries again without help faults again, under the next number; an answer counts once.
    fn flt_7_answers_count_once(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"read", &HOLE])?;
        let first = stage.hear()?;
        client.task.retry(&first)?;
        let again = Err(Errno::ESRCH);
        check_eq!(client.task.retry(&first), again, "a second answer");
        check_eq!(client.task.registers(&first).map(drop), again, "its registers after the answer");
        let second = stage.hear()?;
        check_eq!((second.number, second.address), (2, HOLE), "the fault again");
        check_eq!(client.task.retry(&first), again, "the answer to the first");
        check_eq!(client.task.go_on(&first, &Registers { rip: HOLE, ..Registers::default() }), again, "registers");
        stage.provide(&client, &second, 3)?;
        check_eq!(client.end()?, Ending::Exited(3), "its end");
        check_eq!(client.task.retry(&second), again, "an answer when it has ended");
        check_eq!(client.task.send_faults(&stage.handle), again, "a pager when it has ended");
        Ok(())
    }

    /// While a thread stands at a fault the others of its task run on.
    fn flt_8_others_run_on(bench) {
        let stage = Stage::new(bench)?;
        let counter = Memory::new(&stage.account, PAGE_BYTES)?;
        let place = HOLE + 16 * PAGE_BYTES;
        let (loaded, account) = stage.load(&[&"beside", &HOLE, &place], |command| command)?;
        loaded.task().send_faults(&stage.handle)?;
        counter.map_into(loaded.task(), place, VM_READ | VM_WRITE)?;
        let shared = counter.map(VM_READ | VM_WRITE)?;
        let count = || {
            let mut bytes = [0; 8];
            shared.read(0, &mut bytes);
            u64::from_le_bytes(bytes)
        };
        let client = crate::stage::Client { task: loaded.start()?, account };
        let told = stage.hear()?;
        let before = count();
        while count() < before + 5 {
            thread::yield_now();
        }
        stage.provide(&client, &told, 11)?;
        shared.write(0, &u64::MAX.to_le_bytes());
        // The client may have been between its read and its write.
        while client.task.status()?.state == 0 {
            shared.write(0, &u64::MAX.to_le_bytes());
            thread::yield_now();
        }
        check_eq!(client.end()?, Ending::Exited(11), "its end");
        Ok(())
    }

    /// Being told, reading and answering need the right FAULTS, and a pager is not replaced while a fault waits for its answer.
    fn flt_9_rights(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"read", &HOLE])?;
        let told = stage.hear()?;
        let all = Kind::Task.all_rights();
        let weak = calls::capability_copy(client.task.number(), all & !task::FAULTS)?;
        let (peer, handle) = (stage.peer.number(), stage.handle.id());
        let eperm = Err(Errno::EPERM);
        check_eq!(calls::task_faults(weak, peer, handle), eperm, "to be told");
        check_eq!(calls::fault_read(weak, told.number).map(drop), eperm, "to read");
        let answered = calls::fault_answer(weak, told.number, FAULT_RETRY, &Registers::default());
        check_eq!(answered, eperm, "to answer");
        calls::capability_drop(weak)?;
        check_eq!(client.task.send_faults(&stage.handle), Err(Errno::EBUSY), "another pager");
        stage.fill(&client, &told, 5)?;
        let other = Stage::new(bench)?;
        client.task.retry(&told)?;
        check_eq!(client.end()?, Ending::Exited(5), "its end");
        // The last pager that was named is the one that is told.
        let (loaded, account) = stage.load(&[&"read", &HOLE], |command| command)?;
        loaded.task().send_faults(&stage.handle)?;
        loaded.task().send_faults(&other.handle)?;
        let client = crate::stage::Client { task: loaded.start()?, account };
        let told = other.hear()?;
        check!(stage.is_quiet()?, "the first pager is told");
        other.provide(&client, &told, 6)?;
        check_eq!(client.end()?, Ending::Exited(6), "its end");
        Ok(())
    }
}

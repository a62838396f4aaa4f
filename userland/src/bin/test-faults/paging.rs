//! Pages on demand.

use crate::stage::{HOLE, Stage};
use omnibus_userland::abi::layout::{PAGE_BYTES, STACK_BYTES, STACK_TOP};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::fault::{self, PAGE_FAULT};
use omnibus_userland::task::Ending;
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, tests, thread, time};

/// How far the stack may grow.
const STACK_BYTES_MAX: u64 = 512 << 10;

tests! {
    /// A page that is missing is told with task, address and kind of the access; when it is there the thread goes on.
    fn flt_1_a_page_on_demand(bench) {
        let stage = Stage::new(bench)?;
        for (what, status, error_code) in [("read", 42, 4), ("write", 7, 6)] {
            let client = stage.cast(&[&what, &(HOLE + 123)])?;
            let told = stage.hear()?;
            let number = client.task.status()?.number;
            check_eq!((told.count, told.number, told.task), (1, 1, number), "which fault");
            let kind = (told.vector, told.error_code, told.flags);
            check_eq!(kind, (PAGE_FAULT, error_code, 0), "the kind of {what}");
            check_eq!(told.address, HOLE + 123, "the address of {what}");
            stage.provide(&client, &told, 42)?;
            check_eq!(client.end()?, Ending::Exited(status), "the end of {what}");
            check!(client.is_given_back()?, "what is held: {:?}", client.account.state()?);
        }
        Ok(())
    }

    /// A stack of which no page is there at first grows as far as it is used, page by page.
    fn flt_2_a_stack_grows(bench) {
        let stage = Stage::new(bench)?;
        let (loaded, account) = stage.load(&[&"deep", &200], |command| command.without_stack())?;
        loaded.task().send_faults(&stage.handle)?;
        let client = crate::stage::Client { task: loaded.start()?, account };
        let mut n_pages = 0;
        loop {
            let deadline_ns = time::deadline_in(PATIENCE);
            WaitSet::new().peer(&stage.peer).task(&client.task).wait(deadline_ns)?;
            if client.task.status()?.state != 0 {
                break;
            }
            let told = stage.hear()?;
            let place = STACK_TOP - STACK_BYTES_MAX..STACK_TOP;
            check!(place.contains(&told.address), "a fault at {:#x}", told.address);
            stage.provide(&client, &told, 0)?;
            n_pages += 1;
        }
        check_eq!(client.end()?, Ending::Exited(200), "its end");
        // 200 frames of half a KiB and more; the loader's stack would have been too small.
        check!(n_pages > STACK_BYTES / PAGE_BYTES, "{n_pages} pages of stack");
        Ok(())
    }

    /// A system call that meets a page which is not there waits for it, and goes on as if it had been there.
    fn flt_3_calls_wait_for_pages(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"in-calls", &HOLE])?;
        // Read by SEND; written by RECV; two written by TRANSFER; read and written by a call.
        let expected = [(0, 4), (1, 6), (2, 6), (3, 6), (4, 4), (5, 6)];
        for (index, error_code) in expected {
            let told = stage.hear()?;
            check!(fault::is_in_call(&told), "{told:?} is not in a call");
            let page = (told.address - HOLE) / PAGE_BYTES;
            check_eq!((page, told.error_code), (index, error_code), "the page, and the access");
            stage.provide(&client, &told, index as u8 + 1)?;
        }
        check_eq!(client.end()?, Ending::Exited(0), "its end");
        Ok(())
    }

    /// Threads of one task that fault at once are told one after the other, and all go on.
    fn flt_4_one_at_a_time(bench) {
        let stage = Stage::new(bench)?;
        let client = stage.cast(&[&"threads", &HOLE])?;
        let mut threads = alloc::vec::Vec::new();
        for number in 1..=3 {
            let told = stage.hear()?;
            check_eq!(told.number, number, "the number of the fault");
            for _ in 0..20 {
                thread::yield_now();
            }
            check!(stage.is_quiet()?, "another fault is told before the first is answered");
            check!(!threads.contains(&told.thread), "thread {} again", told.thread);
            threads.push(told.thread);
            stage.provide(&client, &told, number as u8)?;
        }
        check_eq!(client.end()?, Ending::Exited(6), "its end");
        Ok(())
    }
}

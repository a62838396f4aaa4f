//! Threads: start, end, join, thread-local storage.

use crate::director;
use alloc::boxed::Box;
use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use omnibus_userland::abi::layout::USER_END;
use omnibus_userland::abi::native::ThreadStart;
use omnibus_userland::abi::{Call, Errno, Kind};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::task::Ending;
use omnibus_userland::{calls, check_eq, raw, tests, thread, time};

tests! {
    /// A thread runs in its task's memory, and its end can be waited for.
    fn thr_1_start_and_join(_) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let threads = [1u64, 2, 3].map(|n| {
            thread::spawn(move || COUNT.fetch_add(n, Ordering::Relaxed) < 6)
        });
        for thread in threads {
            check_eq!(thread?.join()?, true, "what the thread made");
        }
        check_eq!(COUNT.load(Ordering::Relaxed), 6, "what the threads counted");
        Ok(())
    }

    /// Join gives the value of thread_exit, all 64 bits of it, as often as it is asked.
    fn thr_2_join_gives_the_value(_) {
        for value in [0, 1, u64::MAX, 0x8000_0000, 0xFFFF_FFFF_FFFF_FF00] {
            let thread = thread::spawn(move || -> () { calls::thread_exit(value) })?;
            for _ in 0..3 {
                let joined = calls::thread_join(thread.number(), time::deadline_in(PATIENCE));
                check_eq!(joined, Ok(value), "the value");
            }
        }
        Ok(())
    }

    /// A join ends by its deadline, and needs the capability of a thread with JOIN.
    fn thr_3_join_refusals(bench) {
        static MAY_END: AtomicBool = AtomicBool::new(false);
        let thread = thread::spawn(|| {
            while !MAY_END.load(Ordering::Relaxed) {
                thread::yield_now();
            }
        })?;
        let number = thread.number();
        check_eq!(calls::thread_join(number, 0), Err(Errno::ETIMEDOUT), "at once");
        let soon = time::now_ns() + 1_000_000;
        check_eq!(calls::thread_join(number, soon), Err(Errno::ETIMEDOUT), "in a millisecond");
        check_eq!(calls::capability_info(number)?.kind, Kind::Thread as u64, "its kind");
        let weak = calls::capability_copy(number, 0)?;
        check_eq!(calls::thread_join(weak, 0), Err(Errno::EPERM), "without JOIN");
        check_eq!(calls::thread_join(bench.task, 0), Err(Errno::EOPNOTSUPP), "a task");
        MAY_END.store(true, Ordering::Relaxed);
        thread.join()?;
        check_eq!(calls::thread_join(weak, 0), Err(Errno::EPERM), "without JOIN, afterwards");
        calls::capability_drop(weak)?;
        Ok(())
    }

    /// A thread cannot wait for itself.
    fn thr_4_joining_oneself_is_edeadlk(_) {
        static OWN: AtomicU64 = AtomicU64::new(0);
        let thread = thread::spawn(|| {
            while OWN.load(Ordering::Acquire) == 0 {
                thread::yield_now();
            }
            let own = omnibus_userland::abi::CapabilityNumber(OWN.load(Ordering::Acquire));
            calls::thread_join(own, u64::MAX)
        })?;
        OWN.store(thread.number().0, Ordering::Release);
        check_eq!(thread.join()?, Err(Errno::EDEADLK), "a thread that joins itself");
        Ok(())
    }

    /// Every thread has a TLS base of its own, kept whoever runs between.
    fn thr_5_tls_base_is_per_thread(_) {
        let threads = [11u64, 22, 33].map(|value| {
            thread::spawn(move || {
                let block = Box::new(value);
                set_tls_base(core::ptr::from_ref(&*block) as u64)?;
                for _ in 0..200 {
                    if read_tls() != value {
                        return Ok(false);
                    }
                    thread::yield_now();
                }
                // Through interrupts as well as calls.
                let end_ns = time::now_ns() + 20_000_000;
                while time::now_ns() < end_ns {
                    for _ in 0..1000 {
                        if read_tls() != value {
                            return Ok(false);
                        }
                    }
                }
                Ok::<_, Errno>(true)
            })
        });
        for thread in threads {
            check_eq!(thread?.join()?, Ok(true), "a thread that reads its own storage");
        }
        Ok(())
    }

    /// A TLS base is an address of the user half; any other is EINVAL and changes nothing.
    fn thr_6_tls_base_in_the_user_half(_) {
        let thread = thread::spawn(|| {
            let block = Box::new(44u64);
            set_tls_base(core::ptr::from_ref(&*block) as u64)?;
            for base in [USER_END, 1 << 47, 0xFFFF_8000_0000_0000, u64::MAX] {
                if set_tls_base(base) != Err(Errno::EINVAL) || read_tls() != 44 {
                    return Ok(base);
                }
            }
            Ok::<_, Errno>(0)
        })?;
        check_eq!(thread.join()?, Ok(0), "the base that was taken");
        Ok(())
    }

    /// A thread whose entry, stack or TLS base is outside the user half is refused.
    fn thr_7_start_refusals(_) {
        let good = ThreadStart {
            entry: thr_7_start_refusals as *const () as u64,
            stack: 0x5000_0000,
            ..ThreadStart::default()
        };
        for bad in [1 << 47, 0xFFFF_8000_0000_0000, u64::MAX] {
            let starts = [
                ThreadStart { entry: bad, ..good },
                ThreadStart { stack: bad, ..good },
                ThreadStart { tls_base: bad, ..good },
                ThreadStart { flags: bad, ..good },
            ];
            for start in starts {
                let arguments = [core::ptr::from_ref(&start) as u64, ThreadStart::SIZE];
                // SAFETY: it is refused; if not, the test fails by a fault of this task.
                let result = unsafe { raw::call(Call::ThreadNew, arguments) };
                check_eq!(result, Err(Errno::EINVAL), "{start:x?}");
            }
        }
        Ok(())
    }

    /// An ended thread is still an object of its task's account, until its last capability is dropped.
    fn thr_10_a_husk_is_paid_for(bench) {
        let own = bench.account.state()?.number;
        let n_objects = || {
            let all = bench.holdings()?.into_iter();
            Ok::<u64, Errno>(all.filter(|held| held.0 == own).map(|held| held.1).sum())
        };
        let n_before = n_objects()?;
        let thread = thread::spawn(|| ())?;
        let copy = calls::capability_copy(thread.number(), 1)?;
        thread.join()?;
        check_eq!(n_objects()?, n_before + 1, "objects with the husk");
        check_eq!(calls::thread_join(copy, 0), Ok(0), "its value");
        calls::capability_drop(copy)?;
        check_eq!(n_objects()?, n_before, "objects without it");
        Ok(())
    }

    /// Exit by one thread ends all threads of the task.
    fn thr_8_exit_ends_all_threads(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"threads-exit", &9])?;
        let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Exited(9), "the task's end");
        Ok(())
    }

    /// The end of the last thread is the task's, with status 0.
    fn thr_9_the_last_thread_is_the_task(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"last-thread"])?;
        let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Exited(0), "the task's end");
        Ok(())
    }
}

fn set_tls_base(base: u64) -> Result<u64, Errno> {
    // SAFETY: nothing in this runtime uses thread-local storage.
    unsafe { raw::call(Call::ThreadTls, [base]) }
}

fn read_tls() -> u64 {
    let value;
    // SAFETY: the base is that of a live block of 8 bytes.
    unsafe { asm!("mov {}, fs:[0]", out(reg) value, options(nostack, readonly)) };
    value
}

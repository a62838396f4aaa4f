//! Threads of this task, named like std's.
//!
//! Stacks lie in a range of their own, each with an unmapped page below it, so that an overflow
//! faults instead of writing over something else.

use crate::calls::{self, Result};
use crate::capability::Owned;
use crate::lock::Mutex;
use crate::raw;
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::arch::naked_asm;
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::native::{ThreadStart, VM_READ, VM_WRITE, VmMap};
use omnibus_abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno};

/// Bytes of a thread's stack.
pub const STACK_BYTES: u64 = 64 << 10;

/// Where the stacks lie: far from the heap and from where the kernel looks for room.
const STACKS_START: u64 = 0x0000_3000_0000_0000;

/// Lets other threads of the same priority run.
pub fn yield_now() {
    calls::yield_now();
}

/// Mapped memory for a stack, unmapped on drop.
#[derive(Debug)]
struct Stack {
    index: u64,
}

/// Numbers of stack places that are free again, and the first that was never used.
static PLACES: Mutex<(Vec<u64>, u64)> = Mutex::new((Vec::new(), 0));

impl Stack {
    fn new() -> Result<Self> {
        let index = {
            let mut places = PLACES.lock();
            places.0.pop().unwrap_or_else(|| {
                places.1 += 1;
                places.1 - 1
            })
        };
        let map = VmMap {
            flags: 0,
            address: Self::bottom(index),
            n_bytes: STACK_BYTES,
            rights: VM_READ | VM_WRITE,
        };
        let arguments = [core::ptr::from_ref(&map) as u64, VmMap::SIZE];
        // SAFETY: the kernel reads the structure and maps fresh memory where nothing is.
        match unsafe { raw::call(Call::VmMap, arguments) } {
            Ok(_) => Ok(Self { index }),
            Err(error) => {
                PLACES.lock().0.push(index);
                Err(error)
            }
        }
    }

    /// Lowest address of a place's stack; the page below it stays unmapped.
    const fn bottom(index: u64) -> u64 {
        STACKS_START + index * (STACK_BYTES + PAGE_BYTES) + PAGE_BYTES
    }

    const fn top(&self) -> u64 {
        Self::bottom(self.index) + STACK_BYTES
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the stack is dropped when its thread has ended or was never made.
        let result = unsafe { raw::call(Call::VmUnmap, [Self::bottom(self.index), STACK_BYTES]) };
        if result.is_ok() {
            PLACES.lock().0.push(self.index);
        }
    }
}

/// What a new thread runs, behind one pointer that fits in a register.
type Job = Box<dyn FnOnce() + Send>;

/// Starts a thread that runs `f`.
///
/// # Errors
/// `EDQUOT`, `ENOMEM`.
pub fn spawn<F, T>(f: F) -> Result<JoinHandle<T>>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let stack = Stack::new()?;
    let value = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&value);
    let job: Box<Job> = Box::new(Box::new(move || *slot.lock() = Some(f())));
    let argument = Box::into_raw(job);
    let start = ThreadStart {
        flags: 0,
        entry: enter as *const () as u64,
        stack: stack.top(),
        argument: argument as u64,
        tls_base: 0,
    };
    let arguments = [core::ptr::from_ref(&start) as u64, ThreadStart::SIZE];
    // SAFETY: the new thread has a stack of its own and is the only owner of the job.
    match unsafe { raw::call(Call::ThreadNew, arguments) } {
        Ok(number) => Ok(JoinHandle {
            capability: Owned::new(CapabilityNumber(number)),
            stack: Some(stack),
            value,
        }),
        Err(error) => {
            // SAFETY: no thread was made, so the job is still ours.
            drop(unsafe { Box::from_raw(argument) });
            Err(error)
        }
    }
}

/// First instruction of a thread: the argument is in `rdi`; the frame chain ends here.
#[unsafe(naked)]
extern "C" fn enter(job: *mut Job) -> ! {
    naked_asm!("xor ebp, ebp", "and rsp, -16", "call {}", "ud2", sym run)
}

extern "C" fn run(job: *mut Job) -> ! {
    // SAFETY: `spawn` made the pointer from a box and gave it to this thread alone.
    let job = unsafe { Box::from_raw(job) };
    job();
    calls::thread_exit(0)
}

/// A thread that can be waited for. If dropped instead, the thread goes on, and its stack stays
/// mapped until the task ends.
pub struct JoinHandle<T> {
    capability: Owned,
    stack: Option<Stack>,
    value: Arc<Mutex<Option<T>>>,
}

impl<T> JoinHandle<T> {
    /// The capability's number.
    #[must_use]
    pub const fn number(&self) -> CapabilityNumber {
        self.capability.number()
    }

    /// Waits until the thread has ended or the deadline passes.
    ///
    /// # Errors
    /// `ETIMEDOUT`.
    pub fn wait_until(&self, deadline_ns: u64) -> Result<()> {
        calls::thread_join(self.number(), deadline_ns).map(drop)
    }

    /// Waits until the thread has ended, and returns what it made.
    ///
    /// # Errors
    /// `EDEADLK`: it is the calling thread. `ESRCH`: it ended by `thread_exit` without a value.
    pub fn join(mut self) -> Result<T> {
        self.wait_until(DEADLINE_NEVER)?;
        drop(self.stack.take());
        self.value.lock().take().ok_or(Errno::ESRCH)
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        // The thread may still be on its stack.
        core::mem::forget(self.stack.take());
    }
}

//! What the core is told about the system that embeds it.

use crate::{Amounts, TraceEvent};

/// The embedding system: a kernel, or a program of the host.
pub trait System: Sized + 'static {
    /// What the embedder attaches to a peer and gets back when somebody must be woken: a wait queue, a task number, `()`.
    type Watch: Send + Sync;
    /// What of its own the embedder lets messages carry, beside handles: a capability of the kernel, [`core::convert::Infallible`] for none.
    /// The core never looks at it. It reaches every receiver of the message, and is dropped, outside every lock, when the last of
    /// them has let go of the message or the last message was dropped. It must not be able to keep a peer open.
    type Object: Send + Sync;
    /// What its accounts count: `[u64; 2]` is objects and bytes, more slots are the embedder's.
    type Amounts: Amounts;

    /// How often a thread tries a lock that another holds before it stands in line for it, with a short wait behind each of the first tries and
    /// [`System::relax`] behind the others. From then on the lock is granted in order of arrival (ORD-6). 0 for a kernel. A program with more
    /// threads than processors needs a few thousand: a thread that is preempted while it stands in line holds up all behind it, and they
    /// never catch up.
    const N_TRIES_BEFORE_LINE: u32 = 0;

    /// What a thread does, over and over, while it waits for a lock that another holds, or for another to be done with a batch of work
    /// on the same peer. A kernel has as many threads in the core as processors and keeps interrupts off there, so it spins; a
    /// program of the host lets the other thread run (`std::thread::yield_now`), which may have been preempted with the lock.
    fn relax() {
        core::hint::spin_loop();
    }

    /// Called between two lock-held sections of work that a call cannot stop in, without any lock of the core. A kernel that keeps
    /// interrupts off in the core lets them in here (ORD-8).
    fn between_sections() {}

    /// Whether anybody watches: asked wherever there is something to tell, so it must cost next to nothing.
    #[inline(always)]
    fn is_traced() -> bool {
        false
    }

    /// Told what took effect, if [`System::is_traced`]: by the thread that did it, after it did, without any lock of the core.
    fn trace(_event: TraceEvent) {}
}

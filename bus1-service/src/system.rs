//! What the core is told about the system that embeds it.

use crate::Amounts;

/// The embedding system: a kernel, or a program of the host.
pub trait System: Sized + 'static {
    /// What the embedder attaches to a peer and gets back when somebody must be woken: a wait queue, a task number, `()`.
    type Watch: Send + Sync;
    /// What its accounts count: `[u64; 2]` is objects and bytes, more slots are the embedder's.
    type Amounts: Amounts;
}

//! Where the kernel can be watched.
//!
//! One macro stands at every system call's entry and exit, commit, receive, switch of thread, fault and
//! refusal. It is empty for now: its arguments are named in the source and evaluated nowhere.

/// Marks a point of interest: `trace!(event, name = value, …)`.
#[macro_export]
macro_rules! trace {
    ($event:ident $(, $name:ident = $value:expr)* $(,)?) => {{
        if false {
            $(let _ = &$value;)*
        }
    }};
}

pub use trace;

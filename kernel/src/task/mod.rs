//! Tasks and threads, and who runs.
//!
//! ```text
//!   trap ──> syscall or fault ──> run::leave ──> registers of the next thread
//!                                   │  ^
//!                    reaper (batches)  scheduler (ready, deadlines)
//! ```

pub mod attention;
pub mod backing;
pub mod builder;
pub mod deadlines;
pub mod doing;
pub mod end;
pub mod faults;
pub mod first;
pub mod machine;
pub mod name;
pub mod priorities;
pub mod ready;
pub mod reaper;
#[cfg(not(test))]
pub mod run;
pub mod scheduler;
pub mod space;
pub mod status;
#[expect(
    clippy::module_inception,
    reason = "the object that the folder is about"
)]
pub mod task;
pub mod thread;
pub mod throttle;
pub mod waiters;
pub mod watch;

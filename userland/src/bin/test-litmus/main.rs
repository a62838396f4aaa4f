//! Runs the ordering litmus tests with threads that the kernel preempts.
//!
//! Each program runs many times with its threads started in another rhythm; what must never be
//! seen is looked for every time. L14, where a sender is held inside a commit, is shown here only
//! as far as preemption stops a thread; on the host it is held at every step.
#![no_std]
#![no_main]

extern crate alloc;

mod messages;
mod quotas;
mod race;
mod releases;

use omnibus_userland::suite;

suite!("test-litmus"; messages::TESTS, releases::TESTS, quotas::TESTS);

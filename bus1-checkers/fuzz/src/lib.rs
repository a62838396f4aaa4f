//! The bus1 core beside its model, driven by bytes.
//!
//! Any bytes are a program: accounts with certain limits, then steps on several peers. After every step the core and the model must
//! agree on what came of it and on everything that can be observed; in the end everything is closed, and no byte, object or
//! charge may be left. What a step can be:
//!
//! - a command, in one call or in phases, with ids that are good, gone, of the wrong kind, or nonsense;
//! - the same with one allocation refused, or given up in one of its phases: nothing may have changed;
//! - two commands of which one is made between the phases of the other: one order of the two must explain both;
//! - arrays longer than a command may have; a second release while one is open; calls on a closed peer;
//! - new peers and accounts, and charges of an account's own; events that are bound and ended;
//! - a message that is handed over, in any of the ways, or cannot be delivered;
//! - one that is handed over to several together, with another command at one of the steps.
//!
//! The bytes come from a coverage-guided fuzzer (`src/main.rs`), or from the corpus, which the ordinary tests replay: it
//! must reach every error that the core documents ([`DOCUMENTED`]), and all that becomes of a message to several who wait ([`Together`]).

mod accounts;
#[path = "../../../bus1-service/tests/allocator/mod.rs"]
mod allocator;
mod calls;
mod documented;
mod evidence;
mod handing;
mod input;
mod machine;
mod overlap;
mod phases;
mod sched;
mod together;

pub use documented::{DOCUMENTED, Reached, Together};

/// Runs the program that `bytes` stand for and says which documented errors it reached.
///
/// # Panics
/// If the core and the model differ, or something is left.
#[must_use]
pub fn run(bytes: &[u8]) -> Reached {
    static WARM_UP: std::sync::Once = std::sync::Once::new();
    // What the standard library allocates once and keeps.
    WARM_UP.call_once(|| {
        machine::run(&[0; 64]);
    });
    let (n_bytes, reached) = allocator::bytes_left(|| machine::run(bytes));
    assert_eq!(n_bytes, 0, "bytes are left, allocated and not freed");
    reached
}

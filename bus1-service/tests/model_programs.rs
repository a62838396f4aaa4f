//! Long random programs of one thread: after every step the core and the reference model agree on the result, on every peer,
//! queue and account, and on whom was woken.

mod evidence;
#[path = "evidence/sched/threads.rs"]
mod sched;

use evidence::beside::Beside;
use evidence::program::{Step, resolve, steps};
use evidence::stage::Woken;
use proptest::prelude::*;

/// The account of each peer.
const PEERS: [usize; 5] = [0, 0, 1, 2, 2];

fn run(maxima: &[[u64; 2]], steps: &[Step]) {
    let mut beside = Beside::new(maxima, &PEERS);
    for (number, step) in steps.iter().enumerate() {
        let call = resolve(step, &beside.knowledge);
        if !beside.can_be_made(&call) {
            continue;
        }
        let was_readable = beside.readable();
        let mut woken = Woken::new();
        let outcome = beside.stage.call(&call, &mut woken);
        let history = format!("step {number}: {call:?} gave {outcome:?}");
        beside.made(&call, &outcome, &was_readable, &woken, &history);
    }
    beside.end();
}

proptest! {
    #![proptest_config(evidence::config(400))]

    /// With limits that nobody meets, the core does what the model does.
    #[test]
    fn ord_1_core_follows_the_model(steps in steps(1..120)) {
        run(&[[1 << 20, 1 << 30]; 3], &steps);
    }

    /// With limits that everybody meets, the core refuses what the model refuses, and its counters are the model's.
    #[test]
    fn acc_2_core_follows_the_model_under_tight_limits(steps in steps(1..120)) {
        run(&[[60, 300], [200, 900], [600, 200]], &steps);
    }
}

/// Litmus tests, which are elsewhere, begin their threads with this.
fn before_thread(_number: usize) {}

//! The same programs by several threads at once, recorded as a history.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex, RwLock};

use bus1_model::history::{Event, Unexplained, explain};
use bus1_model::{Call, Outcome, World};

use super::knowledge::{Knowledge, learn};
use super::program::{Step, resolve};
use super::stage::{Stage, Woken, model_quotas, quotas};

/// A program: what is set up by one thread, and then what each thread does.
pub(crate) struct Program {
    pub(crate) setup: Vec<Step>,
    pub(crate) threads: Vec<Vec<Step>>,
}

/// A stage in use by several threads.
struct Recorder<'a> {
    stage: &'a Stage,
    knowledge: Mutex<Vec<Knowledge>>,
    /// Whether each peer is open; a running call keeps it so (CLO-5).
    is_open: Vec<RwLock<bool>>,
    clock: AtomicU64,
    events: Mutex<Vec<Event>>,
}

/// Runs `program` by as many threads as it has, `before_thread` first in each; then one thread receives all that is left. The
/// whole history must have one order that the model accepts, and nothing may be left behind. `false` if the search for that order was
/// given up.
pub(crate) fn run(
    peers: &[usize],
    program: &Program,
    before_thread: impl Fn(usize) + Sync,
) -> Result<bool, String> {
    let n_accounts = peers.iter().max().map_or(0, |last| last + 1);
    let stage = Stage::new(&vec![[1 << 30, 1 << 40]; n_accounts], peers);
    let mut world = stage.world(peers);
    let mut knowledge = vec![Knowledge::default(); peers.len()];
    for step in &program.setup {
        let call = resolve(step, &knowledge);
        let outcome = stage.call(&call, &mut Woken::new());
        assert_eq!(world.call(&call, &outcome), outcome, "while setting up");
        world.clear_all();
        learn(&mut knowledge, &call, &outcome);
    }
    world.take_receivers();
    let recorder = Recorder {
        stage: &stage,
        knowledge: Mutex::new(knowledge),
        is_open: peers.iter().map(|_| RwLock::new(true)).collect(),
        clock: AtomicU64::new(0),
        events: Mutex::default(),
    };
    let barrier = Barrier::new(program.threads.len());
    std::thread::scope(|scope| {
        for (number, steps) in program.threads.iter().enumerate() {
            let (recorder, barrier, before_thread) = (&recorder, &barrier, &before_thread);
            scope.spawn(move || {
                before_thread(number);
                barrier.wait();
                for (index, step) in steps.iter().enumerate() {
                    recorder.step(step, (number * 64 + index + 1) as u64);
                }
            });
        }
    });
    for peer in 0..peers.len() {
        while recorder.record(Call::Recv { peer }) {}
    }
    let events = recorder.events.into_inner().expect("no thread failed");
    let is_decided = match explain(&world, &events) {
        Ok(world) => {
            compare(&stage, &world)?;
            true
        }
        Err(Unexplained::NoOrder(text)) => {
            return Err(format!("no order explains this history:\n{text}"));
        }
        Err(Unexplained::GivenUp(text)) => {
            println!("the search for an order was given up:\n{text}");
            false
        }
    };
    stage.end();
    Ok(is_decided)
}

impl Recorder<'_> {
    fn step(&self, step: &Step, number: u64) {
        let mut call = {
            let knowledge = self.knowledge.lock().expect("no thread failed");
            resolve(step, &knowledge)
        };
        if let Call::Send { payload, .. } = &mut call {
            *payload = number.to_le_bytes().to_vec();
        }
        self.record(call);
    }

    /// Makes the call if its peers are open; whether it succeeded.
    fn record(&self, call: Call) -> bool {
        let mut peers = call.peers();
        peers.sort_unstable();
        peers.dedup();
        let called_at;
        let outcome;
        if let Call::Close { peer } = call {
            let mut is_open = self.is_open[peer].write().expect("no thread failed");
            if !std::mem::replace(&mut *is_open, false) {
                return false;
            }
            called_at = self.now();
            drop(is_open);
            outcome = self.stage.call(&call, &mut Woken::new());
        } else {
            let guards = peers.iter().map(|&peer| self.is_open[peer].read());
            let guards: Vec<_> = guards
                .map(|guard| guard.expect("no thread failed"))
                .collect();
            if guards.iter().any(|is_open| !**is_open) {
                return false;
            }
            called_at = self.now();
            outcome = self.stage.call(&call, &mut Woken::new());
        }
        let returned_at = self.now();
        let is_success = !matches!(outcome, Outcome::Failed(_));
        let mut knowledge = self.knowledge.lock().expect("no thread failed");
        learn(&mut knowledge, &call, &outcome);
        drop(knowledge);
        self.events.lock().expect("no thread failed").push(Event {
            call,
            outcome,
            called_at,
            returned_at,
        });
        is_success
    }

    fn now(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// What the core holds in the end is what the model holds after the order that was found.
fn compare(stage: &Stage, world: &World) -> Result<(), String> {
    for peer in 0..stage.peers.len() {
        let expected = world.peer(peer);
        let state = stage.peer(peer, expected.is_open);
        if state != expected {
            return Err(format!("peer {peer} is {state:?}, not {expected:?}"));
        }
    }
    for (account, expected) in stage.accounts.iter().zip(world.accounts()) {
        let held = |quotas: super::stage::Quotas| -> Vec<_> {
            quotas
                .into_iter()
                .map(|(claimant, (_, _, traces))| (claimant, traces))
                .collect()
        };
        let (held, expected) = (held(quotas(account)), held(model_quotas(expected)));
        if held != expected {
            let number = account.number();
            return Err(format!("{number:?}: {held:?} is held, not {expected:?}"));
        }
    }
    Ok(())
}

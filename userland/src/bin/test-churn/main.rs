//! Tests that a task's end gives back everything it held, whatever it was doing: 10, 100 and 1,000 tasks, at least half of
//! them killed at random instants.
#![no_std]
#![no_main]

extern crate alloc;

mod victim;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Node, Peer};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::{check, environment, program, tests, time};

use omnibus_abi::capability::{account, console};
use omnibus_abi::{CapabilityNumber, Kind};

program!(main);

fn main() -> u8 {
    let mut arguments = environment::arguments();
    if arguments.next() == Some(victim::FLAG) {
        return victim::run(arguments);
    }
    suite::run("test-churn", &[TESTS])
}

/// Tasks alive at a time.
const TASKS_AT_ONCE: usize = 6;

/// How long a task may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest time from start to kill.
const LIFE_NS: u64 = 4_000_000;

/// Room for the text of the whole system.
const TEXT_BYTES: usize = 64 << 10;

tests! {
    /// Ten tasks of every kind leave nothing behind: frames, heap, tables, peers and accounts are as before.
    fn churn_10_tasks(bench) {
        churn(bench, 10)
    }

    /// A hundred tasks, half of them killed at random instants, leave nothing behind.
    fn churn_100_tasks(bench) {
        churn(bench, 100)
    }

    /// A thousand tasks, half of them killed at random instants, leave nothing behind.
    fn churn_1000_tasks(bench) {
        churn(bench, 1000)
    }
}

fn churn(bench: &Bench, n_tasks: usize) -> Outcome {
    let peer = Peer::new(&bench.account)?;
    // What this task itself needs for it, its heap above all, it has after one round.
    round(bench, &peer, 2 * victim::KINDS.len())?;
    let before = dump(bench.system)?;
    let n_killed = round(bench, &peer, n_tasks)?;
    let after = dump(bench.system)?;
    check!(
        2 * n_killed >= n_tasks,
        "only {n_killed} of {n_tasks} were killed"
    );
    for (before, after) in before.lines().zip(after.lines()) {
        check!(before == after, "{before:?} became {after:?}");
    }
    check!(
        before == after,
        "lines were added or lost:\n{before}\n{after}"
    );
    Ok(())
}

/// A task that runs, and what is held for it.
struct Running {
    task: Task,
    _account: Account,
    _node: Node,
    _handle: Handle,
    kind: &'static str,
    kill_at_ns: u64,
}

/// Runs `n_tasks`, kills every second at a random instant and the others if they do not end by themselves; how many were killed.
fn round(bench: &Bench, peer: &Peer, n_tasks: usize) -> Outcome<usize> {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64 ^ n_tasks as u64;
    let mut running = VecDeque::new();
    let mut n_killed = 0;
    for index in 0..n_tasks {
        if running.len() == TASKS_AT_ONCE {
            n_killed += usize::from(end(&mut running)?);
        }
        let life_ns = next(&mut random) % LIFE_NS;
        running.push_back(start(bench, peer, index, life_ns)?);
        drain(peer)?;
    }
    while !running.is_empty() {
        n_killed += usize::from(end(&mut running)?);
        drain(peer)?;
    }
    drain(peer)?;
    Ok(n_killed)
}

/// A pseudo-random number (xorshift64).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn start(bench: &Bench, peer: &Peer, index: usize, life_ns: u64) -> Result<Running> {
    let kind = victim::KINDS[index % victim::KINDS.len()].0;
    let paying = bench.account.carve(20_000, 8 << 20, 1024)?;
    let own = Peer::new(&paying)?;
    let (node, handle_there) = peer.node_for(&own)?;
    let (node_there, handle) = own.node_for(peer)?;
    let task = Command::new("test-churn")
        .argument(victim::FLAG)
        .argument(kind)
        .argument(handle_there.id())
        .priority(environment::priority() - 1)
        .grant(bench.console, console::WRITE)
        .grant(own.number(), Kind::Peer.all_rights())
        .grant(paying.number(), account::CHARGE)
        .spawn(&paying)?;
    // These are the task's from here on.
    let _ = (handle_there.into_id(), node_there.into_id());
    Ok(Running {
        task,
        _account: paying,
        _node: node,
        _handle: handle,
        kind,
        kill_at_ns: time::now_ns() + life_ns,
    })
}

/// Ends the oldest task; whether it was killed.
fn end(running: &mut VecDeque<Running>) -> Outcome<bool> {
    let Some(oldest) = running.pop_front() else {
        return Ok(false);
    };
    // Lower priorities run while this sleeps, and are interrupted when it wakes: wherever they are.
    while time::now_ns() < oldest.kill_at_ns {
        let _ = calls::wait(&mut [], oldest.kill_at_ns);
    }
    oldest.task.kill()?;
    match oldest.task.wait_until(time::deadline_in(PATIENCE)) {
        Ok(ending) => Ok(ending == Ending::Killed),
        Err(error) => Err(Failure::new(format_args!(
            "a task ({}) did not end: {error}",
            oldest.kind
        ))),
    }
}

/// Takes everything out of the queue, and lets go of what it carries.
fn drain(peer: &Peer) -> Result<()> {
    while peer.try_recv()?.is_some() {}
    Ok(())
}

fn dump(system: CapabilityNumber) -> Outcome<String> {
    let mut text = vec![0; TEXT_BYTES];
    let n_bytes = calls::inspect(system, &mut text)? as usize;
    check!(n_bytes <= TEXT_BYTES, "{n_bytes} bytes of text");
    text.truncate(n_bytes);
    String::from_utf8(text).map_err(Failure::new)
}

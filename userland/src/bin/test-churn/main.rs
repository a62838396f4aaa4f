//! Tests that a task's end gives back everything it held, whatever it was doing: 10, 100 and 1,000 tasks, at least half of
//! them killed at random instants.
#![no_std]
#![no_main]

extern crate alloc;

mod fill;
mod victim;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec;
use core::time::Duration;
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::{check, environment, println, program, tests, time};

use omnibus_abi::capability::{account, console};
use omnibus_abi::{CapabilityNumber, Kind};

program!(main);

fn main() -> u8 {
    let mut arguments = environment::arguments();
    match arguments.next() {
        Some(victim::FLAG) => victim::run(arguments),
        Some(fill::FLAG) => fill::run(arguments),
        _ => suite::run("test-churn", &[TESTS]),
    }
}

/// Tasks alive at a time.
const TASKS_AT_ONCE: usize = 6;

/// How long a task may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longest time from start to kill.
const LIFE_NS: u64 = 2_000_000;

/// So many dumps in a row, 10 ms apart, are equal before the system counts as at rest: on a busy machine the clean-up of ended tasks
/// may stand still for a while.
const DUMPS_AT_REST: u32 = 20;

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

    /// When tasks take all that accounts may hold, each is told EDQUOT, not ENOMEM: the machine has what accounts promise; and all of it
    /// comes back.
    fn acc_7_accounts_are_backed(bench) {
        fill::fill(bench)
    }
}

fn churn(bench: &Bench, n_tasks: usize) -> Outcome {
    let peer = Peer::new(&bench.account)?;
    // What this task itself needs for it, its heap above all, it has after one round.
    round(bench, &peer, 2 * victim::KINDS.len())?;
    drop(core::hint::black_box(vec![1_u8; 8 * TEXT_BYTES]));
    let mut n_equal = 0;
    let before = settled(bench.system, |text, last| {
        n_equal = if text == last { n_equal + 1 } else { 0 };
        n_equal == DUMPS_AT_REST
    })?;
    let deaths = round(bench, &peer, n_tasks)?;
    let after = settled(bench.system, |text, _| *text == before)?;
    let n_killed = deaths.n_killed;
    println!(
        "churn: seed {:#x}, {n_tasks} tasks, {n_killed} killed, {} of them while they acted",
        seed(n_tasks),
        deaths.n_acting.iter().sum::<usize>()
    );
    check!(
        2 * n_killed >= n_tasks,
        "only {n_killed} of {n_tasks} were killed"
    );
    if n_tasks >= 10 * victim::KINDS.len() {
        for ((kind, _), n_acting) in victim::KINDS.iter().zip(deaths.n_acting) {
            let ends_itself = ["faults", "exits"].contains(kind);
            check!(
                ends_itself || n_acting > 0,
                "none was killed in what \"{kind}\" is about"
            );
        }
    }
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
    node: Node,
    _handle: Handle,
    /// Index in [`victim::KINDS`].
    kind: usize,
    /// Whether it has said that it holds everything and begins to act.
    is_acting: bool,
    kill_at_ns: u64,
}

/// How the tasks of a round ended.
#[derive(Default)]
struct Deaths {
    /// Killed, at whatever instant.
    n_killed: usize,
    /// Killed while they did what their kind is about, by kind.
    n_acting: [usize; victim::KINDS.len()],
}

/// Where the random instants of a round come from.
const fn seed(n_tasks: usize) -> u64 {
    0x9e37_79b9_7f4a_7c15 ^ n_tasks as u64
}

/// Runs `n_tasks` and kills those that do not end by themselves: one in four at a random instant of its life, the others at a random
/// instant of what they are about.
fn round(bench: &Bench, peer: &Peer, n_tasks: usize) -> Outcome<Deaths> {
    let mut random = seed(n_tasks);
    let mut running = VecDeque::new();
    let mut deaths = Deaths::default();
    for index in 0..n_tasks {
        if running.len() == TASKS_AT_ONCE {
            end(&mut running, &mut deaths)?;
        }
        let life_ns = next(&mut random) % LIFE_NS;
        let mut started = start(bench, peer, index, life_ns)?;
        if index.is_multiple_of(4) {
            running.push_front(started);
            end(&mut running, &mut deaths)?;
        } else {
            hear(peer, &mut started, &mut running)?;
            started.kill_at_ns = time::now_ns() + life_ns;
            running.push_back(started);
        }
    }
    while !running.is_empty() {
        end(&mut running, &mut deaths)?;
        drain(peer)?;
    }
    Ok(deaths)
}

/// Waits until the task begins to act; others may say so meanwhile.
fn hear(peer: &Peer, started: &mut Running, running: &mut VecDeque<Running>) -> Outcome {
    let deadline_ns = time::deadline_in(PATIENCE);
    while !started.is_acting {
        let received = peer.recv_until(deadline_ns);
        let Ok(received) = received else {
            let (kind, _) = victim::KINDS[started.kind];
            let status = started.task.status()?;
            return Err(Failure::new(format_args!(
                "\"{kind}\" never acted: {status:?}"
            )));
        };
        if let Received::Message(message) = received {
            let all = running.iter_mut().chain([&mut *started]);
            all.filter(|one| one.node.id() == message.node)
                .for_each(|one| one.is_acting = true);
        }
    }
    Ok(())
}

/// A pseudo-random number (xorshift64).
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn start(bench: &Bench, peer: &Peer, index: usize, life_ns: u64) -> Result<Running> {
    let kind = index % victim::KINDS.len();
    let paying = bench.account.carve(3_000, 1_400_000, 800)?;
    let own = Peer::new(&paying)?;
    let (node, handle_there) = peer.node_for(&own)?;
    let (node_there, handle) = own.node_for(peer)?;
    let task = Command::new("test-churn")
        .argument(victim::FLAG)
        .argument(victim::KINDS[kind].0)
        .argument(handle_there.id())
        .priority(environment::priority() - 1)
        .grant(bench.console, console::WRITE)
        .grant(own.number(), Kind::Peer.all_rights())
        .grant(paying.number(), account::CHARGE)
        .grant_archive()?
        .spawn(&paying)?;
    // These are the task's from here on.
    let _ = (handle_there.into_id(), node_there.into_id());
    Ok(Running {
        task,
        _account: paying,
        node,
        _handle: handle,
        kind,
        is_acting: false,
        kill_at_ns: time::now_ns() + life_ns,
    })
}

/// Ends the oldest task.
fn end(running: &mut VecDeque<Running>, deaths: &mut Deaths) -> Outcome {
    let Some(oldest) = running.pop_front() else {
        return Ok(());
    };
    // Lower priorities run while this sleeps, and are interrupted when it wakes: wherever they are.
    while time::now_ns() < oldest.kill_at_ns {
        let _ = calls::wait(&mut [], oldest.kill_at_ns);
    }
    oldest.task.kill()?;
    match oldest.task.wait_until(time::deadline_in(PATIENCE)) {
        Ok(Ending::Killed) => {
            deaths.n_killed += 1;
            deaths.n_acting[oldest.kind] += usize::from(oldest.is_acting);
            Ok(())
        }
        Ok(Ending::Exited(status)) if status != 0 => Err(Failure::new(format_args!(
            "\"{}\" gave up with status {status}",
            victim::KINDS[oldest.kind].0
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(Failure::new(format_args!(
            "a task ({}) did not end: {error}",
            victim::KINDS[oldest.kind].0
        ))),
    }
}

/// Takes everything out of the queue, and lets go of what it carries.
fn drain(peer: &Peer) -> Result<()> {
    while peer.try_recv()?.is_some() {}
    Ok(())
}

/// The state of the kernel once `is_settled` is true of it and of the one before, or when it has had time enough: tasks that the killed ones
/// started end a little later.
fn settled(
    system: CapabilityNumber,
    mut is_settled: impl FnMut(&String, &String) -> bool,
) -> Outcome<String> {
    let deadline_ns = time::deadline_in(PATIENCE);
    let mut last = dump(system)?;
    loop {
        time::sleep(Duration::from_millis(10));
        let text = dump(system)?;
        if is_settled(&text, &last) || time::now_ns() >= deadline_ns {
            return Ok(text);
        }
        last = text;
    }
}

fn dump(system: CapabilityNumber) -> Outcome<String> {
    let mut text = vec![0; TEXT_BYTES];
    let n_bytes = calls::inspect(system, &mut text)? as usize;
    check!(n_bytes <= TEXT_BYTES, "{n_bytes} bytes of text");
    text.truncate(n_bytes);
    String::from_utf8(text).map_err(Failure::new)
}

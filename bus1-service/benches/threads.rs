//! What several threads do with the core: two on peers of different accounts, beside two threads that only count, and many senders to
//! one peer. `./run-qemu.sh bench --host` reads the lines `disjoint BUS1 CONTROL N-RUNS` and `senders N MESSAGES-PER-SECOND`.
//!
//! How two disjoint threads scale is measured in rounds per second of the thread's own time on a processor: what threads that share
//! a cache line do to each other takes such time, what other programs do does not. It is no evidence unless both ran at the same time: a
//! run counts only if the two together had a processor for [`TOGETHER`] times as long as the run took. Best of seven such runs,
//! interleaved.

mod world;

use std::hint::black_box;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use world::{Host, account, handle, peer, receive, send};

/// Tries of a lock before a thread stands in line: with more threads than processors, one that has a lock may have been preempted.
type Hosted = Host<4_096>;

/// How long a run of two disjoint threads takes: no longer than a scheduler leaves them alone on a busy machine.
const SHORT: Duration = Duration::from_millis(4);
/// How long a run of many senders takes.
const LONG: Duration = Duration::from_millis(100);
const N_RUNS: usize = 7;
/// After so many runs, those that count are enough, even if they are fewer.
const N_RUNS_MOST: usize = 1_000;
/// How many processors two threads must have had on average.
const TOGETHER: f64 = 1.8;

type Work = Box<dyn FnMut() + Send>;

/// Time that this thread had a processor.
fn own_time() -> Duration {
    let clock = ClockId::CLOCK_THREAD_CPUTIME_ID;
    clock_gettime(clock).expect("a clock of the thread").into()
}

/// What threads did in one run.
struct Run {
    /// Rounds of all, each thread's per second of its own time.
    by_own_time: f64,
    /// Rounds of all, per second.
    by_time: f64,
    /// Processors that they had on average.
    n_processors: f64,
}

/// What one thread did.
struct Done {
    n_rounds: f64,
    begin: Instant,
    end: Instant,
    own: Duration,
}

/// Each of `n_threads` threads does its work over and over, for so long.
fn run(n_threads: usize, length: Duration, make: &dyn Fn() -> Work) -> Run {
    let works: Vec<Work> = (0..n_threads).map(|_| make()).collect();
    let start = Barrier::new(n_threads);
    let done: Vec<Done> = std::thread::scope(|scope| {
        let threads: Vec<_> = works
            .into_iter()
            .map(|mut work| {
                let start = &start;
                scope.spawn(move || {
                    start.wait();
                    let (begin, begin_own) = (Instant::now(), own_time());
                    let mut n_rounds = 0.0;
                    while begin.elapsed() < length {
                        (0..100).for_each(|_| work());
                        n_rounds += 100.0;
                    }
                    Done {
                        n_rounds,
                        begin,
                        end: Instant::now(),
                        own: own_time() - begin_own,
                    }
                })
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.map(|done| done.expect("a thread")).collect()
    });
    let first = done.iter().map(|done| done.begin).min();
    let last = done.iter().map(|done| done.end).max();
    let whole = last.zip(first).map_or(length, |(last, first)| last - first);
    let sum = |of: &dyn Fn(&Done) -> f64| done.iter().map(of).sum::<f64>();
    Run {
        by_own_time: sum(&|done| done.n_rounds / done.own.as_secs_f64()),
        by_time: sum(&|done| done.n_rounds) / whole.as_secs_f64(),
        n_processors: sum(&|done| done.own.as_secs_f64()) / whole.as_secs_f64(),
    }
}

/// The best rates of one thread and of two.
#[derive(Default)]
struct Best {
    one: f64,
    two: f64,
    n_runs: usize,
}

impl Best {
    fn run(&mut self, make: &dyn Fn() -> Work) {
        self.one = self.one.max(run(1, SHORT, make).by_own_time);
        let two = run(2, SHORT, make);
        if two.n_processors >= TOGETHER {
            self.two = self.two.max(two.by_own_time);
            self.n_runs += 1;
        }
    }

    fn scaling(&self) -> f64 {
        self.two / self.one
    }
}

fn disjoint() {
    let pair = || -> Work {
        let account = account::<Hosted>();
        let (server, client) = (peer(&account), peer(&account));
        let to_server = handle(&server, &client);
        Box::new(move || {
            send(&client, &[to_server], &[7; 64]);
            receive(&server);
        })
    };
    let count = || -> Work {
        let mut sum = 0_u64;
        Box::new(move || {
            for index in 0..100_u64 {
                sum = black_box(sum.wrapping_mul(31).wrapping_add(index));
            }
        })
    };
    let (mut pairs, mut counts) = (Best::default(), Best::default());
    for _ in 0..N_RUNS_MOST {
        pairs.run(&pair);
        counts.run(&count);
        if pairs.n_runs.min(counts.n_runs) >= N_RUNS {
            break;
        }
    }
    println!(
        "disjoint {:.3} {:.3} {}",
        pairs.scaling(),
        counts.scaling(),
        pairs.n_runs.min(counts.n_runs)
    );
}

fn senders(n_senders: usize) {
    let account = account::<Hosted>();
    let server = peer(&account);
    let make = || -> Work {
        let (server, client) = (server.clone(), peer(&account));
        let to_server = handle(&server, &client);
        Box::new(move || {
            send(&client, &[to_server], &[7; 64]);
            receive(&server);
        })
    };
    let best = (0..N_RUNS)
        .map(|_| run(n_senders, LONG, &make).by_time)
        .fold(0.0, f64::max);
    println!("senders {n_senders} {best:.0}");
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test` runs every target.
        println!("usage: threads --bench");
        return;
    }
    disjoint();
    [1, 2, 4, 8, 16].into_iter().for_each(senders);
}

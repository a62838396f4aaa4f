//! What several threads do with the core: two on peers of different accounts, beside two threads that only count (best of seven,
//! interleaved), and many senders to one peer. `./run-qemu.sh bench --host` reads the lines `disjoint BUS1 CONTROL` and
//! `senders N MESSAGES-PER-SECOND`.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bus1_service::{Account, Id, Peer, System};

struct Host;

impl System for Host {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
    const N_TRIES_BEFORE_LINE: u32 = 4_096;
    fn relax() {
        std::thread::yield_now();
    }
}

fn account() -> Account<Host> {
    Account::root([1 << 50, 1 << 50]).expect("an account")
}

fn peer(account: &Account<Host>) -> Peer<Host> {
    Peer::new(account, ()).expect("a peer")
}

fn handle(owner: &Peer<Host>, holder: &Peer<Host>) -> Id {
    owner.create_node(holder).expect("a node").1
}

fn send(from: &Peer<Host>, to: &[Id], payload: &[u8]) {
    from.send(to, &[], payload).expect("sent").finish_silently();
}

/// How often `work` is done per second by each of `n_threads` threads at once, all together.
fn rate(n_threads: usize, make: impl Fn() -> Box<dyn FnMut() + Send>) -> f64 {
    let works: Vec<_> = (0..n_threads).map(|_| RefCell::new(make())).collect();
    let begin = Instant::now();
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = works
            .into_iter()
            .map(|work| {
                scope.spawn(move || {
                    let mut work = work.into_inner();
                    let mut count = 0_u64;
                    // At least once, also by a thread that began late.
                    loop {
                        for _ in 0..1_000 {
                            work();
                        }
                        count += 1_000;
                        if begin.elapsed() >= Duration::from_millis(100) {
                            return count;
                        }
                    }
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a thread"))
            .collect()
    });
    counts.iter().sum::<u64>() as f64 / begin.elapsed().as_secs_f64()
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test` runs every target.
        println!("usage: threads --bench");
        return;
    }
    let pair = || -> Box<dyn FnMut() + Send> {
        let account = account();
        let (server, client) = (peer(&account), peer(&account));
        let to_server = handle(&server, &client);
        Box::new(move || {
            send(&client, &[to_server], &[7; 64]);
            black_box(server.recv().expect("received").payload());
        })
    };
    let count = || -> Box<dyn FnMut() + Send> {
        let mut sum = 0_u64;
        Box::new(move || {
            for index in 0..100_u64 {
                sum = black_box(sum.wrapping_mul(31).wrapping_add(index));
            }
        })
    };
    let mut best = [0_f64; 4];
    for _ in 0..7 {
        let rates = [rate(2, pair), rate(1, pair), rate(2, count), rate(1, count)];
        for (best, rate) in best.iter_mut().zip(rates) {
            *best = best.max(rate);
        }
    }
    let [two, one, two_counting, one_counting] = best;
    println!(
        "disjoint {:.3} {:.3}",
        two / one,
        two_counting / one_counting
    );
    for n_senders in [1, 2, 4, 8, 16] {
        let account = account();
        let server = peer(&account);
        let make = || -> Box<dyn FnMut() + Send> {
            let (server, client) = (server.clone(), peer(&account));
            let to_server = handle(&server, &client);
            Box::new(move || {
                send(&client, &[to_server], &[7; 64]);
                black_box(server.recv().expect("received").payload());
            })
        };
        let best = (0..7).map(|_| rate(n_senders, make)).fold(0.0, f64::max);
        println!("senders {n_senders} {best:.0}");
    }
}

//! What the core costs on the host, in time. `docs/performance.md` has the figures that were measured, and the counts of
//! instructions, which `benches/instructions.rs` takes.

use std::cell::RefCell;
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use bus1_service::{Account, Id, Peer, Source, System};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use socket2::{Domain, Socket, Type};

struct Host;

impl System for Host {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
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

/// One message of 64 bytes, sent and received by one thread: over the core, a channel of the standard library, and a socket.
fn unicast(c: &mut Criterion) {
    let mut group = c.benchmark_group("unicast of 64 bytes");
    let account = account();
    let (server, client) = (peer(&account), peer(&account));
    let to_server = handle(&server, &client);
    group.bench_function("bus1", |b| {
        b.iter(|| {
            send(&client, &[to_server], black_box(&[7; 64]));
            let received = server.recv().expect("received");
            black_box(received.payload());
        });
    });
    let (sender, receiver) = std::sync::mpsc::channel::<Box<[u8; 64]>>();
    group.bench_function("std::sync::mpsc", |b| {
        b.iter(|| {
            sender.send(black_box(Box::new([7; 64]))).expect("sent");
            black_box(receiver.recv().expect("received"));
        });
    });
    let (one, other) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("sockets");
    group.bench_function("AF_UNIX SOCK_SEQPACKET", |b| {
        b.iter(|| {
            one.send(black_box(&[7; 64])).expect("sent");
            let mut buffer = [MaybeUninit::uninit(); 64];
            other.recv(&mut buffer).expect("received");
            black_box(&buffer);
        });
    });
    group.finish();
}

/// One message to n peers, sent and received, per destination.
fn multicast(c: &mut Criterion) {
    let mut group = c.benchmark_group("multicast of 64 bytes");
    let account = account();
    for n in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024] {
        let client = peer(&account);
        let servers: Vec<_> = (0..n).map(|_| peer(&account)).collect();
        let to: Vec<Id> = servers
            .iter()
            .map(|server| handle(server, &client))
            .collect();
        group.throughput(Throughput::Elements(n));
        group.bench_with_input(BenchmarkId::from_parameter(n), &to, |b, to| {
            b.iter(|| {
                send(&client, to, &[7; 64]);
                for server in &servers {
                    black_box(server.recv().expect("received").payload());
                }
            });
        });
    }
    group.finish();
}

/// A place in a set, all over it.
struct Walk(u64);

impl Walk {
    fn next(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

/// A send through a random handle of n, and its receipt, beside an access to a random element of an array as large.
fn objects(c: &mut Criterion) {
    let mut group = c.benchmark_group("objects per peer");
    let account = account();
    for n in [10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let (server, client) = (peer(&account), peer(&account));
        let to: Vec<Id> = (0..n).map(|_| handle(&server, &client)).collect();
        let mut walk = Walk(n as u64);
        group.bench_function(BenchmarkId::new("send and receive", n), |b| {
            b.iter(|| {
                send(&client, &[to[walk.next(n)]], &[]);
                black_box(server.recv().expect("received").metadata());
            });
        });
        group.bench_function(BenchmarkId::new("copy and release a handle", n), |b| {
            b.iter(|| {
                let mut copy = [Id::INVALID];
                let source = [Source::Copy(to[walk.next(n)])];
                client
                    .transfer(&client, &source, &mut [None], &mut copy)
                    .expect("copied")
                    .finish_silently();
                client.release(&copy, &mut |(), _| {}).expect("released");
            });
        });
        // A node and its handle are about 256 bytes.
        let array: Vec<[u64; 32]> = vec![[1; 32]; n];
        group.bench_function(BenchmarkId::new("control: array access", n), |b| {
            b.iter(|| black_box(array[walk.next(n)][0]));
        });
    }
    group.finish();
}

/// A send and a receipt while n messages are queued.
fn queued(c: &mut Criterion) {
    let mut group = c.benchmark_group("messages queued");
    let account = account();
    for n in [1, 10, 100, 1_000, 10_000, 100_000] {
        let (server, client) = (peer(&account), peer(&account));
        let to_server = handle(&server, &client);
        for _ in 1..n {
            send(&client, &[to_server], &[]);
        }
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| {
                send(&client, &[to_server], &[]);
                black_box(server.recv().expect("received").metadata());
            });
        });
    }
    group.finish();
}

/// The release of a node with n handles, and the closing of a peer with n nodes and n handles, per object.
fn release(c: &mut Criterion) {
    let mut group = c.benchmark_group("release");
    let account = account();
    for n in [1, 10, 100, 1_000, 10_000, 100_000] {
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::new("a node with handles", n), |b| {
            b.iter_custom(|n_iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..n_iterations {
                    let (server, client) = (peer(&account), peer(&account));
                    let (node, first) = server.create_node(&client).expect("a node");
                    for _ in 1..n {
                        client
                            .transfer(&client, &[Source::Copy(first)], &mut [None], &mut [first])
                            .expect("copied")
                            .finish_silently();
                    }
                    let begin = Instant::now();
                    server.release(&[node], &mut |(), _| {}).expect("released");
                    spent += begin.elapsed();
                    client.close(&mut |(), _| {});
                    server.close(&mut |(), _| {});
                }
                spent
            });
        });
        group.bench_function(BenchmarkId::new("closing a peer with objects", n), |b| {
            b.iter_custom(|n_iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..n_iterations {
                    let peer = peer(&account);
                    for _ in 0..n.div_ceil(2) {
                        handle(&peer, &peer);
                    }
                    let begin = Instant::now();
                    peer.close(&mut |(), _| {});
                    spent += begin.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
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
                    while begin.elapsed() < Duration::from_millis(300) {
                        for _ in 0..1_000 {
                            work();
                        }
                        count += 1_000;
                    }
                    count
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

/// Two threads on peers of different accounts, beside two threads that only count; best of seven, interleaved. And many senders
/// to one peer. Printed, since criterion measures one thread.
fn threads(_: &mut Criterion) {
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
    let (mut best_bus1, mut best_control) = (0_f64, 0_f64);
    for _ in 0..7 {
        best_bus1 = best_bus1.max(rate(2, pair) / rate(1, pair));
        best_control = best_control.max(rate(2, count) / rate(1, count));
    }
    println!(
        "two threads on disjoint peers: {best_bus1:.2} times one; arithmetic alone: {best_control:.2} times one"
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
        println!(
            "{n_senders} senders to one peer: {:.0} messages per second",
            rate(n_senders, make)
        );
    }
}

criterion_group!(
    benches, unicast, multicast, objects, queued, release, threads
);
criterion_main!(benches);

//! What the core costs on the host, in time. `docs/performance.md` has the figures that were measured, and the counts of
//! instructions, which `benches/instructions.rs` takes.

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
    let mut group = c.benchmark_group("unicast");
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
    group.bench_function("channel", |b| {
        b.iter(|| {
            sender.send(black_box(Box::new([7; 64]))).expect("sent");
            black_box(receiver.recv().expect("received"));
        });
    });
    let (one, other) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("sockets");
    group.bench_function("socket", |b| {
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
    let mut group = c.benchmark_group("multicast");
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
    let mut group = c.benchmark_group("objects");
    let account = account();
    for n in [10, 1_000, 100_000, 1_000_000] {
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
        group.bench_function(BenchmarkId::new("array access", n), |b| {
            b.iter(|| black_box(array[walk.next(n)][0]));
        });
    }
    group.finish();
}

/// A send and a receipt while n messages are queued.
fn queued(c: &mut Criterion) {
    let mut group = c.benchmark_group("queued");
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

criterion_group!(benches, unicast, multicast, objects, queued, release);
criterion_main!(benches);

//! What the core costs on the host, in time. `docs/performance.md` has the figures that were measured, and the counts of
//! instructions, which `benches/instructions.rs` takes. What is compared with something else is in `benches/unicast.rs`.

mod world;

use std::hint::black_box;
use std::time::{Duration, Instant};

use bus1_service::Id;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use world::{Host, Walk, account, close, copy, handle, peer, receive, release, send};

/// One message to n peers, sent and received, per destination.
fn multicast(c: &mut Criterion) {
    let mut group = c.benchmark_group("multicast");
    let account = account::<Host>();
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
                    receive(server);
                }
            });
        });
    }
    group.finish();
}

/// A send through a random handle of n, and its receipt, beside an access to a random element of an array as large.
fn objects(c: &mut Criterion) {
    let mut group = c.benchmark_group("objects");
    let account = account::<Host>();
    for n in [10, 1_000, 100_000, 1_000_000] {
        let (server, client) = (peer(&account), peer(&account));
        let to: Vec<Id> = (0..n).map(|_| handle(&server, &client)).collect();
        let mut walk = Walk(n as u64);
        group.bench_function(BenchmarkId::new("send and receive", n), |b| {
            b.iter(|| {
                send(&client, &[to[walk.next(n)]], &[]);
                receive(&server);
            });
        });
        group.bench_function(BenchmarkId::new("copy and release a handle", n), |b| {
            b.iter(|| {
                let copy = copy(&client, to[walk.next(n)]);
                release(&client, &[copy]);
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
    let account = account::<Host>();
    for n in [1, 10, 100, 1_000, 10_000, 100_000] {
        let (server, client) = (peer(&account), peer(&account));
        let to_server = handle(&server, &client);
        for _ in 1..n {
            send(&client, &[to_server], &[]);
        }
        group.bench_function(BenchmarkId::from_parameter(n), |b| {
            b.iter(|| {
                send(&client, &[to_server], &[]);
                receive(&server);
            });
        });
    }
    group.finish();
}

/// The release of a node with n handles, and the closing of a peer with n nodes and n handles, per object.
fn releases(c: &mut Criterion) {
    let mut group = c.benchmark_group("release");
    let account = account::<Host>();
    for n in [1, 10, 100, 1_000, 10_000, 100_000] {
        group.throughput(Throughput::Elements(n));
        group.bench_function(BenchmarkId::new("a node with handles", n), |b| {
            b.iter_custom(|n_iterations| {
                let mut spent = Duration::ZERO;
                for _ in 0..n_iterations {
                    let (server, client) = (peer(&account), peer(&account));
                    let (node, first) = server.create_node(&client).expect("a node");
                    for _ in 1..n {
                        copy(&client, first);
                    }
                    let begin = Instant::now();
                    release(&server, &[node]);
                    spent += begin.elapsed();
                    close(&client);
                    close(&server);
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
                    close(&peer);
                    spent += begin.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
}

criterion_group!(benches, multicast, objects, queued, releases);
criterion_main!(benches);

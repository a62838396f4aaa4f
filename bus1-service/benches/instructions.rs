//! One operation, many times, for `valgrind --tool=callgrind` or `perf stat` to count its instructions: the difference of two runs
//! with different numbers of rounds is the cost of the rounds.
//!
//! `cargo bench -p bus1-service --bench instructions -- OPERATION N_OBJECTS N_ROUNDS`, of `unicast`, `copy`, `queued`,
//! `multicast`, `refuse` (a release of all objects that names one of them twice: all are checked and named, and nothing comes of
//! it); and, done once or with 0 rounds not at all, `release-handles` (N handles, the last on as many nodes, in one call),
//! `release-node` (one node with N handles), `close` (a peer with N nodes, handles on them, and N unread messages).

use std::hint::black_box;

use bus1_service::{Account, Id, Peer, Source, System};

struct Host;

impl System for Host {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let [operation, n_objects, n_rounds] = &arguments[..] else {
        // `cargo test` and `cargo bench` without arguments run every target.
        println!("usage: instructions OPERATION N_OBJECTS N_ROUNDS");
        return;
    };
    let n_objects: usize = n_objects.parse().expect("N_OBJECTS is a number");
    let n_rounds: u64 = n_rounds.parse().expect("N_ROUNDS is a number");
    let account = Account::<Host>::root([1 << 50, 1 << 50]).expect("an account");
    let new_peer = || Peer::new(&account, ()).expect("a peer");
    let client = new_peer();
    let servers: Vec<Peer<Host>> = (0..if operation == "multicast" {
        n_objects
    } else {
        1
    })
        .map(|_| new_peer())
        .collect();
    let server = servers[0].clone();
    let to: Vec<Id> = match operation.as_str() {
        "multicast" => servers
            .iter()
            .map(|server| server.create_node(&client).expect("a node").1)
            .collect(),
        "queued" | "release-node" => vec![server.create_node(&client).expect("a node").1],
        _ => (0..n_objects)
            .map(|_| server.create_node(&client).expect("a node").1)
            .collect(),
    };
    if operation == "queued" {
        for _ in 0..n_objects {
            client.send(&to, &[], &[]).expect("sent").finish_silently();
        }
    }
    if operation.starts_with("release") || operation == "close" {
        give_up(operation, n_objects, n_rounds > 0, &client, &server, &to);
        return;
    }
    let mut dice = 1_u64;
    for _ in 0..n_rounds {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let any = to[(dice >> 33) as usize % to.len()];
        match operation.as_str() {
            "multicast" => {
                client
                    .send(&to, &[], &[7; 64])
                    .expect("sent")
                    .finish_silently();
                for server in &servers {
                    black_box(server.recv().expect("received").payload());
                }
            }
            "copy" => {
                let mut copy = [Id::INVALID];
                client
                    .transfer(&client, &[Source::Copy(any)], &mut [None], &mut copy)
                    .expect("copied")
                    .finish_silently();
                client.release(&copy, &mut |(), _| {}).expect("released");
            }
            "refuse" => {
                let mut named_twice = to.clone();
                named_twice.push(to[0]);
                let refused = client.release(black_box(&named_twice), &mut |(), _| {});
                assert!(refused.is_err());
            }
            _ => {
                client
                    .send(&[any], &[], &[7; 64])
                    .expect("sent")
                    .finish_silently();
                black_box(server.recv().expect("received").payload());
            }
        }
    }
}

/// Sets up what is to be given up, and gives it up if `is_done`.
fn give_up(
    operation: &str,
    n_objects: usize,
    is_done: bool,
    client: &Peer<Host>,
    server: &Peer<Host>,
    to: &[Id],
) {
    match operation {
        "release-handles" => {
            if is_done {
                client.release(to, &mut |(), _| {}).expect("released");
            }
        }
        "release-node" => {
            for _ in 1..n_objects {
                let mut copy = [Id::INVALID];
                client
                    .transfer(client, &[Source::Copy(to[0])], &mut [None], &mut copy)
                    .expect("copied")
                    .finish_silently();
            }
            client.send(to, &[], &[]).expect("sent").finish_silently();
            let node = server.recv().expect("received").metadata().id;
            if is_done {
                server.release(&[node], &mut |(), _| {}).expect("released");
            }
        }
        _ => {
            for &handle in to {
                client
                    .send(&[handle], &[], &[])
                    .expect("sent")
                    .finish_silently();
            }
            if is_done {
                server.close(&mut |(), _| {});
            }
        }
    }
}

//! One operation, many times, for `valgrind --tool=callgrind --instr-atstart=no` to count its instructions; what is built up before
//! is not counted. `./run-qemu.sh bench --host` runs it and makes the table.
//!
//! `instructions OPERATION N N_ROUNDS`; without arguments nothing is done, since `cargo test` runs every target.
//!
//! | operation | a round |
//! |---|---|
//! | `unicast` | send 64 bytes through one of N handles, at random, and receive |
//! | `queued` | the same while N messages are queued |
//! | `apart` | `unicast` between peers of two accounts |
//! | `renew` | release one of N handles, at random, and copy another in its place |
//! | `multicast` | send 64 bytes to N peers in one transaction; each receives |
//! | `node` | release a node with N handles (one round) |
//! | `close` | close a peer with N objects, half nodes, half handles (one round) |
//! | `handles` | release N handles, the last on as many nodes (one round) |
//! | `full` | close a peer with N nodes, handles on them, and N unread messages (one round) |
//! | `refuse` | a release of N handles that names one of them twice: all are checked and named, and nothing comes of it |
//! | `channel` | `std::sync::mpsc`: send and receive a boxed array of 64 bytes |

mod instrument;

use std::hint::black_box;

use bus1_service::{Account, Id, Peer, Source, System};

#[global_allocator]
static ALLOCATOR: instrument::FreeLists = instrument::FreeLists::new();

struct Host;

impl System for Host {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
}

/// What a round may use.
struct World {
    client: Peer<Host>,
    servers: Vec<Peer<Host>>,
    nodes: Vec<Id>,
    to: Vec<Id>,
    dice: u64,
}

impl World {
    /// A client with `n_handles` handles, spread over the nodes of `n_servers` servers.
    fn new(n_servers: usize, n_handles: usize, is_apart: bool) -> World {
        let root = Account::root([1 << 60; 2]).expect("an account");
        let account = || match is_apart {
            true => root.child(&root.actor(), [1 << 50; 2]).expect("an account"),
            false => root.clone(),
        };
        let new_peer = |account: &Account<Host>| Peer::new(account, ()).expect("a peer");
        let client = new_peer(&account());
        let servers: Vec<_> = (0..n_servers).map(|_| new_peer(&account())).collect();
        let made = (0..n_handles).map(|index| {
            let server = &servers[index % n_servers];
            server.create_node(&client).expect("a node")
        });
        let (nodes, to) = made.unzip();
        World {
            client,
            servers,
            nodes,
            to,
            dice: 1,
        }
    }

    /// A random index of a handle.
    fn any(&mut self) -> usize {
        self.dice = self
            .dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.dice >> 33) as usize % self.to.len()
    }

    fn send(&self, to: &[Id], payload: &[u8]) {
        let sent = self.client.send(to, &[], payload);
        sent.expect("sent").finish_silently();
    }

    fn receive(&self) {
        for server in &self.servers {
            black_box(server.recv().expect("received").payload());
        }
    }

    fn copy(&self, index: usize) -> Id {
        let mut copy = [Id::INVALID];
        let source = [Source::Copy(self.to[index])];
        let copied = self
            .client
            .transfer(&self.client, &source, &mut [None], &mut copy);
        copied.expect("copied").finish_silently();
        copy[0]
    }

    fn unicast(&mut self) {
        let any = self.any();
        self.send(&self.to[any..=any], &[7; 64]);
        self.receive();
    }

    fn renew(&mut self) {
        let any = self.any();
        self.release_handle(any);
        self.to[any] = self.copy((any + 1) % self.to.len());
    }

    fn release_handle(&self, index: usize) {
        let released = self
            .client
            .release(&self.to[index..=index], &mut |(), _| {});
        released.expect("released");
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let [operation, n, n_rounds] = &arguments[..] else {
        println!("usage: instructions OPERATION N N_ROUNDS");
        return;
    };
    let n: usize = n.parse().expect("N is a number");
    let n_rounds: u64 = n_rounds.parse().expect("N_ROUNDS is a number");
    match operation.as_str() {
        "unicast" | "apart" => {
            let mut world = World::new(1, n, operation == "apart");
            // The first message through a handle searches what the later ones are charged through.
            for index in 0..n {
                world.send(&world.to[index..=index], &[]);
                world.receive();
            }
            rounds(n_rounds, || world.unicast());
        }
        "queued" => {
            let mut world = World::new(1, 1, false);
            (0..n).for_each(|_| world.send(&world.to, &[7; 64]));
            rounds(n_rounds, || world.unicast());
        }
        "renew" => {
            let mut world = World::new(1, n, false);
            // Each node keeps a handle beside those that come and go, so that none is told that it lost its last.
            for index in 0..n {
                let _ = world.copy(index);
            }
            rounds(n_rounds, || world.renew());
        }
        "multicast" => {
            let world = World::new(n, n, false);
            rounds(n_rounds, || {
                world.send(&world.to, &[7; 64]);
                world.receive();
            });
        }
        "node" => {
            let world = World::new(1, 1, false);
            for _ in 1..n {
                let _ = world.copy(0);
            }
            rounds(1, || {
                let released = world.servers[0].release(&world.nodes, &mut |(), _| {});
                released.expect("released");
            });
        }
        "close" => {
            let world = World::new(1, 1, false);
            let peer = Peer::new(&world.client.account(), ()).expect("a peer");
            for _ in 0..n.div_ceil(2) {
                peer.create_node(&peer).expect("a node");
            }
            rounds(1, || peer.close(&mut |(), _| {}));
        }
        "handles" => {
            let world = World::new(1, n, false);
            rounds(1, || {
                let released = world.client.release(&world.to, &mut |(), _| {});
                released.expect("released");
            });
        }
        "full" => {
            let world = World::new(1, n, false);
            (0..n).for_each(|index| world.send(&world.to[index..=index], &[]));
            rounds(1, || world.servers[0].close(&mut |(), _| {}));
        }
        "refuse" => {
            let world = World::new(1, n, false);
            let mut named_twice = world.to.clone();
            named_twice.push(world.to[0]);
            rounds(n_rounds, || {
                let refused = world
                    .client
                    .release(black_box(&named_twice), &mut |(), _| {});
                assert!(refused.is_err());
            });
        }
        "channel" => {
            let (sender, receiver) = std::sync::mpsc::channel::<Box<[u8; 64]>>();
            rounds(n_rounds, || {
                sender.send(black_box(Box::new([7; 64]))).expect("sent");
                black_box(receiver.recv().expect("received"));
            });
        }
        other => panic!("there is no operation {other}"),
    }
}

/// Does `round` a few times, so that everything is set up that is set up once, and then `n_rounds` times, counted.
fn rounds(n_rounds: u64, mut round: impl FnMut()) {
    if n_rounds > 1 {
        (0..3).for_each(|_| round());
    }
    instrument::counted(|| (0..n_rounds).for_each(|_| round()));
}

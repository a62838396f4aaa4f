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
//! | `scatter` | `multicast` to peers of N accounts |
//! | `node` | release a node with N handles (one round) |
//! | `close` | close a peer with N objects, half nodes, half handles (one round) |
//! | `handles` | release N handles, the last on as many nodes (one round) |
//! | `full` | close a peer with N nodes, handles on them, and N unread messages (one round) |
//! | `refuse` | a release of N handles that names one of them twice: all are checked and named, and nothing comes of it |
//! | `channel` | `std::sync::mpsc`: send and receive a boxed array of 64 bytes |

mod instrument;
mod world;

use std::hint::black_box;

use bus1_service::{Id, Peer};

use world::{Host, Walk, account, child, close, copy, peer, receive, release, send};

#[global_allocator]
static ALLOCATOR: instrument::FreeLists = instrument::FreeLists::new();

/// What a round may use.
struct World {
    client: Peer<Host>,
    servers: Vec<Peer<Host>>,
    nodes: Vec<Id>,
    to: Vec<Id>,
    walk: Walk,
}

impl World {
    /// A client with `n_handles` handles, spread over the nodes of `n_servers` servers.
    fn new(n_servers: usize, n_handles: usize, is_apart: bool) -> World {
        let root = account();
        let account = || {
            if is_apart { child(&root) } else { root.clone() }
        };
        let client = peer(&account());
        let servers: Vec<_> = (0..n_servers).map(|_| peer(&account())).collect();
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
            walk: Walk(1),
        }
    }

    /// A random index of a handle.
    fn any(&mut self) -> usize {
        self.walk.next(self.to.len())
    }

    fn send(&self, to: &[Id], payload: &[u8]) {
        send(&self.client, to, payload);
    }

    fn receive(&self) {
        self.servers.iter().for_each(receive);
    }

    fn unicast(&mut self) {
        let any = self.any();
        self.send(&self.to[any..=any], &[7; 64]);
        self.receive();
    }

    fn renew(&mut self) {
        let any = self.any();
        release(&self.client, &self.to[any..=any]);
        self.to[any] = copy(&self.client, self.to[(any + 1) % self.to.len()]);
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
                copy(&world.client, world.to[index]);
            }
            rounds(n_rounds, || world.renew());
        }
        "multicast" | "scatter" => {
            let world = World::new(n, n, operation == "scatter");
            rounds(n_rounds, || {
                world.send(&world.to, &[7; 64]);
                world.receive();
            });
        }
        "node" => {
            let world = World::new(1, 1, false);
            for _ in 1..n {
                copy(&world.client, world.to[0]);
            }
            rounds(1, || release(&world.servers[0], &world.nodes));
        }
        "close" => {
            let world = World::new(1, 1, false);
            let peer = peer(&world.client.account());
            for _ in 0..n.div_ceil(2) {
                peer.create_node(&peer).expect("a node");
            }
            rounds(1, || close(&peer));
        }
        "handles" => {
            let world = World::new(1, n, false);
            rounds(1, || release(&world.client, &world.to));
        }
        "full" => {
            let world = World::new(1, n, false);
            (0..n).for_each(|index| world.send(&world.to[index..=index], &[]));
            rounds(1, || close(&world.servers[0]));
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

//! One message of 64 bytes, sent and received by one thread: over the core, a channel of the standard library, and a socket. What
//! is compared is measured in turns of a few thousand rounds, one after the other, over and over, so that whatever else the machine
//! does meets all of them; they share the allocator of the C library. `./run-qemu.sh bench --host` reads the lines
//! `unicast NAME MEDIAN-NS LEAST-NS`.

mod world;

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use world::{Host, account, handle, peer, receive, send};

/// Turns of each, and rounds of a turn.
const N_TURNS: usize = 501;
const N_ROUNDS: u32 = 2_000;
/// A socket takes as long as many messages of the others.
const N_ROUNDS_OF_SOCKET: u32 = 100;

/// Nanoseconds of a round.
fn turn(n_rounds: u32, round: &mut dyn FnMut()) -> f64 {
    let begin = Instant::now();
    for _ in 0..n_rounds {
        round();
    }
    begin.elapsed().as_nanos() as f64 / f64::from(n_rounds)
}

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        // `cargo test` runs every target.
        println!("usage: unicast --bench");
        return;
    }
    let account = account::<Host>();
    let (server, client) = (peer(&account), peer(&account));
    let to_server = handle(&server, &client);
    let mut bus1 = || {
        send(&client, &[to_server], black_box(&[7; 64]));
        receive(&server);
    };
    let (sender, receiver) = std::sync::mpsc::channel::<Box<[u8; 64]>>();
    let mut channel = || {
        sender.send(black_box(Box::new([7; 64]))).expect("sent");
        black_box(receiver.recv().expect("received"));
    };
    let (one, other) = Socket::pair(Domain::UNIX, Type::SEQPACKET, None).expect("sockets");
    let mut socket = || {
        one.send(black_box(&[7; 64])).expect("sent");
        let mut buffer = [MaybeUninit::uninit(); 64];
        other.recv(&mut buffer).expect("received");
        black_box(&buffer);
    };
    let mut turns = [const { Vec::new() }; 3];
    for _ in 0..N_TURNS {
        turns[0].push(turn(N_ROUNDS, &mut bus1));
        turns[1].push(turn(N_ROUNDS, &mut channel));
        turns[2].push(turn(N_ROUNDS_OF_SOCKET, &mut socket));
    }
    for (name, mut turns) in ["bus1", "channel", "socket"].into_iter().zip(turns) {
        turns.sort_by(f64::total_cmp);
        println!("unicast {name} {:.1} {:.1}", turns[N_TURNS / 2], turns[0]);
    }
}

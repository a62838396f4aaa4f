//! A short message to a few destinations while others act between any two of its steps: all of its receivers get it, or none does.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/common/mod.rs"]
mod common;

use bus1_service::{Error, Id, Kind, Peer, Place, hooks};
use common::*;

/// What happens between two steps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    /// The second receiver releases its node.
    Release,
    /// The second receiver closes.
    Close,
    /// The sender releases its handle on it.
    LetGo,
    /// It lets go of all handles.
    LetGoOfAll,
    /// The receivers take what they find.
    Receive,
    /// Another message of the sender to the same receivers.
    Send,
}

/// More steps than a message to three has.
const STEPS_MAX: usize = 1_000;

fn act(act: Act, client: &Peer<Host>, servers: &[Peer<Host>], nodes: &[Id], to: &[Id]) {
    match act {
        Act::Release => release(&servers[1], &nodes[1..2]).unwrap(),
        Act::Close => close(&servers[1]),
        Act::LetGo => release(client, &to[1..2]).unwrap(),
        Act::LetGoOfAll => release(client, to).unwrap(),
        Act::Receive => servers.iter().for_each(|server| drop(recv(server))),
        Act::Send => send(client, to, &[], b"!").unwrap(),
    }
}

/// Runs one message with `what` done at its step `step`; `false` if it has no such step.
fn is_done_at(what: Act, step: usize) -> bool {
    let mut world = World::new(3);
    let other = world.account(MAXIMA);
    world.peer(other);
    let client = world.peers[0].clone();
    let servers = world.peers[1..].to_vec();
    let (nodes, to): (Vec<Id>, Vec<Id>) =
        servers.iter().map(|server| node(server, &client)).unzip();
    let was_done = std::rc::Rc::new(std::cell::Cell::new(false));
    let mut n_before = step;
    hooks::set(Some(Box::new({
        let (client, servers, nodes) = (client.clone(), servers.clone(), nodes.clone());
        let (to, was_done) = (to.clone(), was_done.clone());
        move |_| {
            if n_before == 0 {
                was_done.set(true);
                act(what, &client, &servers, &nodes, &to);
            }
            n_before = n_before.wrapping_sub(1);
        }
    })));
    let result = send(&client, &to, &[], b"x");
    hooks::set(None);
    let is_let_go = matches!(what, Act::LetGo | Act::LetGoOfAll);
    match result {
        Ok(()) => {}
        Err(Error::UnknownId(Place::Destination(index), id)) => {
            assert!(is_let_go && id == to[index], "{what:?} at {step}");
        }
        Err(error) => panic!("{what:?} at {step}: {error:?}"),
    }
    let is_gone = was_done.get() && matches!(what, Act::Release | Act::Close);
    for (index, server) in servers.iter().enumerate() {
        let mut n_messages = 0;
        while let Ok(got) = server.recv() {
            let is_message = got.kind() == Kind::User && got.payload() == b"x";
            n_messages += usize::from(is_message);
        }
        let n_expected = usize::from(result.is_ok() && !(is_gone && index == 1));
        if what == Act::Receive {
            assert!(n_messages <= n_expected);
        } else {
            assert_eq!(
                n_messages, n_expected,
                "{what:?} at {step}, receiver {index}"
            );
        }
    }
    world.end();
    was_done.get()
}

/// Whatever is done between two steps of the message, all of its receivers that are left get it or none does, and every charge is back.
#[test]
fn ord_1_a_message_to_a_few_is_one_at_every_step() {
    for what in [
        Act::Release,
        Act::Close,
        Act::LetGo,
        Act::LetGoOfAll,
        Act::Receive,
        Act::Send,
    ] {
        let n_steps = (0..STEPS_MAX).find(|&step| !is_done_at(what, step));
        assert!(n_steps.expect("a message has an end") > 6, "{what:?}");
    }
}

//! Messages that are handed over together while others act between any two of the steps: all of the receivers get theirs, or none does, and
//! what is called off leaves nothing.

extern crate bus1_stress as bus1_service;

#[path = "../../../bus1-service/tests/common/mod.rs"]
mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

use bus1_service::{Error, Handed, Id, Kind, Peer, Place, Receivers, hooks};
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
    /// The receivers look whether there is something.
    Look,
    /// A message of another to the second receiver.
    SendOne,
    /// A message of another to the last receiver and the first.
    SendBoth,
    /// A message of another to all, by hand.
    Together,
}

/// Who waits, and how often each was given the message or let go.
#[derive(Default)]
struct Waiting {
    n_taken: usize,
    given: [u32; 3],
    let_go: [u32; 3],
}

impl Receivers<Host> for Waiting {
    fn take(&mut self, _: &Arc<Bell>) -> bool {
        self.n_taken += 1;
        true
    }

    fn give(&mut self, index: usize, _: Handed) {
        self.given[index] += 1;
    }

    fn let_go(&mut self, index: usize) {
        self.let_go[index] += 1;
    }
}

/// The peers of a run, each with an account of its own, and what connects them.
#[derive(Clone)]
struct Scene {
    client: Peer<Host>,
    other: Peer<Host>,
    servers: Vec<Peer<Host>>,
    nodes: Vec<Id>,
    /// Handles of the client and of the other.
    to: [Vec<Id>; 2],
}

impl Scene {
    fn new(world: &mut World) -> Self {
        let mut peer = || {
            let account = world.account(MAXIMA);
            world.peer(account)
        };
        let (client, other) = (peer(), peer());
        let servers: Vec<_> = (0..3).map(|_| peer()).collect();
        let (nodes, to): (Vec<_>, Vec<_>) =
            servers.iter().map(|server| node(server, &client)).unzip();
        let copies = to.iter().map(|&id| copy(&client, &other, id).unwrap());
        let copies: Vec<_> = copies.collect();
        for (from, to) in [(&client, &to), (&other, &copies)] {
            send(from, to, &[], b"first").unwrap();
            servers
                .iter()
                .for_each(|server| drop(server.recv().unwrap()));
        }
        let to = [to, copies];
        Self {
            client,
            other,
            servers,
            nodes,
            to,
        }
    }

    fn act(&self, act: Act) {
        let Self {
            other,
            servers,
            nodes,
            to: [to, copies],
            ..
        } = self;
        match act {
            Act::Release => release(&servers[1], &nodes[1..2]).unwrap(),
            Act::Close => close(&servers[1]),
            Act::LetGo => release(&self.client, &to[1..2]).unwrap(),
            // A RECV that waited for what is being given would wait for this thread.
            Act::Look => servers
                .iter()
                .for_each(|server| assert!(server.begin_recv().is_err())),
            Act::SendOne => send(other, &copies[1..2], &[], b"!").unwrap(),
            Act::SendBoth => send(other, &[copies[2], copies[0]], &[], b"!").unwrap(),
            Act::Together => {
                let mut waiting = Waiting::default();
                if !other.hand_over_together(copies, 1, &mut waiting) {
                    send(other, copies, &[], b"!").unwrap();
                }
            }
        }
    }
}

/// Hands one message over with `what` done at its step `step`. Whether that was done, and whether the message was handed over.
fn run(what: Act, step: usize) -> (bool, bool) {
    let mut world = World::new(0);
    let scene = Scene::new(&mut world);
    let was_done = Rc::new(Cell::new(false));
    let mut n_before = step;
    hooks::set(Some(Box::new({
        let (scene, was_done) = (scene.clone(), was_done.clone());
        move |place| {
            if !place.starts_with("together") {
                return;
            }
            if n_before == 0 {
                was_done.set(true);
                scene.act(what);
            }
            n_before = n_before.wrapping_sub(1);
        }
    })));
    let mut waiting = Waiting::default();
    let is_handed = scene
        .client
        .hand_over_together(&scene.to[0], 1, &mut waiting);
    hooks::set(None);
    let is_dropped = |index| is_handed && index == 1 && waiting.given[1] == 0;
    for index in 0..3 {
        let given = u32::from(is_handed && !is_dropped(index));
        assert_eq!(
            waiting.given[index], given,
            "{what:?} at {step}, receiver {index}"
        );
        let let_go = u32::from(index < waiting.n_taken && given == 0);
        assert_eq!(
            waiting.let_go[index], let_go,
            "{what:?} at {step}, receiver {index}"
        );
    }
    if is_dropped(1) {
        assert!(
            matches!(what, Act::Release | Act::Close) && was_done.get(),
            "{what:?} at {step}"
        );
    }
    // Nothing of it is anywhere, and everything goes on as ever.
    for server in &scene.servers {
        while let Ok(got) = server.recv() {
            assert!(
                got.kind() != Kind::User || got.payload() == b"!",
                "{what:?} at {step}"
            );
        }
    }
    let result = send(&scene.client, &scene.to[0], &[], b"x");
    let is_gone = was_done.get() && matches!(what, Act::Release | Act::Close);
    match (what, result) {
        (Act::LetGo, Err(Error::UnknownId(Place::Destination(1), id))) if was_done.get() => {
            assert_eq!(id, scene.to[0][1]);
        }
        (_, Ok(())) => {
            for (index, server) in scene.servers.iter().enumerate() {
                let n_messages = std::iter::from_fn(|| server.recv().ok()).count();
                assert_eq!(
                    n_messages,
                    usize::from(!(is_gone && index == 1)),
                    "{what:?} at {step}"
                );
            }
        }
        (_, other) => panic!("{what:?} at {step}: {other:?}"),
    }
    drop(scene);
    world.end();
    (was_done.get(), is_handed)
}

/// Whatever is done between two steps, all receivers that are left are given the message or none is; who comes to one of them before the
/// decision calls it off, and behind it nothing does.
#[test]
fn ord_1_handed_over_together_is_one_at_every_step() {
    for what in [
        Act::Release,
        Act::Close,
        Act::LetGo,
        Act::Look,
        Act::SendOne,
        Act::SendBoth,
        Act::Together,
    ] {
        let runs: Vec<_> = (0..100).map(|step| run(what, step)).collect();
        let n_steps = runs.iter().take_while(|(was_done, _)| *was_done).count();
        assert_eq!(n_steps, 4, "three that expect it, and the decision");
        let is_handed = |step: usize| runs[step].1;
        assert!(
            is_handed(3) && is_handed(n_steps),
            "{what:?} behind the decision"
        );
        assert!(!is_handed(2), "{what:?} before the decision");
    }
}

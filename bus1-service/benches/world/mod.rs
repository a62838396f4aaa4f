//! What the benchmarks share: a program of the host, and short names for what they do with the core.
#![allow(dead_code, reason = "each benchmark uses its part of it")]

use std::hint::black_box;

use bus1_service::{Account, Id, Peer, System};

/// A program of the host in which nobody waits, and a thread tries a lock so often before it stands in line for it.
pub(crate) struct Host<const N_TRIES: u32 = 0>;

impl<const N_TRIES: u32> System for Host<N_TRIES> {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
    const N_TRIES_BEFORE_LINE: u32 = N_TRIES;
    fn relax() {
        std::thread::yield_now();
    }
}

pub(crate) fn account<S: System<Amounts = [u64; 2]>>() -> Account<S> {
    Account::root([1 << 60; 2]).expect("an account")
}

/// An account of its own below `root`.
pub(crate) fn child<S: System<Amounts = [u64; 2]>>(root: &Account<S>) -> Account<S> {
    root.child(&root.actor(), [1 << 50; 2]).expect("an account")
}

pub(crate) fn peer<S: System<Watch = ()>>(account: &Account<S>) -> Peer<S> {
    Peer::new(account, ()).expect("a peer")
}

/// A node of `owner`; the handle on it that `holder` has.
pub(crate) fn handle<S: System>(owner: &Peer<S>, holder: &Peer<S>) -> Id {
    owner.create_node(holder).expect("a node").1
}

pub(crate) fn send<S: System>(from: &Peer<S>, to: &[Id], payload: &[u8]) {
    from.send(to, &[], payload).expect("sent").finish_silently();
}

pub(crate) fn receive<S: System>(peer: &Peer<S>) {
    black_box(peer.recv().expect("received").payload());
}

pub(crate) fn release<S: System>(peer: &Peer<S>, ids: &[Id]) {
    peer.release(ids, &mut |_, _| {}).expect("released");
}

pub(crate) fn close<S: System>(peer: &Peer<S>) {
    peer.close(&mut |_, _| {});
}

/// A copy of `handle`, which `peer` has, for itself.
pub(crate) fn copy<S: System>(peer: &Peer<S>, handle: Id) -> Id {
    let mut copy = [Id::INVALID];
    let source = [bus1_service::Source::Copy(handle)];
    let copied = peer.transfer(peer, &source, &mut [None], &mut copy);
    copied.expect("copied").finish_silently();
    copy[0]
}

/// Places in a set, all over it: they repeat from run to run.
pub(crate) struct Walk(pub(crate) u64);

impl Walk {
    pub(crate) fn next(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

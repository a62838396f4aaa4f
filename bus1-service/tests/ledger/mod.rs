//! Accounts alone, without peers: what the tests of their rules share.
#![allow(dead_code, reason = "each test program uses its part of it")]

use bus1_service::{Account, Actor, Charge, System};

/// A system without peers.
pub(crate) struct Host;

impl System for Host {
    type Watch = ();
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
}

/// The account above all others of a test; when the test is over, it must have everything back (ACC-5, ACC-8).
pub(crate) struct Root(Account<Host>);

impl Root {
    pub(crate) fn new(maxima: [u64; 2]) -> Root {
        Root(Account::root(maxima).unwrap())
    }
}

impl std::ops::Deref for Root {
    type Target = Account<Host>;
    fn deref(&self) -> &Account<Host> {
        &self.0
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let info = self.inspect();
        assert!(
            (info.available, info.n_quotas) == (info.maxima, 0) || std::thread::panicking(),
            "{info:?}"
        );
    }
}

/// An account whose first slot has this maximum, the second being large.
pub(crate) fn account(maximum: u64) -> (Root, Account<Host>) {
    let root = Root::new([1 << 50, 1 << 60]);
    let account = root.child(&root.actor(), [maximum, 1 << 50]).unwrap();
    (root, account)
}

/// An account that may hold nothing itself.
pub(crate) fn other(root: &Account<Host>) -> Account<Host> {
    root.child(&root.actor(), [0, 0]).unwrap()
}

/// A charge of so many in the first slot, which must be granted.
pub(crate) fn charge(target: &Account<Host>, actor: &Actor<Host>, n: u64) -> Charge<Host> {
    target
        .charge(actor, [n, 0])
        .unwrap_or_else(|error| panic!("{n} of {:?}: {error:?}", target.inspect()))
}

/// Numbers that look like chance, the same in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Dice {
        Dice(0x9E37_79B9_7F4A_7C15)
    }

    /// 31 bits.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

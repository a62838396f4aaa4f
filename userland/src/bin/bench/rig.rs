//! What experiments are made with: servers with accounts of their own, and the clock.

use alloc::vec::Vec;
use omnibus_userland::abi::capability::{console, peer};
use omnibus_userland::abi::{CapabilityNumber, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::port::Port;
use omnibus_userland::suite::wire::create;
use omnibus_userland::task::{Command, Task};
use omnibus_userland::{calls, environment, println, raw};

/// Batches of rounds of which the median counts: what comes between now and then, as the timer does, does not.
const N_BATCHES: usize = 15;

/// Limits of a server's account, objects, bytes and frames: room for what it keeps, for many times its largest message, and for its
/// memory. A foreign claim must leave a multiple of itself (ACC-4).
pub(crate) const ROOMY: [u64; 3] = [1 << 12, 4 << 20, 512];
/// The same for one of many servers with small messages.
pub(crate) const NARROW: [u64; 3] = [64, 1 << 14, 256];

/// Everything that is the same for all experiments.
pub(crate) struct Rig {
    only: &'static str,
    is_wall: bool,
    account: Account,
    console: CapabilityNumber,
    n_told: u64,
}

impl Rig {
    pub(crate) fn new(only: &'static str, is_wall: bool) -> Self {
        let find = |kind| environment::find(kind).expect("the first task has one of every kind");
        Self {
            only,
            is_wall,
            account: Account::from_capability(find(Kind::Account)),
            console: find(Kind::Console),
            n_told: 0,
        }
    }

    /// The account that this task's peers act for.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn console(&self) -> CapabilityNumber {
        self.console
    }

    pub(crate) fn n_told(&self) -> u64 {
        self.n_told
    }

    /// Makes the experiment `id` and tells its figure.
    pub(crate) fn figure(
        &mut self,
        id: &str,
        experiment: impl FnOnce(&Self) -> Outcome<u64>,
    ) -> Outcome {
        self.tell("figure", id, experiment)
    }

    /// Makes the experiment for a point of the curve over sizes and tells it.
    pub(crate) fn size(
        &mut self,
        n_bytes: usize,
        experiment: impl FnOnce(&Self) -> Outcome<u64>,
    ) -> Outcome {
        self.tell("size", &alloc::format!("{n_bytes}"), experiment)
    }

    fn tell(
        &mut self,
        word: &str,
        id: &str,
        experiment: impl FnOnce(&Self) -> Outcome<u64>,
    ) -> Outcome {
        if !id.contains(self.only) {
            return Ok(());
        }
        let cost = experiment(self)?;
        println!("{word} {id} {cost}");
        self.n_told += 1;
        Ok(())
    }

    /// Ticks of a round: the median of the batches.
    pub(crate) fn time(
        &self,
        n_rounds: u64,
        mut round: impl FnMut() -> calls::Result<()>,
    ) -> Outcome<u64> {
        let mut batches = Vec::with_capacity(N_BATCHES);
        for _ in 0..N_BATCHES {
            let began = self.now();
            for _ in 0..n_rounds {
                round()?;
            }
            let took = self.now() - began;
            batches.push((took + n_rounds / 2) / n_rounds);
        }
        batches.sort_unstable();
        Ok(batches[N_BATCHES / 2])
    }

    fn now(&self) -> u64 {
        if self.is_wall {
            calls::clock_ns()
        } else {
            raw::counter()
        }
    }

    /// Rounds that [`Rig::time`] makes in all.
    pub(crate) const fn n_timed(n_rounds: u64) -> u64 {
        n_rounds * N_BATCHES as u64
    }
}

/// A server in a task of its own, with what leads there and back.
pub(crate) struct Server {
    task: Task,
    /// The client's handle to the server's node.
    pub(crate) to: u64,
    _account: Account,
}

impl Server {
    /// Starts a server that answers as `kind` says, for `client`.
    pub(crate) fn start(
        rig: &Rig,
        client: &Peer,
        kind: &str,
        [objects, bytes, frames]: [u64; 3],
    ) -> Outcome<Self> {
        let account = rig.account.carve(objects, bytes, frames)?;
        let own = Peer::new(&account)?;
        let (_, to) = create(&own, client)?;
        let (_, back) = create(client, &own)?;
        let command = Command::new("bench-server")
            .argument(kind)
            .argument(back)
            .grant(own.number(), peer::USE | peer::RECEIVE)
            .grant(rig.console, console::WRITE);
        let task = command.spawn(&account)?;
        Ok(Self {
            task,
            to,
            _account: account,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let is_over = self.task.kill().and_then(|()| self.task.wait());
        if let Err(error) = is_over {
            println!("a server did not end: {error}");
        }
    }
}

/// A client with its server.
pub(crate) struct Pair {
    pub(crate) server: Server,
    pub(crate) client: Peer,
}

impl Pair {
    pub(crate) fn start(rig: &Rig, kind: &str) -> Outcome<Self> {
        let client = Peer::new(&rig.account)?;
        let server = Server::start(rig, &client, kind, ROOMY)?;
        Ok(Self { server, client })
    }

    pub(crate) fn port(&self) -> Port {
        Port::of(&self.client)
    }
}

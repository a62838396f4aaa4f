//! What experiments are made with: which are wanted, the clock, and what servers need.

use alloc::vec::Vec;
use omnibus_userland::abi::{CapabilityNumber, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bench_server::Host;
use omnibus_userland::check::Outcome;
use omnibus_userland::{calls, environment, println, raw};

/// Batches of rounds of which the median counts: what comes between now and then, as the timer does, does not.
const N_BATCHES: usize = 15;

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

    /// What servers need.
    pub(crate) fn host(&self) -> Host<'_> {
        Host {
            account: &self.account,
            console: self.console,
        }
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

//! What endpoints and queued messages take of the machine's memory: by how much its free memory shrinks.

use std::error::Error;
use std::fs;

use nix::mqueue::MQ_OFlag;
use nix::sys::eventfd::EventFd;
use omnibus_compare::line::Cost;
use omnibus_compare::{
    FOOTPRINT, FOOTPRINT_MESSAGE, N_ENDPOINTS, N_QUEUES, N_REPETITIONS, QUEUED_SIZES, n_queued,
};

use crate::binder::Binder;
use crate::channel::{Channel, Pipe, Queue, Socket};
use crate::guest::has_binder;
use crate::sys::Result;
use crate::teller::Teller;

type Outcome<T> = std::result::Result<T, Box<dyn Error>>;

/// Idle endpoints.
pub(super) fn of_endpoints(teller: &mut Teller) -> Outcome<()> {
    for repetition in 0..N_REPETITIONS {
        endpoints(teller, repetition, "pipe", N_ENDPOINTS, Pipe::new)?;
        endpoints(teller, repetition, "seqpacket", N_ENDPOINTS, Socket::new)?;
        endpoints(teller, repetition, "eventfd", N_ENDPOINTS, EventFd::new)?;
        endpoints(teller, repetition, "mqueue", N_ENDPOINTS, || queue(64))?;
        if has_binder() {
            endpoints(teller, repetition, "binder", N_ENDPOINTS, Binder::open)?;
        }
    }
    Ok(())
}

/// Queued messages.
pub(super) fn of_messages(teller: &mut Teller) -> Outcome<()> {
    for repetition in 0..N_REPETITIONS {
        for n_bytes in QUEUED_SIZES {
            messages(teller, repetition, "pipe", n_bytes, Pipe::new)?;
            messages(teller, repetition, "seqpacket", n_bytes, Socket::new)?;
            messages(teller, repetition, "mqueue", n_bytes, || queue(n_bytes))?;
        }
    }
    Ok(())
}

fn queue(n_bytes: usize) -> Result<Queue> {
    Queue::new(n_queued(n_bytes) as i64, n_bytes, MQ_OFlag::empty())
}

fn endpoints<E>(
    teller: &mut Teller,
    repetition: u64,
    means: &'static str,
    n_endpoints: usize,
    new: impl Fn() -> Result<E>,
) -> Outcome<()> {
    let mut made = Vec::with_capacity(n_endpoints);
    // The vector's own pages, before it counts.
    made.extend((0..n_endpoints).map(|_| None));
    settle()?;
    let before = n_free_bytes()?;
    for place in &mut made {
        *place = Some(new()?);
    }
    let n_taken = before.saturating_sub(n_free_bytes()?);
    teller.cost(&Cost {
        experiment: FOOTPRINT,
        means,
        parameter: 0,
        repetition,
        amount: n_taken / n_endpoints as u64,
    });
    Ok(())
}

fn messages<C: Channel>(
    teller: &mut Teller,
    repetition: u64,
    means: &'static str,
    n_bytes: usize,
    new: impl Fn() -> Result<C>,
) -> Outcome<()> {
    let queues = (0..N_QUEUES).map(|_| new()).collect::<Result<Vec<_>>>()?;
    let bytes = vec![1; n_bytes];
    settle()?;
    let before = n_free_bytes()?;
    for queue in &queues {
        for _ in 0..n_queued(n_bytes) {
            queue.send(&bytes)?;
        }
    }
    let n_taken = before.saturating_sub(n_free_bytes()?);
    teller.cost(&Cost {
        experiment: FOOTPRINT_MESSAGE,
        means,
        parameter: n_bytes as u64,
        repetition,
        amount: n_taken / (N_QUEUES * n_queued(n_bytes)) as u64,
    });
    Ok(())
}

/// Has the kernel's allocator give empty slabs back, which it would otherwise fill again unseen.
fn settle() -> Outcome<()> {
    for cache in fs::read_dir("/sys/kernel/slab")? {
        // Not every cache can be shrunk.
        let _ = fs::write(cache?.path().join("shrink"), "1");
    }
    Ok(())
}

/// The free pages of every zone and those that a CPU keeps at hand, which `MemFree` of proc_meminfo(5) leaves out.
fn n_free_bytes() -> Outcome<u64> {
    let text = fs::read_to_string("/proc/zoneinfo")?;
    let mut n_pages = 0;
    for line in text.lines().map(str::trim) {
        let count = line
            .strip_prefix("pages free")
            .or_else(|| line.strip_prefix("count:"));
        if let Some(count) = count {
            n_pages += count.trim().parse::<u64>()?;
        }
    }
    Ok(n_pages * 4096)
}

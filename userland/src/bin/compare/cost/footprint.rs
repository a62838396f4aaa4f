//! What endpoints and queued messages take of the machine's memory: by how many frames in use its kernel grows.

use crate::teller::Teller;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_compare::line::Cost;
use omnibus_compare::{
    FOOTPRINT, FOOTPRINT_MESSAGE, N_ENDPOINTS, N_QUEUES, QUEUED_SIZES, n_queued,
};
use omnibus_userland::abi::Kind;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::bench_server::Host;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::wire::{create, send};
use omnibus_userland::{calls, environment};

/// Idle endpoints.
pub(super) fn of_endpoints(teller: &mut Teller, host: Host<'_>) -> Outcome {
    for repetition in 0..teller.extent.n_repetitions {
        let mut tell = |means, amount| {
            teller.cost(&Cost {
                experiment: FOOTPRINT,
                means,
                parameter: 0,
                repetition,
                amount,
            });
        };
        let peer = Peer::new(host.account)?;
        tell("node", of_each(N_ENDPOINTS, || Ok(create(&peer, &peer)?))?);
        tell("peer", of_each(N_QUEUES, || Ok(Peer::new(host.account)?))?);
    }
    Ok(())
}

/// Queued messages.
pub(super) fn of_messages(teller: &mut Teller, host: Host<'_>) -> Outcome {
    for repetition in 0..teller.extent.n_repetitions {
        for n_bytes in QUEUED_SIZES {
            let peer = Peer::new(host.account)?;
            let (_, handle) = create(&peer, &peer)?;
            let data = vec![1; n_bytes];
            let amount = of_each(N_QUEUES * n_queued(n_bytes), || {
                Ok(send(&peer, &[handle], &data)?)
            })?;
            teller.cost(&Cost {
                experiment: FOOTPRINT_MESSAGE,
                means: "message",
                parameter: n_bytes as u64,
                repetition,
                amount,
            });
        }
    }
    Ok(())
}

/// Bytes of each of so many things.
fn of_each<T>(n_things: usize, make: impl Fn() -> Outcome<T>) -> Outcome<u64> {
    // This program's own memory, before it counts.
    let mut made: Vec<Option<T>> = (0..n_things).map(|_| None).collect();
    let before = n_used_bytes()?;
    for place in &mut made {
        *place = Some(make()?);
    }
    Ok(n_used_bytes()?.saturating_sub(before) / n_things as u64)
}

/// Frames in use, as the kernel tells of itself: `machine frames TOTAL used USED …`.
fn n_used_bytes() -> Outcome<u64> {
    let system = environment::find(Kind::System).ok_or_else(|| Failure::new("no system"))?;
    let mut text = vec![0; 256];
    calls::inspect(system, &mut text)?;
    let text = core::str::from_utf8(&text).unwrap_or_default();
    let mut words = text.split_whitespace().skip_while(|word| *word != "used");
    let n_frames = words.nth(1).and_then(|word| word.parse::<u64>().ok());
    let n_frames = n_frames.ok_or_else(|| Failure::new("the kernel does not tell its frames"))?;
    Ok(n_frames * PAGE_BYTES)
}

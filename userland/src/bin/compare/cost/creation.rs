//! Making an endpoint and giving it up.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec::Vec;
use omnibus_userland::bench_server::Host;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::wire::{create, release};

pub(super) fn subjects(host: Host<'_>) -> Outcome<Vec<Subject<'_>>> {
    let peer = Peer::new(host.account)?;
    let node = move || {
        let (node, handle) = create(&peer, &peer)?;
        // The handle of an own node that is gone stays until its NODE_RELEASE; released together, neither leaves a notice.
        release(&peer, &[node, handle])?;
        Ok(())
    };
    let peer = move || Ok(Peer::new(host.account).map(drop)?);
    let memory = move || Ok(Memory::new(host.account, 4096).map(drop)?);
    Ok(alloc::vec![
        subject("node", node),
        subject("peer", peer),
        subject("memory", memory),
    ])
}

fn subject<'a>(means: &'static str, make: impl Fn() -> Outcome + 'a) -> Subject<'a> {
    Subject {
        means,
        parameter: 0,
        n_rounds: 100,
        n_parts: 1,
        round: Box::new(move |_| make().map(|()| None)),
    }
}

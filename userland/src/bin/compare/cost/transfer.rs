//! A request that carries a handle.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec::Vec;
use omnibus_compare::measure::Round;
use omnibus_userland::abi::bus1::Transfer;
use omnibus_userland::bench_server::{Host, Pair, order};
use omnibus_userland::bus::Peer;
use omnibus_userland::check;
use omnibus_userland::check::Outcome;
use omnibus_userland::port::Port;
use omnibus_userland::suite::wire::create;

pub(super) fn subjects(host: Host<'_>) -> Outcome<Vec<Subject<'_>>> {
    Ok(alloc::vec![
        carried(host, "keep", false)?,
        carried(host, "drop", true)?,
    ])
}

fn carried<'a>(host: Host<'a>, kind: &str, is_dropped: bool) -> Outcome<Subject<'a>> {
    let pair = Pair::start(host, kind, &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let token = Peer::new(host.account)?;
    let (node, _) = create(&token, &token)?;
    let (_, handle) = create(&token, &pair.client)?;
    let carried = [Transfer {
        flags: 0,
        id: handle,
    }];
    let mut into = [0; 8];
    Ok(Subject {
        means: "handle",
        parameter: u64::from(is_dropped),
        n_rounds: 100,
        n_parts: 1,
        round: Box::new(move |round| {
            let _ = &pair;
            let order = match round {
                Round::Checked(_) => order::USE,
                Round::Timed => 0,
            };
            port.exchange(to, &[order], &carried, &mut into, &mut [])?;
            if let Round::Checked(_) = round {
                let used = Port::of(&token).next(&mut [0; 8], &mut [])?;
                check!(used.metadata.id != node, "the handle leads elsewhere");
            }
            Ok(None)
        }),
    })
}

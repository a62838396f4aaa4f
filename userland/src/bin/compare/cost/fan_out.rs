//! One message to many receivers, in one transaction.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec::Vec;
use omnibus_compare::FAN_OUT_BYTES;
use omnibus_compare::measure::Round;
use omnibus_userland::bench_server::{Host, Server, order};
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::check_eq;
use omnibus_userland::port::Port;

/// Limits of a receiver's account, objects, bytes and frames: an actor may take half of what the first account has, for all of them.
const LIMITS: [u64; 3] = [64, 1 << 14, 128];

pub(super) fn subjects(host: Host<'_>, n_receivers: usize) -> Outcome<Vec<Subject<'_>>> {
    Ok(alloc::vec![to_all(host, n_receivers)?])
}

fn to_all(host: Host<'_>, n_receivers: usize) -> Outcome<Subject<'_>> {
    let client = Peer::new(host.account)?;
    let mut servers = Vec::new();
    for index in 1..=n_receivers {
        let kind = if index == n_receivers {
            "acknowledge"
        } else {
            "count"
        };
        servers.push(Server::start(host, &client, kind, LIMITS, &[])?);
    }
    let handles: Vec<u64> = servers.iter().map(|server| server.to).collect();
    let port = Port::of(&client);
    let mut n_sent = 0_u64;
    Ok(Subject {
        means: "multicast",
        parameter: n_receivers as u64,
        n_rounds: 20,
        n_parts: n_receivers as u64,
        round: Box::new(move |round| {
            let _ = (&client, &servers);
            let mut data = [0; FAN_OUT_BYTES];
            if let Round::Checked(number) = round {
                data = [number as u8; FAN_OUT_BYTES];
                data[0] = order::CHECK;
            }
            port.multicast(&handles, &data, &[])?;
            port.next(&mut [], &mut [])?;
            n_sent += 1;
            if let Round::Checked(_) = round {
                for &handle in &handles {
                    port.send(handle, &[order::REPORT], &[])?;
                    let mut reply = [0; 8];
                    port.next(&mut reply, &mut [])?;
                    check_eq!(u64::from_le_bytes(reply), n_sent, "messages of a receiver");
                }
            }
            Ok(None)
        }),
    })
}

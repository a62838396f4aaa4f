//! Messages one way, as fast as they go.

use super::Subject;
use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_compare::measure::Round;
use omnibus_compare::{BURST, QUEUED_SIZES};
use omnibus_userland::abi::short::SHORT_BYTES_MAX;
use omnibus_userland::bench_server::{Host, Pair, order};
use omnibus_userland::check::Outcome;
use omnibus_userland::check_eq;

pub(super) fn subjects(host: Host<'_>) -> Outcome<Vec<Subject<'_>>> {
    QUEUED_SIZES
        .into_iter()
        .map(|n_bytes| burst(host, n_bytes))
        .collect()
}

/// A burst to a server that counts, and then tells how many there were.
fn burst(host: Host<'_>, n_bytes: usize) -> Outcome<Subject<'_>> {
    // What fits is received in registers.
    let kind = if n_bytes > SHORT_BYTES_MAX as usize {
        "count-long"
    } else {
        "count"
    };
    let pair = Pair::start(host, kind, &[])?;
    let (port, to) = (pair.port(), pair.server.to);
    let mut data = vec![0; n_bytes];
    let mut n_sent = 0_u64;
    Ok(Subject {
        means: "message",
        parameter: n_bytes as u64,
        n_rounds: 20,
        n_parts: BURST as u64,
        round: Box::new(move |round| {
            let _ = &pair;
            match round {
                Round::Checked(number) => {
                    data.fill(number as u8);
                    data[0] = order::CHECK;
                }
                Round::Timed => data[0] = 0,
            }
            for _ in 0..BURST {
                port.send(to, &data, &[])?;
            }
            n_sent += BURST as u64;
            port.send(to, &[order::REPORT], &[])?;
            let mut reply = [0; 8];
            port.next(&mut reply, &mut [])?;
            check_eq!(u64::from_le_bytes(reply), n_sent, "messages received");
            Ok(None)
        }),
    })
}

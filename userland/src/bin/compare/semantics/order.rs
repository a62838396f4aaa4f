//! In which order messages are seen.

use super::stage::{Flag, Log, hear, link, part, play};
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::server::Host;
use omnibus_userland::suite::wire::send;

/// Two senders, each through a node of its own; what one does is known to the other through memory.
pub(super) fn causal(host: Host<'_>, run: u64, log: &Log) -> Outcome {
    let [p, s, r] = peers(host)?;
    let (s_to_p, r_to_p) = (link(&s, &p)?, link(&r, &p)?);
    let flag = Flag::default();
    let seen = flag.clone();
    let [of_p, of_s, of_r] = [(); 3].map(|()| log.clone());
    play(
        run,
        [
            part(move || {
                hear(&of_p, "P", &p)?;
                hear(&of_p, "P", &p)
            }),
            part(move || {
                send(&s, &[s_to_p], b"A")?;
                of_s.tell("S", "sent", "A");
                flag.set();
                Ok(())
            }),
            part(move || {
                seen.wait();
                send(&r, &[r_to_p], b"B")?;
                of_r.tell("R", "sent", "B");
                Ok(())
            }),
        ],
    )
}

/// A multicast, and what follows from one member of it.
pub(super) fn fan_out(host: Host<'_>, run: u64, log: &Log) -> Outcome {
    let [p, q, s] = peers(host)?;
    let of_s = [link(&s, &p)?, link(&s, &q)?];
    let p_to_q = link(&p, &q)?;
    let [by_p, by_q, by_s] = [(); 3].map(|()| log.clone());
    play(
        run,
        [
            part(move || {
                hear(&by_p, "P", &p)?;
                send(&p, &[p_to_q], b"B")?;
                by_p.tell("P", "sent", "B");
                Ok(())
            }),
            part(move || {
                hear(&by_q, "Q", &q)?;
                hear(&by_q, "Q", &q)
            }),
            part(move || {
                send(&s, &of_s, b"A")?;
                by_s.tell("S", "sent", "A");
                Ok(())
            }),
        ],
    )
}

/// Two multicasts at once, whose receivers are named in the same order or in opposite ones.
pub(super) fn agreement(host: Host<'_>, run: u64, log: &Log, is_same: bool) -> Outcome {
    let [p, q, s, r] = peers(host)?;
    let of_s = [link(&s, &p)?, link(&s, &q)?];
    let mut of_r = [link(&r, &p)?, link(&r, &q)?];
    if !is_same {
        of_r.reverse();
    }
    let receiver = |name, peer: Peer| {
        let log = log.clone();
        part(move || {
            hear(&log, name, &peer)?;
            hear(&log, name, &peer)
        })
    };
    let sender = |name, message: &'static [u8; 1], peer: Peer, to: [u64; 2]| {
        let log = log.clone();
        part(move || {
            send(&peer, &to, message)?;
            log.tell(name, "sent", char::from(message[0]));
            Ok(())
        })
    };
    let parts = [
        receiver("P", p),
        receiver("Q", q),
        sender("S", b"A", s, of_s),
        sender("R", b"B", r, of_r),
    ];
    play(run, parts)
}

fn peers<const N: usize>(host: Host<'_>) -> Outcome<[Peer; N]> {
    let mut made = alloc::vec::Vec::with_capacity(N);
    for _ in 0..N {
        made.push(Peer::new(host.account)?);
    }
    made.try_into()
        .map_err(|_| omnibus_userland::check::Failure::new("so many were made"))
}

//! What a sender, or a second user, can take and find.

use super::stage::{Log, link, name};
use omnibus_userland::abi::CapabilityNumber;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::check::Outcome;
use omnibus_userland::server::Host;
use omnibus_userland::suite::wire::send;

/// Limits of an account here: objects, bytes, frames.
const LIMITS: [u64; 3] = [1 << 12, 1 << 20, 64];

/// Numbers that are tried.
const N_GUESSES: u64 = 1024;

/// A peer with an account of its own.
fn user(host: Host<'_>) -> Outcome<Peer> {
    let [objects, bytes, frames] = LIMITS;
    // The account lives as long as its peer (ACC-8).
    Ok(Peer::new(&host.account.carve(objects, bytes, frames)?)?)
}

/// Sends until it is refused; logs how often it was not, and the refusal.
fn flood(log: &Log, actor: &'static str, from: &Peer, handle: u64) {
    let mut n_accepted = 0_u64;
    let refusal = loop {
        match send(from, &[handle], &[0; 64]) {
            Ok(()) => n_accepted += 1,
            Err(error) => break error,
        }
    };
    log.tell(actor, "accepted", n_accepted);
    log.tell(actor, "refused", name(refusal));
}

/// A sender whose receiver does not read.
pub(super) fn full_queue(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let (p, s) = (user(host)?, user(host)?);
    let s_to_p = link(&s, &p)?;
    flood(log, "S", &s, s_to_p);
    // There is no sending that waits.
    log.tell_result("S", "willing-to-wait", send(&s, &[s_to_p], &[0; 64]));
    Ok(())
}

/// A second sender, after the first has taken what it can.
pub(super) fn exhaustion(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let (service, f, g) = (user(host)?, user(host)?, user(host)?);
    let (f_to, g_to) = (link(&f, &service)?, link(&g, &service)?);
    flood(log, "F", &f, f_to);
    log.tell_result("G", "sent", send(&g, &[g_to], &[0; 64]));
    Ok(())
}

/// Ids of handles that another peer holds, and those around them.
pub(super) fn guess_ids(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let (o, s, g) = (user(host)?, user(host)?, user(host)?);
    let real = link(&s, &o)?;
    let guesses = (1..N_GUESSES)
        .chain((0..64).map(|bit| real ^ (1 << bit)))
        .chain([real]);
    tell_guesses(log, guesses, |id| send(&g, &[id], b"x").is_ok());
    Ok(())
}

/// Numbers of capabilities that this task was not given.
pub(super) fn guess_capabilities(_: Host<'_>, _: u64, log: &Log) -> Outcome {
    let own = omnibus_userland::environment::capabilities();
    let first = own
        .iter()
        .map(|number| number.0 & u64::from(u32::MAX))
        .max()
        .unwrap_or(0);
    let guesses = (0..N_GUESSES).map(|slot| (1 << 20) + first + slot);
    tell_guesses(log, guesses, |number| {
        calls::capability_info(CapabilityNumber(number)).is_ok()
    });
    Ok(())
}

fn tell_guesses(log: &Log, guesses: impl Iterator<Item = u64>, works: impl Fn(u64) -> bool) {
    let (mut n_tried, mut n_working) = (0_u64, 0_u64);
    for guess in guesses {
        n_tried += 1;
        n_working += u64::from(works(guess));
    }
    log.tell("G", "tried", n_tried);
    log.tell("G", "worked", n_working);
}

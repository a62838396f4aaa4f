//! (h) The flooder sends to a service that does not read, until it is refused: that must happen
//! soon. Then a guest with an account of its own sends one message, which must arrive.

use crate::{Chapter, say};
use omnibus_userland::actor::{Allowance, Director};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::{check, check_eq};

pub(crate) const CHAPTER: Chapter = (
    "A flood ends at its quota, and a third task still gets through.",
    prove,
);

/// Maxima of the service's account: small, so that a flood meets them soon.
const SERVICE: Allowance = Allowance {
    objects: 1024,
    bytes: 1 << 20,
    frames: 512,
};

/// As many messages as the flooder tries: more than the service's account could ever hold.
const N_ATTEMPTS: u64 = 2 * SERVICE.objects;

fn prove(director: &Director) -> Outcome {
    let service = director.cast_with("service", "tour-service", &[], SERVICE)?;
    let handle = director.hear(&service)?.handles.pop();
    let handle = handle.ok_or_else(|| Failure::new("the service gave no handle"))?;

    let flooder = director.cast("flooder", "tour-flooder", &[&N_ATTEMPTS])?;
    flooder.handle.send_with(b"flood", &[&handle])?;
    let n_sent = count(&director.hear(&flooder)?.data)?;
    check!(n_sent < N_ATTEMPTS, "{n_sent} messages met no quota");
    check!(n_sent > 0, "the flooder could not send at all");

    let guest = director.cast("guest", "tour-flooder", &[&1])?;
    guest.handle.send_with(b"one message", &[&handle])?;
    let n_through = count(&director.hear(&guest)?.data)?;
    check_eq!(n_through, 1, "messages of the guest that got through");

    service.handle.send(b"read")?;
    let n_read = count(&director.hear(&service)?.data)?;
    check_eq!(
        n_read,
        n_sent + n_through,
        "messages that the service found"
    );
    say(format_args!(
        "the flood ended after {n_sent} messages; the guest got through"
    ));
    Ok(())
}

fn count(data: &[u8]) -> Outcome<u64> {
    let bytes = data
        .try_into()
        .map_err(|_| Failure::new("a report is not a number"))?;
    Ok(u64::from_le_bytes(bytes))
}

//! (a) The vault keeps a secret and says where. The thief reads that very address: if it could,
//! it would tell what it found. It must end by a page fault there, and only it.

use crate::{Chapter, say};
use omnibus_userland::actor::Director;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::task::Ending;
use omnibus_userland::time;
use omnibus_userland::{actor, check, check_eq};

pub(crate) const CHAPTER: Chapter = ("Tasks cannot read each other's memory.", prove);

/// Exception vector of a page fault (Intel SDM Vol. 3A, section 6.15).
const PAGE_FAULT: u64 = 14;

fn prove(director: &Director) -> Outcome {
    let vault = director.cast("vault", "tour-vault", &[])?;
    let address = director.hear(&vault)?.data;
    let address = address
        .try_into()
        .map(u64::from_le_bytes)
        .map_err(|_| Failure::new("the vault did not tell an address"))?;

    let thief = director.cast("thief", "tour-thief", &[&address])?;
    let ending = thief.task.wait_until(time::deadline_in(actor::PATIENCE))?;
    let expected = Ending::Faulted {
        vector: PAGE_FAULT,
        address,
    };
    check_eq!(ending, expected, "the thief's end");
    say(format_args!(
        "the thief ended by a page fault at {address:#x}"
    ));

    vault.handle.send(b"still there?")?;
    let answer = director.hear(&vault)?.data;
    check!(
        answer == b"yes",
        "the vault's secret is no longer what it was"
    );
    Ok(())
}

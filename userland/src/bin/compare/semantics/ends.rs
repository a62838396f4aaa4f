//! What is seen of a death, of what is taken back, and of what was on its way.

use super::stage::{Log, link};
use core::time::Duration;
use omnibus_compare::N_CYCLES;
use omnibus_userland::account::Account;
use omnibus_userland::actor::{Director, Player};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::check;
use omnibus_userland::check::Outcome;
use omnibus_userland::memory::Memory;
use omnibus_userland::server::Host;
use omnibus_userland::suite::holdings;
use omnibus_userland::suite::wire::{Got, copy, drain, release, send, send_with, take};
use omnibus_userland::{thread, time};

/// A director with an actor of the program `puppet` who plays `what`.
fn with_puppet(host: Host<'_>, what: &str) -> Outcome<(Director, Player)> {
    let account = host.account.carve(1 << 12, 1 << 20, 1100)?;
    let director = Director::new(account, host.console)?;
    let player = director.cast("P", "puppet", &[&what])?;
    Ok((director, player))
}

/// A message that its receiver never reads.
pub(super) fn lost_message(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let (director, player) = with_puppet(host, "sleep")?;
    director.hear(&player)?;
    let s = director.peer();
    let t = Peer::new(host.account)?;
    let token = link(s, &t)?;
    send_with(s, &[player.handle.id()], b"A", &[token])?;
    log.tell("S", "sent", "A");
    release(s, &[token])?;
    player.task.kill()?;
    player.task.wait()?;
    log.tell("P", "died", "");
    let notice = take(&t)?;
    check!(matches!(notice, Got::HandleRelease(_)), "T got {notice:?}");
    log.tell("T", "released", "yes");
    hear_death(&director, &player)?;
    log.tell("S", "told", "yes");
    log.tell_result("S", "sent-again", player.handle.send(b"B"));
    // Whoever is left reads what there is for it.
    let is_read = [s, &t]
        .iter()
        .any(|peer| drain(peer).is_ok_and(|seen| seen.contains(&b'A')));
    log.tell("X", "read", if is_read { "yes" } else { "no" });
    Ok(())
}

fn hear_death(director: &Director, player: &Player) -> Outcome {
    director.recv("a notice of death", |received| match received {
        Received::NodeRelease { handle } if handle == player.handle.id() => Ok(()),
        other => Err(other),
    })
}

/// Peers that hold each other's handles in messages nobody reads.
pub(super) fn cycles(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    log.tell("X", "objects", n_objects(host.account)?);
    for _ in 0..N_CYCLES {
        let (p, q) = (Peer::new(host.account)?, Peer::new(host.account)?);
        let (p_to_q, q_to_p) = (link(&p, &q)?, link(&q, &p)?);
        let (own_of_p, own_of_q) = (link(&p, &p)?, link(&q, &q)?);
        send_with(&p, &[p_to_q], b"A", &[own_of_p])?;
        send_with(&q, &[q_to_p], b"A", &[own_of_q])?;
    }
    // Closing goes on after the call that began it (CLO-5).
    time::sleep(Duration::from_millis(50));
    log.tell("X", "objects", n_objects(host.account)?);
    Ok(())
}

/// Objects that all claimants together hold in an account.
fn n_objects(account: &Account) -> Outcome<u64> {
    let holdings = holdings(account)?;
    Ok(holdings.iter().map(|(_, objects, _)| objects).sum())
}

/// A last message, a death, and what another says of it.
pub(super) fn death_order(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let (director, player) = with_puppet(host, "late")?;
    let r = Peer::new(host.account)?;
    copy(director.peer(), &r, player.handle.id())?;
    let r_to_q = link(&r, director.peer())?;
    let by_r = log.clone();
    let watcher = thread::spawn(move || {
        take(&r)?;
        by_r.tell("R", "learned", "death");
        send(&r, &[r_to_q], b"T")?;
        // Kept until Q has read: otherwise the end of R would be one more thing to read.
        Ok(r)
    })?;
    player.handle.send(b"go")?;
    let mut n_seen = 0;
    while n_seen < 3 {
        director.recv("what Q sees", |received| {
            match &received {
                Received::Message(message) if message.data == b"T" => {
                    log.tell("Q", "received", "T");
                }
                Received::Message(_) => log.tell("Q", "received", "M"),
                Received::NodeRelease { .. } => log.tell("Q", "learned", "death"),
                _ => return Ok(()),
            }
            n_seen += 1;
            Ok(())
        })?;
    }
    let result: omnibus_userland::calls::Result<Peer> = watcher.join()?;
    drop(result?);
    // Its account is to be given back before the next run carves one.
    player.task.wait()?;
    Ok(())
}

/// A node for each client; the release of one.
pub(super) fn revoke_node(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let new = || Peer::new(host.account);
    let (o, a, b, d) = (new()?, new()?, new()?, new()?);
    let (of_a, a_to_o) = omnibus_userland::suite::wire::create(&o, &a)?;
    let b_to_o = link(&b, &o)?;
    let d_to_o = copy(&a, &d, a_to_o)?;
    release(&o, &[of_a])?;
    log.tell("O", "revoked", "A");
    for (name, peer, handle) in [("A", &a, a_to_o), ("D", &d, d_to_o), ("B", &b, b_to_o)] {
        if name != "B" {
            take(peer)?;
        }
        log.tell_result(name, "used", send(peer, &[handle], b"x"));
    }
    Ok(())
}

/// Memory that is lent, and taken back.
pub(super) fn revoke_memory(host: Host<'_>, _: u64, log: &Log) -> Outcome {
    let lent = || Memory::new(host.account, 4096);
    let (to_a, to_b) = (lent()?, lent()?);
    let rights = omnibus_userland::abi::capability::memory::READ;
    let (of_a, of_b) = (to_a.copy(rights)?, to_b.copy(rights)?);
    let of_d = of_a.copy(rights)?;
    to_a.revoke()?;
    log.tell("O", "revoked", "A");
    for (name, memory) in [("A", &of_a), ("D", &of_d), ("B", &of_b)] {
        log.tell_result(name, "used", memory.map(rights).map(drop));
    }
    Ok(())
}

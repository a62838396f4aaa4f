//! An account takes of one thing until refused, and keeps it; then another account takes of the same.

use super::Run;
use super::sure::{USER, name};
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use omnibus_compare::asked;
use omnibus_compare::observe::{Answers, Subject};
use omnibus_userland::abi::{Errno, layout::PAGE_BYTES};
use omnibus_userland::account::Account;
use omnibus_userland::bench_server::Host;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::check::Outcome;
use omnibus_userland::memory::Memory;
use omnibus_userland::suite::wire::{create, send};

pub(super) const SUBJECTS: &[Subject<Run>] = &[
    ("objects", |host| both(host, node)),
    ("bytes", |host| both(host, message)),
    ("frames", |host| both(host, page)),
];

/// Frames of a user's account.
const N_FRAMES: u64 = 64;

/// What a user has.
struct User {
    account: Account,
    peer: Peer,
    /// A handle to itself.
    own: u64,
    pages: Vec<Memory>,
}

/// A node with a handle.
fn node(user: &mut User) -> Result<()> {
    create(&user.peer, &user.peer).map(drop)
}

/// A page's worth of bytes in a message that nobody reads.
fn message(user: &mut User) -> Result<()> {
    send(&user.peer, &[user.own], &[1; PAGE_BYTES as usize])
}

/// A page of memory.
fn page(user: &mut User) -> Result<()> {
    user.pages.push(Memory::new(&user.account, PAGE_BYTES)?);
    Ok(())
}

impl User {
    fn new(host: Host<'_>) -> Result<Self> {
        let [objects, bytes, _] = USER;
        let account = host.account.carve(objects, bytes, N_FRAMES)?;
        let peer = Peer::new(&account)?;
        let (_, own) = create(&peer, &peer)?;
        let pages = vec![];
        Ok(Self {
            account,
            peer,
            own,
            pages,
        })
    }

    /// Takes until refused: how often that went well, and the refusal.
    fn exhaust(&mut self, take: fn(&mut Self) -> Result<()>) -> (u64, Errno) {
        let mut n_taken = 0;
        loop {
            match take(self) {
                Ok(()) => n_taken += 1,
                Err(error) => return (n_taken, error),
            }
        }
    }
}

fn both(host: Host<'_>, take: fn(&mut User) -> Result<()>) -> Outcome<Answers> {
    let (mut first, mut other) = (User::new(host)?, User::new(host)?);
    let (n_taken, refused) = first.exhaust(take);
    let (n_taken_by_other, refused_to_other) = other.exhaust(take);
    Ok(vec![
        (asked::N_TAKEN, n_taken.to_string()),
        (asked::REFUSED, name(refused)),
        (asked::N_TAKEN_BY_OTHER, n_taken_by_other.to_string()),
        (asked::REFUSED_TO_OTHER, name(refused_to_other)),
    ])
}

//! Servers whose clients, of many accounts, take all that each of them may: they go on, since what they allow fits what they have.

use crate::stage::Stage;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::Result;
use omnibus_userland::service::names::{DOORS_PER_ACCOUNT_MAX, LIMITS, Policy};
use omnibus_userland::service::server::Limits;
use omnibus_userland::service::{log, names, store};
use omnibus_userland::suite::Bench;
use omnibus_userland::{check, check_eq, tests};

/// Whether there was no room any more.
fn is_full(done: Result<()>) -> Result<bool> {
    match done {
        Err(Errno::EDQUOT) => Ok(true),
        done => done.map(|()| false),
    }
}

fn accounts(bench: &Bench, n_accounts: usize) -> Result<Vec<Account>> {
    let carve = |_| bench.account.carve(1_000, 64 << 10, 0);
    (0..n_accounts).map(carve).collect()
}

/// The longest text that ends with this number.
fn long(number: usize, n_bytes: usize) -> String {
    format!("{number:x>n_bytes$}")
}

tests! {
    /// When clients of many accounts take every session, name, watch and door that they get, the longest ones, the server of names goes on.
    fn svc_6_names_are_full(bench) {
        let stage = Stage::with_store(bench)?;
        let limits = Limits::COMMON;
        let widest = Policy { prefix: long(0, LIMITS.name_bytes), can_register: true, can_look_up: true };
        let (mut held, mut sessions, mut doors, mut n_names) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for account in accounts(bench, limits.sessions / limits.sessions_per_account)? {
            let peer = Peer::new(&account)?;
            let door = stage.door("names", 0)?.copy_to(&peer)?;
            let (node, handle) = peer.node()?;
            while let Ok(client) = names::Client::open(&account, &door) {
                while !is_full(client.register(&long(n_names, LIMITS.name_bytes), &handle))? {
                    n_names += 1;
                }
                while !is_full(client.watch(&long(0, LIMITS.name_bytes - 1), &handle))? {}
                while !is_full(client.restrict(&widest).and_then(|made| made.copy_to(&peer)).map(|door| doors.push(door)))? {}
                sessions.push(client);
            }
            held.push((account, door, node, handle));
        }
        // Where they end it is the server's own account, of which others claim less the more of them there are and the fuller it is.
        check!(sessions.len() > limits.sessions_per_account, "{} sessions", sessions.len());
        check_eq!(n_names, sessions.len() * LIMITS.names, "names");
        check_eq!(doors.len() % DOORS_PER_ACCOUNT_MAX, 0, "doors");
        check_eq!(sessions[0].look_up(&long(0, LIMITS.name_bytes)).map(drop), Ok(()), "the first name");
        drop((sessions, doors, held));
        stage.close()
    }

    /// With every line of every account that it keeps, the longest ones, the log goes on.
    fn svc_7_the_log_is_full(bench) {
        let stage = Stage::with_store(bench)?;
        for _ in 0..log::ACCOUNTS_MAX {
            let account = bench.account.carve(64, 8 << 10, 0)?;
            let writer = log::Client::open(&account, &stage.door("log", 1)?.copy_to(&Peer::new(&account)?)?)?;
            for number in 0..log::LINES_PER_ACCOUNT {
                writer.write(&long(number, log::LINE_BYTES_MAX))?;
            }
        }
        let lines = stage.log(0)?.read_from(0)?;
        check_eq!(lines.len(), log::ACCOUNTS_MAX * log::LINES_PER_ACCOUNT, "lines");
        stage.close()
    }

    /// With every session that it allows, and in each all the bytes, the store goes on.
    fn svc_8_the_store_is_full(bench) {
        let stage = Stage::with_store(bench)?;
        let (mut held, mut sessions) = (Vec::new(), Vec::new());
        for account in accounts(bench, 4)? {
            let peer = Peer::new(&account)?;
            // The name is there when the supervisor has said so.
            stage.wait_for_line("store: started")?;
            let names = names::Client::open(&account, &stage.door("names", 1)?.copy_to(&peer)?)?;
            let door = names.look_up("store")?;
            while let Ok(client) = store::Client::open(&account, &door) {
                let of_one = store::BYTES_MAX / store::KEYS_MAX - store::KEY_BYTES_MAX;
                for key in 0..store::KEYS_MAX {
                    client.put(&long(sessions.len() * store::KEYS_MAX + key, store::KEY_BYTES_MAX), &[7; 4096][..of_one])?;
                }
                check_eq!(client.put("x", b""), Err(Errno::EDQUOT), "one key more");
                sessions.push(client);
            }
            held.push((account, peer, names, door));
        }
        check_eq!(sessions.len(), 32, "sessions");
        check_eq!(sessions[0].get(&long(0, store::KEY_BYTES_MAX)).map(|value| value.len()), Ok(store::BYTES_MAX / store::KEYS_MAX - store::KEY_BYTES_MAX), "the first value");
        drop((sessions, held));
        stage.close()
    }
}

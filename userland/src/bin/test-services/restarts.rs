//! The store, its ends, and the supervisor that starts it again.

use crate::stage::Stage;
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::check::Outcome;
use omnibus_userland::service::reach::Reach;
use omnibus_userland::service::{names, store, supervisor};
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, tests, time};

/// A client of the store: the session with `names` that keeps the watch, the way to the store, and the session there.
fn enter(stage: &Stage) -> Outcome<(names::Client, Reach, store::Client)> {
    let names = stage.names(1)?;
    let reach = Reach::new(&stage.client, &names, "store")?;
    let door = reach.next_door(time::deadline_in(PATIENCE))?;
    let store = store::Client::open(&stage.client, &door)?;
    Ok((names, reach, store))
}

tests! {
    /// A value is read by everybody and changed by its owner; when the owner ends, the key is free.
    fn sto_1_keys_go_with_their_client(bench) {
        let stage = Stage::with_store(bench)?;
        let (names, reach, owner) = enter(&stage)?;
        let (other_names, other_reach, other) = enter(&stage)?;
        owner.put("key", b"value")?;
        check_eq!(other.get("key"), Ok(b"value".to_vec()), "what another reads");
        check_eq!(other.put("key", b"mine"), Err(Errno::EPERM), "another puts");
        check_eq!(other.remove("key"), Err(Errno::EPERM), "another removes");
        drop(owner);
        check!(soon(|| Ok(other.get("key") == Err(Errno::ENOENT)))?, "the key stayed");
        check_eq!(other.put("key", b"mine"), Ok(()), "the next owner");
        drop((names, reach, other_names, other_reach, other));
        stage.close()
    }

    /// A service that ends is started again, its clients find it under its name, and open sessions anew; this any number of times.
    fn sup_1_started_again_and_found_again(bench) {
        let stage = Stage::with_store(bench)?;
        let (names, reach, mut client) = enter(&stage)?;
        let control = supervisor::Client::open(&stage.client, stage.door("supervisor", 0)?)?;
        for round in 0..6 {
            client.put("round", &[round])?;
            control.restart()?;
            check!(soon(|| Ok(client.get("round") == Err(Errno::EPIPE)))?, "the session went on");
            let door = reach.next_door(time::deadline_in(PATIENCE))?;
            client = store::Client::open(&stage.client, &door)?;
            check_eq!(client.get("round"), Err(Errno::ENOENT), "what the next one knows");
        }
        stage.wait_for_line("store: killed")?;
        drop((names, reach, client, control));
        stage.close()
    }

    /// A service that ends again and again as soon as it was started is given up, and the log says why.
    fn sup_2_a_restless_service_is_given_up(bench) {
        let stage = Stage::new(bench, "restless", "restless")?;
        let task = &stage.program("supervisor")?.task;
        let ending = task.wait_until(time::deadline_in(6 * PATIENCE))?;
        check_eq!(ending, Ending::Exited(1), "the supervisor's end");
        stage.wait_for_line("restless: exited with status 101")?;
        stage.wait_for_line("restless: ended too often too soon")?;
        stage.close()
    }

    /// When the supervisor ends, so does the name that it registered, and the store with its last client.
    fn sup_3_names_go_with_the_supervisor(bench) {
        let stage = Stage::with_store(bench)?;
        let (names, reach, client) = enter(&stage)?;
        stage.program("supervisor")?.task.kill()?;
        check!(soon(|| Ok(names.look_up("store").map(drop) == Err(Errno::ENOENT)))?, "the name stayed");
        drop((reach, client, names));
        stage.close()
    }
}

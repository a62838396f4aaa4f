//! What clients cannot do to a server and to each other.

use crate::stage::Stage;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::{Carried, Peer, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::check::Outcome;
use omnibus_userland::service::frame::{Frame, OPEN};
use omnibus_userland::service::names::{Client, DOORS_PER_ACCOUNT_MAX, LIMITS, Policy};
use omnibus_userland::{check, check_eq, tests, time};

/// Sends, as soon as the server has read enough of what was sent before.
fn insist(send: impl Fn() -> Result<()>) -> Outcome {
    let is_sent = || match send() {
        Err(Errno::EDQUOT) => Ok(false),
        result => result.map(|()| true),
    };
    check!(soon(is_sent)?, "the server does not read");
    Ok(())
}

tests! {
    /// Whatever is sent to a door or a session, the server goes on: noise, long messages, too many handles, capabilities, no way back.
    fn svc_1_noise_is_survived(bench) {
        let stage = Stage::with_store(bench)?;
        let door = stage.door("names", 0)?;
        let (_node, handle) = stage.peer.node()?;
        let open = Frame::new(OPEN, 0);
        let noise: [&[u8]; 5] = [b"", b"noise", &[0xff; 64], &[0; 8192], open.as_bytes()];
        for payload in noise {
            insist(|| door.send(payload))?;
            insist(|| door.send_with(payload, &[&handle; 9]))?;
            let console = Carried::Capability(bench.console, 0);
            insist(|| door.peer().send_carrying(&[door], payload, &[console]))?;
        }
        for operation in 0..9 {
            for payload in [Frame::new(operation, 1), Frame::new(operation, 1).text("x"), Frame::new(operation, 1).number(u64::MAX)] {
                insist(|| door.send(payload.as_bytes()))?;
                insist(|| door.send_with(payload.as_bytes(), &[&handle]))?;
            }
        }
        let client = stage.registrar()?;
        check_eq!(client.register("", &handle), Err(Errno::EINVAL), "no name");
        check_eq!(client.register(core::str::from_utf8(&[b'x'; 4090]).map_err(|_| Errno::EINVAL)?, &handle), Err(Errno::EMSGSIZE), "a request that is too long");
        check_eq!(client.register("fine", &handle), Ok(()), "the next");
        drop((client, handle));
        stage.close()
    }

    /// An account has so many sessions; the next is refused, those of another account are not, and one that ends makes room.
    fn svc_2_sessions_are_bounded(bench) {
        let stage = Stage::with_store(bench)?;
        let mut sessions = Vec::new();
        let refused = loop {
            match Client::open(&stage.client, stage.door("names", 1)?) {
                Ok(session) => sessions.push(session),
                Err(error) => break error,
            }
            check!(sessions.len() < 100, "no end");
        };
        check_eq!(refused, Errno::EDQUOT, "one too many");
        let other = bench.account.carve(200, 64 << 10, 0)?;
        let through = stage.door("names", 1)?.copy_to(&Peer::new(&other)?)?;
        let session = Client::open(&other, &through)?;
        check_eq!(session.look_up("nobody").map(drop), Err(Errno::ENOENT), "another account is served");
        sessions.pop();
        let is_back = || Ok(Client::open(&stage.client, stage.door("names", 1).map_err(|_| Errno::ENOENT)?).is_ok());
        check!(soon(is_back)?, "no room again");
        drop((sessions, session, through));
        stage.close()
    }

    /// A client that asks for ever and never reads is refused by its own account or the server's share, while another one is served.
    fn svc_3_a_flood_harms_only_itself(bench) {
        let stage = Stage::with_store(bench)?;
        let bad = bench.account.carve(300, 32 << 10, 0)?;
        let peer = Peer::new(&bad)?;
        let door = stage.door("names", 1)?.copy_to(&peer)?;
        let (_reply, to_reply) = peer.node()?;
        let good = stage.registrar()?;
        let (_node, handle) = stage.peer.node()?;
        let mut n_refused = 0;
        for round in 0..400 {
            let sent = door.send_with(Frame::new(OPEN, 0).as_bytes(), &[&to_reply]);
            let flooded = door.send(&[0; 3000]);
            n_refused += u32::from(sent.is_err()) + u32::from(flooded.is_err());
            if round % 40 == 0 {
                good.register("good", &handle)?;
            }
        }
        good.register("good", &handle)?;
        check!(peer.try_recv()?.is_some(), "nobody answered; {n_refused} refused");
        peer.close()?;
        drop((good, handle));
        stage.close()
    }

    /// One reply node for two sessions, which is registered as a name, too: with it both sessions end, and the name goes.
    fn svc_4_all_that_a_node_was(bench) {
        let stage = Stage::with_store(bench)?;
        let (keeper, reader) = (stage.registrar()?, stage.names(1)?);
        let peer = Peer::new(&stage.client)?;
        let door = stage.door("names", 1)?.copy_to(&peer)?;
        let (node, reply) = peer.node()?;
        keeper.register("reply", &reply)?;
        let mut sessions = Vec::new();
        for _ in 0..2 {
            door.send_with(Frame::new(OPEN, 0).as_bytes(), &[&reply])?;
            let opened = peer.recv_until(time::deadline_in(PATIENCE))?.message();
            sessions.extend(opened.and_then(|mut message| message.handles.pop()));
        }
        check_eq!(sessions.len(), 2, "sessions with one reply node");
        drop(node);
        for _ in 0..2 {
            // The reply node's own handle is told of, too, in whatever order.
            let told = core::iter::from_fn(|| peer.recv_until(time::deadline_in(PATIENCE)).ok());
            let mut ended = told.filter_map(|received| match received {
                Received::NodeRelease { handle } => Some(handle),
                _ => None,
            });
            check!(ended.any(|handle| sessions.iter().any(|session| session.id() == handle)), "a session goes on");
        }
        check!(soon(|| Ok(reader.look_up("reply").map(drop) == Err(Errno::ENOENT)))?, "the name stayed");
        drop((keeper, reader, sessions, door, reply, peer));
        stage.close()
    }

    /// An account has so many doors made, through however many sessions; they count until nobody can reach them. Another has its own.
    fn svc_5_doors_outlive_sessions_and_count(bench) {
        let stage = Stage::with_store(bench)?;
        let narrow = Policy::parse("look-up:guest/").ok_or(Errno::EINVAL)?;
        let through = Peer::new(&stage.client)?;
        let mut doors = Vec::new();
        let refused = loop {
            check!(doors.len() < 10 * DOORS_PER_ACCOUNT_MAX, "no end");
            match stage.names(1)?.restrict(&narrow) {
                // The session ends, and the door does not.
                Ok(door) => doors.push(door.copy_to(&through)?),
                Err(error) => break error,
            }
        };
        check_eq!((refused, doors.len()), (Errno::EDQUOT, DOORS_PER_ACCOUNT_MAX), "doors of one account");
        let other = bench.account.carve(200, 64 << 10, 0)?;
        let theirs = Client::open(&other, &stage.door("names", 1)?.copy_to(&Peer::new(&other)?)?)?;
        check_eq!(theirs.restrict(&narrow).map(drop), Ok(()), "another account's");
        let long = Policy { prefix: "x".repeat(LIMITS.name_bytes + 1), ..narrow.clone() };
        check_eq!(theirs.restrict(&long).map(drop), Err(Errno::EINVAL), "a prefix of no name");
        doors.pop();
        check!(soon(|| Ok(stage.names(1).map_err(|_| Errno::ENOENT)?.restrict(&narrow).is_ok()))?, "no room again");
        drop((theirs, doors, through));
        stage.close()
    }
}

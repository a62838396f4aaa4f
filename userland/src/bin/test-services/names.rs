//! Names, through the server.

use crate::stage::Stage;
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::Received;
use omnibus_userland::service::names::{Client, Policy};
use omnibus_userland::service::reach::Reach;
use omnibus_userland::{check, check_eq, tests, time};

tests! {
    /// What is registered under a name is found there by others, and messages through it arrive; a name given up is gone.
    fn nam_1_registered_and_found(bench) {
        let stage = Stage::with_store(bench)?;
        let (registrar, reader) = (stage.registrar()?, stage.names(1)?);
        let (node, handle) = stage.peer.node()?;
        check_eq!(reader.look_up("test").map(drop), Err(Errno::ENOENT), "before");
        registrar.register("test", &handle)?;
        reader.look_up("test")?.send(b"found you")?;
        let arrived = stage.peer.recv_until(time::deadline_in(PATIENCE))?.message();
        check_eq!(arrived.map(|message| (message.node, message.data)), Some((node.id(), b"found you".to_vec())), "what came");
        check!(reader.list()?.iter().any(|name| name == "test"), "the list: {:?}", reader.list()?);
        registrar.unregister("test")?;
        check_eq!(reader.look_up("test").map(drop), Err(Errno::ENOENT), "afterwards");
        drop((registrar, reader, node, handle));
        stage.close()
    }

    /// A door says what may be done through it, and makes doors that may do less, never more.
    fn nam_2_doors_are_policy(bench) {
        let stage = Stage::with_store(bench)?;
        let (registrar, reader, guest) = (stage.registrar()?, stage.names(1)?, stage.names(2)?);
        let (_node, handle) = stage.peer.node()?;
        check_eq!(reader.register("a", &handle), Err(Errno::EPERM), "a reader registers");
        check_eq!(guest.register("a", &handle), Err(Errno::EPERM), "a guest registers elsewhere");
        check_eq!(guest.register("guest/a", &handle), Ok(()), "a guest registers at home");
        registrar.register("a", &handle)?;
        check_eq!(guest.look_up("a").map(drop), Err(Errno::EPERM), "a guest looks up elsewhere");
        check_eq!(guest.list()?.len(), 1, "names that a guest sees");
        let restrict = |policy| guest.restrict(&Policy::parse(policy).ok_or(Errno::EINVAL)?);
        for wider in ["look-up:", "register:gues", "register,look-up:other/"] {
            check_eq!(restrict(wider).map(drop), Err(Errno::EPERM), "{wider}");
        }
        let narrow = Client::open(&stage.client, &restrict("look-up:guest/")?)?;
        check_eq!(narrow.register("guest/b", &handle), Err(Errno::EPERM), "through a narrower door");
        check_eq!(narrow.look_up("guest/a").map(drop), Ok(()), "what it allows");
        drop((registrar, reader, guest, narrow, handle));
        stage.close()
    }

    /// A name goes when the session that registered it ends, and when the node goes that it leads to.
    fn nam_3_ends_take_names_along(bench) {
        let stage = Stage::with_store(bench)?;
        let (registrar, reader) = (stage.registrar()?, stage.names(1)?);
        let (_node, handle) = stage.peer.node()?;
        registrar.register("by-session", &handle)?;
        let other = stage.registrar()?;
        check_eq!(other.register("by-session", &handle), Err(Errno::EEXIST), "a second owner");
        let (short, to_short) = stage.peer.node()?;
        other.register("by-node", &to_short)?;
        drop(short);
        let is_gone = |name| move || Ok(reader.look_up(name).map(drop) == Err(Errno::ENOENT));
        check!(soon(is_gone("by-node"))?, "the node is gone, its name not");
        drop(registrar);
        let reader = stage.names(1)?;
        let is_gone = || Ok(reader.look_up("by-session").map(drop) == Err(Errno::ENOENT));
        check!(soon(is_gone)?, "the session is gone, its name not");
        check_eq!(other.register("by-session", &handle), Ok(()), "the next owner");
        drop((other, reader, handle, to_short));
        stage.close()
    }

    /// A watch tells of a name that is there, and of each that arrives, also before the name was ever registered.
    fn nam_4_watches_tell_of_arrivals(bench) {
        let stage = Stage::with_store(bench)?;
        let (registrar, reader) = (stage.registrar()?, stage.names(1)?);
        let early = Reach::new(&stage.client, &reader, "late")?;
        check_eq!(early.next_door(time::now_ns()).map(drop), Err(Errno::ETIMEDOUT), "nothing there");
        let (node, handle) = stage.peer.node()?;
        for round in 0..2 {
            registrar.register("late", &handle)?;
            let late = Reach::new(&stage.client, &reader, "late")?;
            for reach in [&early, &late] {
                reach.next_door(time::deadline_in(PATIENCE))?.send(&[round])?;
                match stage.peer.recv_until(time::deadline_in(PATIENCE))? {
                    Received::Message(message) => check_eq!((message.node, &message.data[..]), (node.id(), &[round][..]), "what came"),
                    other => check!(false, "{other:?} came"),
                }
            }
        }
        drop((registrar, reader, early, node, handle));
        stage.close()
    }
}

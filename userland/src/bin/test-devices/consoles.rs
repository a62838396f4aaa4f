//! The console's driver and its clients, good ones and bad ones.

use super::stage::{SERIAL, Stage};
use omnibus_userland::abi::Errno;
use omnibus_userland::actor::soon;
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::console::{Console, DRAIN, LISTEN, MORE, PIECE_BYTES, WRITE};
use omnibus_userland::service::frame::{FRAME_BYTES_MAX, Frame};
use omnibus_userland::service::server::Limits;
use omnibus_userland::service::session::Session;
use omnibus_userland::{check, check_eq, tests, thread};

/// Pieces that two clients write at once.
const N_WRITES: usize = 16;

tests! {
    /// One session at a time gets what comes in on the console; the next one can when its node is gone, and when it has ended.
    fn con_1_one_listens(bench) {
        let stage = Stage::new(bench, SERIAL)?;
        let mut first = Console::open(&stage.client, stage.door())?;
        let mut second = Console::open(&stage.another()?, stage.door())?;
        let node = first.listen(&stage.peer)?;
        check_eq!(second.listen(&stage.peer).err(), Some(Errno::EBUSY), "while another listens");
        check_eq!(first.listen(&stage.peer).err(), Some(Errno::EBUSY), "twice");
        drop(node);
        let node = second.listen(&stage.peer)?;
        check_eq!(first.listen(&stage.peer).err(), Some(Errno::EBUSY), "the other way round");
        drop(second);
        // The end of a peer is made behind the call that lets go of it.
        let mut last = None;
        let listens = || {
            last = first.listen(&stage.peer).ok();
            Ok(last.is_some())
        };
        check!(soon(listens)?, "nobody listens, and yet nobody else can");
        drop((node, last, first));
        stage.end()
    }

    /// What is no request of the console's is refused with its reason, and the session goes on.
    fn con_2_bad_requests(bench) {
        let stage = Stage::new(bench, SERIAL)?;
        let session = Session::open(&stage.client, stage.door())?;
        let call = |operation, frame: &dyn Fn(Frame) -> Frame| {
            session.call(operation, frame, &[]).map(drop)
        };
        check_eq!(call(77, &|frame| frame), Err(Errno::ENOSYS), "no operation");
        check_eq!(call(WRITE, &|frame| frame), Err(Errno::EINVAL), "no bytes");
        check_eq!(call(WRITE, &|frame| frame.bytes(b"").number(1)), Err(Errno::EINVAL), "too much");
        check_eq!(call(DRAIN, &|frame| frame), Err(Errno::EINVAL), "nobody to tell");
        check_eq!(call(LISTEN, &|frame| frame.number(1)), Err(Errno::EINVAL), "a field too many");
        check_eq!(call(MORE, &|frame| frame), Err(Errno::ENOENT), "more, and nobody listens");
        let long = [b'x'; FRAME_BYTES_MAX];
        check_eq!(call(WRITE, &|frame| frame.bytes(&long)), Err(Errno::EMSGSIZE), "too long");
        // What is no request at all, at the door, is thrown away.
        stage.door().send(&long)?;
        stage.door().send(b"x")?;
        check_eq!(call(WRITE, &|frame| frame.bytes(b"")), Ok(()), "a good one");
        drop(session);
        stage.end()
    }

    /// A client that floods the console and reads no reply is stopped by its share, one that opens sessions by their number; another prints.
    fn con_3_floods(bench) {
        let stage = Stage::new(bench, SERIAL)?;
        let mut good = Console::open(&stage.another()?, stage.door())?;
        let mut sessions = alloc::vec::Vec::new();
        let refusal = loop {
            match Session::open(&stage.client, stage.door()) {
                Ok(session) => sessions.push(session),
                Err(error) => break error,
            }
        };
        check_eq!(
            (refusal, sessions.len()),
            (Errno::EDQUOT, Limits::COMMON.sessions_per_account),
            "sessions of one account"
        );
        drop(sessions);
        // Requests that nobody is waited for: at the door, and more of them than any share.
        let bad = Peer::new(&stage.client)?;
        let door = stage.door().copy_to(&bad)?;
        let (_node, reply) = bad.node()?;
        let mut refused = None;
        for _ in 0..4096 {
            let sent = door.send_with(Frame::new(0, 0).as_bytes(), &[&reply]);
            refused = refused.or(sent.err());
        }
        check!(matches!(refused, None | Some(Errno::EDQUOT)), "the flood: {refused:?}");
        good.write(b"a flood, and still a line\n")?;
        good.drain()?;
        drop((reply, _node, door, bad, good));
        stage.end()
    }

    /// Sessions that end with requests on their way, a drain and somebody who listens among them, leave nothing behind; many writers'
    /// bytes are all taken.
    fn con_4_ends_in_the_midst(bench) {
        let stage = Stage::new(bench, SERIAL)?;
        for _ in 0..8 {
            let peer = Peer::new(&stage.client)?;
            let door = stage.door().copy_to(&peer)?;
            let (node, reply) = peer.node()?;
            door.send_with(Frame::new(0, 0).as_bytes(), &[&reply])?;
            let Received::Message(mut opened) = peer.recv()? else {
                continue;
            };
            let server = opened.handles.pop().ok_or(Errno::ENOENT)?;
            for sequence in 0..4 {
                server.send(Frame::new(WRITE, sequence).bytes(b"").as_bytes())?;
            }
            server.send_with(Frame::new(DRAIN, 4).as_bytes(), &[&reply])?;
            server.send_with(Frame::new(LISTEN, 5).as_bytes(), &[&reply])?;
            drop((server, node, reply, door));
            peer.close()?;
        }
        let mut last = Console::open(&stage.client, stage.door())?;
        let node = last.listen(&stage.peer)?;
        let more = thread::spawn({
            let mut console = Console::open(&stage.client, stage.door())?;
            move || (0..N_WRITES).try_for_each(|_| console.write(&[b' '; PIECE_BYTES / 8]))
        })?;
        for _ in 0..N_WRITES {
            last.write(b".")?;
        }
        last.write(b"\n")?;
        more.join()??;
        last.drain()?;
        drop((node, last));
        stage.end()
    }

    /// Whoever opens a session where nobody serves is told so when his handle is let go of, and does not wait.
    fn con_5_nobody_serves(bench) {
        let idle = Peer::new(&bench.account)?;
        let (_node, door) = idle.node()?;
        for is_console in [true, false] {
            let idle = idle.clone();
            let taker = thread::spawn(move || idle.recv().map(drop))?;
            let opened = match is_console {
                true => Console::open(&bench.account, &door).map(drop),
                false => Session::open(&bench.account, &door).map(drop),
            };
            check_eq!(opened, Err(Errno::EPIPE), "a session with nobody");
            taker.join()??;
        }
        Ok(())
    }
}

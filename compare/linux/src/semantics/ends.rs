//! What is seen of a death, of what is taken back, and of what was on its way.

use std::cell::RefCell;
use std::fs::{self, File};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::thread::sleep;
use std::time::Duration;

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, mq_receive, mq_send};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use omnibus_compare::N_CYCLES;

use super::stage::{Log, Stage};
use crate::channel::Queue;
use crate::sys::{Process, Result, errno, send_descriptor};

/// How long something that comes is waited for, in milliseconds.
const PATIENCE_MS: u16 = 100;
const PATIENCE: Duration = Duration::from_millis(PATIENCE_MS as u64);

pub(super) fn pair(kind: SockType) -> Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, kind, None, SockFlag::empty())
}

/// Whether anything is to be read from a descriptor, an end or an error included, within the patience.
fn is_told(descriptor: BorrowedFd<'_>) -> Result<bool> {
    let mut asked = [PollFd::new(descriptor, PollFlags::POLLIN)];
    Ok(poll(&mut asked, PATIENCE_MS)? > 0)
}

fn yes_or_no(is_so: bool) -> &'static str {
    if is_so { "yes" } else { "no" }
}

/// A process that does nothing until it is killed.
pub(super) fn sleeper(keeps: impl FnOnce() -> Result<()>) -> Result<Process> {
    Process::start("sleeper", || {
        keeps()?;
        poll(&mut [], PollTimeout::NONE).map(drop)
    })
}

/// A message with a descriptor in a socket that its receiver never reads.
pub(super) fn lost_in_socket(log: &Log, kind: SockType) -> Result<()> {
    let (s, p) = pair(kind)?;
    let process = sleeper(|| Ok(()))?;
    drop(p);
    // Made after the process, so that it does not hold them too.
    let (t, token) = pair(SockType::SeqPacket)?;
    send_descriptor(s.as_fd(), b"A", token.as_fd(), libc::MSG_NOSIGNAL)?;
    log.tell("S", "sent", "A");
    drop(token);
    process.kill()?;
    process.wait()?;
    log.tell("P", "died", "");
    log.tell("T", "released", yes_or_no(is_told(t.as_fd())?));
    log.tell("S", "told", yes_or_no(is_told(s.as_fd())?));
    let again = send(s.as_raw_fd(), b"B", MsgFlags::MSG_NOSIGNAL);
    log.tell_result("S", "sent-again", again);
    // The one end that is left is the sender's.
    let read = recv(s.as_raw_fd(), &mut [0], MsgFlags::MSG_DONTWAIT);
    log.tell(
        "X",
        "read",
        yes_or_no(read.is_ok_and(|n_bytes| n_bytes > 0)),
    );
    Ok(())
}

/// A message in a queue that outlives its receiver.
pub(super) fn lost_in_queue(log: &Log) -> Result<()> {
    let queue = Queue::new(4, 1, MQ_OFlag::O_NONBLOCK)?;
    let process = sleeper(|| Ok(()))?;
    mq_send(&queue.0, b"A", 0)?;
    log.tell("S", "sent", "A");
    process.kill()?;
    process.wait()?;
    log.tell("P", "died", "");
    log.tell("T", "released", "carries nothing");
    // That there is a message to be read tells a sender nothing: what it would wait for is an error or an end.
    let mut asked = [PollFd::new(queue.0.as_fd(), PollFlags::empty())];
    log.tell("S", "told", yes_or_no(poll(&mut asked, PATIENCE_MS)? > 0));
    log.tell_result("S", "sent-again", mq_send(&queue.0, b"B", 0));
    let read = mq_receive(&queue.0, &mut [0], &mut 0);
    log.tell("X", "read", yes_or_no(read.is_ok()));
    Ok(())
}

/// Pairs of sockets that lie in their own queues; in the end, one more that does not may be closed.
pub(super) fn cycles(log: &Log, is_one_more_closed: bool) -> Result<()> {
    // What the run before may have left is collected first.
    collect()?;
    log.tell("X", "objects", n_sockets()?);
    for _ in 0..N_CYCLES {
        let (a, b) = pair(SockType::SeqPacket)?;
        send_descriptor(b.as_fd(), b"A", a.as_fd(), 0)?;
        send_descriptor(a.as_fd(), b"B", b.as_fd(), 0)?;
    }
    if is_one_more_closed {
        collect()?;
    } else {
        sleep(PATIENCE);
    }
    log.tell("X", "objects", n_sockets()?);
    Ok(())
}

/// Closes a pair of sockets, which has the kernel look for cycles, and gives it the time to.
fn collect() -> Result<()> {
    drop(pair(SockType::SeqPacket)?);
    sleep(PATIENCE);
    Ok(())
}

/// Sockets of the machine, as `/proc/net/unix` lists them.
fn n_sockets() -> Result<usize> {
    let list = fs::read_to_string("/proc/net/unix").map_err(|error| errno(&error))?;
    Ok(list.lines().count() - 1)
}

/// An end that every process but its owner drops.
type End = RefCell<Option<OwnedFd>>;

/// A last message, a death, and what another says of it; death is the end of a connection.
pub(super) fn death_by_socket(log: &Log, run: u64) -> Result<()> {
    // In which order the kernel closes what a process has depends on their numbers: both are tried.
    let first = pair(SockType::SeqPacket)?;
    let second = pair(SockType::SeqPacket)?;
    let ((p_to_q, q_of_p), (p_to_r, r_of_p)) = match run % 2 {
        0 => (first, second),
        _ => (second, first),
    };
    let (r_to_q, q_of_r) = pair(SockType::SeqPacket)?;
    let of_p: [End; 2] = [RefCell::new(Some(p_to_r)), RefCell::new(Some(p_to_q))];
    let give_up = || of_p.iter().for_each(|end| drop(end.take()));
    let mut stage = Stage::new(log, run);
    stage.add(|| {
        let end = of_p[1].borrow();
        let end = end.as_ref().ok_or(Errno::EBADF)?;
        send(end.as_raw_fd(), b"M", MsgFlags::empty()).map(drop)
    })?;
    stage.add(|| {
        give_up();
        listen(log, &q_of_r, &q_of_p)
    })?;
    stage.add(|| {
        give_up();
        recv(r_of_p.as_raw_fd(), &mut [0], MsgFlags::empty())?;
        tell_of_death(log, &r_to_q)
    })?;
    give_up();
    stage.play()
}

/// The same, but death is told by a descriptor of the process.
pub(super) fn death_by_process(log: &Log, run: u64) -> Result<()> {
    let (p_to_q, q_of_p) = pair(SockType::SeqPacket)?;
    let (r_to_q, q_of_r) = pair(SockType::SeqPacket)?;
    let mut stage = Stage::new(log, run);
    let p = stage
        .add(|| send(p_to_q.as_raw_fd(), b"M", MsgFlags::empty()).map(drop))?
        .descriptor()?;
    stage.add(|| {
        // Its own list begins with the process; any order is as good as the other.
        let mut has_learned = false;
        for _ in 0..3 {
            let death = if has_learned {
                PollFlags::empty()
            } else {
                PollFlags::POLLIN
            };
            let mut asked = [
                PollFd::new(p.as_fd(), death),
                PollFd::new(q_of_r.as_fd(), PollFlags::POLLIN),
                PollFd::new(q_of_p.as_fd(), PollFlags::POLLIN),
            ];
            poll(&mut asked, PollTimeout::NONE)?;
            let [is_dead, has_t, _] = asked.map(|asked| asked.any().unwrap_or(false));
            if is_dead && !has_learned {
                has_learned = true;
                log.tell("Q", "learned", "death");
            } else {
                hear(log, if has_t { &q_of_r } else { &q_of_p })?;
            }
        }
        Ok(())
    })?;
    stage.add(|| {
        poll(
            &mut [PollFd::new(p.as_fd(), PollFlags::POLLIN)],
            PollTimeout::NONE,
        )?;
        tell_of_death(log, &r_to_q)
    })?;
    stage.play()
}

fn tell_of_death(log: &Log, to: &OwnedFd) -> Result<()> {
    log.tell("R", "learned", "death");
    send(to.as_raw_fd(), b"T", MsgFlags::empty()).map(drop)
}

/// Receives a message and logs it; its bytes.
fn hear(log: &Log, from: &OwnedFd) -> Result<usize> {
    let mut byte = [0];
    let n_bytes = recv(from.as_raw_fd(), &mut byte, MsgFlags::empty())?;
    if n_bytes > 0 {
        log.tell("Q", "received", char::from(byte[0]));
    }
    Ok(n_bytes)
}

/// Q reads three things from two connections, of which it lists R's first; any order is as good as the other.
fn listen(log: &Log, of_r: &OwnedFd, of_p: &OwnedFd) -> Result<()> {
    let mut has_ended = false;
    for _ in 0..3 {
        // A connection that has ended stays readable, and is not asked again.
        let n_asked = if has_ended { 1 } else { 2 };
        let mut asked = [of_r, of_p].map(|end| PollFd::new(end.as_fd(), PollFlags::POLLIN));
        poll(&mut asked[..n_asked], PollTimeout::NONE)?;
        let has_t = asked[0].any().unwrap_or(false);
        if hear(log, if has_t { of_r } else { of_p })? == 0 {
            has_ended = true;
            log.tell("Q", "learned", "death");
        }
    }
    Ok(())
}

/// A connection for each client; the end of one.
pub(super) fn revoke_connection(log: &Log) -> Result<()> {
    let (a, o_of_a) = pair(SockType::SeqPacket)?;
    let (b, _o_of_b) = pair(SockType::SeqPacket)?;
    let d = a.try_clone().map_err(|error| errno(&error))?;
    drop(o_of_a);
    log.tell("O", "revoked", "A");
    for (name, end) in [("A", &a), ("D", &d), ("B", &b)] {
        let result = send(end.as_raw_fd(), b"x", MsgFlags::MSG_NOSIGNAL);
        log.tell_result(name, "used", result);
    }
    Ok(())
}

/// A descriptor of a file, which its owner closes, and whose name it removes.
pub(super) fn revoke_file(log: &Log) -> Result<()> {
    let lend = |path: &str| -> std::io::Result<(File, File)> {
        fs::write(path, "lent")?;
        let lent = File::open(path)?;
        Ok((lent.try_clone()?, lent))
    };
    let of_io = |error| errno(&error);
    let (a, d) = lend("/lent/a").map_err(of_io)?;
    let (b, _) = lend("/lent/b").map_err(of_io)?;
    fs::remove_file("/lent/a").map_err(of_io)?;
    log.tell("O", "revoked", "A");
    for (name, file) in [("A", &a), ("D", &d), ("B", &b)] {
        log.tell_result(name, "used", nix::unistd::read(file, &mut [0]));
    }
    Ok(())
}

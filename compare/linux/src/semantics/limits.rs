//! What a sender, or a second user, can take and find.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::mqueue::{MQ_OFlag, mq_open, mq_send, mq_unlink};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::socket::{MsgFlags, SockType, send};
use nix::sys::stat::Mode;
use nix::unistd::{Uid, setuid, write};

use super::ends::{pair, sleeper};
use super::stage::{Log, name};
use crate::binder::Binder;
use crate::channel::{Channel, Pipe, Queue};
use crate::sys::{Process, Result, errno, has_descriptor, send_descriptor};

/// Users that are not root.
const F: u32 = 1001;
const G: u32 = 1002;

/// Numbers that are tried.
const N_GUESSES: u64 = 1024;

/// How long a sender may take before it counts as waiting, in milliseconds.
const PATIENCE_MS: u16 = 100;

/// Sends 64 bytes to a receiver that does not read; waits for room only if told to.
type Send = Box<dyn FnMut(bool) -> Result<()>>;

/// Opens a way to send, for one process.
type Open<'a> = dyn FnMut() -> Result<Send> + 'a;

/// What is sent.
const PAYLOAD: [u8; 64] = [0; 64];

fn by_socket(socket: &OwnedFd, is_patient: bool) -> Result<()> {
    let flags = if is_patient {
        MsgFlags::empty()
    } else {
        MsgFlags::MSG_DONTWAIT
    };
    send(socket.as_raw_fd(), &PAYLOAD, flags).map(drop)
}

/// Sets whether writing to a descriptor waits.
fn set_patience(descriptor: &OwnedFd, is_patient: bool) -> Result<()> {
    let flags = if is_patient {
        OFlag::empty()
    } else {
        OFlag::O_NONBLOCK
    };
    fcntl(descriptor, FcntlArg::F_SETFL(flags)).map(drop)
}

/// What can be full, and who then gets what.
#[derive(Clone, Copy, Debug)]
pub(super) enum Means {
    Pipe,
    SeqPacket,
    Datagram,
    MessageQueue,
    Binder,
    Descriptors,
}

/// Opens a receiver that never reads, and hands a sender to it to `use_it`.
fn with_receiver(means: Means, use_it: &mut dyn FnMut(&mut Open<'_>) -> Result<()>) -> Result<()> {
    match means {
        Means::Pipe => {
            let (reader, writer) = nix::unistd::pipe()?;
            let writer = Rc::new(writer);
            use_it(&mut || {
                let writer = Rc::clone(&writer);
                Ok(Box::new(move |is_patient| {
                    set_patience(&writer, is_patient)?;
                    write(&*writer, &PAYLOAD).map(drop)
                }))
            })?;
            drop(reader);
            Ok(())
        }
        Means::SeqPacket | Means::Datagram => {
            let kind = match means {
                Means::SeqPacket => SockType::SeqPacket,
                _ => SockType::Datagram,
            };
            let (to, receiver) = pair(kind)?;
            let to = Rc::new(to);
            use_it(&mut || {
                let to = Rc::clone(&to);
                Ok(Box::new(move |is_patient| by_socket(&to, is_patient)))
            })?;
            drop(receiver);
            Ok(())
        }
        Means::MessageQueue => {
            // What a program gets that asks for nothing special: ten messages (mq_overview(7), msg_default).
            let queue = Rc::new(Queue::new(10, 64, MQ_OFlag::empty())?);
            use_it(&mut || {
                let queue = Rc::clone(&queue);
                Ok(Box::new(move |is_patient| {
                    let flags = if is_patient {
                        0
                    } else {
                        i64::from(libc::O_NONBLOCK)
                    };
                    nix::mqueue::mq_setattr(&queue.0, &nix::mqueue::MqAttr::new(flags, 0, 0, 0))?;
                    mq_send(&queue.0, &PAYLOAD, 0)
                }))
            })
        }
        Means::Binder => {
            let ready = Pipe::new()?;
            let mut kept = None;
            let manager = sleeper(|| {
                kept = Some(Binder::open_manager()?);
                ready.send(&[1])
            })?;
            ready.recv(&mut [0])?;
            use_it(&mut || {
                let mut binder = Binder::open()?;
                Ok(Box::new(move |_| binder.send(0, 0, &PAYLOAD)))
            })?;
            drop(manager);
            Ok(())
        }
        Means::Descriptors => {
            let mut pairs = Vec::new();
            use_it(&mut || {
                // One queue takes some hundred messages; the limit is on what is in flight of one user.
                let own = (0..16)
                    .map(|_| pair(SockType::SeqPacket))
                    .collect::<Result<Vec<_>>>()?;
                let own = Rc::new(own);
                pairs.push(Rc::clone(&own));
                let mut n_sent = 0;
                Ok(Box::new(move |is_patient| {
                    let (to, _) = &own[n_sent / 128 % own.len()];
                    n_sent += 1;
                    let flags = if is_patient { 0 } else { libc::MSG_DONTWAIT };
                    send_descriptor(to.as_fd(), &PAYLOAD, to.as_fd(), flags)
                }))
            })
        }
    }
}

/// Sends until it is refused; logs how often it was not, and the refusal.
fn flood(log: &Log, actor: &str, send: &mut dyn FnMut(bool) -> Result<()>) {
    let mut n_accepted = 0_u64;
    let refusal = loop {
        match send(false) {
            Ok(()) => n_accepted += 1,
            Err(error) => break error,
        }
    };
    log.tell(actor, "accepted", n_accepted);
    log.tell(actor, "refused", name(refusal));
}

/// Does `work` as another user, in a process of its own that may take its time; whether it ended within the patience.
fn as_user(user: u32, work: impl FnOnce() -> Result<()>) -> Result<bool> {
    let process = Process::start("user", || {
        setrlimit(Resource::RLIMIT_NOFILE, 1024, 1024)?;
        setuid(Uid::from_raw(user))?;
        work()
    })?;
    let descriptor = process.descriptor()?;
    let mut asked = [PollFd::new(descriptor.as_fd(), PollFlags::POLLIN)];
    let has_ended = poll(&mut asked, 20 * PATIENCE_MS)? > 0;
    if has_ended && !process.wait()? {
        return Err(Errno::ECHILD);
    }
    Ok(has_ended)
}

/// A sender whose receiver does not read.
pub(super) fn full_queue(log: &Log, means: Means) -> Result<()> {
    with_receiver(means, &mut |open| {
        let mut send = open()?;
        let has_ended = as_user(F, || {
            flood(log, "S", &mut *send);
            let result = send(true);
            log.tell_result("S", "willing-to-wait", result);
            Ok(())
        })?;
        if !has_ended {
            log.tell("S", "willing-to-wait", "waits");
        }
        Ok(())
    })
}

/// A second sender, of another user, after the first has taken what it can.
pub(super) fn exhaustion(log: &Log, means: Means) -> Result<()> {
    with_receiver(means, &mut |open| {
        let (mut by_f, mut by_g) = (open()?, open()?);
        // What F sent stays, because its ends are ours too.
        as_user(F, || {
            flood(log, "F", &mut *by_f);
            Ok(())
        })?;
        as_user(G, || {
            log.tell_result("G", "sent", by_g(false));
            Ok(())
        })?;
        Ok(())
    })
}

fn tell_guesses(log: &Log, works: impl IntoIterator<Item = bool>) {
    let (mut n_tried, mut n_working) = (0_u64, 0_u64);
    for is_working in works {
        n_tried += 1;
        n_working += u64::from(is_working);
    }
    log.tell("G", "tried", n_tried);
    log.tell("G", "worked", n_working);
}

/// Names of sockets that are in no file system: everybody may list them.
pub(super) fn guess_sockets(log: &Log) -> Result<()> {
    let of_io = |error| errno(&error);
    let address = SocketAddr::from_abstract_name("compare-service").map_err(of_io)?;
    let _service = UnixListener::bind_addr(&address).map_err(of_io)?;
    as_user(G, || {
        let list = fs::read_to_string("/proc/net/unix").map_err(of_io)?;
        let names = list
            .lines()
            .filter_map(|line| Some(line.split_once('@')?.1));
        tell_guesses(
            log,
            names.map(|name| {
                SocketAddr::from_abstract_name(name)
                    .and_then(|address| UnixStream::connect_addr(&address))
                    .is_ok()
            }),
        );
        Ok(())
    })
    .map(drop)
}

/// Names of message queues, which have owners and modes.
pub(super) fn guess_queues(log: &Log) -> Result<()> {
    let name = "/compare-service";
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let queue = mq_open(name, MQ_OFlag::O_CREAT | MQ_OFlag::O_RDWR, mode, None)?;
    let result = as_user(G, || {
        let folder = fs::read_dir("/dev/mqueue").map_err(|error| errno(&error))?;
        let names = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        tell_guesses(
            log,
            names.map(|name| {
                mq_open(
                    format!("/{name}").as_str(),
                    MQ_OFlag::O_WRONLY,
                    Mode::empty(),
                    None,
                )
                .is_ok()
            }),
        );
        Ok(())
    });
    mq_unlink(name)?;
    nix::mqueue::mq_close(queue)?;
    result.map(drop)
}

/// Numbers of descriptors, by a process that has none but those of its console.
pub(super) fn guess_descriptors(log: &Log) -> Result<()> {
    as_user(G, || {
        let numbers = 3..3 + N_GUESSES as i32;
        for number in numbers.clone() {
            // What this process inherited; most numbers are nothing's.
            let _ = nix::unistd::close(number);
        }
        tell_guesses(log, numbers.map(has_descriptor));
        Ok(())
    })
    .map(drop)
}

/// Handles of binder that the process was not given; handle 0 is everybody's.
pub(super) fn guess_handles(log: &Log) -> Result<()> {
    with_receiver(Means::Binder, &mut |_| {
        as_user(G, || {
            let mut binder = Binder::open()?;
            tell_guesses(
                log,
                (0..N_GUESSES).map(|handle| binder.send(handle as u32, 0, &[]).is_ok()),
            );
            Ok(())
        })
        .map(drop)
    })
}

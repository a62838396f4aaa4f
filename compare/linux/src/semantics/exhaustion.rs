//! A user takes of one thing until refused, and keeps it; then another user takes of the same.
//!
//! Limits are those that Linux itself gives to a process of a user that is not root (include/asm-generic/resource.h,
//! include/uapi/linux/resource.h); a service manager may give others. A limit of a process is none of its user's: who has met it goes on in another process.

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::mqueue::MQ_OFlag;
use nix::poll::{PollTimeout, poll};
use nix::sys::eventfd::EventFd;
use nix::sys::inotify::{InitFlags, Inotify};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::{Uid, setuid};
use omnibus_compare::asked::{N_TAKEN, N_TAKEN_BY_OTHER, REFUSED, REFUSED_TO_OTHER};
use omnibus_compare::observe::Answers;

use super::unread::USERS;
use super::{Subject, name};
use crate::channel::{Channel, Pipe, Queue};
use crate::sys::{Process, Result};

pub(super) const SUBJECTS: &[Subject] = &[
    ("pipe", || both(large_pipe)),
    ("mqueue", || both(|| Queue::new(1, 1, MQ_OFlag::empty()))),
    ("eventfd", || both(EventFd::new)),
    ("inotify", || both(|| Inotify::init(InitFlags::empty()))),
];

/// Descriptors of a process, as far as it may raise the limit itself.
const N_DESCRIPTORS: u64 = 4096;

/// Bytes of POSIX message queues of a user.
const QUEUE_BYTES: u64 = 819_200;

/// Bytes of a pipe, the most that a user may ask for by default (pipe(7), `pipe-max-size`).
const PIPE_BYTES: i32 = 1 << 20;

fn large_pipe() -> Result<Pipe> {
    let pipe = Pipe::new()?;
    fcntl(pipe.reader(), FcntlArg::F_SETPIPE_SZ(PIPE_BYTES))?;
    Ok(pipe)
}

/// What a user has taken, and has as long as its processes live.
struct Hoard {
    _processes: Vec<Process>,
    n_taken: u32,
    refused: Errno,
}

impl Hoard {
    /// Takes as a user until refused.
    fn new<T>(user: u32, take: fn() -> Result<T>) -> Result<Self> {
        let (mut processes, mut n_taken) = (Vec::new(), 0);
        loop {
            let (process, n_more, refused) = take_in_a_process(user, take)?;
            processes.push(process);
            n_taken += n_more;
            if refused != Errno::EMFILE || n_more == 0 {
                return Ok(Self {
                    _processes: processes,
                    n_taken,
                    refused,
                });
            }
        }
    }
}

/// A process of a user that takes until refused and keeps it; how many it took, and the refusal.
fn take_in_a_process<T>(user: u32, take: fn() -> Result<T>) -> Result<(Process, u32, Errno)> {
    let mut telling = Pipe::new()?;
    let process = Process::start("user", || {
        setrlimit(Resource::RLIMIT_NOFILE, N_DESCRIPTORS, N_DESCRIPTORS)?;
        setrlimit(Resource::RLIMIT_MSGQUEUE, QUEUE_BYTES, QUEUE_BYTES)?;
        setuid(Uid::from_raw(user))?;
        let mut taken = Vec::new();
        let refused = loop {
            match take() {
                Ok(one) => taken.push(one),
                Err(error) => break error,
            }
        };
        let words = [taken.len() as u32, refused as u32];
        telling.send(words.map(u32::to_le_bytes).as_flattened())?;
        poll(&mut [], PollTimeout::NONE).map(drop)
    })?;
    telling.close_writer();
    let mut words = [[0; 4]; 2];
    telling.recv(words.as_flattened_mut())?;
    let [n_taken, refused] = words.map(u32::from_le_bytes);
    Ok((process, n_taken, Errno::from_raw(refused as i32)))
}

fn both<T>(take: fn() -> Result<T>) -> Result<Answers> {
    let first = Hoard::new(USERS[0], take)?;
    let other = Hoard::new(USERS[1], take)?;
    Ok(vec![
        (N_TAKEN, first.n_taken.to_string()),
        (REFUSED, name(first.refused)),
        (N_TAKEN_BY_OTHER, other.n_taken.to_string()),
        (REFUSED_TO_OTHER, name(other.refused)),
    ])
}

//! A task that another one directs: the tasks of the tour, and of some tests.
//!
//! The director makes the actor's peer, a node on it, and puts a handle to a node of its own
//! there; then it starts the task with its console, peer and account, and passes name and ids as arguments.
//! From then on they talk through these two handles, and the director keeps no capability of the
//! actor's peer.

use crate::account::Account;
use crate::bus::{Handle, Message, Node, Peer, Received};
use crate::calls::Result;
use crate::check::{Failure, Outcome};
use crate::task::{Command, Task};
use crate::{console, environment, print, thread, time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::time::Duration;
use omnibus_abi::capability::{self, account};
use omnibus_abi::{CapabilityNumber, Kind};

/// How long anyone waits for anyone before something must be wrong.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Whether something comes true within [`PATIENCE`]: much is given back behind the call that lets go of it.
///
/// # Errors
/// Those of `is_true`.
pub fn soon(mut is_true: impl FnMut() -> Result<bool>) -> Result<bool> {
    let deadline_ns = time::deadline_in(PATIENCE);
    while !is_true()? {
        if time::now_ns() > deadline_ns {
            return Ok(false);
        }
        thread::yield_now();
    }
    Ok(true)
}

/// Prints a line of a task: its name, then what it says.
pub fn say(name: &str, words: fmt::Arguments<'_>) {
    print::print(format_args!("  {name:>8} | {words}\n"));
}

/// The acting side.
#[derive(Debug)]
pub struct Actor {
    /// What it is called in what it prints.
    pub name: &'static str,
    /// Its peer.
    pub peer: Peer,
    /// The account that it and its peer act for.
    pub account: Account,
    /// Its node, through which the director speaks to it.
    pub node: Node,
    /// A handle to the director.
    pub director: Handle,
    /// The arguments after name and ids.
    pub arguments: Vec<&'static str>,
}

impl Actor {
    /// Reads what the director passed on.
    ///
    /// # Panics
    /// If the task was not started by a [`Director`].
    #[must_use]
    pub fn enter() -> Self {
        let mut arguments = environment::arguments();
        let mut next = || arguments.next().expect("an actor is started by a director");
        let name = next();
        let mut id = || next().parse().expect("an id is a number");
        let (handle, node) = (id(), id());
        let peer = environment::find(Kind::Peer).expect("a director grants a peer");
        let peer = Peer::from_capability(peer);
        let account = environment::find(Kind::Account).expect("a director grants an account");
        Self {
            name,
            account: Account::from_capability(account),
            node: peer.adopt_node(node),
            director: peer.adopt(handle),
            peer,
            arguments: arguments.collect(),
        }
    }

    /// Prints a line.
    pub fn say(&self, words: fmt::Arguments<'_>) {
        say(self.name, words);
    }

    /// Waits for the next message or notification.
    ///
    /// # Panics
    /// If none comes in time.
    #[must_use]
    pub fn recv(&self) -> Received {
        self.peer
            .recv_until(time::deadline_in(PATIENCE))
            .expect("the director speaks in time")
    }

    /// Waits for the next message.
    ///
    /// # Panics
    /// If a notification comes instead, or nothing in time.
    #[must_use]
    pub fn hear(&self) -> Message {
        self.recv()
            .message()
            .expect("a message, not a notification")
    }

    /// Tells the director something.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn tell(&self, data: &[u8], carried: &[&Handle]) {
        self.director
            .send_with(data, carried)
            .expect("the director is reachable");
    }
}

/// The directing side: one peer on which every actor has a node of its own.
#[derive(Debug)]
pub struct Director {
    account: Account,
    console: Option<CapabilityNumber>,
    peer: Peer,
    /// What arrived while something else was waited for.
    early: RefCell<VecDeque<Received>>,
}

/// An actor as its director sees it. Its task is ended when this is dropped.
#[derive(Debug)]
pub struct Player {
    /// What it is called in what it prints.
    pub name: &'static str,
    /// The task.
    pub task: Task,
    /// The account that it and its peer act for.
    pub account: Account,
    /// A handle to its node.
    pub handle: Handle,
    /// The director's node for what it says.
    pub node: Node,
}

/// Maxima of an actor's account.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Objects.
    pub objects: u64,
    /// Bytes of queued payload.
    pub bytes: u64,
    /// Page frames.
    pub frames: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        // What a few actors need; two dozen fit the smallest machine, since those that ended give back while others start.
        Self {
            objects: 1024,
            bytes: 256 << 10,
            frames: 512,
        }
    }
}

impl Director {
    /// A director that carves its actors' accounts out of `account`, and gives them the kernel's console, if it has it, beside its own.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn new(account: Account, console: Option<CapabilityNumber>) -> Result<Self> {
        let peer = Peer::new(&account)?;
        Ok(Self {
            account,
            console,
            peer,
            early: RefCell::default(),
        })
    }

    /// The director's own peer.
    #[must_use]
    pub const fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Starts an actor with an account of its own.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn cast(
        &self,
        name: &'static str,
        program: &str,
        arguments: &[&dyn fmt::Display],
    ) -> Result<Player> {
        self.cast_with(name, program, arguments, Allowance::default())
    }

    /// Starts an actor with an account of its own and these maxima.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn cast_with(
        &self,
        name: &'static str,
        program: &str,
        arguments: &[&dyn fmt::Display],
        allowance: Allowance,
    ) -> Result<Player> {
        self.cast_granting(name, program, arguments, allowance, &[])
    }

    /// Starts an actor with an account of its own, these maxima, and these capabilities with these rights beside the usual ones.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn cast_granting(
        &self,
        name: &'static str,
        program: &str,
        arguments: &[&dyn fmt::Display],
        allowance: Allowance,
        grants: &[(CapabilityNumber, u64)],
    ) -> Result<Player> {
        let Allowance {
            objects,
            bytes,
            frames,
        } = allowance;
        let account = self.account.carve(objects, bytes, frames)?;
        let peer = Peer::new(&account)?;
        let (node, handle_there) = self.peer.node_for(&peer)?;
        let (node_there, handle) = peer.node_for(&self.peer)?;
        let mut command = Command::new(program);
        if let Some(console) = self.console {
            command = command.grant(console, capability::console::WRITE);
        }
        let command = command
            .grant_as("peer", peer.number(), Kind::Peer.all_rights())
            .grant_as(
                "account",
                account.number(),
                account::CHARGE | account::INSPECT,
            )
            .argument(name)
            .argument(handle_there.id())
            .argument(node_there.id());
        let command = arguments.iter().fold(command, Command::argument);
        let grant = |command: Command, &(number, rights)| command.grant(number, rights);
        let command = grants.iter().fold(command, grant);
        let command = match console::lend(&peer)? {
            Some(id) => {
                command.variable(format_args!("{}{}", environment::HANDLE, console::NAME), id)
            }
            None => command,
        };
        let task = command.spawn(&account)?;
        let _ = (handle_there.into_id(), node_there.into_id());
        Ok(Player {
            name,
            task,
            account,
            handle,
            node,
        })
    }

    /// Waits for the first of what arrives that `wanted` takes; the rest is kept for later.
    ///
    /// # Errors
    /// If it does not come in time; `what` says what was waited for.
    #[track_caller]
    pub fn recv<T>(
        &self,
        what: impl fmt::Display,
        mut wanted: impl FnMut(Received) -> core::result::Result<T, Received>,
    ) -> Outcome<T> {
        let mut passed_over = VecDeque::new();
        let deadline_ns = time::deadline_in(PATIENCE);
        loop {
            let early = self.early.borrow_mut().pop_front();
            let received = match early {
                Some(received) => received,
                None => match self.peer.recv_until(deadline_ns) {
                    Ok(received) => received,
                    Err(error) => {
                        let n = passed_over.len();
                        return Err(Failure::new(format_args!(
                            "{error} while waiting for {what}, after {n} others"
                        )));
                    }
                },
            };
            match wanted(received) {
                Ok(value) => {
                    passed_over.append(&mut self.early.borrow_mut());
                    *self.early.borrow_mut() = passed_over;
                    return Ok(value);
                }
                Err(other) => passed_over.push_back(other),
            }
        }
    }

    /// Waits for the next message from `player`.
    ///
    /// # Errors
    /// If none comes in time.
    #[track_caller]
    pub fn hear(&self, player: &Player) -> Outcome<Message> {
        self.recv(
            format_args!("a message of {}", player.name),
            |received| match received {
                Received::Message(message) if message.node == player.node.id() => Ok(message),
                other => Err(other),
            },
        )
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        // One that has ended stays as it ended.
        let _ = self.task.kill();
    }
}

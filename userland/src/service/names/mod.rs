//! Names: handles by name, for those who hold a handle to a door of the server.
//!
//! What a client may do depends on the door alone ([`Policy`]): register, look up, and under which prefix. Who may do something can
//! have a door made for others that may do less ([`Client::restrict`]). A name goes when the session that registered it ends, or the node that
//! it leads to; a watch tells of every arrival, so that nobody has to ask again.

mod book;
mod policy;

pub use book::{Book, LIMITS, Limits};
pub use policy::Policy;

use super::frame::{Fields, Frame};
use super::server::{Answer, Request, Service};
use super::session::Session;
use crate::account::Account;
use crate::bus::{Handle, Node, Peer};
use crate::calls::Result;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use omnibus_abi::Errno;

/// Registers a handle: its name, and the handle.
const REGISTER: u32 = 1;
/// Gives a name up: the name.
const UNREGISTER: u32 = 2;
/// Asks for the handle of a name: the name. The reply carries it.
const LOOK_UP: u32 = 3;
/// Asks for the names from one on: that name. The reply has as many as fit, in order.
const LIST: u32 = 4;
/// Asks to be told whenever a name arrives, and at once if it is there: the name, and a handle to be told through.
const WATCH: u32 = 5;
/// Asks for a door that may do less: policy. The reply carries a handle to it.
const RESTRICT: u32 = 6;

/// The word of the message that tells of an arrival: the name, and a handle.
pub const ARRIVED: u32 = 1;

/// Doors that clients had made, at most.
pub const DOORS_MAX: usize = 128;

/// Those for clients of one account. A door outlives the session that had it made, so sessions bound none.
pub const DOORS_PER_ACCOUNT_MAX: usize = 16;

#[derive(Debug)]
struct Door {
    policy: Policy,
    /// The account of the client that had it made; `None` for those of the plan.
    made_for: Option<u64>,
    /// Keeps it.
    _node: Node,
}

/// The server's state.
#[derive(Debug)]
pub struct Names {
    peer: Peer,
    /// Doors by their nodes' ids.
    doors: BTreeMap<u64, Door>,
    book: Book<Handle>,
}

/// What the server keeps for a session.
#[derive(Debug)]
pub struct Member {
    policy: Policy,
    account: u64,
}

impl Names {
    /// A server on this peer, without doors.
    #[must_use]
    pub fn new(peer: &Peer) -> Self {
        Self {
            peer: peer.clone(),
            doors: BTreeMap::new(),
            book: Book::new(LIMITS),
        }
    }

    /// Makes this node a door.
    pub fn add_door(&mut self, node: Node, policy: Policy) {
        self.insert(node, policy, None);
    }

    fn insert(&mut self, node: Node, policy: Policy, made_for: Option<u64>) {
        let id = node.id();
        let door = Door {
            policy,
            made_for,
            _node: node,
        };
        self.doors.insert(id, door);
    }
}

impl Service for Names {
    type Client = Member;

    fn open(&mut self, door: u64, account: u64) -> Result<Member> {
        let door = self.doors.get(&door).ok_or(Errno::ENOENT)?;
        Ok(Member {
            policy: door.policy.clone(),
            account,
        })
    }

    fn request(
        &mut self,
        client: &mut Member,
        request: Request<'_>,
        reply: Frame,
    ) -> Result<Answer<'_>> {
        let Request {
            session,
            operation,
            mut fields,
            mut handles,
        } = request;
        if operation == RESTRICT {
            let policy = Policy::parse(fields.text()?).ok_or(Errno::EINVAL)?;
            fields.end()?;
            let door = self.restrict(client, policy)?;
            return Ok(Answer::giving(reply, door));
        }
        let name = fields.text()?;
        fields.end()?;
        match operation {
            REGISTER => {
                client.policy.check_register(name)?;
                let handle = handles.pop().ok_or(Errno::EINVAL)?;
                self.book.register(session, name, handle)?;
                self.announce(name);
            }
            UNREGISTER => {
                client.policy.check_register(name)?;
                self.book.unregister(session, name)?;
            }
            LOOK_UP => {
                client.policy.check_look_up(name)?;
                let handle = self.book.look_up(name).ok_or(Errno::ENOENT)?;
                return Ok(Answer::with(reply, handle));
            }
            LIST => {
                let mut frame = reply;
                for known in self.book.names_after(name) {
                    if !frame.has_room_for(known.len()) {
                        break;
                    }
                    if client.policy.check_look_up(known).is_ok() {
                        frame = frame.text(known);
                    }
                }
                return Ok(Answer::of(frame));
            }
            WATCH => {
                client.policy.check_look_up(name)?;
                let through = handles.pop().ok_or(Errno::EINVAL)?;
                if let Some(handle) = self.book.look_up(name) {
                    tell(&through, name, handle)?;
                }
                self.book.watch(session, name, through)?;
            }
            _ => return Err(Errno::ENOSYS),
        }
        Ok(Answer::of(reply))
    }

    fn closed(&mut self, session: u64, _client: Member) {
        self.book.forget_session(session);
    }

    fn lost(&mut self, handle: u64) {
        self.book.forget(|held| held.id() == handle);
    }

    fn unreachable(&mut self, node: u64) {
        self.doors.remove(&node);
    }
}

impl Names {
    /// Makes a door that may do less. It lasts as long as a handle to it.
    fn restrict(&mut self, client: &Member, policy: Policy) -> Result<Handle> {
        if policy.prefix.len() > LIMITS.name_bytes {
            return Err(Errno::EINVAL);
        }
        if !client.policy.includes(&policy) {
            return Err(Errno::EPERM);
        }
        let made_for = self.doors.values().filter_map(|door| door.made_for);
        let of_account = made_for
            .clone()
            .filter(|&account| account == client.account);
        if made_for.count() >= DOORS_MAX || of_account.count() >= DOORS_PER_ACCOUNT_MAX {
            return Err(Errno::EDQUOT);
        }
        let (node, handle) = self.peer.node()?;
        self.insert(node, policy, Some(client.account));
        Ok(handle)
    }

    /// Tells those who watch a name of its handle. Who has no room to be told loses the watch, and learns that by HANDLE_RELEASE.
    fn announce(&mut self, name: &str) {
        let Some(handle) = self.book.look_up(name) else {
            return;
        };
        let watchers = self.book.watchers(name);
        let deaf = watchers.filter(|through| tell(through, name, handle).is_err());
        let deaf: Vec<u64> = deaf.map(Handle::id).collect();
        self.book
            .stop_telling(|through| deaf.contains(&through.id()));
    }
}

fn tell(through: &Handle, name: &str, handle: &Handle) -> Result<()> {
    let frame = Frame::new(ARRIVED, 0).text(name);
    through.send_with(frame.as_bytes(), &[handle])
}

/// The client's end.
#[derive(Debug)]
pub struct Client(Session);

impl Client {
    /// Opens a session at a door of the server.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        Session::open(account, door).map(Self)
    }

    /// Registers a handle. One that this session registered under the name before is replaced.
    ///
    /// # Errors
    /// `EPERM`: the door does not allow it. `EEXIST`: another session has the name. `EINVAL`: no name. `EDQUOT`: too many names.
    pub fn register(&self, name: &str, handle: &Handle) -> Result<()> {
        self.0
            .call(REGISTER, |frame| frame.text(name), &[handle])
            .map(drop)
    }

    /// Gives a name up.
    ///
    /// # Errors
    /// `EPERM`: the door does not allow it, or another session has the name. `ENOENT`.
    pub fn unregister(&self, name: &str) -> Result<()> {
        self.0
            .call(UNREGISTER, |frame| frame.text(name), &[])
            .map(drop)
    }

    /// The handle of a name, on the session's peer.
    ///
    /// # Errors
    /// `EPERM`: the door does not allow it. `ENOENT`.
    pub fn look_up(&self, name: &str) -> Result<Handle> {
        self.0
            .call(LOOK_UP, |frame| frame.text(name), &[])?
            .handle()
    }

    /// The names that the door lets one look up, in order.
    ///
    /// # Errors
    /// Those of [`Session::call`].
    pub fn list(&self) -> Result<Vec<String>> {
        let mut names: Vec<String> = Vec::new();
        loop {
            let after = names.last().cloned().unwrap_or_default();
            let reply = self.0.call(LIST, |frame| frame.text(&after), &[])?;
            let mut fields: Fields<'_> = reply.fields()?;
            if fields.is_at_end() {
                return Ok(names);
            }
            while !fields.is_at_end() {
                names.push(fields.text()?.to_string());
            }
        }
    }

    /// Has [`ARRIVED`] sent through a handle, with the name and its handle: at once if there is one, and whenever one is registered.
    ///
    /// # Errors
    /// `EPERM`: the door does not allow it. `EINVAL`: no name. `EDQUOT`: too many watches.
    pub fn watch(&self, name: &str, through: &Handle) -> Result<()> {
        self.0
            .call(WATCH, |frame| frame.text(name), &[through])
            .map(drop)
    }

    /// A handle to a door of the server that may do less; it lasts as long as a handle to it does.
    ///
    /// # Errors
    /// `EPERM`: it would be more. `EINVAL`: no name can begin like that. `EDQUOT`: this account has too many doors, or all have.
    pub fn restrict(&self, policy: &Policy) -> Result<Handle> {
        let policy = policy.to_string();
        self.0
            .call(RESTRICT, |frame| frame.text(&policy), &[])?
            .handle()
    }
}

//! A store of values by keys: the example of a server with something of each client's.
//!
//! A key belongs to the session that put it. Everybody with a session can read it, only its owner can change it, and it goes when the
//! owner's session ends, by whatever end the owner came to. What the store holds it forgets when it crashes: clients
//! learn of it (`EPIPE`), reach the next one ([`super::reach`]), and put their keys again.

use super::frame::Frame;
use super::server::{Answer, Request, Service};
use super::session::Session;
use crate::account::Account;
use crate::bus::Handle;
use crate::calls::Result;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use omnibus_abi::Errno;

/// Puts a value: key, value.
const PUT: u32 = 1;
/// Asks for a value: key.
const GET: u32 = 2;
/// Removes a key: key.
const REMOVE: u32 = 3;

/// Keys of one session.
pub const KEYS_MAX: usize = 64;

/// Bytes of keys and values of one session.
pub const BYTES_MAX: usize = 16 << 10;

/// Bytes of a key.
pub const KEY_BYTES_MAX: usize = 64;

#[derive(Debug)]
struct Value {
    session: u64,
    bytes: Vec<u8>,
}

/// The server's state.
#[derive(Debug)]
pub struct Store {
    /// `None` when the last handle to it is gone.
    door: Option<u64>,
    values: BTreeMap<String, Value>,
}

impl Store {
    /// An empty store with this node as its door.
    #[must_use]
    pub const fn new(door: u64) -> Self {
        Self {
            door: Some(door),
            values: BTreeMap::new(),
        }
    }

    fn put(&mut self, session: u64, key: &str, bytes: &[u8]) -> Result<()> {
        if !(1..=KEY_BYTES_MAX).contains(&key.len()) {
            return Err(Errno::EINVAL);
        }
        let old = self.owned(session, key)?;
        let n_old = old.map_or(0, |value| key.len() + value.bytes.len());
        let own = self
            .values
            .iter()
            .filter(|(_, value)| value.session == session);
        let (n_keys, n_bytes) = own.fold((0, 0), |(n_keys, n_bytes), (key, value)| {
            (n_keys + 1, n_bytes + key.len() + value.bytes.len())
        });
        let is_too_much = n_bytes - n_old + key.len() + bytes.len() > BYTES_MAX;
        if is_too_much || n_old == 0 && n_keys == KEYS_MAX {
            return Err(Errno::EDQUOT);
        }
        let bytes = bytes.to_vec();
        self.values.insert(key.into(), Value { session, bytes });
        Ok(())
    }

    fn remove(&mut self, session: u64, key: &str) -> Result<()> {
        self.owned(session, key)?.ok_or(Errno::ENOENT)?;
        self.values.remove(key);
        Ok(())
    }

    /// The value of a key, if there is one; it must be this session's.
    fn owned(&self, session: u64, key: &str) -> Result<Option<&Value>> {
        match self.values.get(key) {
            Some(value) if value.session != session => Err(Errno::EPERM),
            value => Ok(value),
        }
    }
}

impl Service for Store {
    type Client = ();

    fn open(&mut self, door: u64, _account: u64) -> Result<()> {
        if self.door == Some(door) {
            Ok(())
        } else {
            Err(Errno::ENOENT)
        }
    }

    fn request(
        &mut self,
        _client: &mut (),
        request: Request<'_>,
        reply: Frame,
    ) -> Result<Answer<'_>> {
        let Request {
            session,
            operation,
            mut fields,
            ..
        } = request;
        let key = fields.text()?;
        match operation {
            PUT => {
                let bytes = fields.bytes()?;
                fields.end()?;
                self.put(session, key, bytes)?;
                Ok(Answer::of(reply))
            }
            GET => {
                fields.end()?;
                let value = self.values.get(key).ok_or(Errno::ENOENT)?;
                Ok(Answer::of(reply.bytes(&value.bytes)))
            }
            REMOVE => {
                fields.end()?;
                self.remove(session, key)?;
                Ok(Answer::of(reply))
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn closed(&mut self, session: u64, (): ()) {
        self.values.retain(|_, value| value.session != session);
    }

    fn unreachable(&mut self, node: u64) {
        self.door = self.door.filter(|&door| door != node);
    }

    fn is_out_of_reach(&self) -> bool {
        self.door.is_none()
    }
}

/// The client's end.
#[derive(Debug)]
pub struct Client(Session);

impl Client {
    /// Opens a session at the door of the server.
    ///
    /// # Errors
    /// Those of [`Session::open`].
    pub fn open(account: &Account, door: &Handle) -> Result<Self> {
        Session::open(account, door).map(Self)
    }

    /// Puts a value under a key, in place of an own one.
    ///
    /// # Errors
    /// `EINVAL`: no key. `EPERM`: the key is somebody else's. `EDQUOT`: too many keys or bytes. `EMSGSIZE`: too long for a message.
    pub fn put(&self, key: &str, value: &[u8]) -> Result<()> {
        self.0
            .call(PUT, |frame| frame.text(key).bytes(value), &[])
            .map(drop)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// `ENOENT`: there is none.
    pub fn get(&self, key: &str) -> Result<Vec<u8>> {
        let reply = self.0.call(GET, |frame| frame.text(key), &[])?;
        reply.fields()?.bytes().map(<[u8]>::to_vec)
    }

    /// Removes a key.
    ///
    /// # Errors
    /// `ENOENT`: there is none. `EPERM`: it is somebody else's.
    pub fn remove(&self, key: &str) -> Result<()> {
        self.0.call(REMOVE, |frame| frame.text(key), &[]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key is its session's: others cannot change it, and it goes with the session.
    #[test]
    fn sto_keys_belong_to_sessions() {
        let mut store = Store::new(0);
        assert_eq!(store.put(1, "k", b"one"), Ok(()));
        assert_eq!(store.put(2, "k", b"two"), Err(Errno::EPERM));
        assert_eq!(store.remove(2, "k"), Err(Errno::EPERM));
        assert_eq!(store.put(1, "k", b"three"), Ok(()));
        store.closed(1, ());
        assert_eq!(store.remove(1, "k"), Err(Errno::ENOENT));
        assert_eq!(store.put(2, "k", b"two"), Ok(()));
    }

    /// A session has so many keys and bytes, replacing counts once, and one that is full takes nothing from another.
    #[test]
    fn sto_limits_are_per_session() {
        let mut store = Store::new(0);
        for key in 0..KEYS_MAX {
            assert_eq!(store.put(1, &key.to_string(), b""), Ok(()));
        }
        assert_eq!(store.put(1, "more", b""), Err(Errno::EDQUOT));
        assert_eq!(store.put(1, "0", b"again"), Ok(()));
        assert_eq!(store.put(2, "more", &[0; BYTES_MAX - 4]), Ok(()));
        assert_eq!(
            store.put(2, "more", &[0; BYTES_MAX - 3]),
            Err(Errno::EDQUOT)
        );
        assert_eq!(store.put(2, "more", &[0; BYTES_MAX - 4]), Ok(()));
        for key in ["", &"x".repeat(KEY_BYTES_MAX + 1)] {
            assert_eq!(store.put(3, key, b""), Err(Errno::EINVAL));
        }
    }
}

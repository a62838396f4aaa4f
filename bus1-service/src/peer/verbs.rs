//! The commands of a peer: each in one call for programs of the host, and the beginning of its phases for a kernel.

use crate::effects::Waker;
use crate::send::{is_few, send_few, send_many, send_one, send_unawaited};
use crate::sync::relax;
use crate::{
    Effects, Error, Glance, Id, PreparingSend, PreparingTransfer, Progress, Received, Receiving,
    Source, System, Wake, limits,
};

use super::Peer;

impl<S: System> Peer<S> {
    /// Begins a message of `n_data` bytes (SEND).
    ///
    /// # Errors
    /// None today: a closing peer has no handles to send through.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// let mut preparing = client.begin_send(5)?;
    /// preparing.transfers(&[])?;
    /// preparing.destinations(&[handle])?;
    /// let mut prepared = preparing.prepared()?;
    /// prepared.payload_mut().copy_from_slice(b"hello");
    /// prepared.stage().commit()?.finish_silently();
    /// assert_eq!(server.recv()?.payload(), b"hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_send(&self, n_data: usize) -> Result<PreparingSend<S>, Error> {
        Ok(PreparingSend::new(self.core.clone(), n_data))
    }

    /// The place of the first of `ids` that names no handle of this peer. For an embedder that may not keep the list of a message, and has
    /// to know whether an id is the first cause of the failure (SND-5, TRA-4).
    #[must_use]
    pub fn find_unknown(&self, ids: &[Id]) -> Option<usize> {
        let mut guard = self.core.lock_settled();
        let (state, key) = guard.parts();
        ids.iter().position(|&id| state.handle(key, id).is_none())
    }

    /// Sends `payload` and copies of the handles `transfers` to every one of `destinations`, in one transaction (SEND).
    ///
    /// # Errors
    /// Those of the phases, in the order of SND-5.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// client.send(&[handle], &[], b"hello")?.finish_silently();
    /// let received = server.recv()?;
    /// assert_eq!((received.metadata().id, received.payload()), (node, &b"hello"[..]));
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn send(
        &self,
        destinations: &[Id],
        transfers: &[Id],
        payload: &[u8],
    ) -> Result<Effects<S>, Error> {
        if transfers.len() > limits::TRANSFERS_MAX
            || destinations.len() > limits::DESTINATIONS_MAX
            || transfers.len().saturating_mul(destinations.len()) > limits::COPIES_MAX
        {
            return Err(Error::TooLong);
        }
        if let (&[id], []) = (destinations, transfers) {
            return send_one(&self.core, id, payload);
        }
        let mut effects = Effects::none();
        if transfers.is_empty()
            && is_few(destinations, payload)
            && send_few(&self.core, destinations, payload, &mut effects)?
        {
            return Ok(effects);
        }
        send_many(&self.core, destinations, transfers, payload)
    }

    /// Sends a short `payload`, at most 256 bytes, through `destination`, if nobody waits there: nobody was told that there is nothing since
    /// something was queued. `false` if somebody may wait, or anything is unusual: nothing has happened then, and SEND does it, or says why not.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// assert!(!client.send_unawaited(handle, b"nobody has looked yet"));
    /// client.send(&[handle], &[], b"first")?.finish_silently();
    /// assert!(client.send_unawaited(handle, b"second"));
    /// assert_eq!(server.recv()?.payload(), b"first");
    /// assert_eq!(server.recv()?.payload(), b"second");
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn send_unawaited(&self, destination: Id, payload: &[u8]) -> bool {
        send_unawaited(&self.core, destination, payload)
    }

    /// Sends a short `payload`, at most 256 bytes, to two to sixteen `destinations`, without a list of them in memory that an embedder would
    /// have to charge. `None` if there are more or fewer, or something is unusual: nothing has happened then, and SEND says why.
    ///
    /// # Errors
    /// Of those of [`Peer::send`] the two that come when the look-up and the charges are done: no memory, and a release meanwhile.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// let sent = client.send_few(&[handle, handle], b"twice")?;
    /// sent.expect("two, and nothing unusual").finish_silently();
    /// assert_eq!(server.recv()?.payload(), b"twice");
    /// assert!(client.send_few(&[handle], b"once")?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn send_few(
        &self,
        destinations: &[Id],
        payload: &[u8],
    ) -> Result<Option<Effects<S>>, Error> {
        let mut effects = Effects::none();
        let is_sent = is_few(destinations, payload)
            && send_few(&self.core, destinations, payload, &mut effects)?;
        Ok(is_sent.then_some(effects))
    }

    /// Begins a transfer from this peer to `to` (TRANSFER); both may be the same.
    ///
    /// # Errors
    /// None today.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// use bus1_service::Source;
    /// let mut preparing = client.begin_transfer(&server)?;
    /// preparing.sources(&[Source::Copy(handle)])?;
    /// let mut prepared = preparing.prepared()?;
    /// let copy = prepared.handle(0).expect("one entry");
    /// prepared.commit()?.finish_silently();
    /// server.send(&[copy], &[], b"to itself")?.finish_silently();
    /// assert_eq!(server.recv()?.payload(), b"to itself");
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_transfer(&self, to: &Peer<S>) -> Result<PreparingTransfer<S>, Error> {
        Ok(PreparingTransfer::new(self.core.clone(), to.core.clone()))
    }

    /// Makes a node on this peer and a handle to it on `to`; their ids.
    ///
    /// # Errors
    /// Those of a transfer.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// let (own_node, own_handle) = client.create_node(&client)?;
    /// client.send(&[own_handle], &[], b"")?.finish_silently();
    /// assert_eq!(client.recv()?.metadata().id, own_node);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_node(&self, to: &Peer<S>) -> Result<(Id, Id), Error> {
        let mut nodes = [None];
        let mut handles = [Id::INVALID];
        self.transfer(to, &[Source::Create], &mut nodes, &mut handles)?
            .finish_silently();
        let ([Some(node)], [handle]) = (nodes, handles) else {
            return Err(Error::OutOfMemory);
        };
        Ok((node, handle))
    }

    /// Makes nodes and copies handles to `to` in one transaction (TRANSFER). Writes the id of each new handle to `handles` and of each
    /// node made to `nodes`; both arrays are as long as `sources`, and may have been written if the call fails (ERR-1).
    ///
    /// # Errors
    /// Those of the phases (TRA-4); [`Error::TooLong`] if an output array is shorter than `sources`.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// use bus1_service::{Id, Source};
    /// let (mut nodes, mut handles) = ([None; 2], [Id::INVALID; 2]);
    /// client.transfer(&server, &[Source::Create, Source::Copy(handle)], &mut nodes, &mut handles)?.finish_silently();
    /// server.send(&[handles[0]], &[], b"to the new node")?.finish_silently();
    /// assert_eq!(Some(client.recv()?.metadata().id), nodes[0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn transfer(
        &self,
        to: &Peer<S>,
        sources: &[Source],
        nodes: &mut [Option<Id>],
        handles: &mut [Id],
    ) -> Result<Effects<S>, Error> {
        if nodes.len() < sources.len() || handles.len() < sources.len() {
            return Err(Error::TooLong);
        }
        let mut preparing = self.begin_transfer(to)?;
        preparing.sources(sources)?;
        let mut prepared = preparing.prepared()?;
        for (index, (node, handle)) in nodes
            .iter_mut()
            .zip(handles)
            .take(sources.len())
            .enumerate()
        {
            *node = prepared.node(index);
            *handle = prepared.handle(index).unwrap_or(Id::INVALID);
        }
        prepared.commit()
    }

    /// The first entry of the queue, to be copied out (RECV).
    ///
    /// # Errors
    /// [`Error::NothingQueued`]; [`Error::Busy`] while another thread copies one out, or when the queue needs another look.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// client.send(&[handle], &[handle], b"hello")?.finish_silently();
    /// let receiving = server.begin_recv()?;
    /// let (copied, id) = (receiving.payload().to_vec(), receiving.transfers()[0]);
    /// receiving.commit().expect("nobody else released it").finish_silently();
    /// server.send(&[id], &[], &copied)?.finish_silently();
    /// # Ok(())
    /// # }
    /// ```
    pub fn begin_recv(&self) -> Result<Receiving<S>, Error> {
        Receiving::begin(&self.core)
    }

    /// Takes the first entry out of the queue (RECV).
    ///
    /// # Errors
    /// [`Error::NothingQueued`].
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// use bus1_service::{Error, Kind};
    /// assert_eq!(server.recv().err(), Some(Error::NothingQueued));
    /// client.release(&[handle], &mut |(), _| {})?;
    /// let received = server.recv()?;
    /// assert_eq!((received.kind(), received.metadata().id), (Kind::HandleRelease, node));
    /// # Ok(())
    /// # }
    /// ```
    pub fn recv(&self) -> Result<Received<S>, Error> {
        Received::take(&self.core)
    }

    /// RECV of a message of at most `n_data_max` bytes that carries nothing, if that stands first: in one section of the peer's lock.
    /// Anything else stays where it is.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// use bus1_service::Glance;
    /// client.send(&[handle], &[], b"short")?.finish_silently();
    /// client.send(&[handle], &[], b"longer than that")?.finish_silently();
    /// assert!(matches!(server.glance(8), Glance::Small(received) if received.payload() == b"short"));
    /// assert!(matches!(server.glance(8), Glance::Other));
    /// # Ok(())
    /// # }
    /// ```
    #[inline(always)]
    #[must_use]
    pub fn glance(&self, n_data_max: usize) -> Glance<S> {
        Glance::at(&self.core, n_data_max)
    }

    /// Releases these nodes and handles, all of it (RELEASE).
    ///
    /// # Errors
    /// Those of [`Peer::begin_release`] except `Busy`.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// use bus1_service::Kind;
    /// server.release(&[node], &mut |(), _| {})?;
    /// let received = client.recv()?;
    /// assert_eq!((received.kind(), received.metadata().id), (Kind::NodeRelease, handle));
    /// # Ok(())
    /// # }
    /// ```
    pub fn release(&self, ids: &[Id], wake: &mut dyn FnMut(&S::Watch, Wake)) -> Result<(), Error> {
        if let &[id] = ids
            && self.release_one(id, wake)
        {
            return Ok(());
        }
        loop {
            match self.begin_release(ids) {
                // An earlier one is helped.
                Err(Error::Busy) => self.work_on(u32::MAX, wake),
                result => {
                    self.work_to_the_end(wake);
                    return result;
                }
            }
        }
    }

    /// Closes the peer, all of it.
    ///
    /// ```
    /// # struct Host;
    /// # impl bus1_service::System for Host {
    /// #     type Watch = ();
    /// #     type Object = std::convert::Infallible;
    /// #     type Amounts = [u64; 2];
    /// # }
    /// # fn main() -> Result<(), bus1_service::Error> {
    /// # let account = bus1_service::Account::<Host>::root([1 << 20, 1 << 30])?;
    /// # let (server, client) = (bus1_service::Peer::new(&account, ())?, bus1_service::Peer::new(&account, ())?);
    /// # let (node, handle) = server.create_node(&client)?;
    /// server.close(&mut |(), _| {});
    /// client.close(&mut |(), _| {});
    /// let info = account.inspect();
    /// assert_eq!(info.available, info.maxima);
    /// # Ok(())
    /// # }
    /// ```
    pub fn close(&self, wake: &mut dyn FnMut(&S::Watch, Wake)) {
        self.begin_close();
        self.work_to_the_end(wake);
    }

    fn work_to_the_end(&self, wake: Waker<'_, S>) {
        while self.work(u32::MAX, wake) != Progress::Done {
            relax::<S>();
        }
    }

    fn work_on(&self, budget: u32, wake: Waker<'_, S>) {
        if self.work(budget, wake) == Progress::Busy {
            relax::<S>();
        }
    }
}

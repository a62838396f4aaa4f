//! What the tests of the core share: a small world of peers, read-outs of it, and the proof that nothing is left behind.
#![allow(dead_code, reason = "each test program uses its part of it")]

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bus1_service::{
    Account, BYTES, EntryInfo, Error, Handed, Id, Kind, OBJECTS, ObjectInfo, Peer, PeerInfo,
    Progress, Received, Receivers, StagedSend, System, TraceEvent, Wake,
};

/// The embedding system of the tests: a peer's watch counts how often it was woken.
pub(crate) struct Host;

impl System for Host {
    type Watch = Arc<Bell>;
    type Object = Arc<u32>;
    type Amounts = [u64; 2];
    fn relax() {
        std::thread::yield_now();
    }
    fn between_sections() {
        N_BETWEEN.set(N_BETWEEN.get() + 1);
    }
    fn is_traced() -> bool {
        TOLD.with_borrow(Option::is_some)
    }
    fn trace(event: TraceEvent) {
        TOLD.with_borrow_mut(|told| told.as_mut().expect("somebody watches").push(event));
    }
}

thread_local! {
    static N_BETWEEN: Cell<u64> = const { Cell::new(0) };
    static TOLD: RefCell<Option<Vec<TraceEvent>>> = const { RefCell::new(None) };
}

/// What `work` gives, and what the core told of what this thread did meanwhile.
pub(crate) fn traced<R>(work: impl FnOnce() -> R) -> (R, Vec<TraceEvent>) {
    TOLD.set(Some(Vec::new()));
    let result = work();
    (result, TOLD.take().expect("nobody else took it"))
}

/// How often this thread was between two lock-held sections of one step while it did `work`.
pub(crate) fn times_between_sections(work: impl FnOnce()) -> u64 {
    let before = N_BETWEEN.get();
    work();
    N_BETWEEN.get() - before
}

/// Counts wakes.
#[derive(Default)]
pub(crate) struct Bell {
    pub(crate) n_readable: AtomicU64,
    pub(crate) n_hang_up: AtomicU64,
}

/// What is given to an operation to wake with.
pub(crate) fn ring(bell: &Arc<Bell>, wake: Wake) {
    match wake {
        Wake::Readable => bell.n_readable.fetch_add(1, Ordering::SeqCst),
        Wake::HangUp => bell.n_hang_up.fetch_add(1, Ordering::SeqCst),
    };
}

/// Default maxima of an account (quota.md).
pub(crate) const MAXIMA: [u64; 2] = [1 << 20, 1 << 30];

/// Accounts and peers; when it ends, all peers are closed and every account must have everything back.
pub(crate) struct World {
    pub(crate) accounts: Vec<Account<Host>>,
    pub(crate) peers: Vec<Peer<Host>>,
}

impl World {
    /// A world of `n_peers` peers of one account.
    pub(crate) fn new(n_peers: usize) -> World {
        let root = Account::root([1 << 40, 1 << 40]).expect("an account");
        let account = root.child(&root.actor(), MAXIMA).expect("an account");
        let mut world = World {
            accounts: vec![root, account],
            peers: Vec::new(),
        };
        for _ in 0..n_peers {
            world.peer(1);
        }
        world
    }

    /// One more account, with its maxima.
    pub(crate) fn account(&mut self, maxima: [u64; 2]) -> usize {
        let root = &self.accounts[0];
        let account = root.child(&root.actor(), maxima).expect("an account");
        self.accounts.push(account);
        self.accounts.len() - 1
    }

    /// One more peer of an account.
    pub(crate) fn peer(&mut self, account: usize) -> Peer<Host> {
        let peer = Peer::new(&self.accounts[account], Arc::default()).expect("a peer");
        self.peers.push(peer.clone());
        peer
    }

    /// The first `N` peers, to be given names.
    pub(crate) fn first<const N: usize>(&self) -> [&Peer<Host>; N] {
        std::array::from_fn(|number| &self.peers[number])
    }

    /// Closes everything and checks that nothing is left (ACC-5).
    pub(crate) fn end(mut self) {
        self.accounts.iter().for_each(check_books);
        for peer in &self.peers {
            peer.close(&mut |bell, wake| ring(bell, wake));
        }
        for account in &self.accounts[1..] {
            let info = account.inspect();
            assert_eq!(
                info.available,
                info.maxima,
                "account {:?} has not everything back",
                account.number()
            );
            assert_eq!(info.n_quotas, 0);
        }
        self.peers.clear();
        let mut accounts = std::mem::take(&mut self.accounts);
        let root = accounts.remove(0);
        drop(accounts);
        let info = root.inspect();
        assert_eq!(
            info.available, info.maxima,
            "closed accounts return their maxima (ACC-8)"
        );
    }
}

/// No test forgets [`World::end`].
impl Drop for World {
    fn drop(&mut self) {
        assert!(
            self.accounts.is_empty() || std::thread::panicking(),
            "what is left of this world was not looked at"
        );
    }
}

/// Both invariants of quota.md, in every slot.
pub(crate) fn check_books<S: System<Amounts = [u64; 2]>>(target: &Account<S>) {
    let info = target.inspect();
    let mut claimed = [0; 2];
    let mut n_quotas = 0;
    let mut place = Some(0);
    while let Some((quota, next)) = place.and_then(|place| target.inspect_quota(place)) {
        let mut held = [0; 2];
        let mut n_traces = 0;
        let mut at = Some(0);
        while let Some((trace, next)) = at.and_then(|at| target.inspect_trace(quota.claimant, at)) {
            for slot in [OBJECTS, BYTES] {
                held[slot] += trace.claimed[slot];
            }
            assert_ne!(trace.claimed, [0; 2], "a trace holds something");
            n_traces += 1;
            at = next;
        }
        assert_eq!(n_traces, quota.n_traces);
        for slot in [OBJECTS, BYTES] {
            assert_eq!(
                quota.claimed[slot],
                quota.available[slot] + held[slot],
                "claimed = available + what traces hold"
            );
            claimed[slot] += quota.claimed[slot];
        }
        n_quotas += 1;
        place = next;
    }
    assert_eq!(n_quotas, info.n_quotas);
    for slot in [OBJECTS, BYTES] {
        assert_eq!(
            info.available[slot] + claimed[slot],
            info.maxima[slot],
            "available + all claims = maximum"
        );
    }
}

/// A node of `owner` and a handle to it for `holder`.
pub(crate) fn node(owner: &Peer<Host>, holder: &Peer<Host>) -> (Id, Id) {
    owner.create_node(holder).expect("a node")
}

/// Sends, and does all that remains.
pub(crate) fn send(
    from: &Peer<Host>,
    to: &[Id],
    handles: &[Id],
    payload: &[u8],
) -> Result<(), Error> {
    from.send(to, handles, payload)?
        .finish(&mut |bell, wake| ring(bell, wake));
    Ok(())
}

/// Does everything of a send of `payload` up to where it is staged at the first queue.
pub(crate) fn try_begun(
    from: &Peer<Host>,
    to: &[Id],
    payload: &[u8],
) -> Result<StagedSend<Host>, Error> {
    let mut preparing = from.begin_send(payload.len())?;
    preparing.destinations(to)?;
    let mut prepared = preparing.prepared()?;
    prepared.payload_extend(payload);
    Ok(prepared.stage())
}

/// The same, of one that nothing is wrong with.
pub(crate) fn begun(from: &Peer<Host>, to: &[Id], payload: &[u8]) -> StagedSend<Host> {
    try_begun(from, to, payload).unwrap()
}

/// The same of nothing but copies of `handles`.
pub(crate) fn begun_with(from: &Peer<Host>, to: &[Id], handles: &[Id]) -> StagedSend<Host> {
    let mut preparing = from.begin_send(0).unwrap();
    preparing.transfers(handles).unwrap();
    preparing.destinations(to).unwrap();
    preparing.prepared().unwrap().stage()
}

/// Does everything up to the instant of a send of `payload`: what is returned is staged at every queue, and not decided.
pub(crate) fn staged(from: &Peer<Host>, to: &[Id], payload: &[u8]) -> StagedSend<Host> {
    let mut staged = begun(from, to, payload);
    while staged.step(1) != Progress::Done {}
    staged
}

/// Does what remains of a send.
pub(crate) fn commit(mut staged: StagedSend<Host>) {
    staged.commit().unwrap().finish_silently();
}

/// Begins to release nodes with few handles, and does everything up to the instant: all of NODE_RELEASE is staged, nothing is decided.
pub(crate) fn release_staged(owner: &Peer<Host>, nodes: &[Id]) {
    owner.begin_release(nodes).unwrap();
    // One batch finds that no handle is named, one stages those of the nodes; the next would decide.
    for _ in 0..2 {
        assert_eq!(owner.work(1, &mut |_, _| {}), Progress::More);
    }
}

/// Does what remains of a release.
pub(crate) fn finish_release(owner: &Peer<Host>) {
    while owner.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done {}
}

/// What waits at a peer, by payload.
pub(crate) fn drain(peer: &Peer<Host>) -> Vec<u8> {
    let mut payloads = Vec::new();
    while let Some(received) = recv(peer) {
        payloads.extend_from_slice(received.payload());
    }
    payloads
}

/// Copies one handle.
pub(crate) fn copy(from: &Peer<Host>, to: &Peer<Host>, handle: Id) -> Result<Id, Error> {
    let mut handles = [Id::INVALID];
    from.transfer(
        to,
        &[bus1_service::Source::Copy(handle)],
        &mut [None],
        &mut handles,
    )?
    .finish(&mut |bell, wake| ring(bell, wake));
    Ok(handles[0])
}

/// Releases, and does all that remains.
pub(crate) fn release(peer: &Peer<Host>, ids: &[Id]) -> Result<(), Error> {
    peer.release(ids, &mut |bell, wake| ring(bell, wake))
}

/// Closes.
pub(crate) fn close(peer: &Peer<Host>) {
    peer.close(&mut |bell, wake| ring(bell, wake));
}

/// The next entry, or none.
pub(crate) fn recv(peer: &Peer<Host>) -> Option<Received<Host>> {
    let is_readable = peer.is_readable();
    let received = peer.recv();
    assert_eq!(
        is_readable,
        received.is_ok(),
        "readable exactly when there is something (RCV-6)"
    );
    match received {
        Ok(received) => Some(received),
        Err(Error::NothingQueued) => None,
        Err(error) => panic!("{error:?}"),
    }
}

/// The next entry, which must be a user's message: its payload and the ids it brought.
pub(crate) fn recv_message(peer: &Peer<Host>) -> (Vec<u8>, Vec<Id>) {
    let received = recv(peer).expect("a message");
    assert_eq!(received.kind(), Kind::User);
    (received.payload().to_vec(), received.transfers().to_vec())
}

/// The next entry, which must be a notification: what it is and whom it names.
pub(crate) fn recv_note(peer: &Peer<Host>) -> (Kind, Id) {
    let received = recv(peer).expect("a notification");
    assert!(
        received.metadata().account.is_none(),
        "a notification has no sender (RCV-4)"
    );
    assert!(received.payload().is_empty() && received.transfers().is_empty());
    (received.kind(), received.metadata().id)
}

/// How many objects a peer's account has left.
pub(crate) fn objects_left(peer: &Peer<Host>) -> u64 {
    peer.account().inspect().available[OBJECTS]
}

/// All that can be observed of a world; clocks cannot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReadOut {
    accounts: Vec<([u64; 2], u64)>,
    peers: Vec<(PeerInfo, Vec<ObjectInfo>, Vec<EntryInfo>)>,
}

/// Reads out a world.
pub(crate) fn read_out(world: &World) -> ReadOut {
    let accounts = world
        .accounts
        .iter()
        .map(|account| (account.inspect().available, account.inspect().n_quotas))
        .collect();
    let peers = world.peers.iter().map(|peer| {
        (
            PeerInfo {
                clock: 0,
                decided: 0,
                ..peer.inspect()
            },
            objects(peer),
            (0..64)
                .map_while(|index| peer.inspect_entry(index))
                .collect(),
        )
    });
    ReadOut {
        accounts,
        peers: peers.collect(),
    }
}

/// All nodes and handles of a peer.
pub(crate) fn objects(peer: &Peer<Host>) -> Vec<ObjectInfo> {
    let mut objects = Vec::new();
    let mut slot = 0;
    while let Some((object, next)) = peer.inspect_object(slot) {
        objects.push(object);
        slot = next;
    }
    objects
}

/// Everybody waits. Who was taken, and what he was given.
#[derive(Default)]
pub(crate) struct All(pub(crate) Vec<(Arc<Bell>, Option<Handed>)>);

impl Receivers<Host> for All {
    fn take(&mut self, watch: &Arc<Bell>) -> bool {
        self.0.push((watch.clone(), None));
        true
    }

    fn give(&mut self, index: usize, handed: Handed) {
        let before = self.0[index].1.replace(handed);
        assert_eq!(before, None, "given twice");
    }

    fn let_go(&mut self, index: usize) {
        assert_eq!(self.0[index].1, None, "given and let go");
    }
}

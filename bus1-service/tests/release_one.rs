//! The release of one handle by a way of its own is RELEASE: two worlds with the same history, one of which releases by batches, stay the
//! same.

mod common;

use bus1_service::{Error, Id, Kind, Metadata, Peer, Progress, StagedSend};
use common::{
    Host, MAXIMA, World, begun_with, copy, node, read_out, recv_note, release, ring, send, staged,
    traced,
};
use proptest::prelude::*;

const N_PEERS: usize = 3;

/// What happens in both worlds. Numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    /// A message is sent, with a copy of a handle or without.
    Send(usize, usize, Option<usize>),
    /// A multicast is entered at its queues and stays undecided.
    Stage(usize, usize, usize),
    /// One of those is decided, or given up.
    End(usize, bool),
    /// The first entry of a peer is received.
    Receive(usize),
    /// A handle is copied to another peer.
    Copy(usize, usize, usize),
    /// A release of several ids begins, and some batches of it are done.
    Begin(usize, usize, usize),
    /// A batch of what is open is done.
    Work(usize),
    /// An id is released.
    Release(usize, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (peer, index) = (0..N_PEERS, 0..16_usize);
    prop_oneof![
        2 => (peer.clone(), index.clone(), prop::option::of(index.clone()))
            .prop_map(|(peer, id, carried)| Step::Send(peer, id, carried)),
        1 => (peer.clone(), index.clone(), index.clone()).prop_map(|(p, a, b)| Step::Stage(p, a, b)),
        1 => (index.clone(), any::<bool>()).prop_map(|(which, commits)| Step::End(which, commits)),
        3 => peer.clone().prop_map(Step::Receive),
        2 => (peer.clone(), index.clone(), peer.clone()).prop_map(|(p, id, to)| Step::Copy(p, id, to)),
        1 => (peer.clone(), index.clone(), 0..4_usize).prop_map(|(p, id, n)| Step::Begin(p, id, n)),
        1 => peer.clone().prop_map(Step::Work),
        5 => (peer, index).prop_map(|(peer, id)| Step::Release(peer, id)),
    ]
}

/// Releases one id by batches.
fn release_by_batches(peer: &Peer<Host>, id: Id) -> Result<(), Error> {
    loop {
        let begun = peer.begin_release(&[id]);
        while peer.work(1, &mut |bell, wake| ring(bell, wake)) != Progress::Done {}
        if begun != Err(Error::Busy) {
            return begun;
        }
    }
}

/// A world, with what is on its way in it.
struct Side {
    world: World,
    staged: Vec<StagedSend<Host>>,
}

impl Side {
    fn new() -> (Side, Vec<Vec<Id>>) {
        let mut world = World::new(2);
        let other = world.account(MAXIMA);
        world.peer(other);
        let mut ids = vec![Vec::new(); N_PEERS];
        for owner in 0..N_PEERS {
            for holder in 0..N_PEERS {
                let (node, handle) = node(&world.peers[owner], &world.peers[holder]);
                ids[holder].push(handle);
                if owner != holder {
                    ids[owner].push(node);
                }
            }
        }
        let staged = Vec::new();
        (Side { world, staged }, ids)
    }

    fn receive(&self, peer: usize) -> Option<(Metadata, Vec<Id>)> {
        let received = self.world.peers[peer].recv().ok()?;
        Some((received.metadata(), received.transfers().to_vec()))
    }

    fn stage(&mut self, peer: usize, to: [Id; 2]) -> bool {
        let peer = &self.world.peers[peer];
        let is_known = peer.find_unknown(&to).is_none();
        if is_known {
            self.staged.push(staged(peer, &to, b""));
        }
        is_known
    }

    fn end(&mut self, which: usize, commits: bool) -> Option<Result<(), Error>> {
        let n_staged = self.staged.len();
        let mut staged = (n_staged > 0).then(|| self.staged.swap_remove(which % n_staged))?;
        let wake = &mut |bell: &_, wake| ring(bell, wake);
        if !commits {
            staged.abort().finish(wake);
            return Some(Ok(()));
        }
        let result = staged.commit().map(|effects| effects.finish(wake));
        staged.abort().finish(wake);
        Some(result)
    }

    /// Clocks, which `read_out` leaves out, and how often each peer was woken.
    fn beside(&self) -> Vec<(u64, u64, u64)> {
        let of = |peer: &Peer<Host>| {
            let info = peer.inspect();
            let n_wakes = &peer.watch().n_readable;
            let n_wakes = n_wakes.load(std::sync::atomic::Ordering::SeqCst);
            (info.clock, info.decided, n_wakes)
        };
        self.world.peers.iter().map(of).collect()
    }
}

/// How many handles went by the way of their own.
fn run(steps: &[Step]) -> usize {
    let ((fast, mut ids), (plain, _)) = (Side::new(), Side::new());
    let mut sides = [fast, plain];
    let mut n_fast = 0;
    for step in steps {
        let choose = |ids: &[Id], index: usize| ids[index % ids.len()];
        match *step {
            Step::Send(peer, index, carried) => {
                let to = choose(&ids[peer], index);
                let carried = carried.map(|index| choose(&ids[peer], index));
                let both = sides
                    .each_ref()
                    .map(|side| send(&side.world.peers[peer], &[to], carried.as_slice(), b"one"));
                assert_eq!(both[0], both[1], "{step:?}");
            }
            Step::Stage(peer, a, b) => {
                let to = [a, b].map(|index| choose(&ids[peer], index));
                let both = sides.each_mut().map(|side| side.stage(peer, to));
                assert_eq!(both[0], both[1], "{step:?}");
            }
            Step::End(which, commits) => {
                let both = sides.each_mut().map(|side| side.end(which, commits));
                assert_eq!(both[0], both[1], "{step:?}");
            }
            Step::Receive(peer) => {
                let both = sides.each_ref().map(|side| side.receive(peer));
                assert_eq!(both[0], both[1], "{step:?}");
                ids[peer].extend(both[0].iter().flat_map(|(_, transfers)| transfers));
            }
            Step::Copy(peer, index, to) => {
                let id = choose(&ids[peer], index);
                let both = sides
                    .each_ref()
                    .map(|side| copy(&side.world.peers[peer], &side.world.peers[to], id));
                assert_eq!(both[0], both[1], "{step:?}");
                ids[to].extend(both[0].as_ref().ok());
            }
            Step::Begin(peer, index, n_batches) => {
                let named = [index, index + 1, index + 2].map(|index| choose(&ids[peer], index));
                let both = sides.each_ref().map(|side| {
                    let peer = &side.world.peers[peer];
                    let begun = peer.begin_release(&named);
                    for _ in 0..n_batches {
                        let _ = peer.work(1, &mut |bell, wake| ring(bell, wake));
                    }
                    begun
                });
                assert_eq!(both[0], both[1], "{step:?}");
            }
            Step::Work(peer) => {
                let both = sides
                    .each_ref()
                    .map(|side| side.world.peers[peer].work(1, &mut |bell, wake| ring(bell, wake)));
                assert_eq!(both[0], both[1], "{step:?}");
            }
            Step::Release(peer, index) => {
                let id = choose(&ids[peer], index);
                let [fast, plain] = sides.each_ref().map(|side| &side.world.peers[peer]);
                let fast = traced(|| {
                    let is_fast = fast.release_one(id, &mut |bell, wake| ring(bell, wake));
                    n_fast += usize::from(is_fast);
                    match is_fast {
                        true => Ok(()),
                        false => release(fast, &[id]),
                    }
                });
                let plain = traced(|| release_by_batches(plain, id));
                assert_eq!(fast, plain, "{step:?}");
            }
        }
        let [fast, plain] = sides.each_ref();
        assert_eq!(
            read_out(&fast.world),
            read_out(&plain.world),
            "after {step:?}"
        );
        assert_eq!(fast.beside(), plain.beside(), "after {step:?}");
    }
    for mut side in sides {
        while side.end(0, false).is_some() {}
        side.world.end();
    }
    n_fast
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happened before and is on its way, the release of one handle leaves results, queues, ids, accounts, clocks and wakes as it
    /// does by batches, and tells the same.
    #[test]
    fn rel_1_releasing_one_handle_is_release(steps in prop::collection::vec(step(), 1..60)) {
        run(&steps);
    }
}

/// The release of one handle goes by the way of its own: of a living node and a dead one, of the last handle and another, while a
/// multicast waits at the owner's queue and while none does.
#[test]
fn rel_1_releasing_one_handle_is_usual() {
    let alone = (0..N_PEERS).flat_map(|peer| (0..16).map(move |id| Step::Release(peer, id)));
    let alone: Vec<_> = alone.collect();
    let n_handles = N_PEERS * N_PEERS;
    assert_eq!(run(&alone), n_handles, "each handle once");
    let beside = [Step::Stage(0, 0, 1)].into_iter().chain(alone.clone());
    assert_eq!(run(&beside.collect::<Vec<_>>()), n_handles);
    let behind = [Step::Begin(0, 0, 1)].into_iter().chain(alone);
    let n_fast = run(&behind.collect::<Vec<_>>());
    assert!((1..n_handles).contains(&n_fast), "{n_fast}");
}

/// The handle that a message was aimed through last leads nowhere when it was released, and still does if another was.
#[test]
fn rel_2_a_released_handle_is_not_remembered() {
    let world = World::new(2);
    let [server, client] = world.first();
    let [kept, other, last] = [(); 3].map(|()| node(server, client).1);
    for (handle, released) in [(kept, other), (last, last)] {
        assert!(client.aim(handle, false).is_some());
        assert!(client.release_one(released, &mut |bell, wake| ring(bell, wake)));
        assert_eq!(client.aim(handle, false).is_some(), handle == kept);
    }
    world.end();
}

/// A handle that stops counting before hundreds of copies on their way does so in several sections; whoever waits is woken when it has.
#[test]
fn not_2_the_last_handle_is_told_behind_many_copies_on_their_way() {
    let world = World::new(3);
    let [server, client, other] = world.first();
    let (served, handle) = node(server, client);
    let (_, to_other) = node(other, client);
    let mut staged = begun_with(client, &[to_other; 600], &[handle]);
    while staged.step(1) != Progress::Done {}
    assert_eq!(server.recv().err(), Some(Error::NothingQueued));
    let mut n_woken = 0;
    let is_released = client.release_one(handle, &mut |_, _| n_woken += 1);
    assert_eq!((is_released, n_woken), (true, 1));
    assert_eq!(recv_note(server), (Kind::HandleRelease, served));
    staged.abort().finish_silently();
    world.end();
}

//! Reads a program and carries it out, step by step.

use std::cell::RefCell;
use std::collections::BTreeSet;

use bus1_model::{Call, Failure, Outcome, Source};
use bus1_service::{EVENT_WORDS_MAX, Error, Id, Peer, limits};

use crate::accounts::Ledger;
use crate::allocator::refusing;
use crate::calls::{Between, Caller, Made, Manner, without_memory};
use crate::documented::Reached;
use crate::evidence::beside::Beside;
use crate::evidence::knowledge::{Knowledge, Pick};
use crate::evidence::stage::{Woken, to_failure, to_ids};
use crate::input::Input;

/// Limits of the accounts, from plenty to hardly any, objects and bytes.
const MAXIMA: [[[u64; 2]; 3]; 4] = [
    [[1 << 20, 1 << 30]; 3],
    [[60, 300], [200, 900], [600, 200]],
    [[40, 1 << 20], [3, 64], [1 << 20, 24]],
    [[300, 100], [25, 1 << 30], [90, 90]],
];
/// The account of each peer that is there at first.
const PEERS: [usize; 5] = [0, 0, 1, 2, 2];
/// Peers that there may be.
const PEERS_MAX: usize = 10;
/// The upper bits of the first byte that give each of these peers an account of its own; with others they share three.
const ALONE: u8 = 0x50;
/// The byte that binds an event.
const EVENT: u8 = 0xEF;
/// The bytes that hand a message over; others with the last four bits of these make a peer.
const HAND_OVER: [u8; 2] = [0xCF, 0xDF];
/// The byte that hands a message over to several.
const HAND_OVER_TOGETHER: u8 = 0xBF;
/// Steps of a program.
const STEPS_MAX: usize = 80;

/// The state of a program.
pub(crate) struct Machine {
    pub(crate) beside: Beside,
    pub(crate) ledger: Ledger,
    pub(crate) reached: RefCell<Reached>,
    /// Who was woken in this step.
    pub(crate) woken: RefCell<Woken>,
    /// Who was readable before it.
    pub(crate) was_readable: BTreeSet<usize>,
}

/// Runs a program to its end.
pub(crate) fn run(bytes: &[u8]) -> Reached {
    let mut input = Input::new(bytes);
    let setup = input.byte();
    let maxima = &MAXIMA[usize::from(setup) % MAXIMA.len()];
    let beside = if setup & !7 == ALONE {
        Beside::new(
            &[0, 1, 2, 0, 1].map(|place: usize| maxima[place]),
            &[0, 1, 2, 3, 4],
        )
    } else {
        Beside::new(maxima, &PEERS)
    };
    let mut machine = Machine {
        beside,
        ledger: Ledger::default(),
        reached: RefCell::default(),
        woken: RefCell::default(),
        was_readable: BTreeSet::new(),
    };
    for _ in 0..STEPS_MAX {
        let Some(operation) = input.next() else { break };
        machine.step(operation, &mut input);
    }
    if setup & 4 != 0 {
        machine.drain();
    }
    machine.end()
}

impl Machine {
    fn step(&mut self, operation: u8, input: &mut Input<'_>) {
        self.begin_step();
        match operation % 16 {
            0..8 => self.plain(operation % 8, input),
            8 => self.refused(input),
            9 => self.given_up(input),
            10 | 11 => self.overlapped(input),
            12 => self.too_long(input),
            13 => self.account(input),
            14 => self.half_way(input),
            _ if operation == EVENT => self.event(input),
            _ if HAND_OVER.contains(&operation) => self.hand_over(input),
            _ if operation == HAND_OVER_TOGETHER => self.hand_over_together(input),
            _ => self.new_peer(input),
        }
    }

    /// A command of this kind by some peer.
    pub(crate) fn command(&self, kind: u8, input: &mut Input<'_>) -> Call {
        let peer = input.choose(self.beside.knowledge.len());
        let known = &self.beside.knowledge[peer];
        match kind {
            0 | 1 => {
                let to = input.choose(self.beside.knowledge.len());
                let n_sources = input.choose(5);
                let sources = (0..n_sources).map(|_| match input.byte() {
                    0..64 => Source::Create,
                    pick => Source::Copy(known.handle(Pick(pick))),
                });
                Call::Transfer {
                    from: peer,
                    to,
                    sources: sources.collect(),
                }
            }
            2 => Call::Release {
                peer,
                ids: picks(input, known, Knowledge::any),
            },
            3 | 4 => Call::Send {
                peer,
                destinations: picks(input, known, Knowledge::handle),
                transfers: picks(input, known, Knowledge::handle),
                payload: (0..input.byte() % 64).collect(),
            },
            5 => Call::Recv { peer },
            6 => Call::Discard { peer },
            // A peer that closes tells nothing more: one in eight may.
            _ if input.byte() % 8 == 7 => Call::Close { peer },
            _ => Call::Recv { peer },
        }
    }

    /// A command, in one call or in phases.
    fn plain(&mut self, kind: u8, input: &mut Input<'_>) {
        let byte = input.byte();
        let piece = usize::from(byte % 4);
        let call = self.command(kind, input);
        if !self.beside.can_be_made(&call) {
            return self.on_closed_peer(&call, piece);
        }
        let manner = Manner {
            piece,
            glances: byte >= 128,
            ..Manner::default()
        };
        match self.make(&call, manner, &mut |_| {}) {
            Made::Outcome(outcome) => self.agree(&call, &outcome),
            Made::Refused | Made::GivenUp => panic!("{call:?} was neither refused nor given up"),
        }
    }

    /// A command with one allocation refused: it says so and changes nothing, or it did not need that one.
    fn refused(&mut self, input: &mut Input<'_>) {
        let manner = Manner {
            piece: input.choose(4),
            refused: Some(input.choose(16)),
            ..Manner::default()
        };
        let kind = input.byte() % 5;
        let call = self.command(kind, input);
        if !self.beside.can_be_made(&call) {
            return;
        }
        match self.make(&call, manner, &mut |_| {}) {
            Made::Outcome(outcome) => self.agree(&call, &outcome),
            Made::Refused => self.unchanged(&format_args!("{call:?} without memory, {manner:?}")),
            Made::GivenUp => panic!("{call:?} was not given up"),
        }
    }

    /// A command that is given up in one of its phases: nothing has changed.
    fn given_up(&mut self, input: &mut Input<'_>) {
        let manner = Manner {
            piece: 1 + input.choose(3),
            given_up_at: Some(input.choose(3)),
            ..Manner::default()
        };
        let kind = input.byte() % 7;
        let call = self.command(kind, input);
        if !self.beside.can_be_made(&call) {
            return;
        }
        match self.make(&call, manner, &mut |_| {}) {
            Made::Outcome(outcome) => self.agree(&call, &outcome),
            Made::GivenUp => self.unchanged(&format_args!("{call:?} given up, {manner:?}")),
            Made::Refused => panic!("{call:?} was refused memory that it had"),
        }
    }

    /// Arrays that are longer than a command may have (STR-2).
    fn too_long(&mut self, input: &mut Input<'_>) {
        let (kind, pick, piece) = (
            input.choose(7),
            Pick(input.byte()),
            [0, 500, 501][input.choose(3)],
        );
        let peer = input.choose(self.beside.knowledge.len());
        let id = self.beside.knowledge[peer].handle(pick);
        let send = |n_destinations, n_transfers| Call::Send {
            peer,
            destinations: vec![id; n_destinations],
            transfers: vec![id; n_transfers],
            payload: Vec::new(),
        };
        let call = match kind {
            0 => Call::Transfer {
                from: peer,
                to: peer,
                sources: vec![Source::Copy(id); limits::TRANSFERS_MAX + 1],
            },
            1 => Call::Release {
                peer,
                ids: vec![id; limits::RELEASE_IDS_MAX + 1],
            },
            2 => send(limits::DESTINATIONS_MAX + 1, 0),
            3 => send(0, limits::TRANSFERS_MAX + 1),
            4 => send(limits::COPIES_MAX / 64 + 1, 64),
            5 => return self.too_many_objects(peer, pick),
            _ => return self.short_outputs(peer),
        };
        // In phases a bad id in front is met before the length is.
        let is_known = Manner {
            piece: if pick.0 < 240 && id != u64::MAX {
                piece
            } else {
                0
            },
            ..Manner::default()
        };
        if self.beside.can_be_made(&call) {
            let made = self.make(&call, is_known, &mut |_| {});
            let Made::Outcome(outcome) = made else {
                panic!("{call:?} is too long");
            };
            assert_eq!(outcome, Outcome::Failed(Failure::TooLong));
            self.agree(&call, &outcome);
        }
    }

    /// More objects of the embedder's than a message may carry, or no memory for one.
    fn too_many_objects(&mut self, peer: usize, Pick(n_refused): Pick) {
        let peer = self.beside.stage.peers[peer].clone();
        let mut preparing = peer.begin_send(0).expect("a send begins");
        let (function, result) = if n_refused == 0 {
            let result = refusing(0, || preparing.objects(vec![()])).1;
            ("PreparingSend::objects", result)
        } else {
            let result = preparing.objects(vec![(); limits::TRANSFERS_MAX + 1]);
            ("PreparingSend::objects", result)
        };
        let error = result.expect_err("too many, or no memory");
        self.reached.borrow_mut().note(function, &error);
        preparing.abort().finish_silently();
        self.unchanged(&"objects");
    }

    /// TRANSFER with nowhere to write ids to.
    fn short_outputs(&mut self, peer: usize) {
        let peer = self.beside.stage.peers[peer].clone();
        let sources = [bus1_service::Source::Create];
        let result = peer.transfer(&peer, &sources, &mut [], &mut []);
        let error = result.err().expect("no room for an id");
        self.reached.borrow_mut().note("Peer::transfer", &error);
        self.unchanged(&"short outputs");
    }

    /// A release of which only the beginning was made, and what a second one is told; a RECV beside one that copies out.
    fn half_way(&mut self, input: &mut Input<'_>) {
        let is_release = input.choose(2) == 0;
        let call = self.command(if is_release { 2 } else { 5 }, input);
        let peer = self.beside.stage.peers[call.caller()].clone();
        if !self.beside.can_be_made(&call) {
            return;
        }
        let Call::Release { ids, .. } = &call else {
            return self.two_receivers(&peer);
        };
        let ids = to_ids(ids);
        if without_memory(|| peer.begin_release(&ids)).is_ok() && !ids.is_empty() {
            let second = without_memory(|| peer.begin_release(&[]));
            assert_eq!(second, Err(Error::Busy));
            let busy = Error::Busy;
            self.reached.borrow_mut().note("Peer::begin_release", &busy);
            self.caller().work(
                &peer,
                Manner {
                    piece: 1,
                    ..Manner::default()
                },
            );
            self.agree(&call, &Outcome::Done);
        }
    }

    fn two_receivers(&mut self, peer: &Peer<crate::evidence::stage::Host>) {
        let Ok(receiving) = peer.begin_recv() else {
            return;
        };
        let second = peer.begin_recv().err();
        assert_eq!(second, Some(Error::Busy), "RECVs are serial (OBJ-8)");
        let busy = Error::Busy;
        self.reached.borrow_mut().note("Peer::begin_recv", &busy);
        drop(receiving);
        self.unchanged(&"two receivers");
    }

    /// RELEASE on a peer that is closed: the other commands are never made there, since whoever calls keeps it open.
    fn on_closed_peer(&mut self, call: &Call, piece: usize) {
        if let Call::Release { .. } = call {
            let made = self.make(
                call,
                Manner {
                    piece,
                    ..Manner::default()
                },
                &mut |_| {},
            );
            assert!(matches!(
                made,
                Made::Outcome(Outcome::Failed(Failure::Closed | Failure::TooLong))
            ));
            self.unchanged(&"release on a closed peer");
        }
    }

    /// A new peer of some account, or the refusal of one.
    fn new_peer(&mut self, input: &mut Input<'_>) {
        let account = input.choose(3);
        let n_refused = input.choose(8);
        let number = self.beside.stage.peers.len();
        if number == PEERS_MAX {
            return;
        }
        let account_of_core = self.beside.stage.accounts[account].clone();
        let (was_refused, made) = refusing(n_refused, || Peer::new(&account_of_core, number));
        if let Err(error) = &made {
            self.reached.borrow_mut().note("Peer::new", error);
        }
        if was_refused {
            assert_eq!(made.err(), Some(Error::OutOfMemory));
        } else {
            let expected = self.beside.world.create_peer(account);
            assert_eq!(made.is_ok(), expected.is_some(), "a new peer");
            if let Ok(peer) = made {
                self.beside.stage.peers.push(peer);
                self.beside.knowledge.push(Knowledge::default());
            }
        }
        self.unchanged(&"a new peer");
    }

    /// Whatever is queued is received and compared.
    fn drain(&mut self) {
        for peer in 0..self.beside.stage.peers.len() {
            let call = Call::Recv { peer };
            while self.beside.can_be_made(&call) && self.beside.stage.peers[peer].is_readable() {
                self.begin_step();
                match self.make(&call, Manner::default(), &mut |_| {}) {
                    Made::Outcome(outcome) => self.agree(&call, &outcome),
                    Made::Refused | Made::GivenUp => panic!("RECV needs no memory"),
                }
            }
        }
    }

    /// An event of the embedder's own is bound, or refused, and ended before it tells anything.
    fn event(&mut self, input: &mut Input<'_>) {
        let peer = input.choose(self.beside.knowledge.len());
        let id = self.beside.knowledge[peer].handle(Pick(input.byte()));
        let n_words = input.choose(EVENT_WORDS_MAX + 2);
        let n_refused = input.choose(4);
        if !self.beside.can_be_made(&Call::Recv { peer }) {
            return;
        }
        let of_core = &self.beside.stage.peers[peer];
        let bind = || of_core.new_event(Id::from_u64(id), n_words).map(drop);
        let (was_refused, made) = refusing(n_refused, bind);
        if let Err(error) = &made {
            self.reached.borrow_mut().note("Peer::new_event", error);
        }
        if was_refused {
            assert_eq!(made, Err(Error::OutOfMemory), "an event");
        } else if n_words > EVENT_WORDS_MAX {
            assert_eq!(made, Err(Error::TooLong), "an event");
        } else {
            let n_bytes = 8 * n_words as u64;
            let expected = self.beside.world.bind_and_end(peer, id, n_bytes);
            assert_eq!(made.map_err(to_failure), expected, "an event");
        }
        self.unchanged(&"an event");
    }

    fn begin_step(&mut self) {
        self.was_readable = self.beside.readable();
        self.woken.borrow_mut().clear();
    }

    fn end(mut self) -> Reached {
        self.begin_step();
        self.return_charges();
        // An actor keeps its account alive.
        drop(self.ledger);
        self.beside.end();
        self.reached.into_inner()
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller {
            stage: &self.beside.stage,
            reached: &self.reached,
            woken: &self.woken,
        }
    }

    pub(crate) fn make(&self, call: &Call, manner: Manner, between: Between<'_>) -> Made {
        self.caller().make(call, manner, between)
    }

    /// The model does what the core did.
    pub(crate) fn agree(&mut self, call: &Call, outcome: &Outcome) {
        let woken = self.woken.take();
        let history = format_args!("{call:?} gave {outcome:?}");
        self.beside
            .made(call, outcome, &self.was_readable, &woken, &history);
    }

    /// The core and the model are still the same.
    pub(crate) fn unchanged(&self, history: &dyn std::fmt::Display) {
        self.beside
            .compare(&self.was_readable, &self.woken.borrow(), history);
    }
}

pub(crate) fn picks(
    input: &mut Input<'_>,
    known: &Knowledge,
    pick: fn(&Knowledge, Pick) -> u64,
) -> Vec<u64> {
    let n_picks = input.choose(5);
    (0..n_picks)
        .map(|_| pick(known, Pick(input.byte())))
        .collect()
}

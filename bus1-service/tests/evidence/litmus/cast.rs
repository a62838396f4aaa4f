//! Runs a litmus test: sets up peers and nodes, lets the threads of the checker act, receives what is left, and reads the record.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bus1_model::{Call, Entry, Failure, Kind, Outcome, Source};
use bus1_service::{Charge, Handed, Id, PreparedSend, Wake};

use super::{Litmus, Part, Seen};
use crate::evidence::stage::{Host, Stage, Woken, entry_of_handed};
use crate::sched;

/// Objects of an account with plenty.
const PLENTY: u64 = 1 << 30;

/// Stands for a peer in the record, and has received what was handed over.
const HANDED: char = '=';

/// What the threads share. Locks of the harness are never held across a call of the core, so a checker sees the core's alone.
pub(super) struct Cast {
    pub(super) stage: Stage,
    pub(super) peers: Vec<char>,
    asleep: Vec<AtomicBool>,
    /// Whether who waits at a peer is about to be given something.
    pub(super) are_taken: Vec<AtomicBool>,
    /// Flags by name: the checker's own, so that it knows what they order.
    flags: Vec<(char, sched::Flag)>,
    record: Mutex<Record>,
}

#[derive(Default)]
pub(super) struct Record {
    seen: Seen,
    /// What ids mean to peers: the peer, the id, the node, whether it is the node itself.
    names: Vec<(char, u64, String, bool)>,
    closed: BTreeSet<char>,
    /// Messages by name that are prepared.
    pub(super) prepared: Vec<(String, PreparedSend<Host>)>,
    /// What fills accounts.
    charges: Vec<Charge<Host>>,
}

/// Runs `litmus` once; `order` decides in which order peers are created. Gives back what was seen.
///
/// # Panics
/// If something was seen that must not be, or something is left behind.
pub(crate) fn run(litmus: &Litmus, order: u64) -> Seen {
    run_part(litmus, &litmus.whole(), order)
}

/// The same with a part of it.
pub(crate) fn run_part(litmus: &Litmus, part: &Part, order: u64) -> Seen {
    let cast = Arc::new(Cast::new(litmus, order));
    for program in part.before {
        cast.act(program);
    }
    let threads = part.threads.iter().map(|&program| {
        let cast = cast.clone();
        Box::new(move || cast.act(program)) as Box<dyn FnOnce() + Send>
    });
    sched::in_parallel(threads.collect());
    for (number, &peer) in cast.peers.iter().enumerate() {
        let is_asleep = cast.asleep[number].load(Ordering::SeqCst);
        if is_asleep && cast.stage.peers[number].is_readable() {
            cast.fail(format!("{peer} sleeps while readable"));
        }
    }
    for &peer in &cast.peers {
        while cast.receive(peer).is_some() {}
    }
    let Ok(cast) = Arc::try_unwrap(cast) else {
        panic!("{}: a thread is still there", litmus.id);
    };
    let Record { seen, charges, .. } = cast.record.into_inner().expect("no thread failed");
    drop(charges);
    cast.stage.end();
    let wrong = seen.errors.first().cloned();
    if let Some(wrong) = wrong.or_else(|| (litmus.forbidden)(&seen)) {
        panic!("{}: {wrong}; all that was seen: {seen:?}", litmus.id);
    }
    seen
}

impl Cast {
    fn new(litmus: &Litmus, order: u64) -> Cast {
        let programs = litmus.before.iter().chain(litmus.threads);
        let actors = programs.filter_map(|program| program.chars().next());
        let declared = litmus.nodes.split_whitespace();
        let declared = declared.flat_map(|node| node.chars().skip(2).filter(|&c| c != ':'));
        let mut peers: Vec<char> = actors.chain(declared).collect();
        peers.sort_unstable();
        peers.dedup();
        let n_peers = peers.len();
        for place in 0..n_peers {
            let shift = (order >> (8 * place as u64 % 64)) as usize;
            peers.swap(place, place + shift % (n_peers - place));
        }
        let n_objects = if litmus.n_objects == 0 {
            PLENTY
        } else {
            litmus.n_objects
        };
        let programs = litmus
            .threads
            .iter()
            .flat_map(|program| program.split("; "));
        let flags: BTreeSet<char> = programs
            .filter_map(|statement| {
                let mut rest = statement
                    .split(": ")
                    .last()?
                    .strip_prefix(['!', '@'])?
                    .chars();
                rest.next()
            })
            .collect();
        let accounts: Vec<_> = (0..n_peers).collect();
        let cast = Cast {
            stage: Stage::new(&vec![[n_objects, PLENTY]; n_peers], &accounts),
            asleep: peers.iter().map(|_| AtomicBool::new(false)).collect(),
            are_taken: peers.iter().map(|_| AtomicBool::new(false)).collect(),
            peers,
            flags: flags
                .into_iter()
                .map(|name| (name, sched::Flag::new(false)))
                .collect(),
            record: Mutex::default(),
        };
        for node in litmus.nodes.split_whitespace() {
            cast.make_node(node);
        }
        cast
    }

    /// `N=O:PQ`.
    fn make_node(&self, text: &str) {
        let (name, rest) = text.split_once('=').expect("N=O:PQ");
        let (owner, holders) = rest.split_once(':').expect("N=O:PQ");
        let owner = owner.chars().next().expect("an owner");
        let mut source: Option<(char, u64)> = None;
        for holder in holders.chars() {
            let (from, entry) = match source {
                None => (owner, Source::Create),
                Some((first, id)) => (first, Source::Copy(id)),
            };
            let call = Call::Transfer {
                from: self.number(from),
                to: self.number(holder),
                sources: vec![entry],
            };
            let Outcome::Transferred { nodes, handles } = self.call(&call) else {
                panic!("{text} cannot be made");
            };
            let mut record = self.record();
            let node = nodes[0].map(|id| (owner, id, name.to_owned(), true));
            record.names.extend(node);
            record
                .names
                .push((holder, handles[0], name.to_owned(), false));
            source = source.or(Some((holder, handles[0])));
        }
    }

    /// Runs `P: statement; statement`.
    fn act(&self, program: &str) {
        let (peer, statements) = program.split_once(": ").expect("P: statements");
        let peer = peer.chars().next().expect("a peer");
        for statement in statements.split("; ") {
            if !self.statement(peer, statement) {
                return;
            }
        }
    }

    /// `false` if it waited in vain.
    fn statement(&self, peer: char, statement: &str) -> bool {
        for (arrow, is_delivered) in [("=>", false), ("#>", true)] {
            if let Some((message, nodes)) = statement.split_once(arrow) {
                self.hand_over_or_send(peer, message, nodes, is_delivered);
                return true;
            }
        }
        if let Some((message, nodes)) = statement.split_once("~>") {
            self.prepare(peer, message, nodes);
            return true;
        }
        if let Some(message) = statement.strip_suffix(">>") {
            self.send_prepared(message);
            return true;
        }
        if let Some((message, nodes)) = statement.split_once("->") {
            let outcome = self.send(peer, message, nodes);
            if !is_sent_or_refused(&outcome) {
                self.fail(format!("{peer}: {message} to {nodes} gave {outcome:?}"));
            }
            return true;
        }
        let rest = &statement[1..];
        let flag = rest.chars().next().unwrap_or(' ');
        match &statement[..1] {
            "?" if rest.is_empty() => {
                self.receive(peer);
            }
            "?" => return self.wait(|| self.receive(peer).is_some_and(|seen| seen == rest)),
            "=" => {
                if self.receive(flag).is_none() {
                    self.fail(format!("{flag} is empty after the send returned"));
                }
            }
            "!" => {
                self.record().seen.flags.push(flag);
                self.flag(flag).store(true, Ordering::Release);
            }
            "@" => return self.wait(|| self.flag(flag).load(Ordering::Acquire)),
            "|" => self.note(peer, "|".into()),
            "~" | "-" => self.release(peer, statement),
            "e" => {
                let peer = &self.stage.peers[self.number(peer)];
                let begun = self.wait(|| peer.begin_recv().map(drop).is_ok());
                assert!(begun, "a RECV that is alone can begin");
            }
            "z" => {
                let asleep = &self.asleep[self.number(peer)];
                asleep.store(true, Ordering::SeqCst);
                if self.receive(peer).is_some() {
                    asleep.store(false, Ordering::SeqCst);
                }
            }
            "+" => {
                let account = &self.stage.accounts[self.number(peer)];
                let actor = account.actor();
                let mut n_objects = account.inspect().maxima[0] / 4;
                while n_objects > 0 {
                    match account.charge(&actor, [n_objects, 0]) {
                        Ok(charge) => self.record().charges.push(charge),
                        Err(_) => n_objects /= 2,
                    }
                }
            }
            "x" => {
                self.record().closed.insert(peer);
                let peer = self.number(peer);
                self.call(&Call::Close { peer });
            }
            _ => panic!("{statement} is no statement"),
        }
        true
    }

    fn send(&self, peer: char, message: &str, nodes: &str) -> Outcome {
        let carried = carried_by(message);
        let call = Call::Send {
            peer: self.number(peer),
            destinations: nodes
                .split(',')
                .map(|node| self.id(peer, node, false))
                .collect(),
            transfers: carried
                .iter()
                .map(|node| self.id(peer, node, false))
                .collect(),
            payload: message.as_bytes().to_vec(),
        };
        self.call(&call)
    }

    /// `A=>P`, or `A=>P,Q`.
    fn hand_over_or_send(&self, peer: char, message: &str, nodes: &str, is_delivered: bool) {
        let is_handed = if nodes.contains(',') {
            self.hand_over_together(peer, message, nodes)
        } else {
            self.hand_over(peer, message, nodes, is_delivered)
        };
        if is_handed {
            return;
        }
        // The handle may have been released beside it, by another thread of the same peer.
        let outcome = self.send(peer, message, nodes);
        let is_gone = matches!(
            outcome,
            Outcome::Failed(Failure::UnknownDestination(_) | Failure::UnknownTransfer(_))
        );
        if !is_gone && !is_sent_or_refused(&outcome) {
            self.fail(format!("{peer}: {message} to {nodes} gave {outcome:?}"));
        }
    }

    /// What is handed over has been received: its receiver, who waits, receives nothing else. False if it cannot be.
    fn hand_over(&self, peer: char, message: &str, node: &str, is_delivered: bool) -> bool {
        let sender = &self.stage.peers[self.number(peer)];
        let to = Id::from_u64(self.id(peer, node, false));
        let carried = carried_by(message).map(|name| Id::from_u64(self.id(peer, name, false)));
        let n_data = message.len() as u64;
        let mut woken = Woken::new();
        let mut wake = |peer: &usize, _: Wake| {
            woken.insert(*peer);
        };
        let mut copy = None;
        let handed = sender.aim(to, false).and_then(|aim| {
            let receiver = *aim.watch();
            let handed = match carried {
                None if !is_delivered => sender.hand_over(aim, n_data)?,
                Some(carried) if !is_delivered => {
                    let (aim, cargo) = sender.aim_with(to, carried, false)?;
                    let (handed, id) = sender.hand_over_with(aim, cargo, n_data, &mut wake)?;
                    copy = Some(id);
                    handed
                }
                carried => {
                    let mut deliver = |id| {
                        copy = id;
                        true
                    };
                    sender.deliver(aim, carried, n_data, &mut deliver, &mut wake)?
                }
            };
            Some((self.peers[receiver], handed))
        });
        self.told(woken);
        let Some((receiver, handed)) = handed else {
            return false;
        };
        self.handed(receiver, handed, message, copy);
        true
    }

    /// `receiver` was given `message`, perhaps with the copy of a handle.
    pub(super) fn handed(&self, receiver: char, handed: Handed, message: &str, copy: Option<Id>) {
        let entry = entry_of_handed(handed, message.as_bytes().to_vec(), copy);
        let name = self.received(receiver, entry);
        self.note(HANDED, name);
    }

    /// `~N,-M`.
    fn release(&self, peer: char, statement: &str) {
        let ids = statement.split(',').map(|name| {
            let is_node = name.starts_with('-');
            self.id(peer, &name[1..], is_node)
        });
        let call = Call::Release {
            peer: self.number(peer),
            ids: ids.collect(),
        };
        match self.call(&call) {
            Outcome::Done => {}
            other => self.fail(format!("{peer}: release of {statement} gave {other:?}")),
        }
    }

    /// Receives what is first, if anything, and puts it on the record.
    fn receive(&self, peer: char) -> Option<String> {
        let call = Call::Recv {
            peer: self.number(peer),
        };
        match self.call(&call) {
            Outcome::Received(entry) => Some(self.received(peer, entry)),
            Outcome::Failed(Failure::NothingQueued) => None,
            Outcome::Failed(Failure::Closed) if self.record().closed.contains(&peer) => None,
            other => {
                self.fail(format!("{peer}: receiving gave {other:?}"));
                None
            }
        }
    }

    pub(super) fn received(&self, peer: char, entry: Entry) -> String {
        let text = String::from_utf8_lossy(&entry.payload).into_owned();
        let mut record = self.record();
        let name = record.names.iter().rev();
        let name = name.filter(|(holder, id, ..)| (*holder, *id) == (peer, entry.id));
        let name = name.map(|(_, _, name, _)| name.clone()).next();
        let name = name.unwrap_or_else(|| format!("unknown {}", entry.id));
        let seen = match entry.kind {
            Kind::User => text.chars().take(1).collect(),
            Kind::NodeRelease => format!("-{name}"),
            Kind::HandleRelease => format!("~{name}"),
        };
        if let Some((_, carried)) = text.split_once('(') {
            let carried = carried.trim_end_matches(')').to_owned();
            record
                .names
                .push((peer, entry.transfers[0], carried, false));
        }
        drop(record);
        self.note(peer, seen.clone());
        seen
    }

    pub(super) fn note(&self, peer: char, what: String) {
        let mut record = self.record();
        let n_flags = record.seen.flags.len();
        record.seen.n_flags.entry(peer).or_default().push(n_flags);
        record.seen.queues.entry(peer).or_default().push(what);
    }

    fn call(&self, call: &Call) -> Outcome {
        let mut woken = Woken::new();
        let outcome = self.stage.call(call, &mut woken);
        self.told(woken);
        outcome
    }

    /// These were woken.
    pub(super) fn told(&self, woken: Woken) {
        for peer in woken {
            self.asleep[peer].store(false, Ordering::SeqCst);
        }
    }

    fn wait(&self, is_done: impl Fn() -> bool) -> bool {
        (0..sched::TRIES).any(|number| {
            if number > 0 {
                sched::pause();
            }
            is_done()
        })
    }

    pub(super) fn id(&self, peer: char, name: &str, is_node: bool) -> u64 {
        let record = self.record();
        let mut names = record.names.iter().rev();
        let found = names.find(|(p, _, n, is)| (*p, n.as_str(), *is) == (peer, name, is_node));
        found.unwrap_or_else(|| panic!("{peer} has no {name}")).1
    }

    fn flag(&self, name: char) -> &sched::Flag {
        self.find_flag(name)
            .unwrap_or_else(|| panic!("no flag {name}"))
    }

    pub(super) fn find_flag(&self, name: char) -> Option<&sched::Flag> {
        let flag = self.flags.iter().find(|(flag, _)| *flag == name)?;
        Some(&flag.1)
    }

    pub(super) fn number(&self, peer: char) -> usize {
        let place = self.peers.iter().position(|name| *name == peer);
        place.unwrap_or_else(|| panic!("no peer {peer}"))
    }

    pub(super) fn fail(&self, error: String) {
        self.record().seen.errors.push(error);
    }

    pub(super) fn record(&self) -> std::sync::MutexGuard<'_, Record> {
        self.record.lock().expect("no thread failed")
    }
}

/// The node, by name, a handle on which a message carries a copy of.
pub(super) fn carried_by(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('(')?;
    Some(rest.trim_end_matches(')'))
}

/// Whether a send came to what it may come to.
fn is_sent_or_refused(outcome: &Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Done | Outcome::Failed(Failure::QuotaOfDestination(_))
    )
}

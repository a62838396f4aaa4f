//! The commands, each as its section of the rules says it.

use std::collections::BTreeSet;

use crate::world::{Content, Node, Object, World};
use crate::{Call, Entry, Failure, Kind, Outcome, Source};

/// Bounds of STR-2, written down a second time on purpose.
const TRANSFERS_MAX: usize = 1024;
const DESTINATIONS_MAX: usize = 1024;
const COPIES_MAX: usize = 4096;
const RELEASE_IDS_MAX: usize = 4096;

impl World {
    /// Makes `call`. What comes of it is computed, except for what the rules leave open: ids that the core chose and the order
    /// of notifications of one transaction come from `observed`. The caller compares both outcomes.
    ///
    /// Pieces that drops leave stay in [`World::debris`] for the caller to clear.
    pub fn call(&mut self, call: &Call, observed: &Outcome) -> Outcome {
        if !self.peers[call.caller()].is_open {
            return Outcome::Failed(Failure::Closed);
        }
        let outcome = match call {
            Call::Transfer { from, to, sources } => self.transfer(*from, *to, sources, observed),
            Call::Release { peer, ids } => self.release(*peer, ids),
            Call::Send {
                peer,
                destinations,
                transfers,
                payload,
            } => self.send(*peer, destinations, transfers, payload),
            Call::Recv { peer } => self.receive(*peer, observed, false),
            Call::Discard { peer } => self.receive(*peer, observed, true),
            Call::Close { peer } => Ok(self.close(*peer)),
        };
        outcome.unwrap_or_else(Outcome::Failed)
    }

    /// TRANSFER: all or nothing (TRA-4), each entry one handle (TRA-2), each charged to its owner (ACC-2).
    fn transfer(
        &mut self,
        from: usize,
        to: usize,
        sources: &[Source],
        observed: &Outcome,
    ) -> Result<Outcome, Failure> {
        if !self.peers[to].is_open {
            return Err(Failure::Closed);
        }
        if sources.len() > TRANSFERS_MAX {
            return Err(Failure::TooLong);
        }
        let targets = sources
            .iter()
            .enumerate()
            .map(|(index, source)| match source {
                Source::Create => Ok(None),
                Source::Copy(id) => self
                    .handle_named(from, *id)
                    .map(Some)
                    .ok_or(Failure::UnknownTransfer(index)),
            })
            .collect::<Result<Vec<_>, _>>()?;
        let charges = targets.iter().flat_map(|target| {
            let node = target.is_none().then_some((from, from, [1, 0]));
            node.into_iter().chain([(to, to, [1, 0])])
        });
        let charges: Vec<_> = charges.collect();
        self.charge_all(&charges).map_err(|_| Failure::Quota)?;
        let Outcome::Transferred { nodes, handles } = observed else {
            return Ok(Outcome::Transferred {
                nodes: Vec::new(),
                handles: Vec::new(),
            });
        };
        let transaction = self.begin_transaction();
        let mut is_named_well = nodes.len() == sources.len() && handles.len() == sources.len();
        for (index, target) in targets.into_iter().enumerate() {
            let node = match target {
                Some(handle) => self.handles[handle].node,
                None => {
                    self.nodes.push(Node {
                        owner: from,
                        is_released: false,
                    });
                    let node = self.nodes.len() - 1;
                    let id = nodes.get(index).copied().flatten();
                    is_named_well &= id.is_some_and(|id| self.name(from, id, Object::Node(node)));
                    node
                }
            };
            let handle = self.make_handle(node, to, to);
            let id = handles.get(index).copied();
            is_named_well &= id.is_some_and(|id| self.name(to, id, Object::Handle(handle)));
            // TRA-5
            if self.nodes[node].is_released {
                self.append(transaction, to, Content::NodeRelease { handle });
            }
        }
        if !is_named_well {
            // An id that may not be chosen matches nothing.
            return Ok(Outcome::Done);
        }
        Ok(observed.clone())
    }

    /// RELEASE: everything is checked first (REL-1), then it is one transaction.
    fn release(&mut self, peer: usize, ids: &[u64]) -> Result<Outcome, Failure> {
        if ids.len() > RELEASE_IDS_MAX {
            return Err(Failure::TooLong);
        }
        let names = &self.peers[peer].names;
        if let Some(index) = ids.iter().position(|id| !names.contains_key(id)) {
            return Err(Failure::UnknownRelease(index));
        }
        let mut named = BTreeSet::new();
        if let Some(index) = ids.iter().position(|id| !named.insert(*id)) {
            return Err(Failure::NamedTwice(index));
        }
        let objects: Vec<_> = ids.iter().map(|id| self.peers[peer].names[id]).collect();
        self.release_objects(peer, &objects);
        Ok(Outcome::Done)
    }

    fn release_objects(&mut self, peer: usize, objects: &[Object]) {
        let transaction = self.begin_transaction();
        let mut nodes = Vec::new();
        let mut handles = Vec::new();
        for object in objects {
            match *object {
                Object::Node(node) => nodes.push(node),
                Object::Handle(handle) => handles.push(handle),
            }
        }
        // REL-2: nothing naming a released handle is delivered, also not by this very transaction.
        for &handle in &handles {
            self.forget_handle(handle);
        }
        for &node in &nodes {
            self.nodes[node].is_released = true;
            self.unname(peer, Object::Node(node));
            self.discharge(peer, peer, [1, 0]);
            self.log
                .retain(|member| member.content != Content::HandleRelease { node });
        }
        // NOT-1
        for handle in 0..self.handles.len() {
            let is_told = nodes.contains(&self.handles[handle].node)
                && self.handles[handle].is_counted
                && !handles.contains(&handle)
                && !self.debris.contains(&handle);
            if is_told {
                let holder = self.handles[handle].holder;
                self.append(transaction, holder, Content::NodeRelease { handle });
            }
        }
        self.stop_counting(transaction, &handles);
        // SND-4: messages ordered before the release are dropped too; with them the news about what they carry.
        self.drop_messages(|member| {
            matches!(member.content, Content::Message { node, .. } if nodes.contains(&node))
        });
        let debris = self.debris.clone();
        self.log.retain(|member| {
            !matches!(member.content, Content::NodeRelease { handle } if debris.contains(&handle))
        });
    }

    /// What an embedder's event of `n_bytes` through the handle `id` of `peer` is: bound, which is charged like a SEND, and ended again
    /// before anything was told.
    ///
    /// # Errors
    /// Those of a SEND to one destination.
    pub fn bind_and_end(&mut self, peer: usize, id: u64, n_bytes: u64) -> Result<(), Failure> {
        let through = self.handle_named(peer, id);
        let node = self.handles[through.ok_or(Failure::UnknownDestination(0))?].node;
        if self.nodes[node].is_released {
            return Ok(());
        }
        let (owner, price) = (self.nodes[node].owner, [1, n_bytes]);
        self.charge_all(&[(owner, peer, price)])
            .map_err(Failure::QuotaOfDestination)?;
        self.discharge(owner, peer, price);
        Ok(())
    }

    /// SEND: checks in the order of SND-5, charges in array order, then one transaction.
    fn send(
        &mut self,
        peer: usize,
        destinations: &[u64],
        transfers: &[u64],
        payload: &[u8],
    ) -> Result<Outcome, Failure> {
        let n_copies = transfers.len() * destinations.len();
        if transfers.len() > TRANSFERS_MAX
            || destinations.len() > DESTINATIONS_MAX
            || n_copies > COPIES_MAX
        {
            return Err(Failure::TooLong);
        }
        let look_up = |ids: &[u64], failure: fn(usize) -> Failure| {
            ids.iter()
                .enumerate()
                .map(|(index, &id)| self.handle_named(peer, id).ok_or(failure(index)))
                .collect::<Result<Vec<_>, _>>()
        };
        let carried = look_up(transfers, Failure::UnknownTransfer)?;
        let through = look_up(destinations, Failure::UnknownDestination)?;
        // SND-4: a destination that is gone costs nothing.
        let nodes: Vec<_> = through.iter().map(|&h| self.handles[h].node).collect();
        let price = [1 + carried.len() as u64, payload.len() as u64];
        let charges = nodes.iter().map(|&node| {
            let amounts = if self.nodes[node].is_released {
                [0, 0]
            } else {
                price
            };
            (self.nodes[node].owner, peer, amounts)
        });
        let charges: Vec<_> = charges.collect();
        self.charge_all(&charges)
            .map_err(Failure::QuotaOfDestination)?;
        let transaction = self.begin_transaction();
        let mut late = Vec::new();
        for node in nodes {
            let owner = self.nodes[node].owner;
            if self.nodes[node].is_released {
                continue;
            }
            let mut handles = Vec::new();
            for &source in &carried {
                let target = self.handles[source].node;
                let handle = self.make_handle(target, owner, peer);
                if self.nodes[target].is_released {
                    late.push(handle);
                }
                handles.push(handle);
            }
            let content = Content::Message {
                node,
                sender: peer,
                payload: payload.to_vec(),
                handles,
            };
            self.append(transaction, owner, content);
        }
        // NOT-1: a copy ordered after the release learns of it in the same transaction, behind the messages (ORD-5).
        for handle in late {
            let holder = self.handles[handle].holder;
            self.append(transaction, holder, Content::NodeRelease { handle });
        }
        Ok(Outcome::Done)
    }

    /// RECV and DISCARD.
    fn receive(
        &mut self,
        peer: usize,
        observed: &Outcome,
        is_discarded: bool,
    ) -> Result<Outcome, Failure> {
        let position = self.next(peer, observed).ok_or(Failure::NothingQueued)?;
        let member = self.log.remove(position);
        let kind = member.content.kind();
        let object = match &member.content {
            Content::Message { node, .. } | Content::HandleRelease { node } => Object::Node(*node),
            Content::NodeRelease { handle } => Object::Handle(*handle),
        };
        let mut entry = Entry {
            kind,
            id: self.id_of(peer, object).unwrap_or(u64::MAX),
            account: None,
            payload: Vec::new(),
            transfers: Vec::new(),
        };
        match member.content {
            Content::Message {
                sender,
                payload,
                handles,
                ..
            } => {
                entry.account = Some(self.accounts[self.peers[sender].account].number());
                self.discharge(peer, sender, [1, payload.len() as u64]);
                if is_discarded {
                    self.debris.extend(handles);
                } else {
                    entry.transfers = self.take_handles(peer, sender, &handles, observed);
                }
                entry.payload = payload;
            }
            // RCV-5
            Content::NodeRelease { handle } => {
                self.forget_handle(handle);
                self.handles[handle].is_counted = false;
            }
            Content::HandleRelease { node } => {
                self.unname(peer, Object::Node(node));
                self.nodes[node].is_released = true;
                self.discharge(peer, peer, [1, 0]);
            }
        }
        Ok(Outcome::Received(entry))
    }

    /// The entry that RECV takes: the first. Behind it, notifications of its kind and transaction are as good (ORD-5).
    fn next(&self, peer: usize, observed: &Outcome) -> Option<usize> {
        let first = self.log.iter().position(|member| {
            let object = match member.content {
                Content::Message { .. } => None,
                Content::NodeRelease { handle } => self.id_of(peer, Object::Handle(handle)),
                Content::HandleRelease { node } => self.id_of(peer, Object::Node(node)),
            };
            let is_passed_over = object.is_some_and(|id| self.passed_over.contains(&id));
            member.receiver == peer && !is_passed_over
        })?;
        let kind = self.log[first].content.kind();
        let wanted = match observed {
            Outcome::Received(entry) if kind != Kind::User => entry.id,
            _ => return Some(first),
        };
        let named = self.peers[peer].names.get(&wanted).copied();
        let is_wanted = |content: &Content| match content {
            Content::Message { .. } => false,
            Content::NodeRelease { handle } => named == Some(Object::Handle(*handle)),
            Content::HandleRelease { node } => named == Some(Object::Node(*node)),
        };
        let transaction = self.log[first].transaction;
        let is_as_good = |member: &crate::world::Member| {
            member.receiver == peer
                && member.transaction == transaction
                && member.content.kind() == kind
                && is_wanted(&member.content)
        };
        Some(self.log.iter().position(is_as_good).unwrap_or(first))
    }

    /// The carried handles get their ids, and the receiver pays for them from now on (ACC-3).
    fn take_handles(
        &mut self,
        peer: usize,
        sender: usize,
        handles: &[usize],
        observed: &Outcome,
    ) -> Vec<u64> {
        let claimant = self.accounts[self.peers[sender].account].number();
        let account = self.peers[peer].account;
        if !handles.is_empty() {
            self.accounts[account].take_over(claimant, sender, peer, handles.len() as u64);
        }
        let ids = match observed {
            Outcome::Received(entry) => entry.transfers.as_slice(),
            _ => &[],
        };
        let mut taken = Vec::new();
        for (index, &handle) in handles.iter().enumerate() {
            self.handles[handle].payer = Some(peer);
            let id = ids.get(index).copied().unwrap_or(u64::MAX);
            let is_named_well = self.name(peer, id, Object::Handle(handle));
            taken.push(if is_named_well { id } else { u64::MAX });
        }
        taken
    }

    /// Closing, in the order of CLO-1; what is held and what was on its way becomes debris.
    fn close(&mut self, peer: usize) -> Outcome {
        let objects: Vec<_> = self.peers[peer].names.values().copied().collect();
        let (nodes, handles): (Vec<_>, Vec<_>) = objects
            .into_iter()
            .partition(|object| matches!(object, Object::Node(_)));
        self.release_objects(peer, &nodes);
        self.drop_messages(|member| member.receiver == peer);
        self.log.retain(|member| member.receiver != peer);
        for object in handles {
            if let Object::Handle(handle) = object {
                self.debris.push(handle);
            }
        }
        self.peers[peer].is_open = false;
        self.discharge(peer, peer, [1, 0]);
        Outcome::Done
    }
}

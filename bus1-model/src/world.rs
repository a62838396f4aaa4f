//! The state of the model: collections, and one log.
//!
//! A handle counts for its node from the transaction that makes it to the one in which it goes, wherever it is meanwhile. The
//! log holds what was queued and neither received nor dropped, in the order of all transactions; the queue of a peer is what
//! the log holds for it. *Debris* is what a drop leaves to be released in later transactions of its own (NOT-2).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use crate::quota::Account;
use crate::{Kind, Slots};

/// Everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct World {
    pub(crate) accounts: Vec<Account>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) handles: Vec<Handle>,
    pub(crate) log: Vec<Member>,
    pub(crate) debris: Vec<usize>,
    pub(crate) n_transactions: u64,
    /// Ids whose notifications RECV does not see, since a RELEASE that overlaps it names them (REL-2).
    pub(crate) passed_over: BTreeSet<u64>,
    /// Receivers of the transactions since it was last asked for.
    pub(crate) receivers: BTreeSet<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer {
    pub(crate) account: usize,
    pub(crate) is_open: bool,
    pub(crate) names: BTreeMap<u64, Object>,
    /// Every id that ever named something (OBJ-4).
    pub(crate) used: BTreeSet<u64>,
}

/// What an id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    Node(usize),
    Handle(usize),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) owner: usize,
    pub(crate) is_released: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Handle {
    pub(crate) node: usize,
    pub(crate) holder: usize,
    /// The peer on whose behalf the holder's account is charged for it; `None` once that is given back.
    pub(crate) payer: Option<usize>,
    pub(crate) is_counted: bool,
}

/// One member of a transaction, as one receiver will get it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) transaction: u64,
    pub(crate) receiver: usize,
    pub(crate) content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Content {
    Message {
        node: usize,
        sender: usize,
        payload: Vec<u8>,
        handles: Vec<usize>,
    },
    NodeRelease {
        handle: usize,
    },
    HandleRelease {
        node: usize,
    },
}

impl Content {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Content::Message { .. } => Kind::User,
            Content::NodeRelease { .. } => Kind::NodeRelease,
            Content::HandleRelease { .. } => Kind::HandleRelease,
        }
    }
}

/// What can be read out of a peer, to be compared with the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerState {
    /// Whether it is not closed.
    pub is_open: bool,
    /// Ids of its nodes.
    pub nodes: BTreeSet<u64>,
    /// Ids of its handles.
    pub handles: BTreeSet<u64>,
    /// How many entries RECV will find, by kind; without news about handles that still travel in front of them.
    pub n_queued: BTreeMap<Kind, usize>,
}

impl World {
    /// A world with these accounts and no peers.
    #[must_use]
    pub fn new(accounts: Vec<Account>) -> World {
        World {
            accounts,
            ..World::default()
        }
    }

    /// A new peer that acts for the account at this place of the list; `None` is `EDQUOT`.
    pub fn create_peer(&mut self, account: usize) -> Option<usize> {
        let peer = self.peers.len();
        let number = self.accounts[account].number();
        if !self.accounts[account].charge(number, peer, [1, 0]) {
            return None;
        }
        self.peers.push(Peer {
            account,
            is_open: true,
            names: BTreeMap::new(),
            used: BTreeSet::new(),
        });
        Some(peer)
    }

    /// The accounts, in the order they were given.
    #[must_use]
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// The account at this place of the list, to adopt what was observed.
    pub fn account_mut(&mut self, account: usize) -> &mut Account {
        &mut self.accounts[account]
    }

    /// Whether RECV would find something (RCV-6).
    #[must_use]
    pub fn is_readable(&self, peer: usize) -> bool {
        self.log.iter().any(|member| member.receiver == peer)
    }

    /// Whether nothing is left of anything: no object, no entry, no charge (CLO-3, ACC-5).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.log.is_empty()
            && self.debris.is_empty()
            && self.peers.iter().all(|peer| peer.names.is_empty())
            && self.handles.iter().all(|handle| handle.payer.is_none())
            && self.accounts.iter().all(Account::is_untouched)
    }

    /// A read-out of one peer.
    #[must_use]
    pub fn peer(&self, peer: usize) -> PeerState {
        let ids = |want_nodes: bool| {
            self.peers[peer]
                .names
                .iter()
                .filter(|(_, object)| matches!(object, Object::Node(_)) == want_nodes)
                .map(|(&id, _)| id)
                .collect()
        };
        let mut n_queued = BTreeMap::new();
        let is_ready = |member: &&Member| match member.content {
            Content::NodeRelease { handle } => self.id_of(peer, Object::Handle(handle)).is_some(),
            _ => true,
        };
        let queue = self.log.iter().filter(|member| member.receiver == peer);
        for member in queue.filter(is_ready) {
            *n_queued.entry(member.content.kind()).or_insert(0) += 1;
        }
        PeerState {
            is_open: self.peers[peer].is_open,
            nodes: ids(true),
            handles: ids(false),
            n_queued,
        }
    }

    /// Receivers of the transactions since the last call.
    pub fn take_receivers(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.receivers)
    }

    /// The node's owner has an id for it: the numbers in metadata.
    pub(crate) fn id_of(&self, peer: usize, object: Object) -> Option<u64> {
        let names = &self.peers[peer].names;
        names.iter().find(|(_, o)| **o == object).map(|(&id, _)| id)
    }

    pub(crate) fn handle_named(&self, peer: usize, id: u64) -> Option<usize> {
        match self.peers[peer].names.get(&id) {
            Some(&Object::Handle(handle)) => Some(handle),
            _ => None,
        }
    }

    /// Gives `object` the id that the core chose; `false` if no such id may be chosen (OBJ-4).
    pub(crate) fn name(&mut self, peer: usize, id: u64, object: Object) -> bool {
        let is_fresh = id != u64::MAX && id & 1 == 1 && self.peers[peer].used.insert(id);
        self.peers[peer].names.insert(id, object);
        is_fresh
    }

    pub(crate) fn unname(&mut self, peer: usize, object: Object) {
        self.peers[peer].names.retain(|_, named| *named != object);
    }

    pub(crate) fn begin_transaction(&mut self) -> u64 {
        self.n_transactions += 1;
        self.n_transactions
    }

    pub(crate) fn append(&mut self, transaction: u64, receiver: usize, content: Content) {
        self.receivers.insert(receiver);
        self.log.push(Member {
            transaction,
            receiver,
            content,
        });
    }

    /// A new handle that counts for its node.
    pub(crate) fn make_handle(&mut self, node: usize, holder: usize, payer: usize) -> usize {
        self.handles.push(Handle {
            node,
            holder,
            payer: Some(payer),
            is_counted: true,
        });
        self.handles.len() - 1
    }

    /// Makes all these charges (payee, payer, amounts) in order, or leaves all accounts as they were (ERR-4) and names the one that is
    /// refused.
    pub(crate) fn charge_all(&mut self, charges: &[(usize, usize, Slots)]) -> Result<(), usize> {
        let before = self.accounts.clone();
        for (index, &(payee, payer, amounts)) in charges.iter().enumerate() {
            if amounts != [0, 0] && !self.charge(payee, payer, amounts) {
                self.accounts = before;
                return Err(index);
            }
        }
        Ok(())
    }

    /// Charges `payee`'s account on behalf of `payer` and its account; `false` is `EDQUOT`.
    fn charge(&mut self, payee: usize, payer: usize, amounts: Slots) -> bool {
        let claimant = self.accounts[self.peers[payer].account].number();
        self.accounts[self.peers[payee].account].charge(claimant, payer, amounts)
    }

    pub(crate) fn discharge(&mut self, payee: usize, payer: usize, amounts: Slots) {
        let claimant = self.accounts[self.peers[payer].account].number();
        self.accounts[self.peers[payee].account].discharge(claimant, payer, amounts);
    }

    /// A handle is gone, its id too if it had one, and with it the notification about it (REL-2, NOT-1). Its node still counts
    /// it: [`World::stop_counting`] follows in the same transaction.
    pub(crate) fn forget_handle(&mut self, handle: usize) {
        let holder = self.handles[handle].holder;
        self.unname(holder, Object::Handle(handle));
        self.log
            .retain(|member| member.content != Content::NodeRelease { handle });
        if let Some(payer) = self.handles[handle].payer.take() {
            self.discharge(holder, payer, [1, 0]);
        }
    }

    /// In `transaction` these handles stop counting; nodes that lose their last one tell their owners (NOT-2).
    pub(crate) fn stop_counting(&mut self, transaction: u64, handles: &[usize]) {
        let mut nodes = BTreeSet::new();
        for &handle in handles {
            self.handles[handle].is_counted = false;
            nodes.insert(self.handles[handle].node);
        }
        for node in nodes {
            let is_last = !self.handles.iter().any(|h| h.node == node && h.is_counted);
            if is_last && !self.nodes[node].is_released {
                let owner = self.nodes[node].owner;
                self.append(transaction, owner, Content::HandleRelease { node });
            }
        }
    }

    /// Takes the messages for which `is_dropped` holds out of the log; what they carry becomes debris.
    pub(crate) fn drop_messages(&mut self, is_dropped: impl Fn(&Member) -> bool) {
        let (dropped, kept) = std::mem::take(&mut self.log)
            .into_iter()
            .partition::<Vec<_>, _>(|member| {
                member.content.kind() == Kind::User && is_dropped(member)
            });
        self.log = kept;
        for member in dropped {
            if let Content::Message {
                sender,
                payload,
                handles,
                ..
            } = member.content
            {
                self.discharge(member.receiver, sender, [1, payload.len() as u64]);
                self.debris.extend(handles);
            }
        }
    }

    /// The handles that drops have left to be released.
    #[must_use]
    pub fn debris(&self) -> &[usize] {
        &self.debris
    }

    /// What waits for `peer`, in order: kind, and the bytes of a message.
    pub(crate) fn queue(&self, peer: usize) -> impl Iterator<Item = (Kind, &[u8])> {
        let queue = self
            .log
            .iter()
            .filter(move |member| member.receiver == peer);
        queue.map(|member| match &member.content {
            Content::Message { payload, .. } => (Kind::User, payload.as_slice()),
            content => (content.kind(), &[][..]),
        })
    }

    pub(crate) fn node_of(&self, handle: usize) -> usize {
        self.handles[handle].node
    }

    /// Hashes what the future depends on: not the numbers of transactions, and not how the queues of different peers are mixed.
    pub(crate) fn hash_observable(&self, state: &mut impl Hasher) {
        (&self.peers, &self.nodes, &self.handles, &self.debris).hash(state);
        for peer in 0..self.peers.len() {
            let mut last = 0;
            for member in self.log.iter().filter(|member| member.receiver == peer) {
                (member.transaction == last, &member.content).hash(state);
                last = member.transaction;
            }
            peer.hash(state);
        }
    }

    /// Releases this piece of debris, in a transaction of its own.
    pub fn clear(&mut self, handle: usize) {
        self.debris.retain(|piece| *piece != handle);
        let transaction = self.begin_transaction();
        self.forget_handle(handle);
        self.stop_counting(transaction, &[handle]);
    }

    /// Releases all debris. The order among the pieces is not promised: one transaction in which any order is allowed.
    pub fn clear_all(&mut self) {
        let transaction = self.begin_transaction();
        let debris = std::mem::take(&mut self.debris);
        for &handle in &debris {
            self.forget_handle(handle);
        }
        self.stop_counting(transaction, &debris);
    }
}

//! Scratch peers: bus1 by hand. Peers are called p1, p2, …, nodes n1, n2, … and handles h1, h2, …; a name is not used again.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use omnibus_userland::abi::Errno;
use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Message, Node, Peer, Received};
use omnibus_userland::calls;
use omnibus_userland::shell::payload;
use omnibus_userland::shell::words::Word;

use super::{Doing, Said, Shell, none, one};

/// A peer to play with.
pub(crate) struct ScratchPeer {
    pub(crate) name: String,
    pub(crate) peer: Peer,
    pub(crate) nodes: Vec<(String, Node)>,
    pub(crate) handles: Vec<(String, Handle)>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Scratch {
    pub(crate) peers: Vec<ScratchPeer>,
    n_peers: u32,
    n_nodes: u32,
    n_handles: u32,
}

/// The next name of a sort.
fn next(letter: char, n_named: &mut u32) -> String {
    *n_named += 1;
    format!("{letter}{n_named}")
}

fn told(error: Errno) -> String {
    format!("{error}")
}

impl Scratch {
    fn peer(&mut self, name: &str) -> Said<&mut ScratchPeer> {
        let found = self.peers.iter_mut().find(|peer| peer.name == name);
        found.ok_or_else(|| format!("there is no scratch peer \"{name}\"; `peer new` makes one"))
    }

    /// The handle of this name, and the index of the peer that has it.
    pub(crate) fn handle(&self, name: &str) -> Said<(usize, &Handle)> {
        let mut all = self.peers.iter().enumerate().flat_map(|(index, peer)| {
            let handles = peer.handles.iter();
            handles.map(move |(known, handle)| (known, index, handle))
        });
        let found = all.find(|(known, ..)| *known == name);
        found
            .map(|(_, index, handle)| (index, handle))
            .ok_or_else(|| format!("there is no handle \"{name}\"; `handles` lists them"))
    }

    /// Handles that are all one peer's.
    fn handles(&self, words: &[Word]) -> Said<(usize, Vec<&Handle>)> {
        let found: Vec<_> = words
            .iter()
            .map(|word| self.handle(&word.text))
            .collect::<Result<_, _>>()?;
        let peer = found.first().map_or(0, |(peer, _)| *peer);
        if found.iter().any(|(other, _)| *other != peer) {
            return Err("these handles are of several peers; a message has one sender".into());
        }
        Ok((peer, found.into_iter().map(|(_, handle)| handle).collect()))
    }

    /// Makes a node on `on`, with a handle on a scratch peer; the name of that.
    pub(crate) fn node_of(&mut self, on: &Peer, at: &str) -> Said<(Node, String)> {
        let name = next('h', &mut self.n_handles);
        let at = self.peer(at)?;
        let (node, handle) = on.node_for(&at.peer).map_err(told)?;
        at.handles.push((name.clone(), handle));
        Ok((node, name))
    }

    fn new_peer(&mut self, account: &Account) -> Said<String> {
        let peer = Peer::new(account).map_err(told)?;
        let name = next('p', &mut self.n_peers);
        self.peers.push(ScratchPeer {
            name: name.clone(),
            peer,
            nodes: Vec::new(),
            handles: Vec::new(),
        });
        Ok(format!("{name} is a peer"))
    }

    fn close(&mut self, name: &str) -> Said<()> {
        self.peer(name)?;
        self.peers.retain(|peer| peer.name != name);
        Ok(())
    }

    fn new_node(&mut self, on: &str, at: &str) -> Said<String> {
        let peer = self.peer(on)?.peer.clone();
        let (node, handle) = self.node_of(&peer, at)?;
        let name = next('n', &mut self.n_nodes);
        let told = format!("{name} is a node of {on}, {handle} a handle to it of {at}");
        self.peer(on)?.nodes.push((name, node));
        Ok(told)
    }

    fn send(&self, words: &[Word]) -> Said<()> {
        let is_with = |word: &Word| word.text == "--with" && !word.is_quoted;
        let (words, carried) = match words.iter().position(is_with) {
            Some(place) => (&words[..place], &words[place + 1..]),
            None => (words, &[][..]),
        };
        let Some((text, destinations)) = words.split_last().filter(|(_, to)| !to.is_empty()) else {
            return Err("it needs at least a HANDLE and a TEXT".into());
        };
        let bytes = payload::bytes(&text.text, text.is_quoted)?;
        let (peer, destinations) = self.handles(destinations)?;
        let (of, carried) = self.handles(carried)?;
        if !carried.is_empty() && of != peer {
            return Err("a peer sends copies of its own handles only".into());
        }
        let peer = &self.peers[peer].peer;
        peer.send(&destinations, &bytes, &carried).map_err(told)
    }

    /// Releases nodes and handles of one peer in one transaction.
    fn release(&mut self, words: &[Word]) -> Said<()> {
        let is_named = |name: &String| words.iter().any(|word| word.text == *name);
        let (mut ids, mut of) = (Vec::new(), None);
        for word in words {
            let found = self.peers.iter().enumerate().find_map(|(index, peer)| {
                let node = peer.nodes.iter().find(|(name, _)| *name == word.text);
                let handle = peer.handles.iter().find(|(name, _)| *name == word.text);
                let id = node
                    .map(|(_, node)| node.id())
                    .or(handle.map(|(_, handle)| handle.id()));
                id.map(|id| (index, id))
            });
            let (index, id) =
                found.ok_or_else(|| format!("there is no node or handle \"{}\"", word.text))?;
            if *of.get_or_insert(index) != index {
                return Err("these are of several peers; a release is one peer's".into());
            }
            ids.push(id);
        }
        let Some(index) = of else {
            return Err("which NODE-OR-HANDLE?".into());
        };
        let peer = &mut self.peers[index];
        calls::release(peer.peer.number(), &ids).map_err(told)?;
        // The ids are gone, and never recur (OBJ-4): that they are released once more does nothing.
        peer.nodes.retain(|(name, _)| !is_named(name));
        peer.handles.retain(|(name, _)| !is_named(name));
        Ok(())
    }

    /// Takes the next message of a peer, and tells of it; nothing if there is none.
    fn receive(&mut self, name: &str) -> Said<Option<Vec<String>>> {
        let received = self.peer(name)?.peer.try_recv().map_err(told)?;
        Ok(match received {
            None => None,
            Some(Received::Message(message)) => Some(self.message(name, message)?),
            Some(Received::NodeRelease { handle }) => {
                let peer = self.peer(name)?;
                let gone = take(&mut peer.handles, |known| known.id() == handle);
                Some(alloc::vec![format!(
                    "the node behind {gone} was released; {gone} is gone"
                )])
            }
            Some(Received::HandleRelease { node }) => {
                let peer = self.peer(name)?;
                let gone = take(&mut peer.nodes, |known| known.id() == node);
                Some(alloc::vec![format!(
                    "the last handle to {gone} was released; {gone} is gone"
                )])
            }
        })
    }

    fn message(&mut self, name: &str, message: Message) -> Said<Vec<String>> {
        let n_handles = &mut self.n_handles;
        let new: Vec<_> = message
            .handles
            .into_iter()
            .map(|handle| (next('h', n_handles), handle))
            .collect();
        let peer = self.peer(name)?;
        let node = peer
            .nodes
            .iter()
            .find(|(_, node)| node.id() == message.node);
        let node = node.map_or("?", |(name, _)| name);
        let account = message.account;
        let mut lines = alloc::vec![format!(
            "{} on {node} from account {account}",
            payload::shown(&message.data)
        )];
        for (name, handle) in new {
            lines.push(format!("  with {name}, a handle"));
            peer.handles.push((name, handle));
        }
        for capability in &message.capabilities {
            let kind = capability.info().map(|info| info.kind).unwrap_or_default();
            lines.push(format!(
                "  with a capability of kind {kind}, which is dropped"
            ));
        }
        Ok(lines)
    }
}

/// Takes what is gone out of a list; its name.
fn take<T>(list: &mut Vec<(String, T)>, mut is_it: impl FnMut(&T) -> bool) -> String {
    let place = list.iter().position(|(_, known)| is_it(known));
    place.map_or_else(|| "?".into(), |place| list.remove(place).0)
}

impl Shell {
    /// The commands of this file.
    pub(crate) fn by_hand(&mut self, command: &str, words: &[Word]) -> Said<()> {
        let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
        let told = match (command, texts.as_slice()) {
            ("peer", ["new"]) => self.scratch.new_peer(&self.part.account)?,
            ("peer", ["close", name]) => return self.scratch.close(name),
            ("peer", _) => return Err("it is `peer new` or `peer close PEER`".into()),
            ("node", ["new", on]) => self.scratch.new_node(on, on)?,
            ("node", ["new", on, "--on", at]) => self.scratch.new_node(on, at)?,
            ("node", _) => return Err("it is `node new PEER` or `node new PEER --on PEER`".into()),
            ("send", _) => return self.scratch.send(words),
            ("release", _) => return self.scratch.release(words),
            ("recv", ["--wait", name] | [name, "--wait"]) => return self.receive(name, true),
            ("recv", _) => return self.receive(&one(words, "PEER")?.text, false),
            _ => {
                none(words)?;
                self.list_handles();
                return Ok(());
            }
        };
        self.desk.say(&told);
        Ok(())
    }

    fn receive(&mut self, name: &str, waits: bool) -> Said<()> {
        match self.scratch.receive(name)? {
            Some(lines) => lines.iter().for_each(|line| self.desk.say(line)),
            None if waits => self.doing = Doing::Receiving(name.into()),
            None => return Err(format!("{name} has no message")),
        }
        Ok(())
    }

    /// The peer that is waited for.
    pub(crate) fn awaited(&self) -> Option<&Peer> {
        let Doing::Receiving(name) = &self.doing else {
            return None;
        };
        let mut peers = self.scratch.peers.iter();
        peers.find(|peer| peer.name == *name).map(|peer| &peer.peer)
    }

    /// Takes what was waited for, if it has come.
    pub(crate) fn look_at_awaited(&mut self) {
        let Doing::Receiving(name) = &self.doing else {
            return;
        };
        let name = name.clone();
        let received = self.scratch.receive(&name);
        let (lines, status) = match received {
            Ok(None) => return,
            Ok(Some(lines)) => (lines, 0),
            Err(fault) => (alloc::vec![format!("recv: {fault}")], 1),
        };
        lines.iter().for_each(|line| self.desk.say(line));
        self.status = status;
        self.doing = Doing::Prompt;
    }

    fn list_handles(&mut self) {
        for peer in &self.scratch.peers {
            let names = |list: &mut dyn Iterator<Item = &String>| {
                let names: Vec<&str> = list.map(String::as_str).collect();
                if names.is_empty() {
                    "none".into()
                } else {
                    names.join(" ")
                }
            };
            let nodes = names(&mut peer.nodes.iter().map(|(name, _)| name));
            let handles = names(&mut peer.handles.iter().map(|(name, _)| name));
            self.desk
                .say(&format!("{}: nodes {nodes}; handles {handles}", peer.name));
        }
    }
}

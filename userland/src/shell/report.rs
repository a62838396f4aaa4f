//! The kernel's report of all its objects ([`crate::calls`], call `inspect`) as values.
//!
//! The report is lines `KIND NUMBER KEY VALUE KEY VALUE …`, each with those that belong to it indented below. A line of a kind that is not
//! known here is left out, and so is a value: a later kernel may tell more. The name of a task is its own choice, so what stands behind it is
//! looked for from the end of the line.

use alloc::string::String;
use alloc::vec::Vec;
use omnibus_abi::Kind;

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Its number.
    pub number: u64,
    /// Its name.
    pub name: String,
    /// The account that pays for it.
    pub account: u64,
    /// Its priority.
    pub priority: u64,
    /// Its threads.
    pub n_threads: u64,
    /// Frames of its memory.
    pub n_frames: u64,
    /// What the kernel calls its end, if it has ended.
    pub end: Option<String>,
    /// Its capabilities.
    pub capabilities: Vec<Capability>,
}

/// A capability of a task.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capability {
    /// Its number, as the kernel prints it: slot and generation.
    pub number: String,
    /// The name of its kind.
    pub kind: String,
    /// The number of its object.
    pub object: String,
    /// Its rights.
    pub rights: u64,
}

impl Capability {
    /// The names of its rights.
    #[must_use]
    pub fn right_names(&self) -> Vec<&'static str> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.name() == self.kind);
        let rights = kind.map_or(&[][..], Kind::rights);
        let has = rights.iter().filter(|(_, bit)| self.rights & bit != 0);
        has.map(|(name, _)| *name).collect()
    }
}

/// A peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its number.
    pub number: u64,
    /// The account that it acts for.
    pub account: u64,
    /// Its nodes, those that are released and not yet gone among them.
    pub n_nodes: u64,
    /// Its handles.
    pub n_handles: u64,
    /// Messages and notifications that are queued.
    pub n_queued: u64,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Its number.
    pub number: u64,
    /// Objects, bytes and frames, at most.
    pub maxima: Vec<u64>,
    /// Who holds how much of each: the claimant's number, and what it holds.
    pub claims: Vec<(u64, Vec<u64>)>,
}

impl Account {
    /// How much of each is held, by whomever.
    #[must_use]
    pub fn held(&self) -> Vec<u64> {
        let of = |slot: usize| {
            self.claims
                .iter()
                .filter_map(move |(_, held)| held.get(slot))
                .sum()
        };
        (0..self.maxima.len()).map(of).collect()
    }
}

/// A memory object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Its number.
    pub number: u64,
    /// The account that pays for it.
    pub account: u64,
    /// Its pages.
    pub n_pages: u64,
    /// How often it is mapped.
    pub n_mappings: u64,
}

/// A timer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timer {
    /// Its number.
    pub number: u64,
    /// Whether it is armed.
    pub is_armed: bool,
}

/// The whole report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Frames that the machine has, and those in use.
    pub frames: (u64, u64),
    /// Bytes in use on the kernel's heap.
    pub n_heap_bytes: u64,
    /// The tasks, in the order of their numbers.
    pub tasks: Vec<Task>,
    /// The peers.
    pub peers: Vec<Peer>,
    /// The memory objects.
    pub memories: Vec<Memory>,
    /// The timers.
    pub timers: Vec<Timer>,
    /// The accounts.
    pub accounts: Vec<Account>,
}

impl Report {
    /// Reads the text.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            // A line that is not as it should be is cut off at the end of the buffer, or of a later kernel.
            let _ = report.line(line);
        }
        report
    }

    fn line(&mut self, line: &str) -> Option<()> {
        let (kind, rest) = line.trim_start().split_once(' ')?;
        let number = || rest.split(' ').next()?.parse().ok();
        match kind {
            "machine" => {
                if let (Some(n_frames), Some(n_used)) = (value(rest, "frames"), value(rest, "used"))
                {
                    self.frames = (n_frames, n_used);
                    self.n_heap_bytes = value(rest, "heap_bytes")?;
                }
            }
            "task" => self.tasks.push(task(rest)?),
            "capability" => self.tasks.last_mut()?.capabilities.push(capability(rest)?),
            "peer" => self.peers.push(Peer {
                number: number()?,
                account: value(rest, "account")?,
                ..Peer::default()
            }),
            "node" => self.peers.last_mut()?.n_nodes += 1,
            "handle" => self.peers.last_mut()?.n_handles += 1,
            "queued" => self.peers.last_mut()?.n_queued += 1,
            "memory" => self.memories.push(Memory {
                number: number()?,
                account: value(rest, "account")?,
                n_pages: value(rest, "pages")?,
                n_mappings: value(rest, "mappings")?,
            }),
            "timer" => self.timers.push(Timer {
                number: number()?,
                is_armed: rest.ends_with(" armed"),
            }),
            "account" => self.accounts.push(Account {
                number: number()?,
                maxima: list(rest, "maxima")?,
                claims: Vec::new(),
            }),
            "claimant" => {
                let claim = (number()?, list(rest, "holds")?);
                self.accounts.last_mut()?.claims.push(claim);
            }
            _ => {}
        }
        Some(())
    }

    /// The names of the tasks that hold a capability to this object.
    pub fn holders(&self, kind: Kind, object: u64) -> impl Iterator<Item = &Task> {
        self.tasks.iter().filter(move |task| {
            let mut capabilities = task.capabilities.iter();
            capabilities.any(|capability| {
                capability.kind == kind.name() && capability.object.parse() == Ok(object)
            })
        })
    }
}

fn task(rest: &str) -> Option<Task> {
    let (number, rest) = rest.split_once(' ')?;
    let (name, rest) = rest.split_at(rest.rfind(" account ")?);
    let (_, end) = rest.rsplit_once(" end ")?;
    let end = end
        .strip_prefix("Some(")
        .and_then(|end| end.strip_suffix(')'));
    Some(Task {
        number: number.parse().ok()?,
        name: name.into(),
        account: value(rest, "account")?,
        priority: value(rest, "priority")?,
        n_threads: value(rest, "threads")?,
        n_frames: value(rest, "frames")?,
        end: end.map(String::from),
        capabilities: Vec::new(),
    })
}

fn capability(rest: &str) -> Option<Capability> {
    let mut parts = rest.split(' ');
    let (number, kind, object) = (parts.next()?, parts.next()?, parts.next()?);
    let rights = rest.rsplit_once(" rights 0x")?.1;
    Some(Capability {
        number: number.into(),
        kind: kind.into(),
        object: object.into(),
        rights: u64::from_str_radix(rights, 16).ok()?,
    })
}

/// The number behind a key.
fn value(line: &str, key: &str) -> Option<u64> {
    let mut parts = line.split(' ');
    parts.find(|part| *part == key)?;
    parts.next()?.parse().ok()
}

/// The numbers in brackets behind a key.
fn list(line: &str, key: &str) -> Option<Vec<u64>> {
    let (_, rest) = line.split_once(key)?;
    let (list, _) = rest.trim_start().strip_prefix('[')?.split_once(']')?;
    list.split(',')
        .map(|number| number.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
machine frames 32000 used 1200 heap_bytes 4096
task 1 init account 1 priority 31 threads 1 capabilities 2 frames 60 end None
  thread 1 blocked
  capability 0#1 task 1 rights 0x7f
  capability 1#1 peer 3 rights 0x5
task 7 a account b account 2 priority 9 threads 0 capabilities 0 frames 0 end Some(Exited(3))
peer 3 account 1 holds 1 pending true closing false
  node 0x1 handles true messages true marked false
  handle 0x3 released false marked false
  queued User on 0x1 bytes 5 handles 0
memory 4 account 1 pages 7 holds 2 mappings 1
timer 2 holds 1 armed
later 9 kind 3
account 1 maxima [100, 2000, 300] claimants 2
  claimant 1 holds [10, 0, 60] actors 2
  claimant 2 holds [1, 5, 0] actors 1
";

    /// Every object of the report is found, with what belongs to it, and a kind that is not known is passed over.
    #[test]
    fn sh_the_report_is_read() {
        let report = Report::parse(TEXT);
        assert_eq!((report.frames, report.n_heap_bytes), ((32000, 1200), 4096));
        let [init, odd] = report.tasks.as_slice() else {
            panic!("{:?}", report.tasks)
        };
        assert_eq!((init.number, &*init.name, init.n_frames), (1, "init", 60));
        assert_eq!(init.capabilities[1].right_names(), ["USE", "GIVE"]);
        assert_eq!(
            (&*odd.name, odd.account, odd.end.as_deref()),
            ("a account b", 2, Some("Exited(3)"))
        );
        let peer = &report.peers[0];
        assert_eq!((peer.n_nodes, peer.n_handles, peer.n_queued), (1, 1, 1));
        assert_eq!(report.memories[0].n_pages, 7);
        assert!(report.timers[0].is_armed);
        assert_eq!(report.accounts[0].held(), [11, 5, 60]);
        let holders: Vec<_> = report
            .holders(Kind::Peer, 3)
            .map(|task| task.number)
            .collect();
        assert_eq!(holders, [1]);
    }

    /// A report that is cut off anywhere is read as far as it goes.
    #[test]
    fn sh_a_report_may_be_cut_off() {
        for cut in 0..TEXT.len() {
            let report = Report::parse(&TEXT[..cut]);
            assert!(report.tasks.len() <= 2 && report.accounts.len() <= 1);
        }
    }
}

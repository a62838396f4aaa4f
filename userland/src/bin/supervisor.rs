//! Starts a service, and starts it again when it has ended; its clients find it under the same name.
//!
//! Arguments: the name, and the boot plan. What the plan ends with is the service: its first node is registered at `names` under the name,
//! and again whenever the service was started anew, of which `names` tells those who watch. A service that ends too often too soon is
//! given up, and the supervisor ends with status 1.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;
use core::time::Duration;
use omnibus_boot_plan::{self as plan, Plan};
use omnibus_userland::abi::{DEADLINE_NEVER, Errno};
use omnibus_userland::archive::Archive;
use omnibus_userland::boot::{self, Means, Started};
use omnibus_userland::bus::{Handle, Node};
use omnibus_userland::calls::Result;
use omnibus_userland::memory::Memory;
use omnibus_userland::part::{self, Part};
use omnibus_userland::service::frame::Frame;
use omnibus_userland::service::server::{Answer, Limits, Request, Server, Service};
use omnibus_userland::service::{log, names, supervisor};
use omnibus_userland::task::Ending;
use omnibus_userland::{environment, program, time};

program!(main);

const LIMITS: Limits = Limits {
    sessions: 16,
    sessions_per_account: 4,
};

/// A service that lives shorter than this has ended too soon.
const SOON: Duration = Duration::from_secs(1);

/// What a service had comes back behind its end; so long there may be no room for the next one.
const GIVING_BACK: Duration = Duration::from_secs(1);

/// So often it may end too soon in a row.
const N_SOON_MAX: u32 = 4;

struct Supervisor {
    part: Part,
    archive: Archive,
    plan: Plan,
    name: &'static str,
    names: names::Client,
    log: log::Client,
    /// Where people ask for something.
    door: Node,
    /// Where ends are told.
    ends: (Node, Handle),
    /// What runs: the service, and what else is in its plan.
    running: Vec<Started>,
    started_ns: u64,
    n_soon: u32,
    /// Why it is to end.
    failure: Option<String>,
}

fn main() -> u8 {
    let supervisor = match Supervisor::new() {
        Ok(supervisor) => supervisor,
        Err(error) => {
            omnibus_userland::println!("supervisor: {error}");
            return 2;
        }
    };
    let peer = supervisor.part.peer.clone();
    let mut server = Server::new(supervisor, &peer, LIMITS);
    server.service.start();
    loop {
        if let Some(failure) = &server.service.failure {
            server.service.say(failure);
            return 1;
        }
        if let Err(error) = server.step(DEADLINE_NEVER) {
            server.service.failure = Some(format!("cannot receive: {error}"));
        }
    }
}

impl Supervisor {
    fn new() -> core::result::Result<Self, String> {
        let during = |what: &'static str| move |error: Errno| format!("{what}: {error}");
        let part = Part::take().map_err(during("no plan started this"))?;
        let mut arguments = environment::arguments();
        let (Some(name), Some(file)) = (arguments.next(), arguments.next()) else {
            return Err("the arguments are a name and a plan".into());
        };
        let handle = |name| part.handle(name).map_err(during(name));
        let names = names::Client::open(&part.account, &handle("names")?);
        let log = log::Client::open(&part.account, &handle("log")?);
        let memory = part::capability("archive").map_err(during("archive"))?;
        let memory = Memory::from_capability(memory);
        let archive = Archive::new(memory).map_err(during("archive"))?;
        let file = format!("{}{file}{}", plan::FOLDER, plan::SUFFIX);
        let text = archive.file(&file);
        let text = text.ok_or_else(|| format!("{file}: {}", Errno::ENOENT))?;
        let text = str::from_utf8(text).map_err(|_| format!("{file}: not UTF-8"))?;
        let plan = plan::parse(text).map_err(|fault| format!("{file}:{fault}"))?;
        Ok(Self {
            door: part.node("door").map_err(during("door"))?,
            ends: part.peer.node().map_err(during("a node"))?,
            names: names.map_err(during("names"))?,
            log: log.map_err(during("log"))?,
            part,
            archive,
            plan,
            name,
            running: Vec::new(),
            started_ns: 0,
            n_soon: 0,
            failure: None,
        })
    }

    fn say(&self, words: &dyn Display) {
        // A log that is gone is no reason to stop.
        let _ = self.log.write(&format!("{}: {words}", self.name));
    }

    /// Starts the service and registers it.
    fn start(&mut self) {
        self.started_ns = time::now_ns();
        if let Err(failure) = self.try_start() {
            self.failure = Some(failure);
        }
    }

    fn try_start(&mut self) -> core::result::Result<(), String> {
        let means = Means {
            account: &self.part.account,
            archive: &self.archive,
            peer: &self.part.peer,
            capabilities: &[("archive", self.archive.number())],
        };
        let deadline_ns = time::deadline_in(GIVING_BACK);
        self.running = loop {
            match boot::start(&self.plan, &means) {
                Ok(running) => break running,
                Err(_) if time::now_ns() < deadline_ns => time::sleep(Duration::from_millis(1)),
                Err(failed) => return Err(format!("{failed}")),
            }
        };
        let service = &self.running[self.plan.ends_with];
        let during = |what: &'static str| move |error: Errno| format!("{what}: {error}");
        service
            .task
            .watch(&self.ends.1)
            .map_err(during("watching it"))?;
        let door = service.nodes.first().ok_or("the service has no node")?;
        self.names
            .register(self.name, door)
            .map_err(during("registering it"))?;
        self.say(&"started");
        Ok(())
    }
}

impl Service for Supervisor {
    type Client = ();

    fn open(&mut self, door: u64, _account: u64) -> Result<()> {
        if door == self.door.id() {
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
        request.fields.end()?;
        match request.operation {
            supervisor::RESTART => {
                let service = self.running.get(self.plan.ends_with);
                service.ok_or(Errno::ESRCH)?.task.kill()?;
                Ok(Answer::of(reply))
            }
            _ => Err(Errno::ENOSYS),
        }
    }

    fn closed(&mut self, _session: u64, (): ()) {}

    fn heard(&mut self, node: u64, payload: &[u8]) {
        let (true, Some((_, ending))) = (node == self.ends.0.id(), Ending::of_message(payload))
        else {
            return;
        };
        for other in self.running.drain(..) {
            // Most have ended; what goes with the service goes with it.
            let _ = other.task.kill();
        }
        self.say(&ending);
        let is_soon = time::now_ns() < self.started_ns + SOON.as_nanos() as u64;
        // A service that was killed on request did nothing wrong.
        self.n_soon = match ending {
            Ending::Exited(_) | Ending::Faulted { .. } if is_soon => self.n_soon + 1,
            _ => 0,
        };
        if self.n_soon > N_SOON_MAX {
            self.failure = Some("ended too often too soon".into());
            return;
        }
        self.start();
    }
}

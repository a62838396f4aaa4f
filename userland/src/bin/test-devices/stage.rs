//! A driver that a plan starts, and what a test needs to be its client.

use alloc::vec::Vec;
use omnibus_boot_plan as plan;
use omnibus_userland::abi::native::AccountState;
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::archive::Archive;
use omnibus_userland::boot::{self, Means, Started};
use omnibus_userland::bus::{Handle, Node, Peer, Received};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::Bench;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, environment, time};

/// The serial driver.
pub(crate) const SERIAL: &str = r#"
ends-with = "serial-driver"
[[program]]
name = "serial-driver"
account = { objects = 1024, bytes = 131072, frames = 512 }
nodes = ["door"]
ports.uart = { first = 0x3f8, last = 0x3ff }
lines.interrupt = { first = 4 }
"#;

/// The clock driver.
pub(crate) const CLOCK: &str = r#"
ends-with = "rtc-driver"
[[program]]
name = "rtc-driver"
account = { objects = 256, bytes = 16384, frames = 256 }
nodes = ["door"]
ports.chip = { first = 0x70, last = 0x71 }
"#;

/// A driver, started.
pub(crate) struct Stage {
    /// Carved for the test: everything is charged here.
    own: Account,
    before: AccountState,
    /// The clients'.
    pub(crate) client: Account,
    pub(crate) peer: Peer,
    driver: Started,
}

impl Stage {
    pub(crate) fn new(bench: &Bench, text: &str) -> Outcome<Self> {
        let own = bench.account.carve(8192, 1 << 20, 2048)?;
        let before = own.holdings()?;
        let client = own.carve(1024, 128 << 10, 64)?;
        let peer = Peer::new(&client)?;
        let find = |kind: Kind| environment::find(kind).ok_or(Errno::ENOENT);
        let devices: [(&str, CapabilityNumber); 2] =
            [("ports", find(Kind::Ports)?), ("lines", find(Kind::Lines)?)];
        let means = Means {
            account: &own,
            archive: Archive::given()?,
            peer: &peer,
            capabilities: &devices,
        };
        let plan = plan::parse(text).map_err(Failure::new)?;
        let mut started = boot::start(&plan, &means).map_err(Failure::new)?;
        let driver = started.pop().ok_or(Errno::ENOENT)?;
        Ok(Self {
            own,
            before,
            client,
            peer,
            driver,
        })
    }

    /// A handle to the driver's door.
    pub(crate) fn door(&self) -> &Handle {
        &self.driver.nodes[0]
    }

    /// An account for another client.
    pub(crate) fn another(&self) -> Outcome<Account> {
        Ok(self.own.carve(512, 64 << 10, 16)?)
    }

    /// The next message on a node of the stage's peer.
    pub(crate) fn hear(&self, node: &Node) -> Outcome<Vec<u8>> {
        loop {
            match self.peer.recv_until(time::deadline_in(PATIENCE))? {
                Received::Message(message) if message.node == node.id() => return Ok(message.data),
                Received::HandleRelease { .. } => {}
                other => return Err(Failure::new(format_args!("{other:?}"))),
            }
        }
    }

    /// Gives the door up, waits for the driver to end by itself, and checks that everything is given back.
    pub(crate) fn end(self) -> Outcome {
        let Self {
            own,
            before,
            client,
            peer,
            driver,
        } = self;
        let Started {
            task,
            account,
            nodes,
            ..
        } = driver;
        drop(nodes);
        let ending = task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(ending, Ending::Exited(0), "its end");
        drop((task, account, peer, client));
        check!(
            soon(|| Ok(own.holdings()? == before))?,
            "what is held: {:?} of {before:?}",
            own.state()?
        );
        Ok(())
    }
}

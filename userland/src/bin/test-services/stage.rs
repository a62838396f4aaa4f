//! The services, started by a plan, and what a test needs to be their client.

use alloc::format;
use alloc::vec::Vec;
use omnibus_boot_plan as plan;
use omnibus_userland::abi::native::AccountState;
use omnibus_userland::account::Account;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::archive::Archive;
use omnibus_userland::boot::{self, Means, Started};
use omnibus_userland::bus::{Handle, Peer};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::service::{log, names};
use omnibus_userland::suite::Bench;
use omnibus_userland::{check, time};

/// All services. The supervisor's arguments are the last line. It has no room for two services at once.
const PLAN: &str = r#"
ends-with = "names"

[[program]]
name = "names"
arguments = ["registrar=register,look-up:", "reader=look-up:", "guest=register,look-up:guest/"]
account = { objects = 2048, bytes = 262144, frames = 256 }
nodes = ["registrar", "reader", "guest"]
capabilities = { console = ["WRITE"] }

[[program]]
name = "log"
arguments = ["reader", "test", "supervisor"]
account = { objects = 1024, bytes = 131072, frames = 512 }
nodes = ["reader", "test", "supervisor"]
capabilities = { console = ["WRITE"] }

[[program]]
name = "supervisor"
account = { objects = 2048, bytes = 262144, frames = 1400 }
nodes = ["door"]
capabilities = { account = ["CHARGE", "INSPECT", "CARVE"], console = ["WRITE"], archive = ["READ", "EXECUTE"] }
handles = { names = "names.registrar", log = "log.supervisor" }
"#;

/// What [`PLAN`] starts.
pub(crate) struct Stage {
    /// Carved for the test: everything is charged here.
    own: Account,
    before: AccountState,
    /// The clients'.
    pub(crate) client: Account,
    pub(crate) peer: Peer,
    programs: Vec<Started>,
}

impl Stage {
    /// Starts the services; the supervisor keeps what this plan starts, under this name.
    pub(crate) fn new(bench: &Bench, name: &str, supervised: &str) -> Outcome<Self> {
        // Less than half of what a machine has that is a tenth smaller than any of the matrix (ACC-4).
        let own = bench.account.carve(10_000, 2 << 20, 4_400)?;
        let before = own.holdings()?;
        let client = own.carve(1_000, 128 << 10, 64)?;
        let peer = Peer::new(&client)?;
        let archive = Archive::given()?;
        let text = format!("{PLAN}arguments = [\"{name}\", \"{supervised}\"]\n");
        let plan = plan::parse(&text).map_err(Failure::new)?;
        let means = Means {
            account: &own,
            archive,
            peer: &peer,
            capabilities: &[("console", bench.console), ("archive", archive.number())],
        };
        let programs = boot::start(&plan, &means).map_err(Failure::new)?;
        Ok(Self {
            own,
            before,
            client,
            peer,
            programs,
        })
    }

    /// The stage with the store.
    pub(crate) fn with_store(bench: &Bench) -> Outcome<Self> {
        Self::new(bench, "store", "store")
    }

    pub(crate) fn program(&self, name: &str) -> Outcome<&Started> {
        let program = self.programs.iter().find(|program| program.name == name);
        program.ok_or_else(|| Failure::new(format_args!("no program {name}")))
    }

    /// The handle to a node of a program, by its place in the plan.
    pub(crate) fn door(&self, program: &str, index: usize) -> Outcome<&Handle> {
        Ok(&self.program(program)?.nodes[index])
    }

    pub(crate) fn registrar(&self) -> Outcome<names::Client> {
        self.names(0)
    }

    pub(crate) fn names(&self, door: usize) -> Outcome<names::Client> {
        Ok(names::Client::open(
            &self.client,
            self.door("names", door)?,
        )?)
    }

    pub(crate) fn log(&self, door: usize) -> Outcome<log::Client> {
        Ok(log::Client::open(&self.client, self.door("log", door)?)?)
    }

    /// Waits until a line of the log ends with `end`.
    pub(crate) fn wait_for_line(&self, end: &str) -> Outcome {
        let log = self.log(0)?;
        let has_line = || {
            Ok(log
                .read_from(0)?
                .iter()
                .any(|line| line.text.ends_with(end)))
        };
        check!(
            soon(has_line)?,
            "no line that ends with {end:?}: {:?}",
            log.read_from(0)?
        );
        Ok(())
    }

    /// Ends every program, and checks that everything is given back.
    pub(crate) fn close(self) -> Outcome {
        let Self {
            own,
            before,
            client,
            peer,
            programs,
        } = self;
        for program in &programs {
            program.task.kill()?;
            program.task.wait_until(time::deadline_in(PATIENCE))?;
        }
        // Whoever still holds something on it.
        peer.close()?;
        drop((client, programs));
        check!(
            soon(|| Ok(own.holdings()? == before))?,
            "what is held: {:?} of {before:?}",
            own.state()?
        );
        Ok(())
    }
}

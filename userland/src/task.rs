//! Tasks: starting them, watching them, ending them. Named like std's processes.

use crate::account::Account;
use crate::archive::{self, Archive};
use crate::bus::Handle;
use crate::calls::{self, Result};
use crate::capability::{Owned, owns_capability};
use crate::environment;
use crate::loader::{self, Loaded, Program};
use crate::wait::WaitSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;
use omnibus_abi::CapabilityNumber;
use omnibus_abi::native::{TASK_EXITED, TASK_FAULTED, TASK_KILLED, TASK_RUNNING, TaskStatus};

/// Ends this task.
pub fn exit(status: u8) -> ! {
    calls::exit(u64::from(status))
}

/// A task to be started: a program, its arguments, and what it may use.
#[derive(Clone, Debug)]
pub struct Command {
    pub(crate) name: String,
    pub(crate) arguments: Vec<u8>,
    pub(crate) environment: Vec<u8>,
    pub(crate) grants: Vec<Granted>,
    pub(crate) priority: u64,
    /// The loader maps a stack.
    pub(crate) has_stack: bool,
}

/// A capability for a new task.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    /// What the task calls it, if it is told.
    pub(crate) name: Option<String>,
    pub(crate) capability: CapabilityNumber,
    pub(crate) rights: u64,
}

impl Command {
    /// Runs the program of this name, without arguments and capabilities, at the caller's priority.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            grants: Vec::new(),
            priority: environment::priority(),
            has_stack: true,
        }
    }

    /// The program's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Adds an argument. It ends at its first NUL, if it has one.
    #[must_use]
    pub fn argument(mut self, argument: impl Display) -> Self {
        environment::push_argument(&mut self.arguments, &argument);
        self
    }

    /// Adds a variable to the environment. It ends at its first NUL, if it has one.
    #[must_use]
    pub fn variable(mut self, name: impl Display, value: impl Display) -> Self {
        environment::push_argument(&mut self.environment, &format_args!("{name}={value}"));
        self
    }

    /// Adds a capability, with these rights.
    #[must_use]
    pub fn grant(self, capability: CapabilityNumber, rights: u64) -> Self {
        self.grant_named(None, capability, rights)
    }

    /// Adds a capability, with these rights, and tells the task its number under `name` ([`environment::CAPABILITY`]).
    #[must_use]
    pub fn grant_as(self, name: &str, capability: CapabilityNumber, rights: u64) -> Self {
        self.grant_named(Some(name.into()), capability, rights)
    }

    fn grant_named(
        mut self,
        name: Option<String>,
        capability: CapabilityNumber,
        rights: u64,
    ) -> Self {
        self.grants.push(Granted {
            name,
            capability,
            rights,
        });
        self
    }

    /// Chooses a priority, at most the caller's own.
    #[must_use]
    pub const fn priority(mut self, priority: u64) -> Self {
        self.priority = priority;
        self
    }

    /// Has [`Self::load`] and [`Self::prepare`] leave the place of the stack empty: a pager has to fill it.
    #[must_use]
    pub const fn without_stack(mut self) -> Self {
        self.has_stack = false;
        self
    }

    /// Lets the task start programs, too: adds the archive that this one was given.
    ///
    /// # Errors
    /// Those of [`Archive::given`].
    pub fn grant_archive(self) -> Result<Self> {
        let archive = Archive::given()?.number();
        Ok(self.grant_as(archive::NAME, archive, archive::RIGHTS))
    }

    /// Starts the program of the command's name in the archive that this task was given; `account` pays for it.
    ///
    /// # Errors
    /// `ENOENT`: there is no such file. `ENOEXEC`: it is no program. Those of [`Archive::given`] and of the calls that it takes.
    pub fn spawn(&self, account: &Account) -> Result<Task> {
        self.load(&Archive::given()?.program(&self.name)?, account)
    }

    /// Loads `program` into a task of the command's name, ready to be started; `account` pays for it.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn prepare(&self, program: &Program<'_>, account: &Account) -> Result<Loaded> {
        loader::load(program, self, account)
    }

    /// Loads `program` into a task of the command's name and starts it; `account` pays for it.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn load(&self, program: &Program<'_>, account: &Account) -> Result<Task> {
        self.prepare(program, account)?.start()
    }
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It called exit, with this status.
    Exited(u64),
    /// Someone killed it.
    Killed,
    /// It raised this exception vector at this address.
    Faulted {
        /// Number of the exception.
        vector: u64,
        /// The address accessed by a page fault, else that of the instruction.
        address: u64,
    },
}

impl Ending {
    /// Reads it from the payload of the message that tells of an end, with the number of the task.
    #[must_use]
    pub fn of_message(payload: &[u8]) -> Option<(u64, Self)> {
        // A later kernel may tell more behind it (STR-3).
        let (words, _) = payload.as_chunks::<8>();
        let words: &[[u8; 8]; TaskStatus::SIZE as usize / 8] = words.first_chunk()?;
        let status = TaskStatus::from_words(words.map(u64::from_le_bytes));
        Some((status.number, Self::of(&status)?))
    }

    /// Reads it from a status; `None` while the task runs.
    #[must_use]
    pub const fn of(status: &TaskStatus) -> Option<Self> {
        match status.state {
            TASK_EXITED => Some(Self::Exited(status.code)),
            TASK_KILLED => Some(Self::Killed),
            TASK_FAULTED => Some(Self::Faulted {
                vector: status.code,
                address: status.address,
            }),
            TASK_RUNNING => None,
            _ => None,
        }
    }
}

impl Display for Ending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exited with status {status}"),
            Self::Killed => f.write_str("killed"),
            Self::Faulted { vector, address } => {
                write!(f, "faulted: vector {vector}, address {address:#x}")
            }
        }
    }
}

/// Another task. Dropping this does not end it.
#[derive(Debug)]
pub struct Task(Owned);

owns_capability!(Task);

impl Task {
    /// How it is.
    ///
    /// # Errors
    /// `EPERM`: no right WATCH.
    pub fn status(&self) -> Result<TaskStatus> {
        calls::task_status(self.number())
    }

    /// Has its status sent through `handle` when it has ended; it is the message's payload ([`Ending::of_message`]).
    ///
    /// # Errors
    /// `EPERM`: no right WATCH. `EBADRQC`: the handle's node is gone. `EDQUOT`, `ENOMEM`.
    pub fn watch(&self, handle: &Handle) -> Result<()> {
        calls::task_watch(self.number(), handle.peer().number(), handle.id())
    }

    /// Changes the priority of its threads, and the highest it can have.
    ///
    /// # Errors
    /// `EPERM`: no right PRIORITY, or more than the calling task's own highest. `EINVAL`: no priorities. `ESRCH`: it has ended.
    pub fn set_priority(&self, priority: u64, maximum: u64) -> Result<()> {
        calls::task_priority(self.number(), priority, maximum)
    }

    /// Ends it.
    ///
    /// # Errors
    /// `EPERM`: no right KILL.
    pub fn kill(&self) -> Result<()> {
        calls::task_kill(self.number())
    }

    /// Waits until it has ended and given everything back, at most until `deadline_ns`.
    ///
    /// # Errors
    /// `ETIMEDOUT`; `EPERM`: no right WATCH.
    pub fn wait_until(&self, deadline_ns: u64) -> Result<Ending> {
        // The status tells of the end as soon as it is decided; the event comes when everything
        // that the task held has been given back.
        loop {
            WaitSet::new().task(self).wait(deadline_ns)?;
            if let Some(ending) = Ending::of(&self.status()?) {
                return Ok(ending);
            }
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// `EPERM`: no right WATCH.
    pub fn wait(&self) -> Result<Ending> {
        self.wait_until(omnibus_abi::DEADLINE_NEVER)
    }
}

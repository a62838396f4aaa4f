//! Starting tasks from programs that the caller has at hand, without the kernel knowing what a program is.
//!
//! ```text
//!  ELF file ──> Program ──> Loading: task_new ─> memory objects, mapped into it ─> task_grant ─> startup block ─> task_start
//! ```
//!
//! What is loaded is paid for by the account of the new task. A task that fails half-way is ended before it was started.

use crate::account::Account;
use crate::calls::{self, Result};
use crate::environment;
use crate::memory::Memory;
use crate::task::Task;
use alloc::vec::Vec;
use core::fmt::Display;
use omnibus_abi::layout::{
    MAP_START, PAGE_BYTES, STACK_BYTES, STACK_TOP, STARTUP_ADDRESS, USER_START,
};
use omnibus_abi::native::{Startup, ThreadStart, VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_abi::{CapabilityNumber, Errno};
use omnibus_archive::Archive;
use omnibus_elf_loader::{Image, Limits, Refusal, Rights};

/// Most bytes that a program's segments take.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// Most program headers of a program.
const PROGRAM_HEADERS_MAX: u16 = 32;

/// A program that can be loaded.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    name: &'a str,
    image: Image<'a>,
}

impl<'a> Program<'a> {
    /// Checks an ELF file; the name is for reports.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(name: &'a str, file: &'a [u8]) -> core::result::Result<Self, Refusal> {
        let limits = Limits {
            addresses: USER_START..MAP_START,
            n_program_headers: PROGRAM_HEADERS_MAX,
            n_bytes_memory: PROGRAM_BYTES_MAX,
        };
        let image = Image::parse(file, &limits)?;
        Ok(Self { name, image })
    }

    /// The program of this name in an archive, such as the first task is given.
    ///
    /// # Errors
    /// `ENOENT`: the archive has no such file, or is none. `ENOEXEC`: the file is no program.
    pub fn find(archive: &'a [u8], name: &'a str) -> Result<Self> {
        let archive = Archive::parse(archive).map_err(|_| Errno::ENOENT)?;
        let entry = archive.find(name).filter(|entry| entry.is_regular_file());
        let file = entry.ok_or(Errno::ENOENT)?.bytes;
        Self::parse(name, file).map_err(|_| Errno::ENOEXEC)
    }
}

/// A task to be loaded: a program, its arguments, and what it may use.
#[derive(Debug)]
pub struct Loading<'a> {
    program: &'a Program<'a>,
    arguments: Vec<u8>,
    grants: Vec<(CapabilityNumber, u64)>,
    priority: u64,
}

impl<'a> Loading<'a> {
    /// Loads `program`, without arguments and capabilities, at the caller's priority.
    #[must_use]
    pub fn new(program: &'a Program<'a>) -> Self {
        Self {
            program,
            arguments: Vec::new(),
            grants: Vec::new(),
            priority: environment::priority(),
        }
    }

    /// Adds an argument. It ends at its first NUL, if it has one.
    #[must_use]
    pub fn argument(mut self, argument: impl Display) -> Self {
        environment::push_argument(&mut self.arguments, &argument);
        self
    }

    /// Adds a capability, with these rights.
    #[must_use]
    pub fn grant(mut self, capability: CapabilityNumber, rights: u64) -> Self {
        self.grants.push((capability, rights));
        self
    }

    /// Loads and starts the task; `account` pays for it.
    ///
    /// # Errors
    /// Those of the calls that it takes.
    pub fn start(&self, account: &Account) -> Result<Task> {
        let number = calls::task_new(account.number(), self.program.name, self.priority)?;
        let task = Task::from_capability(number);
        match self.fill(&task, account) {
            Ok(()) => Ok(task),
            Err(error) => {
                task.kill()?;
                Err(error)
            }
        }
    }

    fn fill(&self, task: &Task, account: &Account) -> Result<()> {
        for segment in self.program.image.segments() {
            let pages = segment.pages();
            let memory = Memory::new(account, pages.end - pages.start)?;
            let mapping = memory.map(VM_READ | VM_WRITE)?;
            for page in pages.clone().step_by(PAGE_BYTES as usize) {
                let (start, bytes) = segment.bytes_of_page(page);
                mapping.write(page - pages.start + start as u64, bytes);
            }
            // What is executable is writable nowhere.
            drop(mapping);
            let rights = match segment.rights {
                Rights::Read => VM_READ,
                Rights::ReadWrite => VM_READ | VM_WRITE,
                Rights::ReadExecute => VM_READ | VM_EXECUTE,
            };
            memory.map_into(task, pages.start, rights)?;
        }
        let stack = Memory::new(account, STACK_BYTES)?;
        stack.map_into(task, STACK_TOP - STACK_BYTES, VM_READ | VM_WRITE)?;
        let block = self.startup_block(task)?;
        let startup = Memory::new(account, (block.len() as u64).next_multiple_of(PAGE_BYTES))?;
        startup.map(VM_READ | VM_WRITE)?.write(0, &block);
        startup.map_into(task, STARTUP_ADDRESS, VM_READ)?;
        let start = ThreadStart {
            flags: 0,
            entry: self.program.image.entry(),
            stack: STACK_TOP,
            argument: STARTUP_ADDRESS,
            tls_base: 0,
        };
        calls::task_start(task.number(), &start)
    }

    /// Grants the capabilities, and tells the task their numbers and its arguments in the way that the kernel does.
    fn startup_block(&self, task: &Task) -> Result<Vec<u8>> {
        let mut numbers = Vec::new();
        for &(capability, rights) in &self.grants {
            let number = calls::task_grant(task.number(), capability, rights)?;
            numbers.extend_from_slice(&number.0.to_le_bytes());
        }
        let tls = self.program.image.tls();
        let ptr_capabilities = STARTUP_ADDRESS + Startup::SIZE;
        let startup = Startup {
            n_bytes: Startup::SIZE,
            task: task.status()?.number,
            n_capabilities: self.grants.len() as u64,
            ptr_capabilities,
            n_arguments: self.arguments.len() as u64,
            ptr_arguments: ptr_capabilities + numbers.len() as u64,
            ptr_tls: tls.map_or(0, |tls| tls.address),
            n_tls_file: tls.map_or(0, |tls| tls.n_bytes_template),
            n_tls_memory: tls.map_or(0, |tls| tls.n_bytes_memory),
            tls_alignment: tls.map_or(1, |tls| tls.n_bytes_alignment),
            priority: self.priority,
        };
        let words = startup.to_words();
        let mut block: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        block.extend_from_slice(&numbers);
        block.extend_from_slice(&self.arguments);
        Ok(block)
    }
}

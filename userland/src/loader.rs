//! Starting tasks from programs that the caller has at hand, without the kernel knowing what a program is.
//!
//! What a program may not write is mapped from the archive where it lies in whole pages, and shared by all tasks that run the program; the
//! rest is copied.
//!
//! ```text
//!  ELF file ──> Program, Command ──> task_new ─> memory objects, mapped into it ─> task_grant ─> startup block ─> Loaded ─> task_start
//! ```
//!
//! What is loaded is paid for by the account of the new task. A task that fails half-way is ended before it was started.

use crate::account::Account;
use crate::calls::{self, Result};
use crate::environment::{CAPABILITY, push_argument};
use crate::memory::Memory;
use crate::task::{Command, Task};
use alloc::vec::Vec;
use core::fmt;
use omnibus_abi::Errno;
use omnibus_abi::layout::{
    MAP_START, PAGE_BYTES, STACK_BYTES, STACK_TOP, STARTUP_ADDRESS, USER_START,
};
use omnibus_abi::native::{Startup, ThreadStart, VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_elf_loader::{Image, Limits, Refusal, Rights, Segment};

/// Most bytes that a program's segments take.
const PROGRAM_BYTES_MAX: u64 = 64 << 20;

/// Most program headers of a program.
const PROGRAM_HEADERS_MAX: u16 = 32;

/// A program that can be loaded.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    file: &'a [u8],
    image: Image<'a>,
    home: Option<Home<'a>>,
}

/// Where a file is in a memory object.
#[derive(Clone, Copy, Debug)]
struct Home<'a> {
    memory: &'a Memory,
    /// First byte of the file.
    start: u64,
}

/// Why a file of an archive is no program.
#[derive(Clone, Debug)]
pub enum NoProgram {
    /// There is no such file.
    NotFound,
    /// The file cannot be loaded.
    Refused(Refusal),
}

impl fmt::Display for NoProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => Errno::from(self.clone()).fmt(f),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl From<NoProgram> for Errno {
    fn from(reason: NoProgram) -> Self {
        match reason {
            NoProgram::NotFound => Self::ENOENT,
            NoProgram::Refused(_) => Self::ENOEXEC,
        }
    }
}

impl<'a> Program<'a> {
    /// Checks an ELF file.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(file: &'a [u8]) -> core::result::Result<Self, Refusal> {
        let limits = Limits {
            addresses: USER_START..MAP_START,
            n_program_headers: PROGRAM_HEADERS_MAX,
            n_bytes_memory: PROGRAM_BYTES_MAX,
        };
        Image::parse(file, &limits).map(|image| Self {
            file,
            image,
            home: None,
        })
    }

    /// The same program, whose file begins at byte `start` of `memory`, where nobody changes it.
    pub(crate) const fn at(mut self, memory: &'a Memory, start: u64) -> Self {
        self.home = Some(Home { memory, start });
        self
    }

    /// A memory object, and at which of its bytes the pages of a segment are as the task is to have them: nothing but bytes of the file,
    /// and the segment's where it belongs.
    fn pages_at_home(&self, segment: &Segment<'_>) -> Option<(&'a Memory, u64)> {
        let home = self.home?;
        let in_file = segment
            .bytes
            .as_ptr()
            .addr()
            .checked_sub(self.file.as_ptr().addr())?;
        let pages = segment.pages();
        let start = (in_file as u64).checked_sub(segment.address - pages.start)?;
        let end = start + (pages.end - pages.start);
        let is_as_is = segment.rights != Rights::ReadWrite
            && segment.bytes.len() as u64 == segment.n_bytes_memory
            && (home.start + start).is_multiple_of(PAGE_BYTES)
            && end <= self.file.len() as u64;
        is_as_is.then_some((home.memory, home.start + start))
    }
}

/// A task that is loaded and not started yet.
#[derive(Debug)]
pub struct Loaded {
    task: Task,
    start: ThreadStart,
}

impl Loaded {
    /// The task: it can be given capabilities, memory and a pager.
    #[must_use]
    pub const fn task(&self) -> &Task {
        &self.task
    }

    /// Starts it.
    ///
    /// # Errors
    /// Those of [`calls::task_start`]; the task is ended then.
    pub fn start(self) -> Result<Task> {
        match calls::task_start(self.task.number(), &self.start) {
            Ok(()) => Ok(self.task),
            Err(error) => {
                self.task.kill()?;
                self.task.wait()?;
                Err(error)
            }
        }
    }
}

/// Loads a task as `command` says; `account` pays for it.
pub(crate) fn load(program: &Program<'_>, command: &Command, account: &Account) -> Result<Loaded> {
    let number = calls::task_new(account.number(), &command.name, command.priority)?;
    let task = Task::from_capability(number);
    match fill(program, command, &task, account) {
        Ok(start) => Ok(Loaded { task, start }),
        Err(error) => {
            // What it had is given back before the caller goes on.
            task.kill()?;
            task.wait()?;
            Err(error)
        }
    }
}

fn fill(
    program: &Program<'_>,
    command: &Command,
    task: &Task,
    account: &Account,
) -> Result<ThreadStart> {
    let image = &program.image;
    for segment in image.segments() {
        let pages = segment.pages();
        let n_bytes = pages.end - pages.start;
        let rights = match segment.rights {
            Rights::Read => VM_READ,
            Rights::ReadWrite => VM_READ | VM_WRITE,
            Rights::ReadExecute => VM_READ | VM_EXECUTE,
        };
        if let Some((memory, offset)) = program.pages_at_home(&segment) {
            memory.map_part_into(task, pages.start, [offset, n_bytes], rights)?;
            continue;
        }
        let memory = Memory::new(account, n_bytes)?;
        let mapping = memory.map(VM_READ | VM_WRITE)?;
        mapping.write(segment.address - pages.start, segment.bytes);
        // What is executable is writable nowhere.
        drop(mapping);
        memory.map_part_into(task, pages.start, [0, n_bytes], rights)?;
    }
    if command.has_stack {
        let stack = Memory::new(account, STACK_BYTES)?;
        stack.map_into(task, STACK_TOP - STACK_BYTES, VM_READ | VM_WRITE)?;
    }
    let block = startup_block(image, command, task)?;
    let startup = Memory::new(account, (block.len() as u64).next_multiple_of(PAGE_BYTES))?;
    startup.map(VM_READ | VM_WRITE)?.write(0, &block);
    startup.map_into(task, STARTUP_ADDRESS, VM_READ)?;
    Ok(ThreadStart {
        flags: 0,
        entry: image.entry(),
        stack: STACK_TOP,
        argument: STARTUP_ADDRESS,
        tls_base: 0,
    })
}

/// Grants the capabilities, and tells the task their numbers, its arguments and its environment in the way that the kernel does.
fn startup_block(image: &Image<'_>, command: &Command, task: &Task) -> Result<Vec<u8>> {
    let mut numbers = Vec::new();
    let mut environment = command.environment.clone();
    for granted in &command.grants {
        let number = calls::task_grant(task.number(), granted.capability, granted.rights)?;
        numbers.extend_from_slice(&number.0.to_le_bytes());
        if let Some(name) = &granted.name {
            let number = number.0;
            push_argument(
                &mut environment,
                &format_args!("{CAPABILITY}{name}={number}"),
            );
        }
    }
    let tls = image.tls();
    let ptr_capabilities = STARTUP_ADDRESS + Startup::SIZE;
    let ptr_arguments = ptr_capabilities + numbers.len() as u64;
    let n_arguments = command.arguments.len() as u64;
    let startup = Startup {
        n_bytes: Startup::SIZE,
        task: task.status()?.number,
        n_capabilities: command.grants.len() as u64,
        ptr_capabilities,
        n_arguments,
        ptr_arguments,
        ptr_tls: tls.map_or(0, |tls| tls.address),
        n_tls_file: tls.map_or(0, |tls| tls.n_bytes_template),
        n_tls_memory: tls.map_or(0, |tls| tls.n_bytes_memory),
        tls_alignment: tls.map_or(1, |tls| tls.n_bytes_alignment),
        priority: command.priority,
        n_environment: environment.len() as u64,
        ptr_environment: ptr_arguments + n_arguments,
    };
    let words = startup.to_words();
    let mut block: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    for part in [&numbers, &command.arguments, &environment] {
        block.extend_from_slice(part);
    }
    Ok(block)
}

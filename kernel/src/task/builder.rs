//! A task in the making: memory from a program, capabilities, arguments, a first thread.
//!
//! Pages are filled a batch at a time. A builder that fails leaves a task that ends, and the reaper gives back what it has.

use alloc::vec::Vec;

use omnibus_abi::layout::{PAGE_BYTES, STACK_BYTES, STACK_TOP, STARTUP_ADDRESS};
use omnibus_abi::native::Startup;
use omnibus_abi::{Errno, Structure};
use omnibus_elf_loader::{self as elf, Image};

use super::machine::Start;
use super::name::Name;
use super::priorities::Priority;
use super::task::Task;
use super::thread::Thread;
use crate::cap::Capability;
use crate::mm::address_space::Rights;
use crate::service::account::AccountObject;
use crate::shared::Ref;

/// Pages filled in one batch.
const BATCH: u32 = 24;

/// Where the builder is in the program's memory.
struct Position {
    /// Number of the segment; behind the last, the stack.
    segment: usize,
    /// Page to be mapped next; `None` at the segment's first.
    page: Option<u64>,
}

/// See the module's documentation.
pub struct Builder {
    /// The task.
    pub task: Ref<Task>,
    image: Image<'static>,
    position: Position,
}

impl Builder {
    /// A task for `image` without memory or capabilities, paid by `account`.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn new(
        image: Image<'static>,
        name: &[u8],
        priority: Priority,
        account: &Ref<AccountObject>,
    ) -> Result<Self, Errno> {
        Ok(Self {
            task: Task::new(Name::new(name), priority, account)?,
            image,
            position: Position {
                segment: 0,
                page: None,
            },
        })
    }

    /// Gives the task its capabilities and maps the startup block, with `arguments` behind it.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn equip(&self, granted: Vec<Capability>, arguments: &[u8]) -> Result<(), Errno> {
        self.task.make_room(granted.len())?;
        let n_capabilities = granted.len() as u64;
        let ptr_capabilities = STARTUP_ADDRESS + Startup::SIZE;
        let ptr_arguments = ptr_capabilities + n_capabilities * 8;
        let tls = self.image.tls();
        let startup = Startup {
            n_bytes: Startup::SIZE,
            task: self.task.number,
            n_capabilities,
            ptr_capabilities,
            n_arguments: arguments.len() as u64,
            ptr_arguments,
            ptr_tls: tls.map_or(0, |tls| tls.address),
            n_tls_file: tls.map_or(0, |tls| tls.n_bytes_template),
            n_tls_memory: tls.map_or(0, |tls| tls.n_bytes_memory),
            tls_alignment: tls.map_or(1, |tls| tls.n_bytes_alignment),
            priority: self.task.priority().level() as u64,
            n_environment: 0,
            ptr_environment: 0,
        };
        let mut block = Vec::new();
        let n_bytes = (ptr_arguments - STARTUP_ADDRESS) as usize + arguments.len();
        block
            .try_reserve_exact(n_bytes)
            .map_err(|_| Errno::ENOMEM)?;
        let words = Structure::to_words(startup);
        block.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        for capability in granted {
            let number = self.task.insert(capability)?;
            block.extend(number.0.to_le_bytes());
        }
        block.extend_from_slice(arguments);
        let mut address = STARTUP_ADDRESS;
        for part in block.chunks(PAGE_BYTES as usize) {
            self.task.space.map(address, Rights::Read, |page| {
                copy(page, 0, part);
            })?;
            address += PAGE_BYTES;
        }
        Ok(())
    }

    /// Maps a batch of the program's pages; true when all are there.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`.
    pub fn step(&mut self) -> Result<bool, Errno> {
        let mut n_left = BATCH;
        while n_left > 0 {
            let Some(segment) = self.image.segments().nth(self.position.segment) else {
                return self.map_stack(n_left);
            };
            let pages = segment.pages();
            let page = self.position.page.unwrap_or(pages.start);
            if page >= pages.end {
                self.position.segment += 1;
                self.position.page = None;
                continue;
            }
            let (start, bytes) = segment.bytes_of_page(page);
            let rights = match segment.rights {
                elf::Rights::Read => Rights::Read,
                elf::Rights::ReadWrite => Rights::ReadWrite,
                elf::Rights::ReadExecute => Rights::ReadExecute,
            };
            let space = &self.task.space;
            space.map(page, rights, |memory| copy(memory, start, bytes))?;
            self.position.page = Some(page + PAGE_BYTES);
            n_left -= 1;
        }
        Ok(false)
    }

    fn map_stack(&mut self, mut n_left: u32) -> Result<bool, Errno> {
        let mut page = self.position.page.unwrap_or(STACK_TOP - STACK_BYTES);
        while page < STACK_TOP {
            if n_left == 0 {
                self.position.page = Some(page);
                return Ok(false);
            }
            self.task.space.map(page, Rights::ReadWrite, |_| ())?;
            page += PAGE_BYTES;
            n_left -= 1;
        }
        self.position.page = Some(page);
        Ok(true)
    }

    /// Makes the first thread; it does not run yet.
    ///
    /// # Errors
    /// `EDQUOT`, `ENOMEM`, `EINVAL` if the program's entry is not in the user half.
    pub fn first_thread(&self) -> Result<Ref<Thread>, Errno> {
        let start = Start {
            entry: self.image.entry(),
            stack: STACK_TOP,
            argument: STARTUP_ADDRESS,
            tls_base: 0,
        };
        let charge = self.task.charge_thread()?;
        Thread::new(&self.task, start, charge)
    }
}

fn copy(page: &mut [u8; PAGE_BYTES as usize], start: usize, bytes: &[u8]) {
    if let Some(room) = page.get_mut(start..start + bytes.len()) {
        room.copy_from_slice(bytes);
    }
}

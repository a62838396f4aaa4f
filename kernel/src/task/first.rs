//! The first task: what it runs, what it is given, and that the system ends with it.

use alloc::vec::Vec;
use core::fmt;

use omnibus_abi::capability::memory::{EXECUTE, READ};
use omnibus_abi::layout::PAGE_BYTES;
use omnibus_abi::{Errno, words};
use omnibus_archive::Archive;
use omnibus_elf_loader::Image;
use spin::Once;

use super::backing;
use super::builder::Builder;
use super::end::End;
use super::priorities::Priority;
use super::scheduler;
use super::task::Task;
use crate::arch::report;
use crate::cap::{Capability, Object};
use crate::device::{Range, interrupts::N_LINES, ports::N_PORTS};
use crate::memory;
use crate::mm::frames;
use crate::programs::{self, NoProgram};
use crate::sabotage;
use crate::service::{Account, account::AccountObject};
use crate::trace;

/// Number of the first task.
static FIRST: Once<u64> = Once::new();

/// What runs if no word says otherwise.
const DEFAULT: &[u8] = b"tour";

/// The last stage of the boot sequence: programs from `initrd`, and the first task as the kernel words `init=` and `args=` say. Ends
/// the machine, with the cause, if that cannot be.
pub fn boot(line: &str, initrd: &'static [u8]) {
    let Err(cause) = try_boot(line, initrd) else {
        return;
    };
    report::fail(format_args!("{cause}"))
}

fn try_boot(line: &str, initrd: &'static [u8]) -> Result<(), Cause> {
    if initrd.is_empty() {
        return Err(Cause::NoInitrd);
    }
    let archive = Archive::parse(initrd).map_err(Cause::Initrd)?;
    let n_programs = archive.entries().count();
    programs::install(archive);
    let mut name = Vec::new();
    let mut arguments = Vec::new();
    for word in words::words(line.as_bytes()) {
        let word = word.map_err(|words::NotAWord(_)| Cause::NotAWord)?;
        match word.key {
            words::INIT => append(&mut name, word.value)?,
            words::ARGUMENTS => {
                for item in words::items(word.value) {
                    append(&mut arguments, item)?;
                    arguments.push(0);
                }
            }
            words::SABOTAGE => {
                let value = core::str::from_utf8(word.value).unwrap_or_default();
                if !sabotage::choose(value) {
                    return Err(Cause::CannotBreak);
                }
            }
            words::TRACE if !trace::choose(word.value) => return Err(Cause::BadTrace),
            _ => {}
        }
    }
    let overcommit = match crate::words::number(line, words::OVERCOMMIT) {
        Ok(None) => 1,
        Ok(Some(n_times)) if n_times > 0 => n_times,
        _ => return Err(Cause::BadOvercommit),
    };
    if name.is_empty() {
        name.extend_from_slice(DEFAULT);
    }
    let name = core::str::from_utf8(&name).map_err(|_| Cause::BadWord)?;
    crate::log::kernel!("{n_programs} files in the initial RAM disk, first task: {name}");
    let image = programs::find(name.as_bytes()).map_err(|reason| {
        if let NoProgram::Refused(refusal) = &reason {
            crate::log::kernel!("{name} is not a program: {refusal}");
        }
        Cause::NotStarted(reason.into())
    })?;
    start(image, name, &arguments, initrd, overcommit).map_err(Cause::NotStarted)
}

/// Appends the bytes that an item stands for. The line is short, so this cannot run out of memory that the kernel needs.
fn append(bytes: &mut Vec<u8>, item: &[u8]) -> Result<(), Cause> {
    for byte in words::decode(item) {
        bytes.push(byte.map_err(|_| Cause::BadWord)?);
    }
    Ok(())
}

/// Why there is no first task.
enum Cause {
    NoInitrd,
    Initrd(omnibus_archive::Malformed),
    NotAWord,
    BadWord,
    CannotBreak,
    BadOvercommit,
    BadTrace,
    NotStarted(Errno),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoInitrd => f.write_str("there is no initial RAM disk (QEMU option -initrd)"),
            Self::Initrd(malformed) => write!(f, "the initial RAM disk is bad: {malformed}"),
            Self::NotAWord => f.write_str("a kernel word is not of the form KEY=VALUE"),
            Self::BadWord => f.write_str("the kernel word init= or args= has a bad escape"),
            Self::CannotBreak => f.write_str(
                "the kernel word sabotage= is a letter from a to h, and only the kernel built for that test knows it",
            ),
            Self::BadOvercommit => f.write_str("the kernel word overcommit= is a number from 1"),
            Self::BadTrace => f.write_str("the kernel word trace= can only be on, and only the kernel built for it knows it"),
            Self::NotStarted(Errno::ENOENT) => {
                f.write_str("the first task's program is not in the initial RAM disk")
            }
            Self::NotStarted(errno) => write!(f, "the first task cannot be started: {errno}"),
        }
    }
}

/// The initial RAM disk as a memory object, so that programs can load programs from it.
///
/// # Errors
/// `EDQUOT`, `ENOMEM`.
fn archive(account: &Account, initrd: &[u8]) -> Result<memory::Hold, Errno> {
    let pages = initrd.chunks(PAGE_BYTES as usize);
    let hold = memory::Hold::new(account, pages.len() as u64)?;
    hold.fill(pages.len() as u64, |index, page| {
        let bytes = pages.clone().nth(index as usize).unwrap_or_default();
        page[..bytes.len()].copy_from_slice(bytes);
    })?;
    Ok(hold)
}

/// Starts the program `image`, called `name`, with `arguments` (each ending in NUL) under a root account. It is given, in this order:
/// itself, the root account, the console, the system, the initial RAM disk, to be read and executed, all ports and all interrupt lines. The root
/// account may hold `overcommit` times what memory backs ([`backing`]).
///
/// # Errors
/// `EDQUOT`, `ENOMEM`.
fn start(
    image: Image<'static>,
    name: &str,
    arguments: &[u8],
    initrd: &[u8],
    overcommit: u64,
) -> Result<(), Errno> {
    let maxima = backing::maxima(frames::counts().n_free, overcommit);
    let account = AccountObject::root(maxima)?;
    let priority = Priority::HIGHEST;
    let mut builder = Builder::new(image, name.as_bytes(), priority, &account)?;
    let mut granted = Vec::new();
    granted.try_reserve_exact(7).map_err(|_| Errno::ENOMEM)?;
    granted.push(Capability::full(Object::Task(builder.task.clone())));
    let archive = Capability::full(Object::Memory(archive(&account, initrd)?));
    granted.push(Capability::full(Object::Account(account)));
    granted.push(Capability::full(Object::Console));
    granted.push(Capability::full(Object::System));
    granted.push(archive.restrict(READ | EXECUTE)?);
    granted.push(Capability::full(Object::Ports(Range::all(N_PORTS))));
    granted.push(Capability::full(Object::Lines(Range::all(N_LINES as u32))));
    builder.equip(granted, arguments)?;
    while !builder.step()? {}
    let thread = builder.first_thread()?;
    builder.task.adopt(&thread)?;
    FIRST.call_once(|| builder.task.number);
    scheduler::start(thread);
    Ok(())
}

/// If `task` is the first: its end is the system's. A fault or a kill is a failure whose cause is named.
pub fn ended(task: &Task) {
    if FIRST.get() != Some(&task.number) {
        return;
    }
    let Some(end) = task.how_it_ended() else {
        return;
    };
    trace::print(usize::MAX);
    match end {
        End::Exited(status) => crate::arch::exit(status),
        End::Killed => report::fail(format_args!(
            "the first task ({}) was killed",
            task.name.as_str()
        )),
        End::Faulted { vector, address } => report::fail(format_args!(
            "the first task ({}) faulted: vector {vector}, address {address:#x}",
            task.name.as_str()
        )),
    }
}

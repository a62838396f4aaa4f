//! What the loader passed: `hvm_start_info`, version 1 (Xen `include/public/arch-x86/hvm/start_info.h`).
//!
//! Every address in it is checked to lie below 4 GiB, which is what the boot page tables map, before it is followed.

#![allow(
    unsafe_code,
    reason = "the loader's structures are reached by physical address"
)]

use super::kernel_space::LARGE_BYTES;
use super::memory_map::{LOW_MEMORY_END, MemoryMap, RANGES_MAX, Range, TooManyRanges};
use super::{image, physical};
use core::ffi::CStr;
use x86_64::PhysAddr;

const MAGIC: u32 = 0x336e_c578;
/// The boot page tables map the memory below this address.
const REACH: u64 = 4 << 30;
/// Longest command line; QEMU's own limit is lower.
const WORDS_BYTES_MAX: u64 = 64 << 10;
/// Entry type of usable memory (E820 type 1).
const RAM: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    n_modules: u32,
    modules: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    n_memory_map_entries: u32,
    reserved: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Module {
    address: u64,
    n_bytes: u64,
    command_line: u64,
    reserved: u64,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct MemoryMapEntry {
    address: u64,
    n_bytes: u64,
    kind: u32,
    reserved: u32,
}

/// Why the loader's information is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// The magic number is not there: the kernel was not entered by PVH.
    NotPvh(u32),
    /// Version 0 has no memory map.
    NoMemoryMap,
    /// A structure lies beyond what the boot page tables map.
    OutOfReach(&'static str, u64),
    /// The command line is not UTF-8, or has no end.
    BadCommandLine,
    /// More stretches of memory than [`RANGES_MAX`].
    TooManyRanges,
}

impl From<TooManyRanges> for Defect {
    fn from(_: TooManyRanges) -> Self {
        Self::TooManyRanges
    }
}

impl core::fmt::Display for Defect {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::NotPvh(magic) => write!(
                f,
                "the loader is not a PVH loader: magic {magic:#x} instead of {MAGIC:#x}"
            ),
            Self::NoMemoryMap => {
                write!(f, "the loader passed no memory map (start info version 0)")
            }
            Self::OutOfReach(what, address) => {
                write!(f, "the loader's {what} at {address:#x} is beyond 4 GiB")
            }
            Self::BadCommandLine => {
                write!(f, "the kernel's command line is not UTF-8 or has no end")
            }
            Self::TooManyRanges => write!(
                f,
                "the memory map has more than {RANGES_MAX} separate stretches"
            ),
        }
    }
}

/// What the kernel keeps of the loader's information.
#[derive(Debug)]
pub struct BootInformation {
    /// All RAM, for the direct map.
    pub ram: MemoryMap,
    /// RAM that is not in use.
    pub usable: MemoryMap,
    /// The kernel words.
    pub words: &'static str,
    /// The archive with the programs; empty if none was passed.
    pub initrd: &'static [u8],
    /// Physical address of the ACPI root pointer; 0 if the loader knows none.
    pub rsdp: u64,
}

impl BootInformation {
    /// `n_bytes` of physical memory from `address`, if the direct map covers them: for the firmware's tables, which nobody writes.
    pub fn physical_bytes(&self, address: u64, n_bytes: usize) -> Option<&'static [u8]> {
        let end = address.checked_add(n_bytes as u64)?;
        let widen = |at: u64, up: u64| (at + up) & !(LARGE_BYTES - 1);
        let is_mapped = |range: &Range| {
            widen(range.start, 0) <= address && end <= widen(range.end, LARGE_BYTES - 1)
        };
        if !self.ram.ranges().iter().any(is_mapped) {
            return None;
        }
        // SAFETY: the direct map covers the range, widened as `kernel_space` widens it.
        Some(unsafe {
            core::slice::from_raw_parts(physical::pointer(PhysAddr::new(address)), n_bytes)
        })
    }
}

/// Reads the start info at physical `address`.
///
/// # Errors
/// [`Defect`]
///
/// # Safety
/// The boot page tables are active, `address` is what the loader passed, and nothing has been allocated yet.
pub unsafe fn read(address: u64) -> Result<BootInformation, Defect> {
    // SAFETY: (for all of this function) addresses are checked to lie in the mapped 4 GiB, the loader's structures are plain integers, and
    // nothing is given out before the ranges they occupy are taken from the usable memory.
    let info: StartInfo = unsafe { read_one("start info", address)? };
    if info.magic != MAGIC {
        return Err(Defect::NotPvh(info.magic));
    }
    if info.version < 1 {
        return Err(Defect::NoMemoryMap);
    }
    let entry_bytes = size_of::<MemoryMapEntry>() as u64;
    let n_entries = u64::from(info.n_memory_map_entries);
    let mut ram = MemoryMap::new();
    let mut usable = MemoryMap::new();
    for is_ram_pass in [true, false] {
        for i in 0..n_entries {
            // SAFETY: as above.
            let entry: MemoryMapEntry = unsafe {
                read_one(
                    "memory map",
                    info.memory_map.saturating_add(i * entry_bytes),
                )?
            };
            let range = Range::new(entry.address, entry.n_bytes);
            match (is_ram_pass, entry.kind == RAM) {
                (true, true) => {
                    ram.add(range)?;
                    usable.add(range)?;
                }
                (false, false) => usable.remove(range)?,
                _ => {}
            }
        }
    }

    let mut initrd: &[u8] = &[];
    if info.n_modules > 0 {
        // SAFETY: as above.
        let module: Module = unsafe { read_one("module list", info.modules)? };
        let range = Range::new(module.address, module.n_bytes);
        // SAFETY: as above; the memory is taken from the usable memory below and never written.
        initrd = unsafe { bytes("initrd", range)? };
        usable.remove(range)?;
    }
    // SAFETY: as above.
    let words = unsafe { command_line(info.command_line)? };

    for (start, n_bytes) in [
        (0, LOW_MEMORY_END),
        (address, size_of::<StartInfo>() as u64),
        (
            info.modules,
            u64::from(info.n_modules) * size_of::<Module>() as u64,
        ),
        (info.memory_map, n_entries * entry_bytes),
        (info.command_line, words.len() as u64 + 1),
    ] {
        usable.remove(Range::new(start, n_bytes))?;
    }
    usable.remove(image::physical_range())?;
    Ok(BootInformation {
        ram,
        usable,
        words,
        initrd,
        rsdp: info.rsdp,
    })
}

unsafe fn read_one<T: Copy>(what: &'static str, address: u64) -> Result<T, Defect> {
    // SAFETY: as the caller promises; the loader aligns its structures as it likes.
    Ok(unsafe {
        bytes(what, Range::new(address, size_of::<T>() as u64))?
            .as_ptr()
            .cast::<T>()
            .read_unaligned()
    })
}

unsafe fn bytes(what: &'static str, range: Range) -> Result<&'static [u8], Defect> {
    if range.end > REACH {
        return Err(Defect::OutOfReach(what, range.start));
    }
    // SAFETY: the range is mapped; the caller keeps it from being given out.
    Ok(unsafe {
        core::slice::from_raw_parts(
            physical::pointer(PhysAddr::new(range.start)),
            range.n_bytes() as usize,
        )
    })
}

unsafe fn command_line(address: u64) -> Result<&'static str, Defect> {
    if address == 0 {
        return Ok("");
    }
    // SAFETY: as the caller promises.
    let text = unsafe {
        bytes(
            "command line",
            Range {
                start: address,
                end: (address + WORDS_BYTES_MAX).min(REACH),
            },
        )?
    };
    let text = CStr::from_bytes_until_nul(text).map_err(|_| Defect::BadCommandLine)?;
    text.to_str().map_err(|_| Defect::BadCommandLine)
}

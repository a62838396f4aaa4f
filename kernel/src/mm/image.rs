//! The kernel image in memory: which part of it may be what. The bounds come from the linker script.

#![allow(unsafe_code, reason = "the bounds are symbols of the linker script")]

use super::memory_map::Range;
use x86_64::structures::paging::PageTableFlags;

/// Virtual address of physical address 0 in the image's mapping (linker script: `KERNEL_BASE`).
pub const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;

/// Physical address of the image's first byte (linker script: `IMAGE_PHYSICAL`): the 32-bit boot code.
const IMAGE_PHYSICAL: u64 = 0x20_0000;

unsafe extern "C" {
    static text_start: u8;
    static text_end: u8;
    static rodata_start: u8;
    static rodata_end: u8;
    static data_start: u8;
    static data_end: u8;
}

/// A part of the image, page-aligned, with the flags of its pages.
#[derive(Clone, Copy)]
pub struct Section {
    /// For the log.
    pub name: &'static str,
    /// First virtual address.
    pub start: u64,
    /// First virtual address behind it.
    pub end: u64,
    /// How it is mapped.
    pub flags: PageTableFlags,
}

impl Section {
    /// True if `at` lies in this part.
    pub fn contains(&self, at: u64) -> bool {
        (self.start..self.end).contains(&at)
    }
}

/// The parts of the image: text is executable, nothing else is; data is writable, nothing else is.
pub fn sections() -> [Section; 3] {
    let present = PageTableFlags::PRESENT.union(PageTableFlags::GLOBAL);
    let no_execute = PageTableFlags::NO_EXECUTE;
    [
        Section {
            name: "text",
            start: address(&raw const text_start),
            end: address(&raw const text_end),
            flags: present,
        },
        Section {
            name: "rodata",
            start: address(&raw const rodata_start),
            end: address(&raw const rodata_end),
            flags: present | no_execute,
        },
        Section {
            name: "data",
            start: address(&raw const data_start),
            end: address(&raw const data_end),
            flags: present | no_execute | PageTableFlags::WRITABLE,
        },
    ]
}

fn address(symbol: *const u8) -> u64 {
    symbol as u64
}

/// The physical memory of the whole image, boot code included.
pub fn physical_range() -> Range {
    Range {
        start: IMAGE_PHYSICAL,
        end: address(&raw const data_end) - KERNEL_BASE,
    }
}

/// Physical memory that must not be written through the direct map either: text and read-only data.
pub fn read_only_range() -> Range {
    Range {
        start: address(&raw const text_start) - KERNEL_BASE,
        end: address(&raw const rodata_end) - KERNEL_BASE,
    }
}

/// True if `address` lies in the kernel's text.
pub fn is_text(code: u64) -> bool {
    (address(&raw const text_start)..address(&raw const text_end)).contains(&code)
}

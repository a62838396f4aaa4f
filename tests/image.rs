//! The image that the build made: what the guest will read, read here first.

use std::fs;
use std::path::PathBuf;

use object::elf::{FileHeader64, PF_W, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, elf};
use omnibus_abi::layout::{USER_END, USER_START};
use omnibus_archive::{Archive, Entry};
use omnibus_elf_loader::{Image, Limits};

/// Where the kernel is linked: the top 2 GiB, as `code-model=kernel` wants it.
const KERNEL_HALF: u64 = 0xffff_ffff_8000_0000;

fn file(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("OUT_DIR")).join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn limits() -> Limits {
    Limits {
        addresses: USER_START..USER_END,
        n_program_headers: 16,
        n_bytes_memory: 16 << 20,
    }
}

/// The program headers of the kernel.
fn kernel_segments(kernel: &[u8]) -> &[elf::ProgramHeader64<Endianness>] {
    let header = FileHeader64::<Endianness>::parse(kernel).expect("the kernel is an ELF64 file");
    header
        .program_headers(Endianness::Little, kernel)
        .expect("it has program headers")
}

/// Every program in the archive is accepted by the loader, and loads exactly as the file with the symbols would.
#[test]
fn every_program_loads_as_it_was_linked() {
    let archive = file("initrd.cpio");
    let archive = Archive::parse(&archive).expect("the archive is sound");
    let mut n_programs = 0;
    let is_program = |entry: &Entry<'_>| entry.mode & 0o111 != 0;
    for entry in archive.entries().filter(is_program) {
        let with_symbols = file(&format!("programs/{}", entry.name));
        let packed = Image::parse(entry.bytes, &limits())
            .unwrap_or_else(|refusal| panic!("{}: {refusal}", entry.name));
        let linked = Image::parse(&with_symbols, &limits()).expect("the linker made it");
        assert!(entry.bytes.len() <= with_symbols.len());
        assert_eq!(
            format!("{:?}", packed.segments().collect::<Vec<_>>()),
            format!("{:?}", linked.segments().collect::<Vec<_>>())
        );
        assert_eq!(packed.entry(), linked.entry());
        n_programs += 1;
    }
    assert!(n_programs > 0, "the archive has no programs");
}

/// The kernel's symbols are lines of address and name, sorted, each address once.
#[test]
fn symbols_are_sorted() {
    let archive = file("initrd.cpio");
    let archive = Archive::parse(&archive).expect("the archive is sound");
    let text = archive
        .find("kernel.sym")
        .expect("the archive has the kernel's symbols")
        .bytes;
    let text = std::str::from_utf8(text).expect("names are UTF-8");
    let symbols = text
        .lines()
        .map(|line| {
            let (address, name) = line.split_at_checked(16).expect("sixteen digits");
            let name = name.strip_prefix(' ').expect("a blank");
            (
                u64::from_str_radix(address, 16).expect("hexadecimal digits"),
                name,
            )
        })
        .collect::<Vec<_>>();
    assert!(symbols.is_sorted_by(|a, b| a.0 < b.0));
    assert!(symbols.iter().all(|(_, name)| !name.is_empty()));
    assert!(symbols.iter().any(|(_, name)| *name == "kernel_main"));
    let is_in_kernel_half = |symbol: &&(u64, &str)| symbol.0 >= KERNEL_HALF;
    assert!(symbols.iter().filter(is_in_kernel_half).count() > 100);
}

/// No segment of any kernel in its own half is both writable and executable. (The code of the first moments, at its
/// physical address, is not mapped once the kernel runs.)
#[test]
fn kernel_segments_are_not_writable_and_executable() {
    for name in ["kernel.elf", "kernel-sabotage.elf", "kernel-trace.elf"] {
        let kernel = file(name);
        for segment in kernel_segments(&kernel)
            .iter()
            .filter(|segment| segment.p_type(Endianness::Little) == PT_LOAD)
        {
            let flags = segment.p_flags(Endianness::Little);
            let is_boot_code = segment.p_vaddr(Endianness::Little) < KERNEL_HALF;
            assert!(
                is_boot_code || flags & (PF_W | PF_X) != PF_W | PF_X,
                "{name}"
            );
        }
    }
}

/// The kernel's image takes less than 1 MiB of memory.
#[test]
fn kernel_is_small() {
    let kernel = file("kernel.elf");
    let n_bytes: u64 = kernel_segments(&kernel)
        .iter()
        .filter(|segment| segment.p_type(Endianness::Little) == PT_LOAD)
        .map(|segment| segment.p_memsz(Endianness::Little))
        .sum();
    assert!(
        n_bytes < 1 << 20,
        "the kernel's image takes {n_bytes} bytes"
    );
}

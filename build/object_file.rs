//! What is taken from, and out of, a linked ELF file.

use std::fmt::Write;

use anyhow::{Context, Result, bail, ensure};
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionKind};

/// Offset and size of `e_shoff`, and of `e_shentsize` to `e_shstrndx`, in an ELF64 header (gABI, "ELF Header").
const SECTION_TABLE_OFFSET: std::ops::Range<usize> = 0x28..0x30;
const SECTION_TABLE_SHAPE: std::ops::Range<usize> = 0x3a..0x40;

/// The functions and labels of an image's code as text, one per line, `ADDRESS NAME\n`: sixteen hexadecimal digits, a blank, the name as it
/// is written in Rust. Sorted by address; of several names of one address the first in the alphabet.
///
/// # Errors
/// If the image is not an object file, or has no function symbols.
pub(crate) fn symbols(image: &[u8]) -> Result<String> {
    let file = object::File::parse(image)?;
    // Assembly labels have no type; what tells code is the section they are in.
    let is_code = |symbol: &object::Symbol<'_, '_>| {
        let section = symbol
            .section_index()
            .and_then(|index| file.section_by_index(index).ok());
        section.is_some_and(|section| section.kind() == SectionKind::Text)
    };
    let mut functions = file
        .symbols()
        .filter(|symbol| is_code(symbol) && !symbol.name().unwrap_or_default().is_empty())
        .map(|symbol| {
            Ok((
                symbol.address(),
                format!("{:#}", rustc_demangle::demangle(symbol.name()?)),
            ))
        })
        .collect::<object::Result<Vec<_>>>()?;
    ensure!(!functions.is_empty(), "the image has no function symbols");
    functions.sort();
    functions.dedup_by_key(|(address, _)| *address);
    let mut text = String::new();
    for (address, name) in functions {
        writeln!(text, "{address:016x} {name}")?;
    }
    Ok(text)
}

/// An executable without what only a linker or a debugger reads: cut behind its last loaded byte, and the section table,
/// which stood there, struck from the header.
///
/// # Errors
/// If the image is not an ELF64 file or a loaded segment reaches beyond its end.
pub(crate) fn without_sections(image: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<Endianness>::parse(image)?;
    let endian = header.endian()?;
    let headers = header.program_headers(endian, image)?;
    let table_end = header.e_phoff(endian) + u64::try_from(std::mem::size_of_val(headers))?;
    let mut end = table_end;
    for segment in headers
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
    {
        let segment_end = segment
            .p_offset(endian)
            .checked_add(segment.p_filesz(endian));
        end = end.max(segment_end.context("a segment wraps")?);
    }
    let Some(kept) = image.get(..usize::try_from(end)?) else {
        bail!("a segment ends at {end}, the file at {}", image.len());
    };
    let mut kept = kept.to_vec();
    kept[SECTION_TABLE_OFFSET].fill(0);
    kept[SECTION_TABLE_SHAPE].fill(0);
    Ok(kept)
}

//! How many CPUs there are, and how interrupt lines are wired: the multiple APIC description table of the firmware (ACPI 6.5, 5.2.5 to 5.2.12).
//!
//! Root pointer ─> root table (32- or 64-bit addresses) ─> table `APIC` ─> one entry per CPU. Each table's length and checksum are checked
//! before it is believed; tables are reached through the caller's `read`, which knows what memory there is.

mod wiring;

pub use wiring::{Wire, Wiring, wiring};

/// Reads so many bytes of physical memory, or nothing where there is none.
pub type Read<'r, 'a> = &'r dyn Fn(u64, usize) -> Option<&'a [u8]>;

/// Why the firmware's tables say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTable {
    /// The table with this signature is not there.
    Absent(&'static str),
    /// The table with this signature is not where memory is, too short, or its checksum is wrong.
    Damaged(&'static str),
}

impl core::fmt::Display for NoTable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Absent(name) => write!(f, "the firmware has no table {name}"),
            Self::Damaged(name) => write!(f, "the firmware's table {name} is damaged"),
        }
    }
}

/// Bytes of a table's header.
const HEADER_BYTES: usize = 36;
/// No table is longer; a larger length is damage.
const TABLE_BYTES_MAX: usize = 1 << 20;
/// Where the entries of the table `APIC` begin.
const ENTRIES: usize = 44;
/// Entry types: a CPU's local APIC, the same with 32-bit numbers.
const LOCAL_APIC: u8 = 0;
const LOCAL_X2APIC: u8 = 9;
/// Flag of either: the CPU can be used.
const IS_ENABLED: u32 = 1;

/// Number of usable CPUs. `read(address, n)` gives n bytes of physical memory, or nothing where there is none; `root_pointer` is the
/// physical address of the root pointer.
///
/// # Errors
/// [`NoTable`]
pub fn n_cpus(root_pointer: u64, read: Read<'_, '_>) -> Result<u64, NoTable> {
    let mut n_cpus = 0;
    each_entry(find(root_pointer, read)?, |kind, entry| {
        let flags = match kind {
            LOCAL_APIC => number::<4>(entry, 4),
            LOCAL_X2APIC => number::<4>(entry, 8),
            _ => Some(0),
        };
        let flags = flags.ok_or(NoTable::Damaged("APIC"))?;
        n_cpus += u64::from(flags as u32 & IS_ENABLED);
        Ok(())
    })?;
    Ok(n_cpus)
}

/// Shows each entry of the table `APIC`, with its type, to `visit`.
fn each_entry(
    table: &[u8],
    mut visit: impl FnMut(u8, &[u8]) -> Result<(), NoTable>,
) -> Result<(), NoTable> {
    let mut entries = &table[ENTRIES.min(table.len())..];
    // An entry begins with its type and its length.
    while let [kind, length, ..] = *entries {
        let length = usize::from(length);
        if length < 2 || length > entries.len() {
            return Err(NoTable::Damaged("APIC"));
        }
        let (entry, rest) = entries.split_at(length);
        visit(kind, entry)?;
        entries = rest;
    }
    Ok(())
}

fn find<'a>(root_pointer: u64, read: Read<'_, 'a>) -> Result<&'a [u8], NoTable> {
    const DAMAGED: NoTable = NoTable::Damaged("RSD PTR");
    if root_pointer == 0 {
        return Err(NoTable::Absent("RSD PTR"));
    }
    let pointer = read(root_pointer, 20).ok_or(DAMAGED)?;
    if !pointer.starts_with(b"RSD PTR ") || !is_sum_zero(pointer) {
        return Err(DAMAGED);
    }
    let has_wide_addresses = pointer[15] >= 2;
    let (root, name, width) = if has_wide_addresses {
        let pointer = read(root_pointer, 36).ok_or(DAMAGED)?;
        (number::<8>(pointer, 24).ok_or(DAMAGED)?, "XSDT", 8)
    } else {
        (number::<4>(pointer, 16).ok_or(DAMAGED)?, "RSDT", 4)
    };
    let root = table(root, name, read)?;
    for entry in root[HEADER_BYTES..].chunks_exact(width) {
        let address = if width == 8 {
            number::<8>(entry, 0)
        } else {
            number::<4>(entry, 0)
        };
        let address = address.ok_or(NoTable::Damaged(name))?;
        if read(address, 4) == Some(b"APIC") {
            return table(address, "APIC", read);
        }
    }
    Err(NoTable::Absent("APIC"))
}

/// The whole table at `address`, if it is a sound one of this signature.
fn table<'a>(
    address: u64,
    name: &'static str,
    read: &dyn Fn(u64, usize) -> Option<&'a [u8]>,
) -> Result<&'a [u8], NoTable> {
    let damaged = NoTable::Damaged(name);
    let header = read(address, HEADER_BYTES).ok_or(damaged)?;
    let length = number::<4>(header, 4).ok_or(damaged)? as usize;
    if !header.starts_with(name.as_bytes()) || !(HEADER_BYTES..=TABLE_BYTES_MAX).contains(&length) {
        return Err(damaged);
    }
    let bytes = read(address, length).ok_or(damaged)?;
    if is_sum_zero(bytes) {
        Ok(bytes)
    } else {
        Err(damaged)
    }
}

fn is_sum_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte)) == 0
}

/// The little-endian number of N bytes at `offset`.
fn number<const N: usize>(bytes: &[u8], offset: usize) -> Option<u64> {
    let field: &[u8; N] = bytes.get(offset..offset + N)?.try_into().ok()?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |value, &byte| value << 8 | u64::from(byte)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(mut table: Vec<u8>, sum_at: usize) -> Vec<u8> {
        let sum = table.iter().fold(0_u8, |sum, &byte| sum.wrapping_add(byte));
        table[sum_at] = table[sum_at].wrapping_sub(sum);
        table
    }

    fn with_header(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut table = name.to_vec();
        table.extend(((HEADER_BYTES + body.len()) as u32).to_le_bytes());
        table.resize(HEADER_BYTES, 0);
        table.extend(body);
        sealed(table, 9)
    }

    /// Memory with a root pointer at 0x100, a root table at 0x200 and a table `APIC` with these entries at 0x300.
    pub(super) fn memory(entries: &[u8], is_wide: bool) -> Vec<u8> {
        let mut pointer = b"RSD PTR ".to_vec();
        pointer.resize(36, 0);
        pointer[15] = if is_wide { 2 } else { 0 };
        pointer[16..20].copy_from_slice(&0x200_u32.to_le_bytes());
        pointer[24..32].copy_from_slice(&0x200_u64.to_le_bytes());
        let head = sealed(pointer[..20].to_vec(), 8);
        pointer[..20].copy_from_slice(&head);
        let root = if is_wide {
            with_header(
                b"XSDT",
                &[0x20_u64.to_le_bytes(), 0x300_u64.to_le_bytes()].concat(),
            )
        } else {
            with_header(
                b"RSDT",
                &[0x20_u32.to_le_bytes(), 0x300_u32.to_le_bytes()].concat(),
            )
        };
        let apic = with_header(b"APIC", &[&[0; 8], entries].concat());
        let mut memory = vec![0; 0x400];
        memory[0x100..0x124].copy_from_slice(&pointer);
        memory[0x200..0x200 + root.len()].copy_from_slice(&root);
        memory[0x300..0x300 + apic.len()].copy_from_slice(&apic);
        memory
    }

    fn count(memory: &[u8]) -> Result<u64, NoTable> {
        n_cpus(0x100, &|address, n| {
            memory.get(address as usize..address as usize + n)
        })
    }

    const TWO_OF_THREE: [u8; 36] = [
        0, 8, 0, 0, 1, 0, 0, 0, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 1, 0, 0, 0, 0, 0, 8,
        2, 2, 1, 0, 0, 0,
    ];

    /// Enabled CPUs are counted, disabled ones and other entries are not, with both kinds of root table.
    #[test]
    fn enabled_cpus_are_counted() {
        for is_wide in [false, true] {
            assert_eq!(count(&memory(&TWO_OF_THREE, is_wide)), Ok(2));
            assert_eq!(
                count(&memory(
                    &[9, 16, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
                    is_wide
                )),
                Ok(1)
            );
        }
    }

    /// Whatever single byte is damaged, the tables are refused or say something else: never a panic, never an endless loop.
    #[test]
    fn damage_is_survived() {
        let sound = memory(&TWO_OF_THREE, true);
        for at in 0x100..0x360 {
            for bit in 0..8 {
                let mut damaged = sound.clone();
                damaged[at] ^= 1 << bit;
                let in_table = (0x300..0x300 + 44 + 36).contains(&at);
                assert!(
                    !in_table || count(&damaged).is_err(),
                    "bit {bit} of byte {at:#x}"
                );
            }
        }
    }

    /// An entry without a length would never end.
    #[test]
    fn an_entry_of_no_length_is_damage() {
        assert_eq!(
            count(&memory(&[0, 0, 0, 0], false)),
            Err(NoTable::Damaged("APIC"))
        );
        assert_eq!(
            count(&memory(&[0, 9, 0, 0], false)),
            Err(NoTable::Damaged("APIC"))
        );
    }

    /// Without a root pointer there is nothing.
    #[test]
    fn no_root_pointer_is_absent() {
        assert_eq!(n_cpus(0, &|_, _| None), Err(NoTable::Absent("RSD PTR")));
        assert_eq!(n_cpus(1, &|_, _| None), Err(NoTable::Damaged("RSD PTR")));
    }
}

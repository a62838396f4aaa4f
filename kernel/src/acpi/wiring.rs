//! Where interrupt lines come in at the first I/O APIC (ACPI 6.5, 5.2.12.3 and 5.2.12.5).

use super::{NoTable, Read, each_entry, find, number};

/// Lines of the ISA bus.
const N_ISA: usize = 16;
/// Entry types: an I/O APIC, an ISA line that is not wired to the input of its number.
const IO_APIC: u8 = 1;
const OVERRIDE: u8 = 2;
/// Flags of an override (table 5.26): polarity and trigger mode, 0 for what the bus has.
const POLARITY: u64 = 0b11;
const POLARITY_LOW: u64 = 0b11;
const TRIGGER: u64 = 0b1100;
const TRIGGER_LEVEL: u64 = 0b1100;

/// How a line comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wire {
    /// Input of the I/O APIC.
    pub input: u32,
    /// Level-triggered, else by edges.
    pub is_level: bool,
    /// Active low, else high.
    pub is_low: bool,
}

/// The I/O APIC, and how the ISA lines come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wiring {
    /// Physical address of the I/O APIC's registers.
    pub address: u64,
    isa: [Wire; N_ISA],
    /// The line's wire is an override's.
    is_overridden: [bool; N_ISA],
}

impl Wiring {
    /// How line `number` comes in; `None` if an override leads another line to its input.
    #[must_use]
    pub fn wire(&self, number: usize) -> Option<Wire> {
        let Some(&wire) = self.isa.get(number) else {
            return Some(Wire {
                input: number as u32,
                is_level: true,
                is_low: true,
            });
        };
        let is_taken = |other: usize| {
            self.is_overridden[other] && other != number && self.isa[other].input == wire.input
        };
        let is_own = self.is_overridden[number] || !(0..N_ISA).any(is_taken);
        is_own.then_some(wire)
    }
}

/// The wiring that the firmware's table `APIC` tells; arguments as for [`super::n_cpus`].
///
/// # Errors
/// [`NoTable`]; `Absent` also if the table names no I/O APIC whose inputs begin at 0.
pub fn wiring<'a>(root_pointer: u64, read: Read<'_, 'a>) -> Result<Wiring, NoTable> {
    const DAMAGED: NoTable = NoTable::Damaged("APIC");
    let mut wiring = Wiring {
        address: 0,
        isa: core::array::from_fn(|number| Wire {
            input: number as u32,
            is_level: false,
            is_low: false,
        }),
        is_overridden: [false; N_ISA],
    };
    each_entry(find(root_pointer, read)?, |kind, entry| {
        match kind {
            IO_APIC => {
                let address = number::<4>(entry, 4).ok_or(DAMAGED)?;
                let first = number::<4>(entry, 8).ok_or(DAMAGED)?;
                if first == 0 {
                    wiring.address = address;
                }
            }
            OVERRIDE => {
                let source = number::<1>(entry, 3).ok_or(DAMAGED)? as usize;
                let input = number::<4>(entry, 4).ok_or(DAMAGED)?;
                let flags = number::<2>(entry, 8).ok_or(DAMAGED)?;
                if let Some(wire) = wiring.isa.get_mut(source) {
                    *wire = Wire {
                        input: input as u32,
                        is_level: flags & TRIGGER == TRIGGER_LEVEL,
                        is_low: flags & POLARITY == POLARITY_LOW,
                    };
                    wiring.is_overridden[source] = true;
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    if wiring.address == 0 {
        return Err(NoTable::Absent("entry of an I/O APIC"));
    }
    Ok(wiring)
}

#[cfg(test)]
mod tests {
    use super::super::tests::memory;
    use super::*;

    fn wiring_of(entries: &[u8]) -> Result<Wiring, NoTable> {
        let memory = memory(entries, true);
        wiring(0x100, &|address, n| {
            memory.get(address as usize..address as usize + n)
        })
    }

    const IO_APIC_ENTRY: [u8; 12] = [1, 12, 0, 0, 0, 0, 0xc0, 0xfe, 0, 0, 0, 0];

    /// ISA lines come in at their number by edges unless an override says otherwise; the line whose place is taken so does not exist.
    #[test]
    fn dev_overrides_are_followed() {
        let timer = [2, 10, 0, 0, 2, 0, 0, 0, 0, 0];
        let level = [2, 10, 0, 9, 9, 0, 0, 0, 0b1111, 0];
        let entries = [&IO_APIC_ENTRY[..], &timer, &level].concat();
        let wiring = wiring_of(&entries).unwrap();
        assert_eq!(wiring.address, 0xfec0_0000);
        let wire = |input, is_level, is_low| Wire {
            input,
            is_level,
            is_low,
        };
        assert_eq!(wiring.wire(0), Some(wire(2, false, false)));
        assert_eq!(wiring.wire(2), None);
        assert_eq!(wiring.wire(4), Some(wire(4, false, false)));
        assert_eq!(wiring.wire(9), Some(wire(9, true, true)));
        assert_eq!(wiring.wire(19), Some(wire(19, true, true)));
    }

    /// A table without an I/O APIC, or with entries cut short, is told apart from a sound one.
    #[test]
    fn dev_bad_wiring_is_refused() {
        assert!(matches!(wiring_of(&[]), Err(NoTable::Absent(_))));
        assert_eq!(wiring_of(&[1, 4, 0, 0]), Err(NoTable::Damaged("APIC")));
        assert_eq!(wiring_of(&[2, 3, 0]), Err(NoTable::Damaged("APIC")));
        let far = [2, 10, 0, 77, 2, 0, 0, 0, 0, 0];
        let wiring = wiring_of(&[&IO_APIC_ENTRY[..], &far].concat()).unwrap();
        assert!((0..16).all(|line| {
            wiring
                .wire(line)
                .is_some_and(|wire| wire.input == line as u32)
        }));
    }
}

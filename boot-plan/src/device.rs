//! Ranges of I/O ports and interrupt lines, of which no two programs have the same.

use alloc::format;
use alloc::vec::Vec;

use crate::fault::line_of;
use crate::read::{check_name, rights};
use crate::table::Table;
use crate::{DEVICES, Device, Fault};

/// The last number that a port can have, and more than a line has. (How many lines there are, the machine says when it runs.)
const LAST: u64 = 0xffff;

/// The devices of a program, under names that are none of its capabilities'.
pub(crate) fn devices(table: &Table<'_>, taken: &[&str]) -> Result<Vec<Device>, Fault> {
    let mut devices: Vec<Device> = Vec::new();
    for (key, kind) in DEVICES {
        let Some(wanted) = table.table(key, "a program's list of devices")? else {
            continue;
        };
        for name in wanted.keys() {
            check_name(table, &name, "a device's name")?;
            let mut known = devices.iter().map(|device| &*device.name);
            if taken.contains(&name.value) || known.any(|known| known == name.value) {
                let what = format!("a second capability \"{}\"", name.value);
                return Err(table.fault(&name, what));
            }
            let range = wanted.needed(name.value, wanted.table(name.value, "a range")?)?;
            range.only(&["first", "last", "rights"])?;
            let first = range.needed("first", range.number("first")?)?;
            let last = range.number("last")?.unwrap_or(first);
            if last.value < first.value || last.value > LAST {
                let what = format!(
                    "a range of {key} ends at its first one or behind it, and at {LAST:#x} or before"
                );
                return Err(range.fault(&last, what));
            }
            let names = range.strings("rights")?;
            devices.push(Device {
                line: line_of(table.text(), range.offset),
                name: name.value.into(),
                kind,
                first: first.value,
                last: last.value,
                rights: match names.as_slice() {
                    [] => kind.all_rights(),
                    names => rights(&range, kind, names)?,
                },
            });
        }
    }
    Ok(devices)
}

/// Refuses a range that has something of another one.
pub(crate) fn check_apart<'p>(
    programs: impl Iterator<Item = (&'p str, &'p [Device])>,
) -> Result<(), Fault> {
    let mut all: Vec<(&str, &Device)> = Vec::new();
    for (program, devices) in programs {
        for device in devices {
            let is_shared = |(_, other): &&(&str, &Device)| {
                other.kind == device.kind
                    && other.first <= device.last
                    && device.first <= other.last
            };
            if let Some((owner, other)) = all.iter().find(is_shared) {
                let Device { name, line, .. } = other;
                let at = device.first.max(other.first);
                let kind = device.kind.name();
                let what = format!(
                    "of the {kind}, {at:#x} is {owner}'s already, as {name} on line {line}"
                );
                return Err(Fault {
                    line: device.line,
                    what,
                });
            }
            all.push((program, device));
        }
    }
    Ok(())
}

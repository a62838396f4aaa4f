//! I/O ports: the kernel reads and writes them for whoever holds a capability to them (decision 0029).
//!
//! Some ports are never given out, whatever a capability says: those of the chips that the kernel itself relies on.

use omnibus_abi::Errno;

use super::Range;

/// Ports of a machine.
pub const N_PORTS: u32 = 1 << 16;

/// The kernel's own: first and last port.
///
/// * The interrupt controllers and their edge/level registers (Intel 8259A; 82371AB, 4.1.9): whoever unmasks a line there could interrupt
///   the kernel where nobody looks.
/// * The interval timer and the gate of its channel 2 (Intel 8254; 82371AB, 4.2.7).
/// * QEMU's debug console and exit port, by which the kernel reports.
const OWN: [(u16, u16); 7] = [
    (0x20, 0x21),
    (0xa0, 0xa1),
    (0x4d0, 0x4d1),
    (0x40, 0x43),
    (0x61, 0x61),
    (0xe9, 0xe9),
    (0xf4, 0xf7),
];

/// The place of an access: `n_bytes` bytes from `port` on, all of them in `range` and none the kernel's own.
///
/// # Errors
/// `EINVAL` if `n_bytes` is not 1, 2 or 4, or it is not all in the range; `EPERM` if a port is the kernel's own.
pub fn check(range: Range, port: u64, n_bytes: u64) -> Result<u16, Errno> {
    if !matches!(n_bytes, 1 | 2 | 4) || !range.has(port, n_bytes) {
        return Err(Errno::EINVAL);
    }
    let first = u16::try_from(port).map_err(|_| Errno::EINVAL)?;
    let last = first + (n_bytes as u16 - 1);
    if OWN.iter().any(|&own| first <= own.1 && last >= own.0) {
        return Err(Errno::EPERM);
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No access touches a port of the kernel's own, from whichever side; its neighbours are given out.
    #[test]
    fn dev_own_ports_are_kept() {
        let all = Range::all(N_PORTS);
        for (first, last) in OWN {
            for port in first.saturating_sub(4)..=last + 4 {
                for n_bytes in [1, 2, 4] {
                    let touched = port..port + n_bytes;
                    let is_own = touched
                        .clone()
                        .any(|port| OWN.iter().any(|own| (own.0..=own.1).contains(&port)));
                    let expected = if is_own { Err(Errno::EPERM) } else { Ok(port) };
                    let checked = check(all, u64::from(port), u64::from(n_bytes));
                    assert_eq!(checked, expected, "{touched:x?}");
                }
            }
        }
    }

    /// An access is of 1, 2 or 4 bytes and within the range.
    #[test]
    fn dev_accesses_are_whole_and_inside() {
        let com1 = Range::all(N_PORTS).part(0x3f8, 8).unwrap();
        assert_eq!(check(com1, 0x3fc, 4), Ok(0x3fc));
        for (port, n_bytes) in [(0x3fd, 4), (0x3f7, 1), (0x3f8, 3), (0x3f8, 0), (0x3f8, 8)] {
            assert_eq!(check(com1, port, n_bytes), Err(Errno::EINVAL));
        }
        let all = Range::all(N_PORTS);
        assert_eq!(check(all, 0xffff, 1), Ok(0xffff));
        assert_eq!(check(all, 0xffff, 2), Err(Errno::EINVAL));
        assert_eq!(check(all, u64::MAX, 1), Err(Errno::EINVAL));
        assert_eq!(check(all, 0x1_03f8, 1), Err(Errno::EINVAL));
    }
}

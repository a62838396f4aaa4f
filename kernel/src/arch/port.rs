//! I/O ports of devices that are not the kernel's own, for whoever holds a capability to them ([`crate::device::ports`]).

use x86_64::instructions::port::Port;

/// Reads `n_bytes` bytes, 1, 2 or 4, from `port` on.
#[must_use]
pub fn read(port: u16, n_bytes: u64) -> u32 {
    // SAFETY: the port is none of the kernel's own (`crate::device::ports::check`), so no chip that it relies on is touched. What a device
    // does is in the hands of whoever was given its ports; one that writes memory can write any, which `CAVEATS.md` says.
    unsafe {
        match n_bytes {
            1 => u32::from(Port::<u8>::new(port).read()),
            2 => u32::from(Port::<u16>::new(port).read()),
            _ => Port::<u32>::new(port).read(),
        }
    }
}

/// Writes the low `n_bytes` bytes, 1, 2 or 4, of `value` to `port`.
pub fn write(port: u16, n_bytes: u64, value: u32) {
    // SAFETY: as in `read`.
    unsafe {
        match n_bytes {
            1 => Port::<u8>::new(port).write(value as u8),
            2 => Port::<u16>::new(port).write(value as u16),
            _ => Port::<u32>::new(port).write(value),
        }
    }
}

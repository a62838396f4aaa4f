//! The user half of an address space.

/// Bytes of a page.
pub const PAGE_BYTES: u64 = 4096;

/// Lowest user address: the first page is never mapped, so that null faults.
pub const USER_START: u64 = 0x1000;

/// First address past the user half; the last page below the canonical hole is never mapped, so
/// that no return address can become non-canonical (Intel SDM Vol. 2B, SYSRET).
pub const USER_END: u64 = 0x0000_7fff_ffff_f000;

/// Top of the first thread's stack (exclusive); the page below the stack is never mapped.
pub const STACK_TOP: u64 = 0x0000_7fff_fff0_0000;

/// Bytes of the first thread's stack.
pub const STACK_BYTES: u64 = 64 << 10;

/// Where `vm_map` begins to look for room when it may choose.
pub const MAP_START: u64 = 0x0000_1000_0000_0000;

/// Where the kernel puts the [`crate::native::Startup`] block: read-only, followed by what it points at.
pub const STARTUP_ADDRESS: u64 = 0x0000_7fff_fff8_0000;

/// True if `n_bytes` from `address` lie in the user half. An empty range is in it anywhere.
#[must_use]
pub const fn is_user_range(address: u64, n_bytes: u64) -> bool {
    n_bytes == 0 || (address >= USER_START && address < USER_END && n_bytes <= USER_END - address)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A range is in the user half only if every byte of it is, also when its end would wrap.
    #[test]
    fn abi_user_range_is_exact() {
        assert!(is_user_range(USER_START, USER_END - USER_START));
        assert!(!is_user_range(USER_START, USER_END - USER_START + 1));
        assert!(!is_user_range(USER_START - 1, 2));
        assert!(!is_user_range(u64::MAX, 2));
        assert!(!is_user_range(USER_END, 1));
        assert!(is_user_range(0, 0));
    }
}

//! The one place where the typed calls meet the raw one.

use crate::raw;
use omnibus_abi::long::Memory;
use omnibus_abi::{Call, Errno};

/// One argument register: a number, or the address of something borrowed.
#[derive(Clone, Copy)]
pub(super) struct Register(u64);

impl Register {
    /// A number that the kernel does not take for an address.
    pub(super) const fn number(value: u64) -> Self {
        Self(value)
    }

    /// The address of something the kernel only reads; what it points at may hold further addresses.
    pub(super) fn input<T: ?Sized>(value: &T) -> Self {
        Self(core::ptr::from_ref(value).cast::<()>() as u64)
    }

    /// The address of something the kernel writes.
    pub(super) fn output<T: ?Sized>(value: &mut T) -> Self {
        Self(core::ptr::from_mut(value).cast::<()>() as u64)
    }
}

/// Calls the kernel.
///
/// The modules beside this one keep the promise of [`raw::call`]: every register that the call
/// takes for an address, and every address in a structure they pass, comes from a borrow that
/// outlives the call and is as large as the count or size passed along.
#[inline(always)]
pub(super) fn call<const N: usize>(call: Call, arguments: [Register; N]) -> Result<u64, Errno> {
    // SAFETY: see above; calls that could unmap or start code are not made from these modules.
    unsafe { raw::call(call, arguments.map(|register| register.0)) }
}

/// Calls the kernel with a message in memory, as [`call`].
#[inline(always)]
pub(super) fn call_long(arguments: [u64; 4], memory: Memory) -> raw::ShortRegisters {
    // SAFETY: as for `call`: every range comes from a borrow that outlives the call.
    unsafe { raw::call_long(arguments, memory) }
}

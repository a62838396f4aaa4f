//! How a call's result crosses the boundary: a status and a value, in two registers, so that no
//! value can ever be mistaken for an error.

use crate::Errno;

/// Encodes a result as (`rax`, `rdx`).
#[must_use]
pub const fn encode(result: Result<u64, Errno>) -> (u64, u64) {
    match result {
        Ok(value) => (0, value),
        Err(errno) => (-(errno.number() as i64) as u64, 0),
    }
}

/// Decodes (`rax`, `rdx`). A status that the ABI does not know (a kernel of another version)
/// reads as `ENOSYS`.
pub const fn decode(status: u64, value: u64) -> Result<u64, Errno> {
    if status == 0 {
        return Ok(value);
    }
    let number = (status as i64).wrapping_neg();
    if number < 1 || number > crate::errno::LARGEST as i64 {
        return Err(Errno::ENOSYS);
    }
    match Errno::new(number as i32) {
        Some(errno) => Err(errno),
        None => Err(Errno::ENOSYS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every 64-bit value survives the way back, also those that look like an error.
    #[test]
    fn abi_status_keeps_every_value() {
        for value in [0, 1, 0x8000_0000, 0x1_FFFF_FFFF, u64::MAX, u64::MAX - 21] {
            let (status, register) = encode(Ok(value));
            assert_eq!(decode(status, register), Ok(value));
        }
    }

    /// A failure is a negative status and the value 0.
    #[test]
    fn abi_status_is_negative_on_failure() {
        for &(errno, _) in crate::errno::NAMED {
            let (status, value) = encode(Err(errno));
            assert_eq!((status as i64, value), (-i64::from(errno.number()), 0));
            assert_eq!(decode(status, 77), Err(errno));
        }
    }
}

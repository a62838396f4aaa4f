//! Error numbers: the ordinary ones, from `redox_syscall` (1 to 131, the values of Linux).

use core::fmt;

pub use syscall::error::{
    E2BIG, EAGAIN, EBADF, EBADRQC, EBUSY, EDEADLK, EDQUOT, EEXIST, EFAULT, EINVAL, EMSGSIZE,
    ENOENT, ENOEXEC, ENOMEM, ENOSYS, ENOTUNIQ, EOPNOTSUPP, EPERM, EPIPE, ESRCH, ESTALE, ETIMEDOUT,
    ETXTBSY,
};

/// The largest error number there is; a status below `-LARGEST` is never produced.
pub const LARGEST: i32 = 131;

/// One error number, 1 to [`LARGEST`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Errno(i32);

impl Errno {
    /// Wraps `number`; `None` outside 1 to [`LARGEST`].
    #[must_use]
    pub const fn new(number: i32) -> Option<Self> {
        if number >= 1 && number <= LARGEST {
            Some(Self(number))
        } else {
            None
        }
    }

    /// The positive number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The conventional symbol, for the errors that Omnibus documents.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        let mut i = 0;
        while i < NAMED.len() {
            if NAMED[i].0.0 == self.0 {
                return NAMED[i].1;
            }
            i += 1;
        }
        "E?"
    }
}

macro_rules! named {
    ($($name:ident),* $(,)?) => {
        impl Errno {
            $(#[doc = concat!("`", stringify!($name), "`.")] pub const $name: Self = Self($name);)*
        }
        /// Every error that some call documents, with its symbol.
        pub const NAMED: &[(Errno, &str)] = &[$((Errno::$name, stringify!($name))),*];
    };
}

named!(
    E2BIG, EAGAIN, EBADF, EBADRQC, EBUSY, EDEADLK, EDQUOT, EEXIST, EFAULT, EINVAL, EMSGSIZE,
    ENOENT, ENOEXEC, ENOMEM, ENOSYS, ENOTUNIQ, EOPNOTSUPP, EPERM, EPIPE, ESRCH, ESTALE, ETIMEDOUT,
    ETXTBSY,
);

impl fmt::Debug for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.symbol(), self.0)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({})",
            self.symbol(),
            syscall::error::Error::new(self.0)
        )
    }
}

impl core::error::Error for Errno {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The error numbers that cross the ABI are the ones of Linux.
    #[test]
    fn abi_errno_values_are_linux_values() {
        let pinned = [
            (Errno::EPERM, 1),
            (Errno::ENOENT, 2),
            (Errno::ESRCH, 3),
            (Errno::E2BIG, 7),
            (Errno::ENOEXEC, 8),
            (Errno::EBADF, 9),
            (Errno::EAGAIN, 11),
            (Errno::ENOMEM, 12),
            (Errno::EFAULT, 14),
            (Errno::EBUSY, 16),
            (Errno::EEXIST, 17),
            (Errno::EINVAL, 22),
            (Errno::ETXTBSY, 26),
            (Errno::EPIPE, 32),
            (Errno::EDEADLK, 35),
            (Errno::ENOSYS, 38),
            (Errno::EBADRQC, 56),
            (Errno::ENOTUNIQ, 76),
            (Errno::EMSGSIZE, 90),
            (Errno::EOPNOTSUPP, 95),
            (Errno::ETIMEDOUT, 110),
            (Errno::ESTALE, 116),
            (Errno::EDQUOT, 122),
        ];
        assert_eq!(pinned.len(), NAMED.len());
        for (errno, number) in pinned {
            assert_eq!(errno.number(), number, "{errno:?}");
        }
    }
}

//! What a call is, as data: arguments, result, errors.

use super::Call;
use crate::capability::Kind;
use crate::errno::Errno;

/// Whether a pointer argument is read, written or both by the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The kernel reads there.
    In,
    /// The kernel writes there and never reads.
    Out,
    /// The kernel reads, then writes.
    InOut,
}

/// What an argument register holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument {
    /// A capability of this kind with this right.
    Capability(Kind, u64),
    /// A capability of any kind.
    AnyCapability,
    /// Address of the structure of this C name; the next `SizeOf` tells its size.
    Structure(&'static str, Access),
    /// Address of an array of structures of this C name; its entries follow as `Count`.
    Array(&'static str, Access),
    /// Address of bytes; their number follows as `Count`.
    Bytes(Access),
    /// Bytes of the structure, or of each element, of this C name.
    SizeOf(&'static str),
    /// Number of elements or bytes at the address before it, up to this bound, above which the call fails with this error.
    Count(u64, Errno),
    /// An absolute time of the monotonic clock in nanoseconds.
    Deadline,
    /// A number whose meaning the call tells.
    Value,
}

/// One call, described.
#[derive(Clone, Copy, Debug)]
pub struct Specification {
    /// The call.
    pub call: Call,
    /// Its name.
    pub name: &'static str,
    /// Name and content of each argument, in the order of [`Specification::registers`].
    pub arguments: &'static [(&'static str, Argument)],
    /// What `rdx` holds on success; empty if 0.
    pub value: &'static str,
    /// Every error it can give, beside `ENOSYS`.
    pub errors: &'static [Errno],
}

impl Specification {
    /// The register of each argument, in their order.
    #[must_use]
    pub const fn registers(&self) -> &'static [&'static str] {
        match self.call {
            Call::ReceiveLong => &["rdi", "rbx", "r12", "r13", "r14", "r15", "rax"],
            Call::CallLong => &[
                "rdi", "rsi", "rbx", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "rax",
            ],
            Call::ReceiveShort => &["rdi", "rbx"],
            call if call.is_short() => &["rdi", "rsi", "rbx"],
            _ => &["rdi", "rsi", "rdx", "r10", "r8", "r9"],
        }
    }
}

//! The stacks of a CPU: one for everything, and one for each exception that may come at any instant.
//!
//! Each lies at the top of a slot of 64 KiB whose rest is never mapped, so that running over its end faults: into the double fault, which
//! has a stack of its own.

/// Where the stacks of CPU 0 begin.
pub const STACKS: u64 = 0xffff_c000_0000_0000;

/// Distance between two stacks.
pub const SLOT_BYTES: u64 = 64 << 10;

/// What a stack is for; its number is that of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stack {
    /// System calls, interrupts, faults; empty whenever user mode runs.
    Kernel = 0,
    /// Double fault: the kernel's last words.
    DoubleFault = 1,
    /// Non-maskable interrupt.
    Nmi = 2,
    /// Debug exception.
    Debug = 3,
    /// Machine check.
    MachineCheck = 4,
}

/// Bytes of address space per CPU.
pub const CPU_BYTES: u64 = 8 * SLOT_BYTES;

impl Stack {
    /// All stacks of a CPU.
    pub const ALL: [Self; 5] = [
        Self::Kernel,
        Self::DoubleFault,
        Self::Nmi,
        Self::Debug,
        Self::MachineCheck,
    ];

    /// Usable bytes, a multiple of the page size.
    pub const fn n_bytes(self) -> u64 {
        match self {
            Self::Kernel => 48 << 10,
            Self::DoubleFault | Self::MachineCheck => 16 << 10,
            Self::Nmi | Self::Debug => 4 << 10,
        }
    }

    /// First address behind the stack of this CPU.
    pub const fn top(self, cpu: u64) -> u64 {
        STACKS + cpu * CPU_BYTES + (self as u64 + 1) * SLOT_BYTES
    }

    /// Lowest usable address.
    pub const fn bottom(self, cpu: u64) -> u64 {
        self.top(cpu) - self.n_bytes()
    }

    /// Whose guard `address` is in, and on which CPU.
    pub fn of_guard(address: u64, n_cpus: u64) -> Option<(Self, u64)> {
        let offset = address.checked_sub(STACKS)?;
        let cpu = offset / CPU_BYTES;
        let stack = *Self::ALL.get(usize::try_from(offset % CPU_BYTES / SLOT_BYTES).ok()?)?;
        (cpu < n_cpus && address < stack.bottom(cpu)).then_some((stack, cpu))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Below every stack lies memory that belongs to no stack, and its addresses name the stack above.
    #[test]
    fn every_stack_has_a_guard() {
        for cpu in 0..4 {
            for stack in Stack::ALL {
                assert!(stack.n_bytes() < SLOT_BYTES && stack.n_bytes() % 4096 == 0);
                assert_eq!(
                    Stack::of_guard(stack.bottom(cpu) - 1, 4),
                    Some((stack, cpu))
                );
                assert_eq!(Stack::of_guard(stack.bottom(cpu), 4), None);
                assert_eq!(Stack::of_guard(stack.top(cpu) - 1, 4), None);
            }
        }
        assert_eq!(Stack::of_guard(STACKS - 1, 4), None);
        assert_eq!(Stack::of_guard(STACKS + 4 * CPU_BYTES, 4), None);
    }
}

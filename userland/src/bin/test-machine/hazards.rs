//! What user code may do and is hard to survive: unusual flags, stacks and pending traps at the entry of the kernel.

use crate::{ending_of, faults, survives};
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::native::ThreadStart;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, raw, tests};

const DEBUG: u64 = 1;
const BREAKPOINT: u64 = 3;

tests! {
    /// A call with the trap flag set is carried out, and the debug exception is the task's, behind the call.
    fn hazard_trap_flag(bench) {
        faults(bench, "single-step-call", DEBUG)?;
        faults(bench, "step-over-wait", DEBUG)
    }

    /// A debug trap that `mov ss` holds back until behind SYSCALL meets a kernel that passes it over, or the task; nobody else.
    fn hazard_mov_ss_before_a_call(bench) { faults(bench, "mov-ss-call", DEBUG) }

    /// A debug trap that `mov ss` holds back until behind INT3 does not hide the breakpoint.
    fn hazard_mov_ss_before_a_breakpoint(bench) { faults(bench, "mov-ss-breakpoint", BREAKPOINT) }

    /// The direction flag does not reach the kernel's copies, and is the task's again afterwards.
    fn hazard_direction_flag(bench) { survives(bench, "flags-direction") }

    /// The alignment-check flag, which lifts SMAP in the kernel, does not get in, and is the task's again afterwards.
    fn hazard_alignment_check_flag(bench) { survives(bench, "flags-alignment-check") }

    /// The nested-task flag, which makes IRET fault, does not get in, and is the task's again afterwards.
    fn hazard_nested_task_flag(bench) { survives(bench, "flags-nested-task") }

    /// Unaligned access is no fault, also with the alignment-check flag.
    fn hazard_unaligned_access(bench) { survives(bench, "unaligned") }

    /// The stack pointer may be anything at a call: the kernel's, between the halves, null.
    fn hazard_wild_stack_at_a_call(bench) { survives(bench, "wild-stack-call") }

    /// The stack pointer may be anything at an interrupt.
    fn hazard_wild_stack_at_an_interrupt(bench) { survives(bench, "wild-stack-preempted") }

    /// No thread begins outside the user half, so no return to user mode can be to a non-canonical address.
    fn hazard_non_canonical_start(_) {
        for entry in [0x0000_8000_0000_0000, 0x0000_7fff_ffff_f000, 0xffff_8000_0000_0000, u64::MAX, 0] {
            let start = ThreadStart { flags: 0, entry, stack: 0x1000, argument: 0, tls_base: 0 };
            let arguments = [core::ptr::from_ref(&start) as u64, ThreadStart::SIZE];
            // SAFETY: the kernel reads the structure, and refuses it.
            let refused = unsafe { raw::call(omnibus_userland::abi::Call::ThreadNew, arguments) };
            check_eq!(refused, Err(Errno::EINVAL), "a thread at {entry:#x}");
        }
        Ok(())
    }

    /// A hundred faults one after the other leave the next task as well off as the first.
    fn hazard_many_faults(bench) {
        for what in ["divide", "single-step", "undefined", "read-kernel", "push-non-canonical"].iter().cycle().take(100) {
            let ending = ending_of(bench, what)?;
            check!(matches!(ending, Ending::Faulted { .. }), "{what}: {ending:?}");
        }
        survives(bench, "flags-direction")
    }
}

//! Tests of how the kernel dies: each boots with a kernel word `test=…` that makes it fail on purpose in one way, and expects that end.
//! The ways are in the kernel's `arch::fail_on_purpose`.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};
use crate::exit::Failure;
use crate::machine::Machine;

/// The status of a kernel that panicked.
const PANICKED: u8 = 101;

const fn case(
    id: &'static str,
    sentence: &'static str,
    word: &'static [&'static str],
    expected: Expected,
) -> Case {
    Case {
        id,
        sentence,
        kernel: Kernel::Omnibus("hello"),
        adjust: as_it_is,
        initrd: Initrd::Image,
        words: word,
        time_limit_s: 30,
        expected,
    }
}

/// The kernel panics, the first cause contains `cause`, and a line of the console contains `line`.
const fn panics(cause: &'static str, line: &'static str) -> Expected {
    Expected {
        exit_code: PANICKED,
        failure: cause,
        console: line,
    }
}

/// The kernel goes on, and says so in a line that contains `line`.
const fn survives(line: &'static str) -> Expected {
    Expected {
        exit_code: 0,
        failure: "",
        console: line,
    }
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    case(
        "failure.panic",
        "A panic of the kernel prints its message and a backtrace with the names of functions.",
        &["test=panic"],
        panics(
            "kernel panic: on purpose",
            "kernel::arch::fail_on_purpose::run",
        ),
    ),
    case(
        "failure.page-fault",
        "A page fault of the kernel itself is a panic that names the address.",
        &["test=page-fault"],
        panics("page fault at 0xffffdead00000000", "fail_on_purpose"),
    ),
    case(
        "failure.null",
        "Nothing is mapped at address 0 for the kernel either.",
        &["test=null"],
        panics("page fault at 0x0, error code 0x0", ""),
    ),
    case(
        "failure.write-text",
        "The kernel cannot write its own code.",
        &["test=write-text"],
        panics("page fault at 0xffffffff80", "error code 0x3"),
    ),
    case(
        "failure.write-rodata",
        "The kernel cannot write its constants, not even through the direct map.",
        &["test=write-rodata"],
        panics("page fault at 0xffff80000", "error code 0x3"),
    ),
    case(
        "failure.execute-data",
        "The kernel cannot execute its data.",
        &["test=execute-data"],
        panics("page fault at 0xffffffff80", "error code 0x11"),
    ),
    case(
        "failure.smap",
        "The kernel cannot read user memory but by the few instructions meant for it.",
        &["test=smap"],
        panics("page fault at 0x400000, error code 0x1", ""),
    ),
    case(
        "failure.smep",
        "The kernel cannot execute user memory.",
        &["test=smep"],
        panics("page fault at 0x400000, error code 0x11", ""),
    ),
    case(
        "failure.stack-overflow",
        "An overflow of the kernel's stack meets the guard page and is named as what it is.",
        &["test=stack-overflow"],
        panics(
            "overflow of the Kernel stack of CPU 0",
            "fail_on_purpose::recurse",
        ),
    ),
    case(
        "failure.invalid-opcode",
        "An exception that the kernel cannot have caused is a panic by the exception's name.",
        &["test=invalid-opcode"],
        panics("invalid opcode", ""),
    ),
    case(
        "failure.machine-check",
        "A machine check ends the kernel with a report, although it comes while GS is not the kernel's.",
        &["test=machine-check"],
        panics("machine check", "on CPU 0"),
    ),
    case(
        "failure.double-free",
        "A frame that is given back twice stops the kernel.",
        &["test=double-free"],
        panics("was given back but is not in use", ""),
    ),
    Case {
        kernel: Kernel::Omnibus("test-bad-input"),
        ..case(
            "failure.fault-in-call",
            "A panic in the midst of a system call names the task and the call.",
            &["test=fault-in-call"],
            panics(
                "kernel panic: page fault at",
                "on CPU 0, task 1, system call ",
            ),
        )
    },
    Case {
        kernel: Kernel::Omnibus("test-bad-input"),
        ..case(
            "failure.trace-in-panic",
            "With `trace=on` a panic prints the last events, down to the call in whose midst it came.",
            &["test=fault-in-call", "trace=on"],
            panics(
                "kernel panic: page fault at",
                "kernel panic: page fault at\nkernel::trap::general\ntrace: the last 32 of\n calls debug_print",
            ),
        )
    },
    case(
        "failure.triple-fault",
        "A kernel that triple-faults is a failure, although QEMU then ends with 0.",
        &["test=triple-fault"],
        Expected {
            exit_code: Failure::NoReport as u8,
            failure: "QEMU's exit code 0",
            console: "",
        },
    ),
    Case {
        time_limit_s: 4,
        ..case(
            "failure.hang",
            "A kernel that hangs is killed at its time limit and is a failure.",
            &["test=hang"],
            Expected {
                exit_code: Failure::TimeLimit as u8,
                failure: "killed after 4 s",
                console: "",
            },
        )
    },
    case(
        "failure.unknown-test",
        "A way to fail that there is not is refused by its name.",
        &["test=nothing"],
        panics("kernel word test=nothing", "there are panic"),
    ),
    case(
        "kernel.w-xor-x",
        "No mapping of the kernel is writable and executable, none is a user's, and nothing read-only is writable elsewhere.",
        &["test=wx"],
        survives("none writable and executable"),
    ),
    case(
        "kernel.debug-and-nmi-before-swapgs",
        "A debug exception and an NMI in the kernel are survived while GS is still the user's.",
        &["test=kernel-debug"],
        survives("1 debug exceptions and 2 NMIs of the kernel passed over"),
    ),
    Case {
        kernel: Kernel::Omnibus("register-keeper"),
        adjust: |machine: &mut Machine| machine.is_counting_instructions = true,
        time_limit_s: 120,
        ..case(
            "kernel.registers-survive-preemption",
            "Every register survives a timer interrupt after each of 2,000 instructions while another task scribbles over its own.",
            &["slice=1"],
            survives("every register kept through every interrupt"),
        )
    },
    Case {
        kernel: Kernel::Omnibus("register-keeper"),
        adjust: |machine: &mut Machine| {
            machine.is_counting_instructions = true;
            "qemu64".clone_into(&mut machine.cpu);
        },
        time_limit_s: 120,
        ..case(
            "kernel.registers-survive-preemption-without-xsave",
            "The same on a CPU without XSAVE and 32-byte registers.",
            &["slice=1"],
            survives("every register kept through every interrupt"),
        )
    },
    Case {
        kernel: Kernel::Omnibus("handover"),
        ..case(
            "kernel.large-payloads-three-ways",
            "A task with an account of its own gets 1 MiB copied, as a memory object, and in shared memory, and finds every page of it.",
            &[],
            survives("1 MiB in a memory object mapped by both"),
        )
    },
    Case {
        adjust: |machine: &mut Machine| machine.n_cpus = 4,
        ..case(
            "kernel.parked-cpus",
            "Of four CPUs one runs, and the kernel says that three do not.",
            &[],
            survives("cpus: 4, 3 of them parked"),
        )
    },
];

//! Tests of the kernel that need a boot of their own: what it refuses, and how it dies.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};
use crate::machine::Machine;

/// The status of a kernel that refused to start or panicked.
const KERNEL_FAILED: u8 = 101;
/// The program that these boots would start.
const PROGRAM: &str = "hello";

/// A boot that must fail, its first cause containing `cause`.
const fn refusal(id: &'static str, sentence: &'static str, cause: &'static str) -> Case {
    Case {
        id,
        sentence,
        kernel: Kernel::Omnibus(PROGRAM),
        adjust: as_it_is,
        initrd: Initrd::Image,
        words: &[],
        time_limit_s: 30,
        expected: Expected {
            exit_code: KERNEL_FAILED,
            failure: cause,
            console: "",
        },
    }
}

/// A boot that must succeed with a line on the console that contains `line`.
const fn success(id: &'static str, sentence: &'static str, line: &'static str) -> Case {
    Case {
        expected: Expected {
            exit_code: 0,
            failure: "",
            console: line,
        },
        ..refusal(id, sentence, "")
    }
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    success(
        "kernel.boots",
        "The kernel boots, names itself, and reports success.",
        "Omnibus",
    ),
    Case {
        adjust: |machine: &mut Machine| machine.cpu.push_str(",-apic"),
        ..refusal(
            "kernel.cpu-without-apic",
            "A CPU without a required feature is refused by the feature's name.",
            "feature apic",
        )
    },
    Case {
        adjust: |machine: &mut Machine| machine.cpu.push_str(",-nx"),
        ..refusal(
            "kernel.cpu-without-nx",
            "A CPU without no-execute pages is refused before paging is on, and the cause is named all the same.",
            "no-execute",
        )
    },
    Case {
        words: &["slice=soon"],
        ..refusal(
            "kernel.word-with-a-bad-value",
            "A kernel word with a value that it cannot have is refused with both.",
            "slice=soon",
        )
    },
];

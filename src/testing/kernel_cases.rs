//! Tests of the kernel that need a boot of their own.

use super::case::{Case, Expected, Initrd, Kernel};

/// The cases.
pub(crate) const CASES: &[Case] = &[Case {
    id: "kernel.boots",
    sentence: "The kernel boots, names itself, and reports success.",
    kernel: Kernel::Omnibus("hello"),
    initrd: Initrd::Image,
    words: &[],
    time_limit_s: 30,
    expected: Expected {
        exit_code: 0,
        failure: "",
        console: "Omnibus",
    },
}];

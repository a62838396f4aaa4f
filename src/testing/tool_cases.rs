//! The tool tested on guests that break every promise of the second channel, and on one that keeps them all.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};
use super::tiny_guest::Step;
use crate::exit::Failure;

const fn case(
    id: &'static str,
    sentence: &'static str,
    steps: &'static [Step],
    expected: Expected,
) -> Case {
    Case {
        id,
        sentence,
        kernel: Kernel::Tiny(steps),
        adjust: as_it_is,
        initrd: Initrd::Missing,
        words: &[],
        time_limit_s: 10,
        expected,
    }
}

const fn failure(failure: Failure, text: &'static str, console: &'static str) -> Expected {
    Expected {
        exit_code: failure as u8,
        failure: text,
        console,
    }
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    case(
        "tool.status-zero",
        "Status 0 is success, although QEMU's own exit code then is not 0.",
        &[
            Step::Console("all\r\nwell"),
            Step::Report("status 0\n"),
            Step::Exit,
        ],
        Expected {
            exit_code: 0,
            failure: "",
            console: "well",
        },
    ),
    case(
        "tool.status-passes",
        "A status passes through as the exit code, and the first cause comes with it.",
        &[
            Step::Report("first-cause the disk is gone\nstatus 7\n"),
            Step::Exit,
        ],
        Expected {
            exit_code: 7,
            failure: "the disk is gone; the guest reported status 7",
            console: "",
        },
    ),
    case(
        "tool.triple-fault",
        "A guest that triple-faults is a failure, although QEMU ends with 0.",
        &[Step::Console("falling\n"), Step::TripleFault],
        failure(Failure::NoReport, "QEMU's exit code 0", "falling"),
    ),
    case(
        "tool.exit-without-report",
        "A guest that ends QEMU without a report is a failure.",
        &[Step::Exit],
        failure(Failure::NoReport, "without a report", ""),
    ),
    Case {
        time_limit_s: 2,
        ..case(
            "tool.silence",
            "A guest that says nothing and never ends is killed at its time limit.",
            &[Step::Halt],
            failure(Failure::TimeLimit, "killed after 2 s without a report", ""),
        )
    },
    Case {
        time_limit_s: 2,
        ..case(
            "tool.flood",
            "A guest that floods the console for ever is killed at its time limit.",
            &[Step::Flood],
            failure(Failure::TimeLimit, "killed after 2 s", "x"),
        )
    },
    Case {
        time_limit_s: 5,
        ..case(
            "tool.status-then-hang",
            "A guest that reports success and then hangs has failed.",
            &[Step::Report("status 0\n"), Step::Halt],
            failure(Failure::TimeLimit, "after reporting status 0", ""),
        )
    },
    case(
        "tool.two-statuses",
        "A second status makes the report malformed.",
        &[Step::Report("status 0\nstatus 0\n"), Step::Exit],
        failure(Failure::BadReport, "a second status", ""),
    ),
    case(
        "tool.status-out-of-range",
        "A status that is not a number from 0 to 255 makes the report malformed.",
        &[Step::Report("status 256\n"), Step::Exit],
        failure(Failure::BadReport, "0 to 255", ""),
    ),
    case(
        "tool.noise-on-the-report",
        "Anything on the second channel that is not a report is refused, even before a good status.",
        &[Step::Report("hello\nstatus 0\n"), Step::Exit],
        failure(Failure::BadReport, "hello", ""),
    ),
    case(
        "tool.status-on-the-console",
        "What a task prints on the console is never taken for a report.",
        &[Step::Console("status 0\n"), Step::Exit],
        failure(Failure::NoReport, "without a report", "status 0"),
    ),
];

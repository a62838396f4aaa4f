//! Tests of the kernel that need a boot of their own: what it refuses, and how it dies.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};
use crate::machine::Machine;

/// The status of a kernel that refused to start on this machine, or panicked.
const KERNEL_FAILED: u8 = 101;
/// The status of a kernel that could not start the first task, or whose first task did not end by itself.
const FIRST_TASK_FAILED: u8 = 102;
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

/// A boot whose first task cannot start: the failure contains `cause`, and a line of the console contains `line`.
const fn no_first_task(
    id: &'static str,
    sentence: &'static str,
    cause: &'static str,
    line: &'static str,
) -> Case {
    Case {
        expected: Expected {
            exit_code: FIRST_TASK_FAILED,
            failure: cause,
            console: line,
        },
        ..refusal(id, sentence, "")
    }
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    success(
        "kernel.boots",
        "The kernel boots a program, and the program's success becomes the system's.",
        "hello from task 1",
    ),
    Case {
        kernel: Kernel::Omnibus("pager"),
        ..success(
            "kernel.pager-example",
            "The example of a pager grows a stack and fills pages on demand, for system calls too.",
            "all numbers right: true",
        )
    },
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
            "the CPU lacks no-execute pages",
        )
    },
    Case {
        adjust: |machine: &mut Machine| machine.cpu = "qemu32".to_owned(),
        ..refusal(
            "kernel.cpu-without-long-mode",
            "A CPU without 64-bit mode is refused by 32-bit code, and the cause is named all the same.",
            "the CPU lacks long mode",
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
    Case {
        words: &["overcommit=0"],
        ..no_first_task(
            "kernel.overcommit-by-nothing",
            "A root account that could hold nothing is refused.",
            "overcommit= is a number from 1",
            "",
        )
    },
    Case {
        words: &["trace=loud"],
        ..no_first_task(
            "kernel.trace-word-with-a-bad-value",
            "The kernel word `trace` has one value.",
            "trace= can only be on",
            "",
        )
    },
    Case {
        kernel: Kernel::Omnibus("letter"),
        words: &["trace=on"],
        ..success(
            "kernel.trace-tells-an-exchange",
            "With `trace=on` the end of the system shows the calls of its programs and what took effect, in order.",
            LETTER,
        )
    },
    Case {
        kernel: Kernel::OmnibusWith("test-bus1", &["--filter", "ord-2-calls-between-threads"]),
        words: &["trace=on"],
        ..success(
            "kernel.trace-tells-a-hand-over",
            "A message that is handed over is told as sent and as received, before its receiver runs.",
            HANDED_OVER,
        )
    },
    Case {
        initrd: Initrd::Missing,
        ..no_first_task(
            "kernel.initrd-missing",
            "A boot without an archive says that there is none.",
            "there is no initial RAM disk",
            "",
        )
    },
    Case {
        initrd: Initrd::Changed(|bytes| bytes.truncate(bytes.len() / 2)),
        ..no_first_task(
            "kernel.initrd-truncated",
            "Half an archive is refused with the byte and the field at which it breaks off.",
            "but the archive ends after",
            "",
        )
    },
    Case {
        initrd: Initrd::Changed(|bytes| bytes[0] ^= 1),
        ..no_first_task(
            "kernel.initrd-of-another-kind",
            "A file that is no archive is refused as such.",
            "c_magic: is not 070701",
            "",
        )
    },
    Case {
        kernel: Kernel::Omnibus("no-such-program"),
        ..no_first_task(
            "kernel.program-missing",
            "A first task that is not in the archive is refused.",
            "is not in the initial RAM disk",
            "no-such-program",
        )
    },
    Case {
        kernel: Kernel::Omnibus("kernel.sym"),
        ..no_first_task(
            "kernel.program-no-elf",
            "A first task that is not an ELF file is refused with the reason.",
            "ENOEXEC",
            "kernel.sym is not a program: ELF file",
        )
    },
];

/// What the trace tells of the program `letter`, whose peer is the account's second actor and sends itself five bytes.
const LETTER: &str = "\
on node 0x1: hello
trace: the last
 calls peer_new
peer 0.2 is number 1
 calls transfer
0.2 transfers to 0.2: handle 0x3
 calls send
0.2 sends to node 0x1 of 0.2: 5 bytes
 calls recv
0.2 receives User, id 0x1
 calls release_one
0.2 releases a handle on node 0x1 of 0.2
 calls release_one
0.2 releases its node 0x1
 calls capability_drop
0.2 has closed
 calls exit";

/// What it tells of two threads that call each other: what one sends the other has received before that runs.
const HANDED_OVER: &str = "\
trace: the last
 calls call_short
 sends to node
 receives User
 of task 1 runs
 calls call_short
 sends to node
 receives User
 of task 1 runs";

//! Boot plans as tests: what a good one starts, and what a bad one is told.

use super::case::{Case, Expected, Initrd, Kernel, as_it_is};

const PLANNED: Case = Case {
    id: "boot.starts-what-the-plan-says",
    sentence: "The first program starts what the plan says, tells what a program was given, and ends with the program that the plan names.",
    kernel: Kernel::Planned(&["test"]),
    adjust: as_it_is,
    initrd: Initrd::WithPlan(
        r#"
ends-with = "last"
[[program]]
name = "first"
file = "hello"
arguments = ["a b"]
priority = 20
account = { objects = 64, bytes = 4096, frames = 256 }
capabilities.console = ["WRITE"]
handles = { last = "last.door" }
[[program]]
name = "last"
file = "puppet"
priority = 10
account = { objects = 64, bytes = 4096, frames = 256 }
capabilities = { console = ["WRITE"], archive = ["READ"] }
nodes = ["door"]
"#,
    ),
    words: &[],
    time_limit_s: 60,
    expected: Expected {
        // That of a panic: a puppet needs more than a plan gives.
        exit_code: 101,
        failure: "",
        console: "variable handle.last=",
    },
};

/// A plan that is refused: status 2, and a line of the console that contains the words.
macro_rules! refused {
    ($id:literal, $sentence:literal, $plan:literal, $words:literal) => {
        Case {
            id: concat!("boot.", $id),
            sentence: $sentence,
            initrd: Initrd::WithPlan($plan),
            expected: Expected {
                exit_code: 2,
                failure: "",
                console: $words,
            },
            ..PLANNED
        }
    };
}

/// The cases.
pub(crate) const CASES: &[Case] = &[
    PLANNED,
    Case {
        id: "boot.runs-what-words-name",
        sentence: "The plan of `run` starts the program that its words name, with the others as arguments, and the console goes through the driver.",
        kernel: Kernel::Planned(&["run", "hello", "a b"]),
        initrd: Initrd::Image,
        expected: Expected {
            exit_code: 0,
            failure: "",
            console: "argument \"a b\"",
        },
        ..PLANNED
    },
    Case {
        id: "boot.tells-the-date",
        sentence: "The date that a program is told by the clock's driver is the one that the machine was given.",
        kernel: Kernel::Planned(&["date"]),
        adjust: |machine| machine.date = Some("2031-05-06T07:08:09"),
        initrd: Initrd::Image,
        expected: Expected {
            exit_code: 0,
            failure: "",
            console: "2031-05-06 07:08:",
        },
        ..PLANNED
    },
    Case {
        id: "boot.c-prints-through-the-driver",
        sentence: "A program in C that holds no capability of the kernel's console prints through the driver.",
        kernel: Kernel::Planned(&["test"]),
        initrd: Initrd::WithPlan(
            r#"
ends-with = "speaker"
console = "serial-driver.door"
[[program]]
name = "serial-driver"
account = { objects = 2048, bytes = 262144, frames = 512 }
nodes = ["door"]
ports.uart = { first = 0x3f8, last = 0x3ff }
lines.interrupt = { first = 4 }
[[program]]
name = "speaker"
file = "c-library"
account = "shared"
handles = { console = "serial-driver.door" }
"#,
        ),
        expected: Expected {
            exit_code: 0,
            failure: "",
            console: "long enough: 1",
        },
        ..PLANNED
    },
    Case {
        id: "boot.last-words-come-out",
        sentence: "What a program printed through the driver comes out whole, although it ends by a panic at once.",
        kernel: Kernel::Planned(&["last-words"]),
        initrd: Initrd::Image,
        expected: Expected {
            exit_code: 101,
            failure: "",
            console: "panicked at",
        },
        ..PLANNED
    },
    Case {
        id: "boot.refuses-an-unknown-plan",
        sentence: "A plan that the archive does not have is refused by name, with those that it has.",
        kernel: Kernel::Planned(&["nowhere"]),
        initrd: Initrd::Image,
        expected: Expected {
            exit_code: 2,
            failure: "",
            console: "init: plans/nowhere.toml: ENOENT (No such file or directory); the plans are: ",
        },
        ..PLANNED
    },
    refused!(
        "names-file-and-line",
        "A plan with a fault is refused before anything starts, with file, line, and what would be right.",
        "ends-with = \"a\"\n[[program]]\nname = \"a\"\nfile = \"hello\"\naccount = { objects = 64, bytes = 0, frames = 256 }\ncapabilities = { console = [\"WRITE\"] }\n[[program]]\nname = \"b\"\naccount = { objects = 1, bytes = 0, frames = 0 }\ncapabilities = { console = [\"RITE\"] }\n",
        "init: plans/test.toml:10: a capability of the kind console has no right \"RITE\"; it has: WRITE"
    ),
    refused!(
        "names-a-missing-file",
        "A program whose file the archive does not have is refused with the plan's line.",
        "ends-with = \"a\"\n[[program]]\nname = \"a\"\nfile = \"nothing\"\naccount = { objects = 64, bytes = 0, frames = 256 }\n",
        "init: plans/test.toml:2: program a: the file nothing: ENOENT"
    ),
    refused!(
        "names-a-file-that-is-no-program",
        "A file that is no program is refused with the reason of the loader.",
        "ends-with = \"a\"\n[[program]]\nname = \"a\"\nfile = \"kernel.sym\"\naccount = { objects = 64, bytes = 0, frames = 256 }\n",
        "init: plans/test.toml:2: program a: the file kernel.sym: "
    ),
    refused!(
        "names-the-account-that-is-full",
        "A limit that ends the start is told with whose it is and how full.",
        "ends-with = \"a\"\n[[program]]\nname = \"a\"\nfile = \"hello\"\naccount = { objects = 64, bytes = 0, frames = 8 }\n",
        "of 8 frames"
    ),
    refused!(
        "names-the-starter-that-cannot-give",
        "More than the first program has is refused, with what it has.",
        "ends-with = \"a\"\n[[program]]\nname = \"a\"\nfile = \"hello\"\naccount = { objects = 9000000, bytes = 0, frames = 8 }\n",
        "init: plans/test.toml:2: program a: no account: EDQUOT (Quota exceeded); the starter's account has left: "
    ),
];

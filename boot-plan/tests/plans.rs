//! Plans, good and bad, as a person writes them.

use omnibus_abi::Kind;
use omnibus_abi::capability::{account, console, memory, ports};
use omnibus_boot_plan::{Device, Fault, Handle, Limits, NoProgramForWords, Program, parse};

const GOOD: &str = r#"
ends-with = "client"

[[program]]
name = "server"
file = "store"
arguments = ["a b", ""]
priority = 3
account = { objects = 10, bytes = 20, frames = 30 }
nodes = ["door", "back-door"]
capabilities = { archive = ["READ"], account = ["CHARGE", "CARVE"] }

[[program]]
name = "client"
account = { objects = 1, bytes = 0, frames = 0 }
capabilities.console = ["WRITE"]
handles = { store = "server.back-door", own = "server.door" }
"#;

/// The fault of `GOOD` with `from` replaced by `to`.
#[track_caller]
fn fault(from: &str, to: &str) -> Fault {
    assert!(GOOD.contains(from), "{from}");
    parse(&GOOD.replacen(from, to, 1)).expect_err("it is wrong")
}

#[track_caller]
fn assert_fault(from: &str, to: &str, line: usize, words: &[&str]) {
    let fault = fault(from, to);
    assert_eq!(fault.line, line, "{fault}");
    for word in words {
        assert!(fault.what.contains(word), "{fault} should say {word:?}");
    }
    assert!(!fault.what.contains('\n'), "one line: {fault:?}");
}

/// A plan says what its text says, with the file, the account and the peer that are left out.
#[test]
fn plan_means_what_it_says() {
    let plan = parse(GOOD).unwrap();
    assert_eq!(plan.ends_with, 1);
    let [server, client] = plan.programs.as_slice() else {
        panic!("{plan:?}")
    };
    assert_eq!((server.line, client.line), (4, 13));
    assert_eq!((&*server.file, &*client.file), ("store", "client"));
    assert_eq!(server.arguments, ["a b", ""]);
    assert_eq!((server.priority, client.priority), (Some(3), None));
    let limits = Limits {
        objects: 10,
        bytes: 20,
        frames: 30,
    };
    assert_eq!(server.account, Some(limits));
    let peer = Kind::Peer.all_rights();
    let expected = [
        ("account", Kind::Account, account::CHARGE | account::CARVE),
        ("archive", Kind::Memory, memory::READ),
        ("peer", Kind::Peer, peer),
    ];
    assert_eq!(server.capabilities, expected);
    let expected = [
        ("account", Kind::Account, account::CHARGE | account::INSPECT),
        ("console", Kind::Console, console::WRITE),
        ("peer", Kind::Peer, peer),
    ];
    assert_eq!(client.capabilities, expected);
    assert_eq!(server.nodes, ["door", "back-door"]);
    let handle = |name: &str, node| Handle {
        name: name.into(),
        program: 0,
        node,
    };
    assert_eq!(client.handles, [handle("own", 0), handle("store", 1)]);
}

/// A driver, and a program that takes words and shares the first program's account.
const DRIVEN: &str = r#"
ends-with = "program"
console = "driver.door"

[[program]]
name = "driver"
account = { objects = 10, bytes = 20, frames = 30 }
nodes = ["gate", "door"]
ports.uart = { first = 0x3f8, last = 0x3ff, rights = ["IN"] }
ports.gate = { first = 0x92 }
lines.interrupt = { first = 4 }

[[program]]
name = "program"
file = "hello"
words = true
arguments = ["of", "the", "plan"]
account = "shared"
[program.ports]
low = { first = 0, last = 0x91 }
[program.lines]
few = { first = 0, last = 3 }
"#;

/// Ranges of ports and lines are read with their names and rights, all of them if none is named, and with the line they are on.
#[test]
fn plan_gives_devices() {
    let plan = parse(DRIVEN).unwrap();
    assert_eq!(plan.console, Some((0, 1)));
    let device = |line, name: &str, kind: Kind, first, last, rights| Device {
        line,
        name: name.into(),
        kind,
        first,
        last,
        rights,
    };
    let all = Kind::Ports.all_rights();
    let bind = Kind::Lines.all_rights();
    let expected = [
        device(10, "gate", Kind::Ports, 0x92, 0x92, all),
        device(9, "uart", Kind::Ports, 0x3f8, 0x3ff, ports::IN),
        device(11, "interrupt", Kind::Lines, 4, 4, bind),
    ];
    assert_eq!(plan.programs[0].devices, expected);
    assert_eq!(plan.programs[1].account, None);
}

/// Words behind a plan's name go to the program that takes them: its file and name, and its arguments instead of those of the plan.
#[test]
fn plan_gives_words() {
    let mut plan = parse(DRIVEN).unwrap();
    plan.take_words([].into_iter()).unwrap();
    assert_eq!(plan.programs[1].arguments, ["of", "the", "plan"]);
    plan.take_words(["mine", "a b"].into_iter()).unwrap();
    let Program {
        name,
        file,
        arguments,
        ..
    } = &plan.programs[1];
    assert_eq!((&**name, &**file), ("mine", "mine"));
    assert_eq!(*arguments, ["a b"]);
    let mut plan = parse(GOOD).unwrap();
    assert_eq!(
        plan.take_words(["mine"].into_iter()),
        Err(NoProgramForWords)
    );
}

/// A range that is none, is shared, or has a name that is taken, is refused with its line; so are two programs that take words.
#[test]
fn plan_faults_of_devices() {
    let fault = |from: &str, to: &str, line: usize, words: &[&str]| {
        assert!(DRIVEN.contains(from), "{from}");
        let fault = parse(&DRIVEN.replacen(from, to, 1)).expect_err("it is wrong");
        assert_eq!(fault.line, line, "{fault}");
        for word in words {
            assert!(fault.what.contains(word), "{fault} should say {word:?}");
        }
    };
    fault(
        "last = 0x91",
        "last = 0x92",
        20,
        &["0x92", "driver", "gate", "line 10"],
    );
    fault(
        "last = 3",
        "last = 4",
        22,
        &["lines", "0x4", "driver", "interrupt", "line 11"],
    );
    fault("0x92", "0x3fa", 9, &["0x3fa", "driver", "gate", "line 10"]);
    fault("last = 0x3ff", "last = 0x3f7", 9, &["behind"]);
    fault("last = 0x3ff", "last = 0x10000", 9, &["0xffff"]);
    fault("first = 0x92", "last = 0x92", 10, &["first"]);
    fault(
        "first = 0x92",
        "first = 0x92, n = 1",
        10,
        &["first, last, rights"],
    );
    fault("\"IN\"", "\"BIND\"", 9, &["BIND", "IN, OUT"]);
    fault("lines.interrupt", "lines.uart", 11, &["second", "uart"]);
    fault("ports.gate", "ports.peer", 10, &["second", "peer"]);
    fault("ports.gate", "ports.\"a=b\"", 10, &["letters"]);
    fault("\"shared\"", "\"mine\"", 18, &["shared"]);
    fault("words = true", "words = 1", 16, &["true or false"]);
    fault("nodes =", "words = true\nnodes =", 14, &["driver"]);
    fault(
        "driver.door",
        "driver.porch",
        3,
        &["driver.porch", "gate, door"],
    );
}

/// What is no TOML, or lacks or has a key that it should not, is named with its line and what was expected.
#[test]
fn plan_faults_of_the_format() {
    assert_fault("priority = 3", "priority = ", 8, &[]);
    assert_fault("\"store\"", "\"store", 6, &[]);
    assert_fault("priority", "priorty", 8, &["priorty", "priority"]);
    assert_fault(
        "priority = 3",
        "priority = \"high\"",
        8,
        &["whole number", "string"],
    );
    assert_fault("priority = 3", "priority = -1", 8, &["whole number"]);
    assert_fault("objects = 10, ", "", 9, &["objects"]);
    assert_fault("objects = 10", "objects = 10, pages = 1", 9, &["pages"]);
    assert_fault("name = \"server\"", "", 4, &["name"]);
    assert_fault("priority = 3", "file = \"twice\"", 8, &["duplicate"]);
    assert_eq!(parse("").unwrap_err().line, 1);
}

/// What TOML cannot know is checked too: names, numbers, rights, and that what is named is there; the message says what there is.
#[test]
fn plan_faults_of_the_meaning() {
    assert_fault("\"client\"", "\"clint\"", 2, &["clint", "server, client"]);
    assert_fault(
        "name = \"client\"",
        "name = \"server\"",
        14,
        &["second", "server"],
    );
    assert_fault("name = \"server\"", "name = \"a.b\"", 5, &["letters"]);
    assert_fault("\"store\"", "\"\"", 6, &["1 to 255"]);
    assert_fault("priority = 3", "priority = 32", 8, &["0 to 31"]);
    assert_fault("objects = 10", "objects = 0", 9, &["at least one"]);
    assert_fault("\"a b\"", "\"a\\u0000b\"", 7, &["NUL"]);
    let long = format!("\"{}\"", "x".repeat(4096));
    assert_fault("\"a b\"", &long, 7, &["4096"]);
    assert_fault(
        "archive = [",
        "arkive = [",
        11,
        &["arkive", "archive, console"],
    );
    assert_fault("\"READ\"", "\"read\"", 11, &["read", "READ, WRITE"]);
    assert_fault("\"back-door\"", "\"door\"", 10, &["second node"]);
    assert_fault("\"server.door\"", "\"door\"", 17, &["PROGRAM.NODE"]);
    assert_fault(
        "\"server.door\"",
        "\"serv.door\"",
        17,
        &["serv", "server, client"],
    );
    assert_fault(
        "\"server.door\"",
        "\"server.gate\"",
        17,
        &["server.gate", "door, back-door"],
    );
    assert_fault("own = ", "\"o n\" = ", 17, &["letters"]);
}

/// Whatever bytes a plan is cut off behind or has changed, reading it ends, with a plan or with a fault on one of its lines.
#[test]
fn plan_no_text_panics() {
    let n_lines = GOOD.lines().count() + 1;
    let check = |text: &str| {
        if let Err(fault) = parse(text) {
            assert!((1..=n_lines).contains(&fault.line), "{fault}");
        }
    };
    for (index, old) in GOOD.char_indices() {
        check(&GOOD[..index]);
        for new in ["", "\"", "[", "=", "\n", "é", "9"] {
            check(&format!(
                "{}{new}{}",
                &GOOD[..index],
                &GOOD[index + old.len_utf8()..]
            ));
        }
    }
}

//! The headers of the C interface: the right names, the right numbers, and each good by itself.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use omnibus_abi::{bus1, errno};

#[path = "../build/c_flags.rs"]
#[expect(dead_code, reason = "nothing is linked here")]
mod c_flags;

/// The headers that programs may include.
const HEADERS: [&str; 26] = [
    "assert.h",
    "errno.h",
    "fcntl.h",
    "float.h",
    "inttypes.h",
    "limits.h",
    "linux/bus1.h",
    "linux/ioctl.h",
    "linux/types.h",
    "poll.h",
    "pthread.h",
    "sched.h",
    "stdarg.h",
    "stdatomic.h",
    "stdbool.h",
    "stddef.h",
    "stdint.h",
    "stdio.h",
    "stdlib.h",
    "string.h",
    "sys/ioctl.h",
    "sys/mman.h",
    "sys/types.h",
    "sys/uio.h",
    "time.h",
    "unistd.h",
];

/// What `docs/model.md`, section 2, gives the C header beside the structures, with the values.
const CONSTANTS: [(&str, u64); 11] = [
    ("BUS1_IOCTL_MAGIC", 0x97),
    ("BUS1_INVALID", bus1::INVALID),
    ("BUS1_MANAGED", bus1::MANAGED),
    ("BUS1_TRANSFER_FLAG_CREATE", bus1::TRANSFER_FLAG_CREATE),
    ("BUS1_MESSAGE_TYPE_USER", bus1::MESSAGE_TYPE_USER),
    (
        "BUS1_MESSAGE_TYPE_NODE_RELEASE",
        bus1::MESSAGE_TYPE_NODE_RELEASE,
    ),
    (
        "BUS1_MESSAGE_TYPE_HANDLE_RELEASE",
        bus1::MESSAGE_TYPE_HANDLE_RELEASE,
    ),
    ("BUS1_CMD_TRANSFER", 0xC028_9700),
    ("BUS1_CMD_RELEASE", 0xC018_9701),
    ("BUS1_CMD_SEND", 0xC028_9702),
    ("BUS1_CMD_RECV", 0xC018_9703),
];

/// Macros with an argument.
const CONVERSIONS: [&str; 2] = ["BUS1_FROM_PTR", "BUS1_TO_PTR"];

/// The structures of `<linux/bus1.h>` have the sizes and the fields, in their places, that the ABI has; and the constants have
/// their values.
#[test]
fn bus1_header_says_what_the_abi_says() {
    let text = bus1_assertions();
    compile_for_omnibus(&text);
}

/// With the C library and the kernel headers of this machine `<linux/bus1.h>` says the same: a program for Linux may use it.
#[test]
fn bus1_header_serves_linux_too() {
    let include = sdk().join("include");
    let mut command = c_flags::compiler();
    command.arg("-idirafter").arg(include);
    compile(&mut command, &bus1_assertions());
}

/// `<linux/bus1.h>` has the names of the model and no other that begins with `BUS1_` or `bus1_`.
#[test]
fn bus1_header_has_no_other_names() {
    let header = read(&sdk().join("include/linux/bus1.h"));
    let code = without_comments(&header);
    let names: BTreeSet<_> = code
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("BUS1_") || word.starts_with("bus1_"))
        .collect();
    let structures = bus1::STRUCTURES.iter().map(|layout| layout.name);
    let expected: BTreeSet<_> = CONSTANTS
        .iter()
        .map(|(name, _)| *name)
        .chain(CONVERSIONS)
        .chain(["bus1_message_type"])
        .chain(structures.filter(|name| *name != "iovec"))
        .collect();
    assert_eq!(names, expected);
}

/// Every error that a call documents has its number in `<errno.h>`.
#[test]
fn errno_header_says_what_the_abi_says() {
    let mut text = String::from("#include <errno.h>\n");
    for (number, symbol) in errno::NAMED {
        assert_same(&mut text, symbol, number.number() as u64);
    }
    compile_for_omnibus(&text);
}

/// Every header can be included alone and twice, as C11 without a warning.
#[test]
fn every_header_stands_alone() {
    for header in HEADERS {
        let text = format!("#include <{header}>\n#include <{header}>\nint main(void);\n");
        compile_strictly(&text);
    }
}

/// All headers can be included together, in the order of their names and in the opposite one.
#[test]
fn headers_go_together() {
    let include = |header| format!("#include <{header}>\n");
    let forth: String = HEADERS.map(include).concat();
    let back: String = HEADERS.into_iter().rev().map(include).collect();
    for text in [forth, back] {
        compile_strictly(&format!("{text}int main(void);\n"));
    }
}

/// The list of headers here is what there is.
#[test]
fn every_header_is_listed() {
    let root = sdk().join("include");
    let mut found = BTreeSet::new();
    for folder in ["", "linux", "sys"] {
        let folder = root.join(folder);
        for entry in std::fs::read_dir(&folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_file() {
                let name = path.strip_prefix(&root).expect("it is below the root");
                found.insert(name.display().to_string());
            }
        }
    }
    assert_eq!(found, HEADERS.map(ToOwned::to_owned).into());
}

fn bus1_assertions() -> String {
    let mut text =
        String::from("#include <linux/bus1.h>\n#include <stddef.h>\n#include <sys/uio.h>\n");
    for (name, value) in CONSTANTS {
        assert_same(&mut text, name, value);
    }
    for layout in bus1::STRUCTURES {
        let name = layout.name;
        assert_same(&mut text, &format!("sizeof(struct {name})"), layout.n_bytes);
        for (field, offset) in layout.fields {
            // `type` cannot be the name of a field in Rust, and POSIX has names of its own for those of a vector.
            let field = match (name, *field) {
                ("bus1_message", "kind") => "type",
                ("iovec", "base") => "iov_base",
                ("iovec", "length") => "iov_len",
                (_, field) => field,
            };
            let place = format!("offsetof(struct {name}, {field})");
            assert_same(&mut text, &place, *offset);
            let size = format!("sizeof(((struct {name} *)0)->{field})");
            assert_same(&mut text, &size, 8);
        }
    }
    text.push_str("__u64 number(void *p) { return BUS1_FROM_PTR(p); }\n");
    text.push_str("void *pointer(__u64 v) { return BUS1_TO_PTR(v); }\n");
    text
}

fn assert_same(text: &mut String, expression: &str, value: u64) {
    writeln!(
        text,
        "_Static_assert({expression} == {value}ull, \"{expression} is not {value:#x}\");"
    )
    .expect("a string takes what is written");
}

fn compile_for_omnibus(text: &str) {
    let mut command = c_flags::compiler();
    command.args(c_flags::compile(&sdk()));
    compile(&mut command, text);
}

/// As C11 without a warning, in headers either.
#[track_caller]
fn compile_strictly(text: &str) {
    let mut command = c_flags::compiler();
    command
        .args(c_flags::compile(&sdk()))
        // Before the system's folder, so that warnings are not held back as they are for a system header.
        .arg("-I")
        .arg(sdk().join("include"))
        .args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic"]);
    compile(&mut command, text);
}

/// Has the compiler look at a program; what it says of it is the failure.
#[track_caller]
fn compile(command: &mut Command, text: &str) {
    let mut child = command
        .args(["-fsyntax-only", "-x", "c", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("there is a C compiler, or rustc could not link");
    let mut stdin = child.stdin.take().expect("it was piped");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn sdk() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk/c")
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn without_comments(text: &str) -> String {
    let mut pieces = text.split("/*");
    let mut code = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        code.push_str(piece.split_once("*/").map_or("", |(_, behind)| behind));
    }
    code
}

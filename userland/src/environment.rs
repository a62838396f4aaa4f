//! What the task was given at its start: its number, capabilities, arguments, and an environment of strings `NAME=VALUE`.
//!
//! A program that a boot plan started has in its environment what the plan calls its things: `capability.NAME` is a number
//! of its table, `node.NAME` and `handle.NAME` are ids of its peer.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::fmt::Display;
use core::slice;
use core::sync::atomic::{AtomicPtr, Ordering};
use omnibus_abi::native::Startup;
use omnibus_abi::{CapabilityNumber, Kind};

static STARTUP: AtomicPtr<Startup> = AtomicPtr::new(core::ptr::null_mut());

/// Remembers the startup block; called once, before `main`.
#[cfg(not(test))]
pub(crate) fn initialise(startup: &'static Startup) {
    STARTUP.store(core::ptr::from_ref(startup).cast_mut(), Ordering::Relaxed);
    let console = find(Kind::Console).unwrap_or(CapabilityNumber(0));
    crate::print::set_kernel_console(console);
}

fn startup() -> &'static Startup {
    let startup = STARTUP.load(Ordering::Relaxed);
    assert!(!startup.is_null(), "the task has no startup block");
    // SAFETY: only `initialise` stores here, and what it stores is valid and unchanging for ever.
    unsafe { &*startup }
}

/// The task's number, unique for ever.
#[must_use]
pub fn task_number() -> u64 {
    startup().task
}

/// Priority of the task's threads.
#[must_use]
pub fn priority() -> u64 {
    startup().priority
}

/// The granted capabilities, in the order of the grants.
#[must_use]
pub fn capabilities() -> &'static [CapabilityNumber] {
    let startup = startup();
    if startup.n_capabilities == 0 {
        return &[];
    }
    // SAFETY: the kernel put that many numbers there, read-only, for the life of the task;
    // `CapabilityNumber` is a transparent u64.
    unsafe {
        slice::from_raw_parts(
            startup.ptr_capabilities as *const CapabilityNumber,
            startup.n_capabilities as usize,
        )
    }
}

/// The first granted capability of a kind.
#[must_use]
pub fn find(kind: Kind) -> Option<CapabilityNumber> {
    let is_of_kind = |number: &&CapabilityNumber| {
        crate::calls::capability_info(**number).is_ok_and(|info| info.kind == kind as u64)
    };
    capabilities().iter().find(is_of_kind).copied()
}

/// The arguments, in order.
pub fn arguments() -> impl Iterator<Item = &'static str> {
    let startup = startup();
    split(bytes(startup.ptr_arguments, startup.n_arguments))
}

/// The environment, in order: names and values.
pub fn variables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let startup = startup();
    split(bytes(startup.ptr_environment, startup.n_environment))
        .filter_map(|variable| variable.split_once('='))
}

/// The value of the first variable of this name.
#[must_use]
pub fn variable(name: &str) -> Option<&'static str> {
    let mut variables = variables();
    variables.find_map(|(known, value)| (known == name).then_some(value))
}

/// The number of what a plan calls `name` among the things of this sort: [`CAPABILITY`], [`NODE`] or [`HANDLE`].
#[must_use]
pub fn number_of(sort: &str, name: &str) -> Option<u64> {
    variables()
        .find(|(known, _)| known.strip_prefix(sort) == Some(name))
        .and_then(|(_, value)| value.parse().ok())
}

/// How the names of variables begin that are numbers of capabilities.
pub const CAPABILITY: &str = "capability.";

/// How the names of variables begin that are ids of nodes of the task's peer.
pub const NODE: &str = "node.";

/// How the names of variables begin that are ids of handles of the task's peer.
pub const HANDLE: &str = "handle.";

/// Bytes that the creator put there.
fn bytes(address: u64, n_bytes: u64) -> &'static [u8] {
    if n_bytes == 0 {
        return &[];
    }
    // SAFETY: `Startup` says that so many bytes are there, read-only, for the life of the task.
    unsafe { slice::from_raw_parts(address as *const u8, n_bytes as usize) }
}

/// Argument bytes as strings: each ends in NUL, the last may lack it. What is not UTF-8 is left out.
fn split(bytes: &[u8]) -> impl Iterator<Item = &str> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let is_empty = bytes.is_empty();
    bytes
        .split(|&byte| byte == 0)
        .filter(move |_| !is_empty)
        .filter_map(|argument| core::str::from_utf8(argument).ok())
}

/// Adds an argument, or a variable, for a task to be started, as [`arguments`] and [`variables`] find it there. It ends at its first NUL, if it has one.
pub(crate) fn push_argument(bytes: &mut Vec<u8>, argument: &impl Display) {
    let text = argument.to_string();
    bytes.extend(text.bytes().take_while(|&byte| byte != 0));
    bytes.push(0);
}

#[cfg(test)]
mod tests {
    use super::{push_argument, split};

    /// Arguments end in NUL; an empty one in the middle counts, no bytes are no arguments.
    #[test]
    fn run_arguments_split_at_nul() {
        let arguments = |bytes| split(bytes).collect::<Vec<_>>();
        assert_eq!(arguments(b""), [""; 0]);
        assert_eq!(arguments(b"a\0"), ["a"]);
        assert_eq!(arguments(b"a\0b"), ["a", "b"]);
        assert_eq!(arguments(b"a\0\0b c\0"), ["a", "", "b c"]);
    }

    /// What is added is what arrives, but for what follows a NUL.
    #[test]
    fn run_arguments_arrive_as_they_were_added() {
        let mut bytes = Vec::new();
        push_argument(&mut bytes, &"a");
        push_argument(&mut bytes, &"");
        push_argument(&mut bytes, &"b\0c");
        push_argument(&mut bytes, &7);
        assert_eq!(split(&bytes).collect::<Vec<_>>(), ["a", "", "b", "7"]);
    }
}

//! Makes every system call with every bad value for every argument and field, and expects the documented error and no trace.
//!
//! ```text
//!  abi::call::SPECIFICATIONS ──> rows: a good call, and what each value of it means ──> cases: one value changed
//!                                                                                         │
//!        text of every kernel object before == after  <── judge: the call, its error <────┘
//! ```
//!
//! Every call is made with patterns in all registers that it does not use, and afterwards none may hold anything but the caller's own.
//!
//! The check orders of ERR-2, TRA-4, REL-1, SND-5 and RCV-1 are tested by every pair of faults that meet in one call: the one
//! that is looked for earlier decides.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod cases;
mod ends;
mod invocation;
mod judge;
mod long;
#[allow(unsafe_code, reason = "maps, fills and reads the regions")]
mod memory;
mod monkey;
mod rows;
mod short;
#[allow(unsafe_code, reason = "starts threads of a few instructions")]
mod threads;
mod world;

use omnibus_userland::abi::Call;
use omnibus_userland::{environment, program, suite};

/// The suite, which is all of its tasks.
const PROGRAM: &str = "test-bad-input";

/// One test for each call. That it is each call is checked while compiling.
macro_rules! one_test_for_each {
    ($($name:literal $call:ident,)*) => {
        const TESTS: &[suite::Test] = &[$(suite::Test {
            name: concat!("bad_input_", $name),
            sentence: concat!(
                "Every bad value for every argument and field of `", $name,
                "` gets its documented error, the first fault decides, and nothing has changed."
            ),
            run: |bench| judge::judge(bench, Call::$call),
        }),*];

        const _: () = assert!(TESTS.len() == Call::ALL.len());
        const _: () = {
            let (calls, mut index) = ([$(Call::$call as u64),*], 0);
            while index < Call::ALL.len() {
                assert!(calls[index] == Call::ALL[index] as u64);
                index += 1;
            }
        };
    };
}

one_test_for_each! {
    "null" Null,
    "exit" Exit,
    "yield" Yield,
    "clock" Clock,
    "debug_print" DebugPrint,
    "wait" Wait,
    "peer_new" PeerNew,
    "transfer" Transfer,
    "release" Release,
    "send" Send,
    "recv" Recv,
    "capability_copy" CapabilityCopy,
    "capability_drop" CapabilityDrop,
    "capability_info" CapabilityInfo,
    "thread_new" ThreadNew,
    "thread_exit" ThreadExit,
    "thread_join" ThreadJoin,
    "thread_tls" ThreadTls,
    "vm_map" VmMap,
    "vm_unmap" VmUnmap,
    "task_kill" TaskKill,
    "task_status" TaskStatus,
    "account_new" AccountNew,
    "account_read" AccountRead,
    "account_claims" AccountClaims,
    "inspect" Inspect,
    "memory_new" MemoryNew,
    "memory_map" MemoryMap,
    "memory_unmap" MemoryUnmap,
    "memory_revoke" MemoryRevoke,
    "memory_info" MemoryInfo,
    "capability_compare" CapabilityCompare,
    "task_new" TaskNew,
    "task_grant" TaskGrant,
    "task_start" TaskStart,
    "task_watch" TaskWatch,
    "send_short" SendShort,
    "receive_short" ReceiveShort,
    "call_short" CallShort,
    "task_priority" TaskPriority,
    "receive_long" ReceiveLong,
    "call_long" CallLong,
    "task_faults" TaskFaults,
    "fault_read" FaultRead,
    "fault_answer" FaultAnswer,
    "vm_protect" VmProtect,
    "timer_new" TimerNew,
    "timer_set" TimerSet,
    "range_split" RangeSplit,
    "port_in" PortIn,
    "port_out" PortOut,
    "interrupt_bind" InterruptBind,
    "interrupt_acknowledge" InterruptAcknowledge,
    "account_share" AccountShare,
    "memory_watch" MemoryWatch,
    "release_one" ReleaseOne,
    "account_limits" AccountLimits,
}

/// A call whose number nobody knows.
const UNKNOWN: suite::Test = suite::Test {
    name: "bad_input_unknown_numbers",
    sentence: "A number that is no call is ENOSYS, whatever the registers hold.",
    run: judge::unknown_numbers,
};

/// What no row has: calls that go on from what other calls made.
const RANDOM: suite::Test = suite::Test {
    name: "bad_input_random_calls",
    sentence: "Thousands of random calls leave the kernel quiet, and nothing behind.",
    run: judge::random_calls,
};

fn main() -> u8 {
    match environment::arguments().next() {
        Some("--child") => ends::child(),
        Some(monkey::FLAG) => monkey::run(),
        _ => suite::run(PROGRAM, &[TESTS, &[UNKNOWN, RANDOM]]),
    }
}

program!(main);

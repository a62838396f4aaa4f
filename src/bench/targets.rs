//! The figures of other systems, and what is wanted of this one.
//!
//! All are guest instructions, user and kernel together, per round trip unless the text says otherwise, counted in QEMU 7.2 with
//! `-icount shift=0,sleep=off -cpu max,-erms,-fsrm -smp 1 -m 512`. `docs/performance.md` says how they were measured.

/// An experiment of the suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    /// Its id.
    pub(super) id: &'static str,
    /// What it does.
    pub(super) text: &'static str,
    /// seL4 16.0.0-dev, release build, fast path on.
    pub(super) sel4: Option<u64>,
    /// The cheapest way that Linux 6.1 has, with `mitigations=off`.
    pub(super) linux: Option<u64>,
    /// What it must not exceed.
    pub(super) must: u64,
    /// Where it should come to.
    pub(super) goal: u64,
}

const fn target(
    id: &'static str,
    text: &'static str,
    [sel4, linux, must, goal]: [u64; 4],
) -> Target {
    const fn known(figure: u64) -> Option<u64> {
        if figure == 0 { None } else { Some(figure) }
    }
    Target {
        id,
        text,
        sel4: known(sel4),
        linux: known(linux),
        must,
        goal,
    }
}

/// The experiments; of the numbers seL4, Linux (0: not measured), must, goal.
#[rustfmt::skip]
pub(super) const TARGETS: [Target; 16] = [
    target("null_syscall", "null system call", [264, 353, 140, 110]),
    target("call_0", "call and reply, no data", [427, 8571, 640, 427]),
    target("call_8", "call and reply, 8 bytes", [454, 11618, 680, 454]),
    target("call_32", "call and reply, 32 bytes", [484, 11618, 725, 484]),
    target("call_64", "call and reply, 64 bytes", [1629, 11618, 820, 540]),
    target("echo_4k", "echo of 4 KiB", [2495, 11691, 3400, 2400]),
    target("echo_64k", "echo of 64 KiB", [33218, 41832, 36000, 20000]),
    target("cap_keep", "call with a handle, kept", [1522, 23878, 1522, 1100]),
    target("cap_drop", "call with a handle, dropped", [2241, 19161, 2241, 1500]),
    target("async_pingpong", "ping-pong, send and receive apart", [2097, 8571, 2097, 1300]),
    target("self_64", "64 bytes to oneself, queued, one call", [0, 3952, 1000, 600]),
    target("fanout_1", "fan-out to 1, per message", [2378, 11380, 2378, 1300]),
    target("fanout_4", "fan-out to 4, per message", [1562, 10570, 1562, 900]),
    target("fanout_16", "fan-out to 16, per message", [1358, 10323, 1358, 800]),
    target("fanout_64", "fan-out to 64, per message", [1307, 10282, 1307, 750]),
    target("cap_copy_delete", "copy a capability, delete it", [1571, 0, 1571, 600]),
];

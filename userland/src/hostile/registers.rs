//! All registers as a value, with a pattern in each, and what may have become of them.

use super::machine;
use crate::check::Outcome;
use crate::raw::Registers;
use crate::{check, check_eq};

/// Indices in [`State::general`] of what a call changes.
pub const RAX: usize = 0;
/// Like [`RAX`].
pub const RCX: usize = 2;
/// Like [`RAX`].
pub const RDX: usize = 3;
/// Like [`RAX`].
pub const R11: usize = 10;

/// Where in [`State::general`] the arguments of a call are.
const ARGUMENTS: [usize; 6] = [5, 4, RDX, 9, 7, 8];

/// Names of [`State::general`].
pub const NAMES: [&str; 15] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// Flags that a program may set as it likes: carry, parity, adjust, zero, sign, direction, overflow,
/// nested task, alignment check, identification (SDM 1 3.4.3), and the two that are always set.
pub const FLAGS: u64 = 0x24_4ed7;

/// Rounding down, single precision, and all exceptions masked; not what a thread starts with (SDM 1 8.1.5).
const FCW: u64 = 0x047f;

/// Rounding up, all exceptions masked (SDM 1 10.2.3).
const MXCSR: u64 = 0x5f80;

/// Every register of the CPU that user code has, but for rsp and FS base.
#[repr(C, align(64))]
#[derive(Clone, Debug)]
pub struct State {
    /// The area of FXSAVE, which has to be aligned (SDM 1 10.5.1); only stored.
    pub fxsave: [u8; 512],
    /// rax rbx rcx rdx rsi rdi rbp r8 … r15.
    pub general: [u64; 15],
    /// rflags.
    pub flags: u64,
    /// Address behind the instructions; only stored.
    pub rip: u64,
    /// x87 control word.
    pub fcw: u64,
    /// MXCSR.
    pub mxcsr: u64,
    /// st(0) to st(7), as double-precision numbers.
    pub x87: [u64; 8],
    /// ds, es, fs, gs. User code can load null selectors and that of its data segment; fs takes its base along.
    pub selectors: [u16; 4],
    /// Whether the upper halves of `vector` count.
    pub has_avx: u64,
    /// ymm0 to ymm15.
    pub vector: [[u64; 4]; 16],
}

/// Selector of the user's data segment.
pub const USER_DATA: u16 = 0x1b;

impl State {
    /// A different pattern in every register.
    #[must_use]
    pub fn patterns(seed: u64) -> Self {
        let pattern =
            |n: usize| (seed << 16 ^ 0x5a00 | n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let has_avx = machine::has_avx();
        Self {
            fxsave: [0; 512],
            general: core::array::from_fn(pattern),
            flags: FLAGS,
            rip: 0,
            fcw: FCW,
            mxcsr: MXCSR,
            // Numbers, so that they survive as they are: 1.x with the pattern in the fraction that single precision has.
            x87: core::array::from_fn(|n| 0x3ff0_0000_0000_0000 | pattern(20 + n) >> 36 << 29),
            selectors: [0; 4],
            has_avx: u64::from(has_avx),
            vector: core::array::from_fn(|n| {
                core::array::from_fn(|word| match word {
                    2 | 3 if !has_avx => 0,
                    _ => pattern(32 + 4 * n + word),
                })
            }),
        }
    }

    /// A call, with a pattern in every register that it does not use.
    #[must_use]
    pub fn before_call(number: u64, arguments: [u64; 6]) -> Self {
        let mut state = Self::patterns(number);
        state.general[RAX] = number;
        for (index, argument) in ARGUMENTS.into_iter().zip(arguments) {
            state.general[index] = argument;
        }
        state
    }
}

/// Makes a call with a pattern in every register that it does not use, and checks that what it leaves is the caller's
/// own or nothing: ABI, convention.
///
/// # Safety
/// As [`crate::raw::call_number`]; besides, the call must return.
///
/// # Errors
/// The first register that holds something else.
#[allow(unsafe_code)]
pub unsafe fn call(number: u64, arguments: [u64; 6]) -> (Registers, Outcome) {
    let before = State::before_call(number, arguments);
    let mut after = before.clone();
    // SAFETY: as the caller promises.
    unsafe { machine::call(&mut after) };
    let registers = Registers {
        status: after.general[RAX],
        value: after.general[RDX],
    };
    (registers, check_call(&before, &after))
}

fn check_call(before: &State, after: &State) -> Outcome {
    for (index, name) in NAMES.into_iter().enumerate() {
        let (was, is) = (before.general[index], after.general[index]);
        match index {
            RAX => check!(is as i64 <= 0 && is as i64 >= -131, "status {is:#x}"),
            RDX => check!(
                is == 0 || after.general[RAX] == 0,
                "rdx is {is:#x} after an error"
            ),
            // Lost: they may hold what the caller knows, not what the kernel does.
            RCX => check!([0, was, after.rip].contains(&is), "rcx is {is:#x}"),
            R11 => check!([0, was, before.flags].contains(&is), "r11 is {is:#x}"),
            _ => check!(is == was, "{name} is {is:#x} and was {was:#x}"),
        }
    }
    check_eq!(after.flags, before.flags, "flags");
    check_eq!(after.vector, [[0; 4]; 16], "vector registers");
    check_eq!(after.mxcsr, before.mxcsr, "MXCSR");
    check_eq!(after.fcw, before.fcw, "x87 control word");
    check_eq!(after.selectors, [0; 4], "segment selectors");
    // Behind the control word: status, tags, opcode, addresses; registers, each in 16 bytes, from byte 32 on.
    let (status, registers) = (&after.fxsave[2..24], &after.fxsave[32..160]);
    check!(
        status.iter().all(|&byte| byte == 0),
        "x87 status {status:x?}"
    );
    check!(
        registers.iter().all(|&byte| byte == 0),
        "x87 registers {registers:x?}"
    );
    Ok(())
}

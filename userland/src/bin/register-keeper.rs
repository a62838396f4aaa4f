//! Keeps a pattern in every register through 2,000 instructions while another task scribbles over its own.
//!
//! To be booted with the kernel word `slice=1` and `-icount`: then a timer interrupt follows each of these instructions, and the other task
//! runs before the next. The instructions change most registers, each in a way whose result is known, so that a register
//! that is lost and restored from an older copy is noticed too. The kernel counts the interrupts of programs that had moved; the program checks
//! that there were enough for each instruction of its own and one of its neighbour in between.
#![no_std]
#![no_main]

use omnibus_userland::abi::Kind;
use omnibus_userland::account::Account;
use omnibus_userland::hostile::machine;
use omnibus_userland::hostile::registers::{NAMES, State, USER_DATA};
use omnibus_userland::task::Command;
use omnibus_userland::{calls, environment, println, program, task, thread, with_registers};

program!(main);

/// Turns of the block, and instructions in each.
const N_TURNS: u32 = 125;
const N_INSTRUCTIONS: u64 = 2000;

/// The direction flag.
const DF: u64 = 0x400;

with_registers! {
    /// [`expected`] says what it does.
    fn change_registers = "
        .rept {N_TURNS}
        add rax, 1
        rol rbx, 1
        sub rcx, 3
        not rdx
        ror rsi, 5
        bswap rdi
        xor rbp, 0x5a5a5a
        inc r8
        dec r9
        neg r10
        rol r11, 3
        add r12, r13
        xor r14, r15
        paddq xmm0, xmm1
        paddd xmm2, xmm3
        fchs
        .endr
        ", N_TURNS = const N_TURNS
}

/// A pattern for every register. DF is set.
fn patterns() -> State {
    let mut state = State::patterns(0x0123_4567);
    state.flags = DF | 0x202;
    // The user's data segment, and null selectors: all that user code can load. (IRET itself clears the low bits of a null selector
    // in ds and es: SDM 2A, IRET, return to outer privilege level.)
    state.selectors = [USER_DATA, USER_DATA, 2, 1];
    state
}

/// What the block makes of them.
fn expected(before: &State) -> State {
    let mut after = before.clone();
    let n_turns = u64::from(N_TURNS);
    let [
        rax,
        rbx,
        rcx,
        rdx,
        rsi,
        rdi,
        rbp,
        r8,
        r9,
        r10,
        r11,
        r12,
        r13,
        r14,
        r15,
    ] = &mut after.general;
    *rax = rax.wrapping_add(n_turns);
    *rbx = rbx.rotate_left(N_TURNS);
    *rcx = rcx.wrapping_sub(3 * n_turns);
    *rdx = !*rdx;
    *rsi = rsi.rotate_right(5 * N_TURNS);
    *rdi = rdi.swap_bytes();
    *rbp ^= 0x5a_5a5a;
    *r8 = r8.wrapping_add(n_turns);
    *r9 = r9.wrapping_sub(n_turns);
    *r10 = r10.wrapping_neg();
    *r11 = r11.rotate_left(3 * N_TURNS);
    *r12 = r12.wrapping_add(r13.wrapping_mul(n_turns));
    *r14 ^= *r15;
    for i in 0..2 {
        after.vector[0][i] =
            before.vector[0][i].wrapping_add(before.vector[1][i].wrapping_mul(n_turns));
        let halves = |shift: u32| {
            let (to, by) = (
                (before.vector[2][i] >> shift) as u32,
                (before.vector[3][i] >> shift) as u32,
            );
            u64::from(to.wrapping_add(by.wrapping_mul(N_TURNS))) << shift
        };
        after.vector[2][i] = halves(0) | halves(32);
    }
    // An odd number of changes of sign.
    after.x87[0] ^= 1 << 63;
    after
}

/// Runs the block and says which registers are not as they should be.
fn run() -> usize {
    let before = patterns();
    let mut got = before.clone();
    // SAFETY: the block changes registers only, and this program's runtime uses neither segment registers nor the vector state across
    // calls.
    unsafe { change_registers(&mut got) };
    let expected = expected(&before);
    let mut n_wrong = 0;
    let mut compare = |name: &str, is_same: bool| {
        if !is_same {
            n_wrong += 1;
            println!("lost: {name}");
        }
    };
    for (name, (got, expected)) in NAMES.iter().zip(got.general.iter().zip(&expected.general)) {
        compare(name, got == expected);
    }
    for (got, expected) in got.vector.iter().zip(&expected.vector) {
        compare("a vector register", got == expected);
    }
    for (got, expected) in got.x87.iter().zip(&expected.x87) {
        compare("an x87 register", got == expected);
    }
    compare("the direction flag", got.flags & DF == expected.flags & DF);
    compare("mxcsr", got.mxcsr & !0x3f == expected.mxcsr);
    compare("the x87 control word", got.fcw == expected.fcw);
    let selectors = got.selectors.iter().zip(&expected.selectors);
    for (name, (got, expected)) in ["ds", "es", "fs", "gs"].into_iter().zip(selectors) {
        compare(name, got == expected);
    }
    n_wrong
}

/// What the kernel counted so far; 0 without the test mode.
fn n_interrupted() -> u64 {
    let Some(system) = environment::find(Kind::System) else {
        return 0;
    };
    // The line is among the first.
    let mut text = [0; 256];
    let n_bytes = calls::inspect(system, &mut text)
        .map_or(0, |n_bytes| n_bytes as usize)
        .min(text.len());
    let text = core::str::from_utf8(&text[..n_bytes]).unwrap_or("");
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("machine interrupted "));
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn main() {
    let account = environment::find(Kind::Account).map(Account::from_capability);
    let Some(Ok(scribbler)) =
        account.map(|account| Command::new("register-scribbler").spawn(&account))
    else {
        println!("cannot start the scribbler");
        task::exit(2)
    };
    thread::yield_now();
    let start = n_interrupted();
    let idle = n_interrupted();
    let n_wrong = run();
    let end = n_interrupted();
    // What two readings of the counter cost by themselves is taken off.
    let n_interrupts = (end - idle).saturating_sub(idle - start);
    let is_alive = scribbler
        .status()
        .is_ok_and(|status| omnibus_userland::task::Ending::of(&status).is_none());
    println!(
        "{n_wrong} registers lost in {N_INSTRUCTIONS} instructions, {n_interrupts} interrupts, 32-byte registers: {}, scribbler runs: {is_alive}",
        machine::has_avx()
    );
    // One of each task per instruction.
    if n_wrong == 0 && n_interrupts >= 2 * N_INSTRUCTIONS && is_alive {
        println!("every register kept through every interrupt");
        task::exit(0)
    }
    task::exit(1)
}

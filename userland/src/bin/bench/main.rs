//! Measures what the kernel's calls cost, each with an ordinary server in a task and an account of its own.
//!
//! Every experiment goes through a checking pass first, through the same code: every byte is compared, every handle used once. Then
//! rounds are timed, in batches; the figure is the median of the batches, in ticks of the time-stamp counter, which under instruction
//! counting are the guest's instructions, user and kernel together, the loop included. Lines on the console:
//!
//! | line | meaning |
//! |---|---|
//! | `figure ID N` | a round of the experiment ID takes N |
//! | `size BYTES N` | an echo of so many bytes takes N |
//! | `bench-done N` | all N figures and sizes were told |
//!
//! Arguments: `--only TEXT` for the experiments whose id contains it; `--wall` for nanoseconds of the clock instead of ticks.
#![no_std]
#![no_main]

extern crate alloc;

mod experiments;
mod rig;

use alloc::format;
use omnibus_userland::check::Outcome;
use omnibus_userland::{environment, println, program};
use rig::Rig;

program!(main);

/// Sizes of the plotted curve, in bytes.
const SIZES: [usize; 10] = [0, 8, 64, 128, 256, 1024, 4096, 16384, 32768, 65536];

/// Numbers of receivers of a fan-out.
const FANOUTS: [usize; 4] = [1, 4, 16, 64];

fn main() -> u8 {
    let arguments = || environment::arguments();
    let only = arguments().skip_while(|&word| word != "--only").nth(1);
    let is_wall = arguments().any(|word| word == "--wall");
    match run(&mut Rig::new(only.unwrap_or_default(), is_wall)) {
        Ok(()) => 0,
        Err(failure) => {
            println!("error: {failure}");
            1
        }
    }
}

fn run(rig: &mut Rig) -> Outcome {
    rig.figure("null_syscall", experiments::null)?;
    for n_bytes in [0, 8, 32, 64] {
        rig.figure(&format!("call_{n_bytes}"), |rig| {
            experiments::call(rig, n_bytes)
        })?;
    }
    for (name, n_bytes) in [("echo_4k", 4096), ("echo_64k", 65536)] {
        rig.figure(name, |rig| experiments::echo(rig, n_bytes))?;
    }
    rig.figure("cap_keep", |rig| experiments::carry(rig, "keep"))?;
    rig.figure("cap_drop", |rig| experiments::carry(rig, "drop"))?;
    rig.figure("async_pingpong", experiments::ping_pong)?;
    rig.figure("self_64", experiments::to_oneself)?;
    for n_receivers in FANOUTS {
        rig.figure(&format!("fanout_{n_receivers}"), |rig| {
            experiments::fan_out(rig, n_receivers)
        })?;
    }
    rig.figure("cap_copy_delete", experiments::copy_and_delete)?;
    for n_bytes in SIZES {
        rig.size(n_bytes, |rig| experiments::echo(rig, n_bytes))?;
    }
    println!("bench-done {}", rig.n_told());
    Ok(())
}

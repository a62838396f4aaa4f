//! What the registers hold after a system call: the sentences of the ABI, one by one.

use omnibus_userland::abi::native::WaitItem;
use omnibus_userland::abi::{Call, Kind};
use omnibus_userland::check::Outcome;
use omnibus_userland::hostile::machine;
use omnibus_userland::hostile::registers::{NAMES, R11, RAX, RCX, RDX, State, USER_DATA};
use omnibus_userland::{calls, check, check_eq, environment, tests};

/// Makes the call in `before`, and returns what the registers hold behind it.
fn make(before: &State) -> State {
    let mut after = before.clone();
    // SAFETY: the calls made here return, and write nowhere.
    unsafe { machine::call(&mut after) };
    after
}

/// Makes the call with patterns in all registers, and returns what they hold before and behind it.
fn look(number: u64, arguments: [u64; 6]) -> (State, State) {
    let before = State::before_call(number, arguments);
    let after = make(&before);
    (before, after)
}

/// The calls to look behind: each ends in a way of its own.
fn calls_of_all_kinds() -> [(&'static str, u64, [u64; 6]); 5] {
    let soon_ns = calls::clock_ns() + 2_000_000;
    let console = environment::find(Kind::Console).map_or(u64::MAX, |console| console.0);
    let text = b"  a line printed with patterns in all registers\n";
    [
        ("the null call", Call::Null as u64, [11, 22, 33, 44, 55, 66]),
        (
            "an unknown call",
            0xffff_ffff_ffff,
            [11, 22, 33, 44, 55, 66],
        ),
        (
            "a call that reads memory",
            Call::DebugPrint as u64,
            [console, text.as_ptr() as u64, text.len() as u64, 44, 55, 66],
        ),
        (
            "a call that yields",
            Call::Yield as u64,
            [11, 22, 33, 44, 55, 66],
        ),
        (
            "a call that blocks",
            Call::Wait as u64,
            [0, 0, WaitItem::SIZE, soon_ns, 55, 66],
        ),
    ]
}

/// Looks behind every kind of call.
fn behind_each(claim: impl Fn(&str, &State, &State) -> Outcome) -> Outcome {
    for (name, number, arguments) in calls_of_all_kinds() {
        let (before, after) = look(number, arguments);
        claim(name, &before, &after)?;
    }
    Ok(())
}

/// Makes a call with the user's data segment in ds, es, fs and gs, and returns what they hold behind it.
fn selectors_behind(call: Call, deadline_ns: u64) -> [u64; 4] {
    let arguments = [0, 0, WaitItem::SIZE, deadline_ns, 0, 0];
    let mut before = State::before_call(call as u64, arguments);
    before.selectors = [USER_DATA; 4];
    make(&before).selectors.map(u64::from)
}

tests! {
    /// Segment selectors are kept by a call that ends at once, and null behind one that waited.
    fn abi_segment_selectors(_) {
        check_eq!(selectors_behind(Call::Null, 0), [u64::from(USER_DATA); 4], "behind the null call");
        let soon_ns = calls::clock_ns() + 2_000_000;
        check_eq!(selectors_behind(Call::Wait, soon_ns), [0; 4], "behind a wait");
        Ok(())
    }

    /// General registers other than rax, rdx, rcx and r11 are kept.
    fn abi_general_registers_are_kept(_) {
        behind_each(|name, before, after| {
            for (index, register) in NAMES.into_iter().enumerate() {
                if ![RAX, RCX, RDX, R11].contains(&index) {
                    check_eq!(after.general[index], before.general[index], "{register} behind {name}");
                }
            }
            Ok(())
        })
    }

    /// rax is the status, 0 or a negative error number, and rdx the value; a failed call's value is 0.
    fn abi_status_in_rax_value_in_rdx(_) {
        let (_, after) = look(Call::Null as u64, [1; 6]);
        check_eq!((after.general[RAX], after.general[RDX]), (0, 0), "status and value of the null call");
        let (_, after) = look(0xffff_ffff_ffff, [1; 6]);
        check_eq!((after.general[RAX] as i64, after.general[RDX]), (-38, 0), "status and value of an unknown call");
        let before_ns = calls::clock_ns();
        let (_, after) = look(Call::Clock as u64, [1; 6]);
        check!(after.general[RAX] == 0 && after.general[RDX] >= before_ns, "the clock says {:?}", after.general);
        Ok(())
    }

    /// rcx and r11 hold the task's own instruction address and flags, nothing of the kernel.
    fn abi_rcx_and_r11_are_the_tasks_own(_) {
        behind_each(|name, before, after| {
            check_eq!(after.general[RCX], after.rip, "rcx behind {name}");
            check_eq!(after.general[R11], before.flags, "r11 behind {name}");
            Ok(())
        })
    }

    /// The flags behind a call are those before it.
    fn abi_flags_are_kept(_) {
        behind_each(|name, before, after| {
            check_eq!(after.flags, before.flags, "flags behind {name}");
            Ok(())
        })
    }

    /// Vector registers read as zero behind a call, to their full width.
    fn abi_vector_registers_read_as_zero(_) {
        behind_each(|name, _, after| {
            for (number, register) in after.vector.iter().enumerate() {
                check_eq!(*register, [0; 4], "vector register {number} behind {name}");
            }
            Ok(())
        })
    }

    /// x87 registers read as zero behind a call: empty, without status, without last instruction.
    fn abi_x87_registers_read_as_zero(_) {
        behind_each(|name, _, after| {
            check_eq!(after.fxsave[2..5], [0; 3], "status and tags behind {name}");
            check_eq!(after.fxsave[6..24], [0; 18], "last instruction behind {name}");
            // Ten bytes of each sixteen are the register; the rest is reserved.
            for (number, register) in after.fxsave[32..160].chunks_exact(16).enumerate() {
                check_eq!(register[..10], [0; 10], "st({number}) behind {name}");
            }
            Ok(())
        })
    }

    /// The control words of vector and x87 unit are kept.
    fn abi_control_words_are_kept(_) {
        behind_each(|name, before, after| {
            check_eq!(after.fcw, before.fcw, "x87 control word behind {name}");
            check_eq!(after.mxcsr, before.mxcsr, "MXCSR behind {name}");
            Ok(())
        })
    }
}

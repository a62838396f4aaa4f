//! An attack, how it must end, and who watches.

use alloc::string::String;
use core::arch::x86_64::__cpuid_count;
use core::time::Duration;
use omnibus_userland::abi::CapabilityNumber;
use omnibus_userland::abi::native::{TASK_EXITED, TASK_FAULTED, TaskStatus};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Task};
use omnibus_userland::{calls, check, check_eq, time};

/// The suite, which is all of its tasks.
pub(crate) const PROGRAM: &str = "test-hazards";

/// Exit status of an attack that changed nothing.
const SURVIVED: u64 = 0;

/// Some instructions.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    /// What it is called.
    pub(crate) name: &'static str,
    /// The instructions.
    pub(crate) run: extern "C" fn(),
    /// Addresses of the instruction that matters, and of the one behind it.
    pub(crate) place: fn() -> (u64, u64),
    /// How it must end.
    pub(crate) end: End,
    /// What the CPU must have for it.
    pub(crate) needs: Needs,
}

/// How an attack must end.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// It returns.
    Survives,
    /// By this exception, at the instruction.
    Faults(u64),
    /// By this exception, behind the instruction: it is a trap.
    Traps(u64),
    /// By this exception, which names this address.
    FaultsAt(u64, u64),
    /// By one of these exceptions, at the instruction: which one depends on the CPU.
    FaultsEither(u64, u64),
    /// By a general protection fault. To QEMU 7.2 it is a page fault if the CPU has SMAP, because it reads the program's stack as
    /// if the kernel did.
    FaultsFar,
    /// By this exception; where depends on the CPU.
    FaultsAnywhere(u64),
}

/// What the CPU must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing that is not always there.
    Nothing,
    /// User-mode instruction prevention: CPUID leaf 7, ecx bit 2 (SDM 2A, CPUID).
    Umip,
    /// XSAVE: CPUID leaf 1, ecx bit 26.
    Xsave,
}

impl Needs {
    fn are_met(self) -> bool {
        let (leaf, bit) = match self {
            Self::Nothing => return true,
            Self::Umip => (7, 2),
            Self::Xsave => (1, 26),
        };
        __cpuid_count(0, 0).eax >= leaf && __cpuid_count(leaf, 0).ecx >> bit & 1 == 1
    }
}

/// Defines attacks as `ATTACKS`: a name, how it ends, instructions that lead to it, the one that matters, and those behind it.
/// They keep rbx, rbp, rsp and r12 to r15, or do not return.
macro_rules! attacks {
    ($($name:ident $end:expr, [$($before:literal),*] $that:literal [$($behind:literal),*] $($needs:ident)?;)*) => {
        $(
            core::arch::global_asm!(
                concat!(".global attack_", stringify!($name)),
                concat!("attack_", stringify!($name), ":"),
                $($before,)*
                concat!(".global at_", stringify!($name)),
                concat!("at_", stringify!($name), ":"),
                $that,
                concat!(".global behind_", stringify!($name)),
                concat!("behind_", stringify!($name), ":"),
                $($behind,)*
                "ret",
            );
        )*

        pub(crate) const ATTACKS: &[$crate::attack::Attack] = &[$({
            extern "C" fn run() {
                unsafe extern "C" {
                    #[link_name = concat!("attack_", stringify!($name))]
                    fn attack();
                }
                // SAFETY: it keeps what the C ABI wants kept, or ends this task, which exists for nothing else.
                unsafe { attack() }
            }
            fn place() -> (u64, u64) {
                unsafe extern "C" {
                    #[link_name = concat!("at_", stringify!($name))]
                    static AT: u8;
                    #[link_name = concat!("behind_", stringify!($name))]
                    static BEHIND: u8;
                }
                ((&raw const AT) as u64, (&raw const BEHIND) as u64)
            }
            $crate::attack::Attack {
                name: stringify!($name),
                run,
                place,
                end: $end,
                #[allow(unused_mut, unused_assignments)]
                needs: {
                    let mut needs = $crate::attack::Needs::Nothing;
                    $(needs = $crate::attack::Needs::$needs;)?
                    needs
                },
            }
        }),*];
    };
}

/// All lists.
fn all() -> impl Iterator<Item = &'static Attack> {
    let lists = [
        crate::entering::ATTACKS,
        crate::exceptions::ATTACKS,
        crate::privileged::ATTACKS,
    ];
    lists.into_iter().flatten()
}

/// The attacking task.
pub(crate) fn run(name: &str) -> u8 {
    let Some(attack) = all().find(|attack| attack.name == name) else {
        return 2;
    };
    (attack.run)();
    // Whoever lives on is interrupted a few times, and calls the kernel, as he left himself.
    let end_ns = time::deadline_in(Duration::from_millis(3));
    while time::now_ns() < end_ns {
        core::hint::spin_loop();
    }
    0
}

/// Runs attacks one after the other beside a bystander, and checks how each ends, that the bystander noticed nothing, and that the
/// kernel is afterwards as it was before.
pub(crate) fn launch(bench: &Bench, attacks: &[Attack]) -> Outcome {
    // What this task needs for it, it has after the first.
    ended(bench, &attacks[0])?;
    let before = dump(bench.system)?;
    let bystander = Command::new(PROGRAM)
        .argument("--bystander")
        .spawn(&bench.account)?;
    for attack in attacks.iter().filter(|attack| attack.needs.are_met()) {
        let status = ended(bench, attack)?;
        attack.check(&status)?;
        let watcher = bystander.status()?;
        check!(
            omnibus_userland::task::Ending::of(&watcher).is_none(),
            "{}: the bystander noticed: {watcher:?}",
            attack.name
        );
    }
    bystander.kill()?;
    bystander.wait()?;
    drop(bystander);
    let after = dump(bench.system)?;
    for (before, after) in before.lines().zip(after.lines()) {
        check_eq!(after, before, "the kernel's objects");
    }
    check_eq!(
        after.lines().count(),
        before.lines().count(),
        "lines of the kernel's objects"
    );
    Ok(())
}

fn ended(bench: &Bench, attack: &Attack) -> Outcome<TaskStatus> {
    let task: Task = Command::new(PROGRAM)
        .argument("--attack")
        .argument(attack.name)
        .spawn(&bench.account)?;
    let deadline_ns = time::deadline_in(Duration::from_secs(10));
    match task.wait_until(deadline_ns) {
        Ok(_) => Ok(task.status()?),
        Err(error) => Err(Failure::new(format_args!(
            "{} did not end: {error}",
            attack.name
        ))),
    }
}

impl Attack {
    fn check(&self, status: &TaskStatus) -> Outcome {
        let (at, behind) = (self.place)();
        let (vector, address) = match self.end {
            End::Survives => {
                let found = (status.state, status.code);
                check_eq!(found, (TASK_EXITED, SURVIVED), "{}", self.name);
                return Ok(());
            }
            End::Faults(vector) => (vector, Some(at)),
            End::Traps(vector) => (vector, Some(behind)),
            End::FaultsAt(vector, address) => (vector, Some(address)),
            End::FaultsEither(_, vector) if status.code == vector => (vector, Some(at)),
            End::FaultsEither(vector, _) => (vector, Some(at)),
            End::FaultsFar if status.code == 14 => (14, None),
            End::FaultsFar => (13, None),
            End::FaultsAnywhere(vector) => (vector, None),
        };
        let found = (status.state, status.code);
        check_eq!(
            found,
            (TASK_FAULTED, vector),
            "{}: state and vector",
            self.name
        );
        if let Some(address) = address {
            let found = status.address;
            check!(
                found == address,
                "{}: at {found:#x} instead of {address:#x}",
                self.name
            );
        }
        Ok(())
    }
}

fn dump(system: CapabilityNumber) -> Outcome<String> {
    const TEXT_BYTES: usize = 64 << 10;
    let mut text = alloc::vec![0; TEXT_BYTES];
    let n_bytes = calls::inspect(system, &mut text)? as usize;
    check!(n_bytes <= TEXT_BYTES, "{n_bytes} bytes of text");
    text.truncate(n_bytes);
    String::from_utf8(text).map_err(Failure::new)
}

//! Makes the calls, compares what comes of them, and looks at every kernel object before and after.

use crate::cases::{Case, generate};
use crate::invocation::{self, Change, Invocation, Place};
use crate::rows::{self, Returning, Row};
use crate::short::Trial;
use crate::world::World;
use crate::{ends, long, memory, monkey, short};
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;
use omnibus_userland::abi::call::RETIRED;
use omnibus_userland::abi::{Call, CapabilityNumber, Errno, status};
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::raw::Registers;
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::{calls, check, check_eq, println, time};

/// Fewest cases for each call.
const N_CASES_MIN: usize = 50;

/// Wrong results that are told of one call.
const N_TOLD: usize = 6;

/// Bytes of the text of all kernel objects; a longer one fails.
const DUMP_BYTES: usize = 256 << 10;

/// What went wrong, the first few in words.
#[derive(Debug, Default)]
struct Findings {
    text: String,
    n: usize,
}

impl Findings {
    fn add(&mut self, words: core::fmt::Arguments<'_>) {
        self.n += 1;
        if self.n <= N_TOLD {
            let separator = if self.n == 1 { "" } else { "; " };
            let _ = write!(self.text, "{separator}{words}");
        }
    }
}

/// The test of one call.
pub(crate) fn judge(bench: &Bench, call: Call) -> Outcome {
    let name = call.specification().name;
    suite::expect_a_quiet_kernel();
    let (n_cases, n_pairs) = match rows::row(call) {
        Row::Returns(row) => returning(bench, call, &row)?,
        Row::EndsTask => (ends::exits(bench)?, 0),
        Row::EndsThread => (ends::thread_exits()?, 0),
        Row::InRegisters => in_registers(bench, call, short::cases)?,
        Row::InMemory => in_registers(bench, call, long::cases)?,
    };
    println!("bad input: {name}: {n_cases} cases and {n_pairs} pairs of faults");
    check!(n_cases >= N_CASES_MIN, "{n_cases} cases are too few");
    Ok(())
}

fn returning(bench: &Bench, call: Call, row: &Returning) -> Outcome<(usize, usize)> {
    memory::initialise_once()?;
    let world = World::new(bench)?;
    let mut dumps = Dumps::new(bench.system);
    let mut findings = Findings::default();

    let base = (row.build)(&world)?;
    let (faults, odd) = generate(&base, &world);
    let pairs = pairs(&faults);
    // So that the runtime's heap need not grow while the kernel's objects are watched.
    drop(core::hint::black_box(vec![1_u8; DUMP_BYTES]));
    dumps.before()?;
    for case in faults.iter().chain(&pairs) {
        check_is_documented(call, case, &mut findings);
        let (invocation, registers) = try_case(&base, case, &mut findings);
        if registers.status == 0 {
            (row.undo)(&world, &invocation, registers);
        }
    }
    if let Some(difference) = dumps.difference()? {
        findings.add(format_args!("the failing calls left a trace: {difference}"));
    }
    let failed = Registers {
        status: u64::MAX,
        value: 0,
    };
    (row.undo)(&world, &base, failed);
    for case in &odd {
        let fresh = (row.build)(&world)?;
        let (invocation, registers) = try_case(&fresh, case, &mut findings);
        (row.undo)(&world, &invocation, registers);
    }
    world.give_back()?;
    if findings.n > 0 {
        let n = findings.n;
        return Err(Failure::new(format_args!("{n} wrong: {}", findings.text)));
    }
    Ok((faults.len() + odd.len(), pairs.len()))
}

/// A call whose arguments are in more registers than others.
fn in_registers<C: Trial>(
    bench: &Bench,
    call: Call,
    cases: fn(&World, Call) -> Vec<C>,
) -> Outcome<(usize, usize)> {
    let world = World::new(bench)?;
    let mut dumps = Dumps::new(bench.system);
    let mut findings = Findings::default();
    drop(core::hint::black_box(vec![1_u8; DUMP_BYTES]));
    let cases = cases(&world, call);
    dumps.before()?;
    for case in &cases {
        if let Err(words) = case.try_out(call) {
            findings.add(format_args!("{words}"));
        }
        if !call.specification().errors.contains(&case.errno()) {
            findings.add(format_args!("{:?} is not in the call's list", case.errno()));
        }
    }
    if let Some(difference) = dumps.difference()? {
        findings.add(format_args!("the failing calls left a trace: {difference}"));
    }
    world.give_back()?;
    if findings.n > 0 {
        let n = findings.n;
        return Err(Failure::new(format_args!("{n} wrong: {}", findings.text)));
    }
    let n_pairs = cases.iter().filter(|case| case.is_pair()).count();
    Ok((cases.len() - n_pairs, n_pairs))
}

fn try_case(base: &Invocation, case: &Case, findings: &mut Findings) -> (Invocation, Registers) {
    let mut invocation = base.clone();
    for &change in &case.changes {
        invocation.apply(change);
    }
    let (registers, kept) = invocation.make();
    if let Err(failure) = kept {
        findings.add(format_args!("{}: {failure}", case.name));
    }
    let result = status::decode(registers.status, registers.value).map(drop);
    if result != case.outcome {
        let (name, changes) = (case.name, &case.changes);
        let expected = case.outcome;
        findings.add(format_args!(
            "{name} {changes:x?}: {result:?} instead of {expected:?}"
        ));
    }
    if result.is_err() && registers.value != 0 {
        findings.add(format_args!("{}: a value with an error", case.name));
    }
    (invocation, registers)
}

/// Every error must be in the call's own list.
fn check_is_documented(call: Call, case: &Case, findings: &mut Findings) {
    if let Err(errno) = case.outcome
        && !call.specification().errors.contains(&errno)
    {
        findings.add(format_args!(
            "{}: {errno:?} is not in the call's list",
            case.name
        ));
    }
}

/// Two faults at once for every two places and errors of different stages: the earlier decides.
fn pairs(faults: &[Case]) -> Vec<Case> {
    let mut kinds: Vec<&Case> = Vec::new();
    for case in faults {
        let is_new = |known: &&Case| {
            (known.name, known.outcome, known.stage) == (case.name, case.outcome, case.stage)
        };
        if !kinds.iter().any(is_new) {
            kinds.push(case);
        }
    }
    let mut pairs = Vec::new();
    for first in &kinds {
        for second in kinds.iter().filter(|second| first.stage < second.stage) {
            if is_possible(first, second) {
                let mut pair = (*first).clone();
                pair.changes.extend(&second.changes);
                pairs.push(pair);
            }
        }
    }
    pairs
}

/// Whether two faults change different things.
fn is_possible(first: &Case, second: &Case) -> bool {
    let all = first
        .changes
        .iter()
        .flat_map(|a| second.changes.iter().map(move |b| (a, b)));
    all.into_iter().all(|(a, b)| match (a, b) {
        (Change::Move(a, _), Change::Move(b, _)) => a != b,
        (a, b) => match (place(a), place(b)) {
            (Some(a), Some(b)) => a != b,
            _ => true,
        },
    })
}

fn place(change: &Change) -> Option<Place> {
    match *change {
        Change::Set(place, _) | Change::Resize(place, ..) => Some(place),
        Change::Move(..) => None,
    }
}

/// The text of every kernel object, twice.
struct Dumps {
    system: CapabilityNumber,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl Dumps {
    fn new(system: CapabilityNumber) -> Self {
        Self {
            system,
            before: vec![0; DUMP_BYTES],
            after: vec![0; DUMP_BYTES],
        }
    }

    fn before(&mut self) -> Outcome {
        read(self.system, &mut self.before)
    }

    /// The first line that is not as it was.
    fn difference(&mut self) -> Outcome<Option<String>> {
        read(self.system, &mut self.after)?;
        let lines = |text: &[u8]| -> Vec<String> {
            let text = String::from_utf8_lossy(text);
            text.trim_end_matches('\0')
                .lines()
                .map(String::from)
                .collect()
        };
        let (before, after) = (lines(&self.before), lines(&self.after));
        let different = before.iter().zip(&after).find(|(a, b)| a != b);
        if let Some((before, after)) = different {
            return Ok(Some(alloc::format!("\"{before}\" became \"{after}\"")));
        }
        let (n_before, n_after) = (before.len(), after.len());
        check_eq!(n_after, n_before, "lines of the kernel's objects");
        Ok(None)
    }
}

fn read(system: CapabilityNumber, text: &mut [u8]) -> Outcome {
    text.fill(0);
    let n_bytes = calls::inspect(system, text)?;
    check!(n_bytes > 0, "the kernel's objects have no text");
    check!(n_bytes <= DUMP_BYTES as u64, "the text has {n_bytes} bytes");
    Ok(())
}

/// Numbers that are no call.
pub(crate) fn unknown_numbers(bench: &Bench) -> Outcome {
    suite::expect_a_quiet_kernel();
    let first = Call::END;
    let mut dumps = Dumps::new(bench.system);
    dumps.before()?;
    let numbers = RETIRED.iter().copied().chain(first..first + 64);
    let numbers = numbers.chain((0..64).map(|bit| 1 << bit).filter(|&bit| bit >= first));
    // A valid number in the lower half does not help, unless the upper half is the length of a message or the size of a transfer.
    let plain = || {
        Call::ALL
            .iter()
            .filter(|call| !call.is_short() && !call.is_long())
    };
    let numbers = numbers.chain(plain().map(|&call| 1 << 32 | call as u64));
    let numbers = numbers.chain(plain().map(|&call| 1 << 63 | call as u64));
    for number in numbers.chain([u64::MAX, u64::MAX - 1, 0xffff_ffff]) {
        for value in [0, 1, u64::MAX, 0xffff_8000_0000_0000] {
            let (registers, kept) = invocation::call_number(number, [value; 6]);
            kept?;
            let result = status::decode(registers.status, registers.value);
            check_eq!(
                result,
                Err(Errno::ENOSYS),
                "call {number:#x} with {value:#x}"
            );
        }
    }
    let difference = dumps.difference()?;
    check!(
        difference.is_none(),
        "unknown calls left a trace: {difference:?}"
    );
    Ok(())
}

/// Calls that are half right.
pub(crate) fn random_calls(bench: &Bench) -> Outcome {
    suite::expect_a_quiet_kernel();
    let mut dumps = Dumps::new(bench.system);
    drop(core::hint::black_box(vec![1_u8; DUMP_BYTES]));
    dumps.before()?;
    monkey::unleash(bench)?;
    // What the tasks started may end a little later.
    let deadline_ns = time::deadline_in(Duration::from_secs(10));
    loop {
        match dumps.difference()? {
            None => return Ok(()),
            Some(_) if time::now_ns() < deadline_ns => time::sleep(Duration::from_millis(20)),
            Some(difference) => {
                return Err(Failure::new(format_args!(
                    "they left a trace: {difference}"
                )));
            }
        }
    }
}

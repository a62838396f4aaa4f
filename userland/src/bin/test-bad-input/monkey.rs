//! Random calls that are half right: they get further into the kernel than values that are wrong one at a time.
//!
//! A task with an account of its own calls with capabilities, ids and sizes that it has, had, or made up. It must end by itself, and
//! what it held must be given back.

use crate::invocation::call_number;
use crate::memory;
use crate::threads;
use core::time::Duration;
use omnibus_userland::abi::bus1::{self, INVALID};
use omnibus_userland::abi::call::Argument;
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::abi::long::{Memory, Range};
use omnibus_userland::abi::short::{N_BYTES_SHIFT, N_WORDS};
use omnibus_userland::abi::{Call, DEADLINE_NOW, Kind, native};
use omnibus_userland::check::Outcome;
use omnibus_userland::raw;
use omnibus_userland::suite::Bench;
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::{check_eq, environment, println, time};

/// First argument of the task.
pub(crate) const FLAG: &str = "--monkey";

/// Tasks, each with a seed of its own.
const N_SEEDS: u64 = 6;

/// Calls of each; ten times as many in long tests.
const N_CALLS: u64 = 4000;

/// Interesting values that are remembered.
const N_VALUES: usize = 96;

/// Values that mean something to some call.
const CONSTANTS: [u64; 12] = [
    0,
    1,
    2,
    3,
    16,
    4096,
    INVALID,
    1 << 63,
    1 << 32,
    0x8000_0000_0000,
    0xffff_8000_0000_0000,
    memory::HOLE,
];

/// The side of the suite. The state of the kernel is compared by the caller.
pub(crate) fn unleash(bench: &Bench) -> Outcome {
    let n_calls = if bench.is_long { 10 * N_CALLS } else { N_CALLS };
    for seed in 1..=N_SEEDS {
        // Tasks that the ones before started may still run on their accounts: together they have to fit the smallest machine.
        let own = bench.account.carve(600, 1 << 20, 1024)?;
        let task = Command::new(crate::PROGRAM)
            .argument(FLAG)
            .argument(seed)
            .argument(n_calls)
            // First, so that the number that is guessed most is not the console's.
            .grant(
                own.number(),
                account::CHARGE | account::INSPECT | account::CARVE,
            )
            .grant(bench.console, console::WRITE)
            .spawn(&own)?;
        let ending = task.wait_until(time::deadline_in(Duration::from_secs(60)))?;
        check_eq!(ending, Ending::Exited(0), "the task with seed {seed}");
    }
    Ok(())
}

/// The task.
pub(crate) fn run() -> u8 {
    let mut arguments = environment::arguments().skip(1).map(str::parse::<u64>);
    let (Some(Ok(seed)), Some(Ok(n_calls))) = (arguments.next(), arguments.next()) else {
        return 2;
    };
    let Some(own) = environment::find(Kind::Account) else {
        return 3;
    };
    if memory::initialise_once().is_err() {
        return 4;
    }
    let mut monkey = Monkey {
        random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        values: [0; N_VALUES],
        account: own.0,
    };
    let mut n_successes = 0;
    for _ in 0..n_calls {
        match monkey.call() {
            Ok(is_success) => n_successes += u64::from(is_success),
            Err(failure) => {
                println!("seed {seed}: {failure}");
                return 1;
            }
        }
    }
    println!("random calls: seed {seed}, {n_successes} of {n_calls} succeeded");
    // Fewer would mean that it does not get far.
    u8::from(n_successes < n_calls / 10)
}

struct Monkey {
    random: u64,
    values: [u64; N_VALUES],
    account: u64,
}

impl Monkey {
    /// A pseudo-random number below `n` (xorshift64).
    fn below(&mut self, n: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % n
    }

    /// One of the values that were seen, a constant, the account, or noise.
    fn value(&mut self) -> u64 {
        match self.below(16) {
            0 => CONSTANTS[self.below(CONSTANTS.len() as u64) as usize],
            1 => self.account,
            2 => self.below(u64::MAX),
            _ => self.values[self.below(N_VALUES as u64) as usize],
        }
    }

    fn remember(&mut self, value: u64) {
        let index = self.below(N_VALUES as u64) as usize;
        self.values[index] = value;
    }

    /// Where an object may be: mostly in a region, sometimes where none can be.
    fn address(&mut self, region: usize) -> u64 {
        if self.below(24) == 0 {
            let bad = memory::unreadable(64);
            return bad[self.below(bad.len() as u64) as usize];
        }
        memory::region(region) + self.below(8) * 8
    }

    /// The word for a field of this name.
    fn field(&mut self, name: &str) -> u64 {
        match name {
            "flags" | "reserved" if self.below(24) > 0 => 0,
            // What TRANSFER makes, and what RECV wants, needs the one or the other.
            "flags" => 1,
            "kind" if self.below(2) == 0 => INVALID,
            "kind" => 0,
            "entry" => threads::end as *const () as u64,
            "stack" => threads::STACK,
            "tls_base" | "priority" => 0,
            "address" => memory::HOLE + 0x10_0000 + self.below(64) * 4096,
            "n_bytes" => (1 + self.below(4)) * 4096,
            "objects" | "bytes" | "frames" | "n_data" | "length" => self.below(64),
            "rights" => self.below(8),
            // Mostly the calling task, which is where an unmapping succeeds.
            "task" if self.below(4) > 0 => 0,
            "offset" => self.below(2) * 4096,
            "account" if self.below(4) > 0 => self.account,
            _ if name.starts_with("ptr_") || name == "base" => {
                let region = 1 + self.below(memory::N_REGIONS as u64 - 1) as usize;
                self.address(region)
            }
            _ if name.starts_with("n_") => self.below(5),
            _ => self.value(),
        }
    }

    /// Fills the regions: those that structures point at with any of the structures that are pointed at, or with values.
    fn fill(&mut self) {
        let structures: [&[(&str, u64)]; 5] = [
            fields("bus1_transfer"),
            fields("bus1_message"),
            fields("iovec"),
            fields("omnibus_wait_item"),
            &[("id", 0)],
        ];
        for region in 1..memory::N_REGIONS {
            let structure = structures[self.below(structures.len() as u64) as usize];
            for (index, &(name, _)) in (0..24).zip(structure.iter().cycle()) {
                // CREATE goes with an invalid id.
                let word = match (name, index % 2) {
                    ("id", 1) if self.below(3) == 0 => INVALID,
                    _ => self.field(name),
                };
                let address = memory::region(region) + index * 8;
                memory::put(region, address, &word.to_le_bytes());
            }
        }
    }

    fn arguments(&mut self, call: Call) -> [u64; 6] {
        let mut registers = [0; 6];
        let specification = call.specification();
        for (register, &(name, argument)) in registers.iter_mut().zip(specification.arguments) {
            *register = match argument {
                Argument::Capability(Kind::Account, _) => self.account,
                Argument::Capability(..) | Argument::AnyCapability => self.value(),
                Argument::Structure(structure, _) | Argument::Array(structure, _) => {
                    let address = self.address(0);
                    for (index, &(name, _)) in (0..).zip(fields(structure)) {
                        let word = self.field(name);
                        memory::put(0, address + index * 8, &word.to_le_bytes());
                    }
                    address
                }
                Argument::Bytes(_) => self.address(0),
                Argument::SizeOf(structure) if self.below(24) > 0 => {
                    fields(structure).len() as u64 * 8
                }
                Argument::SizeOf(_) => self.below(300),
                Argument::Count(..) => self.below(5),
                // It must not wait for what never comes.
                Argument::Deadline => 0,
                Argument::Value => self.field(name),
            };
        }
        registers
    }

    /// Makes a call; whether it succeeded.
    fn call(&mut self) -> Outcome<bool> {
        let call = loop {
            let call = Call::ALL[self.below(Call::ALL.len() as u64) as usize];
            // Two end the task, a print of anything could be taken for the suite's own, and a task that is started without memory
            // faults, which the kernel tells.
            let is_left_out = matches!(
                call,
                Call::Exit | Call::ThreadExit | Call::DebugPrint | Call::TaskStart
            );
            if !is_left_out {
                break call;
            }
        };
        if call.is_short() {
            return Ok(self.call_short(call));
        }
        self.fill();
        if call.is_long() {
            return Ok(self.call_long(call));
        }
        let arguments = self.arguments(call);
        if call == Call::CapabilityDrop && arguments[0] == self.account {
            return Ok(false);
        }
        let (registers, kept) = call_number(call as u64, arguments);
        kept?;
        if registers.status != 0 {
            return Ok(false);
        }
        self.remember(registers.value);
        for _ in 0..4 {
            let region = self.below(memory::N_REGIONS as u64) as usize;
            let word = memory::get(region, memory::region(region) + self.below(24) * 8);
            self.remember(word);
        }
        Ok(true)
    }

    /// Makes a call with a message in registers, which waits for nothing; whether it succeeded.
    fn call_short(&mut self, call: Call) -> bool {
        let number = self.below(70) << N_BYTES_SHIFT | call as u64;
        let words = [0; N_WORDS].map(|_: u64| self.value());
        let arguments = [number, self.value(), self.value(), DEADLINE_NOW];
        let registers = raw::call_short(arguments, words);
        for word in [registers.id, registers.words[0]] {
            self.remember(word);
        }
        registers.status == 0
    }

    /// Makes a call with a message in memory, which waits for nothing; whether it succeeded.
    #[allow(unsafe_code)]
    fn call_long(&mut self, call: Call) -> bool {
        let number = [16, 16, 16, 24, 15][self.below(5) as usize] << N_BYTES_SHIFT | call as u64;
        let arguments = [number, self.value(), self.value(), DEADLINE_NOW];
        let mut range = || {
            let region = self.below(memory::N_REGIONS as u64) as usize;
            let n = [0, 1, 8, self.below(5000)][self.below(4) as usize];
            Range {
                address: memory::region(region) + self.below(64) * 8,
                n,
            }
        };
        let memory = Memory {
            data: range(),
            transfers: range(),
            into: range(),
            into_transfers: range(),
        };
        // SAFETY: what the kernel may write is in the regions, and beyond them nothing is mapped.
        let registers = unsafe { raw::call_long(arguments, memory) };
        self.remember(registers.id);
        registers.status == 0
    }
}

/// The fields of a structure of the ABI.
fn fields(name: &str) -> &'static [(&'static str, u64)] {
    let mut known = bus1::STRUCTURES.iter().chain(native::STRUCTURES);
    let found = known.find(|layout| layout.name == name);
    found.expect("the structure is in the ABI").fields
}

//! Does one thing that a test tells it by its arguments, and tells how it went.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use omnibus_userland::abi::bus1::Transfer;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, CapabilityNumber, DEADLINE_NEVER, Errno};
use omnibus_userland::actor::Actor;
use omnibus_userland::calls::{self, IoSlice, Outgoing};
use omnibus_userland::suite::wire;
use omnibus_userland::task::Command;
use omnibus_userland::{environment, program, raw, thread, wait::WaitSet};

program!(main);

fn main() -> u8 {
    let puppet = Actor::enter();
    let number = |index: usize| puppet.arguments[index].parse().expect("a number");
    match puppet.arguments[0] {
        "exit" => calls::exit(number(1)),
        "report" => report(&puppet),
        "hello" => puppet.tell(b"hello", &[]),
        "sleep" => {
            puppet.tell(b"asleep", &[]);
            let _ = WaitSet::new().wait(DEADLINE_NEVER);
        }
        "spin" => {
            puppet.tell(b"spinning", &[]);
            loop {
                black_box(());
            }
        }
        "late" => {
            let _ = puppet.hear();
            puppet.tell(b"still here", &[]);
        }
        // Whatever is sent on the way, the queue has a message when the task is killed.
        "flood" => loop {
            let _ = puppet.director.send(&[0; 64]);
        },
        "read" => puppet.tell(&[read(number(1))], &[]),
        "write" => {
            write(number(1));
            puppet.tell(b"written", &[]);
        }
        "write-text" => write(write as *const () as u64),
        "write-rodata" => write(READ_ONLY.as_ptr() as u64),
        "write-startup" => write(omnibus_userland::abi::layout::STARTUP_ADDRESS),
        "run-data" => run(vec![RETURN; 16].as_ptr() as u64),
        "run-stack" => {
            let code = [RETURN; 16];
            run(black_box(&code).as_ptr() as u64);
        }
        "overflow" => puppet.tell(&[overflow(0)], &[]),
        "thread-overflow" => {
            let deep = thread::spawn(|| overflow(0));
            let _ = deep.expect("room for a thread").join();
        }
        "raise" => {
            let start = |priority| {
                Command::new("hello")
                    .priority(priority)
                    .spawn(&puppet.account)
            };
            let own = environment::priority();
            let errors = [own + 1, own].map(|p| start(p).err().map_or(0, |e| e.number() as u8));
            puppet.tell(&errors, &[]);
        }
        "renounce" => renounce(&puppet),
        "map" => puppet.tell(&map_until_refused().to_le_bytes(), &[]),
        "reserve" => puppet.tell(reserve(), &[]),
        "long-calls" => long_calls(&puppet),
        "panic" => panic!("as it was told"),
        "thread-panic" => {
            let thread = thread::spawn(|| panic!("as it was told"));
            let _: Result<(), _> = thread.expect("room for a thread").join();
        }
        "threads-exit" => exit_beside_threads(number(1)),
        "last-thread" => {
            let waiting = thread::spawn(|| {
                for _ in 0..20 {
                    thread::yield_now();
                }
            });
            drop(waiting);
            calls::thread_exit(77)
        }
        other => panic!("a puppet cannot {other}"),
    }
    0
}

static READ_ONLY: [u8; 16] = *b"not to be change";

/// The return instruction.
const RETURN: u8 = 0xC3;

/// Tells what the task was given: its arguments and the kinds and rights of its capabilities.
fn report(puppet: &Actor) {
    let mut text = Vec::new();
    for argument in environment::arguments().skip(3) {
        text.extend_from_slice(argument.as_bytes());
        text.push(b'\n');
    }
    for &capability in environment::capabilities() {
        let info = calls::capability_info(capability).expect("it was granted");
        text.extend_from_slice(&[b'0' + info.kind as u8, b'0' + info.rights as u8]);
    }
    puppet.tell(&text, &[]);
}

fn read(address: u64) -> u8 {
    // SAFETY: the test expects a fault, or names an address that may be read.
    unsafe { (address as *const u8).read_volatile() }
}

fn write(address: u64) {
    // SAFETY: the test expects a fault, or names an address that may be written.
    unsafe { (address as *mut u8).write_volatile(0) }
}

fn run(address: u64) {
    // SAFETY: the test expects a fault; if there is none, the bytes are return instructions.
    let function: extern "C" fn() = unsafe { core::mem::transmute(address) };
    function();
}

/// Needs more stack with every call, and comes to no end on any stack.
fn overflow(depth: u64) -> u8 {
    if depth == u64::MAX {
        return 0;
    }
    let frame = black_box([depth; 64]);
    overflow(depth + 1).wrapping_add(frame[depth as usize % 64] as u8)
}

/// Gives up its own priority, by a capability whose number it is told, and tells the error of everything by which it may come back.
fn renounce(puppet: &Actor) {
    let told = puppet.hear().data.try_into().expect("a number");
    let own = CapabilityNumber(u64::from_le_bytes(told));
    let set = |priority, maximum| calls::task_priority(own, priority, maximum);
    let spawn = |priority| {
        let command = Command::new("hello").priority(priority);
        command.spawn(&puppet.account).map(drop)
    };
    let results = [
        set(1, 2),
        set(3, 3),
        set(2, 3),
        spawn(3),
        set(2, 2),
        set(1, 1),
        set(2, 2),
        spawn(2),
        spawn(1),
    ];
    let told = results.map(|result| result.map_or_else(|errno| errno.number() as u8, |()| 0));
    puppet.tell(&told, &[]);
}

/// Maps pages until the account refuses, and returns how many there were.
fn map_until_refused() -> u64 {
    let mut n_pages = 0;
    loop {
        let map = VmMap {
            flags: 0,
            address: 0,
            n_bytes: PAGE_BYTES,
            rights: VM_READ | VM_WRITE,
        };
        // SAFETY: fresh memory where the kernel finds room is nobody's.
        let mapped = unsafe { raw::call(Call::VmMap, [(&raw const map) as u64, VmMap::SIZE]) };
        match mapped {
            Ok(_) => n_pages += 1,
            Err(Errno::EDQUOT) => return n_pages,
            Err(error) => panic!("after {n_pages} pages: {error}"),
        }
    }
}

/// Makes calls with arrays that are too long to be kept in what a thread costs, with no frame left to pay for them, and tells the error
/// of each; 0 is none. The last ones are short.
fn long_calls(puppet: &Actor) {
    let peer = puppet.peer.number();
    let (_, handle) = wire::create(&puppet.peer, &puppet.peer).expect("room for a node");
    let known = vec![handle; 512];
    let mut wrong = known.clone();
    wrong[300] ^= 1 << 40;
    let entries = |ids: &[u64]| -> Vec<_> {
        let entry = |&id: &u64| Transfer { flags: 0, id };
        ids.iter().map(entry).collect()
    };
    let (mut carried, mut wrong_carried) = (entries(&known), entries(&wrong));
    let mut targets = carried.clone();
    let mut errors = vec![i32::MAX; 512];
    let pieces = vec![IoSlice::new(&[]); 512];
    let _ = map_until_refused();
    let mut send = |n_pieces: usize, transfers: &[Transfer], destinations: &[u64]| {
        let data = &pieces[..n_pieces];
        let errors = &mut errors[..destinations.len()];
        calls::send_reporting(peer, destinations, errors, Outgoing { data, transfers })
    };
    let results = [
        send(512, &[], &known[..1]),
        send(512, &[], &wrong[300..301]),
        send(0, &[], &known),
        send(0, &[], &wrong),
        send(0, &carried, &known[..1]),
        send(0, &wrong_carried, &known[..1]),
        send(0, &carried, &wrong[300..301]),
        calls::transfer(peer, peer, &mut carried, &mut targets),
        calls::transfer(peer, peer, &mut wrong_carried, &mut targets),
        send(64, &carried[..8], &known[..8]),
        calls::transfer(peer, peer, &mut carried[..8], &mut targets[..8]),
    ];
    let told = results.map(|result| result.map_or_else(|errno| errno.number() as u8, |()| 0));
    // Of the send with 512 destinations, one unknown: its entry, and those beside it (SND-2).
    let entries = [errors[299], errors[300], errors[301]];
    puppet.tell(
        &[&told[..], &entries.map(|entry| entry as u8)].concat(),
        &[],
    );
}

/// Asks the heap for more than the account has, and then for a little.
fn reserve() -> &'static [u8] {
    let mut bytes = Vec::<u8>::new();
    match (bytes.try_reserve(1 << 30), bytes.try_reserve(64 << 10)) {
        (Err(_), Ok(())) => b"refused, then 64 KiB",
        (Err(_), Err(_)) => b"refused twice",
        (Ok(()), _) => b"not refused",
    }
}

/// Ends the task from one thread while others spin and sleep.
fn exit_beside_threads(status: u64) {
    let _spinning = thread::spawn(|| {
        loop {
            black_box(());
        }
    });
    let _sleeping = thread::spawn(|| WaitSet::new().wait(DEADLINE_NEVER).map(drop));
    thread::yield_now();
    calls::exit(status)
}

//! A pager: a task that looks after the faults of another, grows its stack and fills its pages on demand.
//!
//! `./run-qemu.sh run pager` starts this program twice. As the pager it loads the client without a stack, and has its faults sent to a node.
//! The client then uses a stack of which no page is there at first, and a table of squares that nobody has computed: both
//! appear under its hands, also where the kernel itself reads them for a system call.
#![no_std]
#![no_main]

extern crate alloc;

use core::hint::black_box;
use omnibus_userland::abi::capability::{account, console};
use omnibus_userland::abi::layout::{PAGE_BYTES, STACK_TOP};
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::archive::Archive;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::fault::{self, Fault, PAGE_FAULT};
use omnibus_userland::memory::Memory;
use omnibus_userland::task::{Command, Ending, Task};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{environment, println, program};

program!(main);

/// Where the client finds its table: a number of 8 bytes for each square.
const TABLE: u64 = 0x5000_0000_0000;

/// Squares in the table.
const N_SQUARES: u64 = 1 << 20;

/// How far the client's stack may grow.
const STACK_BYTES_MAX: u64 = 1 << 20;

/// Argument of the client.
const CLIENT: &str = "--client";

fn main() -> u8 {
    if environment::arguments().next() == Some(CLIENT) {
        return client();
    }
    match pager() {
        Ok(()) => 0,
        Err(failure) => {
            println!("error: {failure}");
            1
        }
    }
}

fn pager() -> Outcome {
    let find = |kind| environment::find(kind).ok_or_else(|| Failure::new("not the first task"));
    let own = Account::from_capability(find(Kind::Account)?);
    let program = Archive::given()?.program("pager").map_err(Errno::from)?;

    let peer = Peer::new(&own)?;
    let (_node, handle) = peer.node()?;
    let loaded = Command::new("client")
        .grant(find(Kind::Console)?, console::WRITE)
        .grant(own.number(), account::CHARGE)
        .argument(CLIENT)
        .without_stack()
        .prepare(&program, &own)?;
    loaded.task().send_faults(&handle)?;
    let client = loaded.start()?;

    let (mut n_stack, mut n_table) = (0, 0);
    loop {
        WaitSet::new()
            .peer(&peer)
            .task(&client)
            .wait(DEADLINE_NEVER)?;
        if let Some(ending) = Ending::of(&client.status()?) {
            println!("pager: {n_stack} pages of stack, {n_table} of the table; {ending:?}");
            return match ending {
                Ending::Exited(0) => Ok(()),
                _ => Err(Failure::new("the client failed")),
            };
        }
        let message = peer.recv()?.message();
        let told = message.and_then(|message| fault::of_message(&message.data));
        let told = told.ok_or_else(|| Failure::new("not a fault"))?;
        match told.address {
            STACK_START..STACK_TOP if told.vector == PAGE_FAULT => {
                provide(&own, &client, &told, &[])?;
                n_stack += 1;
            }
            TABLE..TABLE_END if told.vector == PAGE_FAULT => {
                provide(&own, &client, &told, &squares(&told))?;
                n_table += 1;
            }
            // Nobody can help: the client ends as it would have without a pager.
            _ => client.end_with(&told)?,
        }
    }
}

const STACK_START: u64 = STACK_TOP - STACK_BYTES_MAX;
const TABLE_END: u64 = TABLE + N_SQUARES * 8;

/// Maps a page with these bytes where the fault was, and lets the thread try again.
fn provide(own: &Account, client: &Task, told: &Fault, bytes: &[u8]) -> Result<(), Errno> {
    let page = told.address & !(PAGE_BYTES - 1);
    let memory = Memory::new(own, PAGE_BYTES)?;
    memory.map(VM_READ | VM_WRITE)?.write(0, bytes);
    memory.map_into(client, page, VM_READ | VM_WRITE)?;
    client.retry(told)
}

/// The part of the table that is in the page of the fault.
fn squares(told: &Fault) -> alloc::vec::Vec<u8> {
    let first = (told.address & !(PAGE_BYTES - 1)).saturating_sub(TABLE) / 8;
    let all = first..first + PAGE_BYTES / 8;
    all.flat_map(|number| (number * number).to_le_bytes())
        .collect()
}

fn client() -> u8 {
    let square = |number: u64| {
        assert!(number < N_SQUARES, "the table is not that long");
        // SAFETY: the pager fills the table.
        unsafe { ((TABLE + number * 8) as *const u64).read_volatile() }
    };
    let is_right = [3, 1000, 999_999]
        .iter()
        .all(|&number| square(number) == number * number);
    // A system call reads the table as well, at a place that nobody has touched.
    let sent = environment::find(Kind::Account)
        .ok_or(Errno::ENOENT)
        .and_then(|number| Peer::new(&Account::from_capability(number)))
        .and_then(|peer| {
            let (_node, handle) = peer.node()?;
            // SAFETY: the pager fills the table, and nobody writes to it.
            let bytes =
                unsafe { core::slice::from_raw_parts((TABLE + 500_000 * 8) as *const u8, 8) };
            handle.send(bytes)?;
            Ok(peer.recv()?.message().map(|message| message.data))
        });
    let is_sent = sent == Ok(Some((500_000_u64 * 500_000).to_le_bytes().to_vec()));
    println!(
        "client: {} bytes of stack, all numbers right: {}",
        deep(0),
        is_right && is_sent
    );
    calls::exit(u64::from(!(is_right && is_sent)))
}

/// Uses half a KiB of stack and more in each of 500 steps, and tells how much it was.
fn deep(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == 500 {
        return STACK_TOP - (&raw const frame) as u64;
    }
    deep(depth + 1).max(frame[0])
}

//! The side of the tasks that fault: each does one thing, and ends with a status that tells how it went.

use core::arch::asm;
use core::hint::black_box;
use core::slice;
use omnibus_userland::abi::bus1::{INVALID, TRANSFER_FLAG_CREATE, Transfer};
use omnibus_userland::abi::capability::task;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, IoSlice, IoSliceMut, Outgoing};
use omnibus_userland::port::Port;
use omnibus_userland::{environment, fault, thread};

/// First argument of a client.
pub(crate) const FLAG: &str = "--client";

/// What `rax` and `rcx` hold at the undefined instruction.
pub(crate) const MARKS: [u64; 2] = [0x1234_5678_9abc_def0, 0xfeed_f00d];

/// Bytes of the undefined instruction.
pub(crate) const UD2_BYTES: u64 = 2;

pub(crate) fn main() -> u8 {
    let arguments: alloc::vec::Vec<_> = environment::arguments().skip(1).collect();
    let number = |index: usize| -> u64 { arguments[index].parse().expect("a number") };
    match arguments[0] {
        "read" => read(number(1)),
        "write" => {
            // SAFETY: nothing of the program lies there.
            unsafe { (number(1) as *mut u8).write_volatile(7) };
            read(number(1))
        }
        "deep" => deep(number(1)),
        "undefined" => undefined(),
        "in-calls" => u8::from(in_calls(number(1)).is_err()),
        "transfer" => {
            crate::transfers::transfer(number(1)).expect("calls that succeed");
            0
        }
        "threads" => {
            let base = number(1);
            let page = |index: u64| thread::spawn(move || read(base + index * PAGE_BYTES));
            let threads = [0, 1, 2].map(|index| page(index).expect("room for a thread"));
            threads
                .map(|thread| thread.join().expect("it ends by itself"))
                .iter()
                .sum()
        }
        "beside" => beside(number(1), number(2)),
        "own-pager" => own_pager(number(1), CapabilityNumber(number(2))),
        other => panic!("a client cannot {other}"),
    }
}

fn read(address: u64) -> u8 {
    // SAFETY: the suite makes it readable, or expects that it cannot be read.
    unsafe { (address as *const u8).read_volatile() }
}

/// Uses half a KiB of stack for each step, and returns the last byte of the number of steps.
fn deep(n_left: u64) -> u8 {
    if n_left == 0 {
        return 0;
    }
    let frame = black_box([n_left; 64]);
    deep(n_left - 1).wrapping_add(u8::from(frame[n_left as usize % 64] == n_left))
}

/// Meets an undefined instruction, and tells what `rax` holds behind it.
fn undefined() -> u8 {
    let [mut rax, rcx] = MARKS;
    // SAFETY: it changes nothing; where it goes on, and with what, is the suite's.
    unsafe { asm!("ud2", inout("rax") rax, in("rcx") rcx) };
    rax as u8
}

/// Makes calls on memory that is not there: from `base` on, a page for each.
fn in_calls(base: u64) -> Result<(), Errno> {
    let page = |index: u64| base + index * PAGE_BYTES;
    // SAFETY: the suite fills the pages; nothing else of the program lies there.
    let bytes = |index| unsafe { slice::from_raw_parts_mut(page(index) as *mut u8, 64) };
    let number = environment::find(Kind::Account).ok_or(Errno::ENOENT)?;
    let account = Account::from_capability(number);
    let peer = Peer::new(&account)?;
    let (node, handle) = peer.node()?;
    let message = Outgoing {
        data: &[IoSlice::new(bytes(0))],
        transfers: &[],
    };
    calls::send(peer.number(), &[handle.id()], message)?;
    let (incoming, result) = calls::recv(peer.number(), &mut [IoSliceMut::new(bytes(1))], &mut []);
    result?;
    let is_right = incoming.metadata.id == node.id() && bytes(0) == bytes(1);
    // Two pages at once: the last bytes of one, and the first of the next.
    // SAFETY: as above.
    let targets = unsafe { slice::from_raw_parts_mut((page(3) - 24) as *mut Transfer, 3) };
    let create = Transfer {
        flags: TRANSFER_FLAG_CREATE,
        id: INVALID,
    };
    calls::transfer(peer.number(), peer.number(), &mut [create; 3], targets)?;
    let is_made = targets
        .iter()
        .all(|target| target.flags == 0 && target.id != 0);
    // A call that sends from one page and receives into the next: the message must not be sent again when that is filled.
    let port = Port::new(peer.number());
    let (data, into) = (bytes(4), bytes(5));
    let incoming = port.exchange(handle.id(), data, &[], into, &mut [])?;
    let is_exchanged = incoming.metadata.id == node.id() && bytes(4) == bytes(5);
    let is_over = peer.try_recv()?.is_none();
    if is_right && is_made && is_exchanged && is_over {
        Ok(())
    } else {
        Err(Errno::EINVAL)
    }
}

/// Counts at `counter` while another thread reads at `address`, and tells what that read.
fn beside(address: u64, counter: u64) -> u8 {
    let reader = thread::spawn(move || read(address)).expect("room for a thread");
    loop {
        let counter = counter as *mut u64;
        // SAFETY: the suite mapped it before; only this thread writes.
        let count = unsafe { counter.read_volatile() };
        if count == u64::MAX {
            return reader.join().expect("it ends by itself");
        }
        // SAFETY: as above.
        unsafe { counter.write_volatile(count + 1) };
        thread::yield_now();
    }
}

/// Looks after the faults of its own other thread, by the capability `own`: ends with what that thread had in `rax`.
fn own_pager(address: u64, own: CapabilityNumber) -> u8 {
    let number = environment::find(Kind::Account).expect("it was granted");
    let peer = Peer::new(&Account::from_capability(number)).expect("room for a peer");
    let (_node, handle) = peer.node().expect("room for a node");
    calls::task_faults(own, peer.number(), handle.id()).expect("the right to its faults");
    let _reader = thread::spawn(move || read(address)).expect("room for a thread");
    let received = peer.recv().expect("a message");
    let data = received.message().map(|message| message.data);
    let told = data
        .and_then(|data| fault::of_message(&data))
        .expect("a fault");
    let registers = calls::fault_read(own, told.number).expect("it stands there");
    u8::from(told.address == address && registers.rip != 0)
}

/// What it takes to be one's own pager.
pub(crate) const OWN_RIGHTS: u64 = task::FAULTS;

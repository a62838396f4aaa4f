//! A task that another one shares memory with.

use crate::travelling::take_without_room;
use alloc::vec;
use core::hint::black_box;
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_userland::abi::{DEADLINE_NEVER, Kind};
use omnibus_userland::actor::Actor;
use omnibus_userland::environment;
use omnibus_userland::memory::Memory;

/// What is written by a sharer at the beginning of the object.
pub(crate) const GREETING: &[u8] = b"written by the sharer";

/// Does what the director said in the first argument.
pub(crate) fn main() -> u8 {
    let sharer = Actor::enter();
    let memory = || {
        let number = environment::find(Kind::Memory).expect("a memory object was granted");
        Memory::from_capability(number)
    };
    match sharer.arguments[0] {
        "write" => {
            let mapping = memory().map(VM_READ | VM_WRITE).expect("it may write");
            mapping.write(0, GREETING);
            sharer.tell(b"written", &[]);
            let _ = sharer.hear();
            let mut answer = [0; 6];
            mapping.read(100, &mut answer);
            sharer.tell(&answer, &[]);
        }
        "write-read-only" => {
            let mapping = memory().map(VM_READ).expect("it may read");
            sharer.tell(b"mapped", &[]);
            // SAFETY: the mapping is there, and read-only: the test expects a fault.
            unsafe { (mapping.address() as *mut u8).write_volatile(1) };
        }
        "refused" => {
            let memory = memory();
            let asked = [VM_READ, VM_READ | VM_WRITE, VM_READ | VM_EXECUTE];
            let errors = asked.map(|rights| match memory.map(rights) {
                Ok(_) => 0,
                Err(error) => error.number() as u8,
            });
            sharer.tell(&errors, &[]);
        }
        "hold" => {
            let mapping = memory().map(VM_READ | VM_WRITE).expect("it may write");
            sharer.tell(&mapping.address().to_le_bytes(), &[]);
            let _ = sharer.hear();
            // The pages are there as long as nobody took them back.
            let mut byte = [0];
            mapping.read(0, &mut byte);
            sharer.tell(&byte, &[]);
        }
        "keep-capability" => {
            let memory = memory();
            sharer.tell(b"ready", &[]);
            let _ = sharer.hear();
            let error = memory.map(VM_READ).map(drop);
            sharer.tell(&[error.err().map_or(0, |error| error.number() as u8)], &[]);
        }
        "spin" => {
            let mapping = memory().map(VM_READ | VM_WRITE).expect("it may write");
            sharer.tell(b"spinning", &[]);
            loop {
                mapping.write(black_box(0), &[1]);
            }
        }
        "read-at" => {
            let address: u64 = sharer.arguments[1].parse().expect("an address");
            sharer.tell(b"ready", &[]);
            let _ = sharer.hear();
            // SAFETY: the director says that something is mapped there, or expects a fault.
            let byte = unsafe { (address as *const u8).read_volatile() };
            sharer.tell(&[byte], &[]);
        }
        "no-room" => {
            // The lists of RECV first, then every frame that the account has left.
            let room = vec![0_u8; 64 << 10];
            while let Ok(mapping) = Memory::new(&sharer.account, PAGE_BYTES) {
                core::mem::forget(mapping);
            }
            drop(room);
            sharer.tell(b"full", &[]);
            let _ = omnibus_userland::wait::WaitSet::new()
                .peer(&sharer.peer)
                .wait(DEADLINE_NEVER);
            let answer = take_without_room(&sharer.peer);
            sharer.tell(&answer, &[]);
        }
        "hand-over" => {
            let n_pages = 40;
            let memory = Memory::new(&sharer.account, n_pages * PAGE_BYTES).expect("room");
            let mapping = memory.map(VM_READ | VM_WRITE).expect("all rights");
            for page in 0..n_pages {
                let offset = page * PAGE_BYTES;
                mapping.write(offset, &offset.to_le_bytes());
            }
            let n_bytes = mapping.n_bytes().to_le_bytes();
            let given = sharer.director.give(&n_bytes, memory.number());
            given.expect("the director is reachable");
        }
        other => panic!("a sharer cannot {other}"),
    }
    0
}

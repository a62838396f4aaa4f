//! Arrays of TRANSFER that go away while it writes them: both sides.
//!
//! The kernel has looked at both arrays when it begins to write, and writes many entries in batches. The suite is more urgent than the
//! client, so nothing moves while it looks: when it finds the first page of targets written and the second not, it revokes a page that is
//! still to be written. It wakes up again and again until it has found that.

use crate::stage::{Client, HOLE, Stage};
use alloc::vec::Vec;
use core::slice;
use core::time::Duration;
use omnibus_userland::abi::bus1::{INVALID, TRANSFER_FLAG_CREATE, Transfer};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{VM_READ, VM_WRITE};
use omnibus_userland::abi::{Errno, Kind, status};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::fault::{self, Fault, PAGE_FAULT, Registers};
use omnibus_userland::memory::{Mapping, Memory};
use omnibus_userland::task::Ending;
use omnibus_userland::{calls, check, check_eq, environment, tests, time};

/// Entries of each array: a page, which is also what the kernel writes in one batch, and a quarter.
const N_ENTRIES: usize = PAGE_BYTES as usize / size_of::<Transfer>() * 5 / 4;

/// The pages from [`HOLE`] on: two of sources, two of targets, and the word that tells the client that a page was missed.
const SOURCES: usize = 0;
const TARGETS: usize = 2;
const TOLD: usize = 4;
const N_PAGES: usize = 5;

/// Every so many entries a node is made; the others are copies.
const CREATE_EVERY: usize = 16;

/// A client in the middle of a call, at the fault of a page that went away.
struct Scene {
    client: Client,
    fault: Fault,
    told: Mapping,
}

/// Has a client make transfers until page `gone` goes away in the middle of one.
fn caught(stage: &Stage, gone: usize) -> Outcome<Scene> {
    let deadline_ns = time::deadline_in(PATIENCE);
    let rights = VM_READ | VM_WRITE;
    loop {
        let (loaded, account) = stage.load(&[&"transfer", &HOLE], |command| command)?;
        loaded.task().send_faults(&stage.handle)?;
        let lower = environment::priority() - 1;
        loaded.task().set_priority(lower, lower)?;
        let mut pages = Vec::new();
        for index in 0..N_PAGES {
            let page = Memory::new(&stage.account, PAGE_BYTES)?;
            page.map_into(loaded.task(), HOLE + index as u64 * PAGE_BYTES, rights)?;
            pages.push(page);
        }
        let first = pages[TARGETS].map(VM_READ)?;
        let last = pages[TARGETS + 1].map(VM_READ)?;
        let told = pages[TOLD].map(rights)?;
        let client = Client {
            task: loaded.start()?,
            account,
        };
        let is_empty = |page: &Mapping| {
            let mut entry = [0; size_of::<Transfer>()];
            page.read(0, &mut entry);
            entry == [0; size_of::<Transfer>()]
        };
        // Not always at the same place of the call.
        let mut n_sleeps = 0;
        while is_empty(&first) || !is_empty(&last) {
            check!(
                time::now_ns() < deadline_ns,
                "never between two batches in {n_sleeps} looks"
            );
            let status = client.task.status()?;
            check!(status.state == 0, "the client has ended: {status:?}");
            n_sleeps += 1;
            time::sleep(Duration::from_micros(20 + n_sleeps * 37 % 400));
        }
        pages[gone].revoke()?;
        let fault = stage.hear()?;
        if fault::is_in_call(&fault) {
            return Ok(Scene {
                client,
                fault,
                told,
            });
        }
        // It was clearing the targets for its next call.
        client.task.end_with(&fault)?;
        client.end()?;
    }
}

tests! {
    /// A transfer of which an array goes away while it is written waits for the page and goes on: all that is told exists, once.
    fn flt_14_transfers_wait_for_pages(bench) {
        let stage = Stage::new(bench)?;
        for gone in [SOURCES + 1, TARGETS + 1] {
            let Scene { client, fault, told } = caught(&stage, gone)?;
            let place = HOLE + gone as u64 * PAGE_BYTES;
            check_eq!((fault.vector, fault.address, fault.error_code), (PAGE_FAULT, place, 6), "the fault");
            told.write(0, &1u64.to_le_bytes());
            // Without the page it is told again.
            client.task.retry(&fault)?;
            let again = stage.hear()?;
            check_eq!((again.address, again.number), (place, fault.number + 1), "the fault again");
            stage.provide(&client, &again, 0xff)?;
            check_eq!(client.end()?, Ending::Exited(0), "the end, page {gone}");
            check!(client.is_given_back()?, "what is held: {:?}", client.account.state()?);
        }
        Ok(())
    }

    /// A transfer whose thread is given other registers while it waits for a page has not been made, and holds nothing any more.
    fn flt_15_transfers_are_given_up(bench) {
        let stage = Stage::new(bench)?;
        let Scene { client, fault, told } = caught(&stage, TARGETS + 1)?;
        told.write(0, &1u64.to_le_bytes());
        // The mapping of the page is an object of the client's.
        stage.fill(&client, &fault, 0)?;
        let registers = client.task.registers(&fault)?;
        let rax = status::encode(Err(Errno::EFAULT)).0;
        client.task.go_on(&fault, &Registers { rax, rdx: 0, ..registers })?;
        check_eq!(client.end()?, Ending::Exited(0), "the end");
        Ok(())
    }

    /// A task that ends, or is killed, while its transfer waits for a page leaves nothing behind.
    fn flt_16_transfers_end_with_their_task(bench) {
        let stage = Stage::new(bench)?;
        for is_killed in [false, true] {
            let Scene { client, fault, .. } = caught(&stage, SOURCES + 1)?;
            let expected = if is_killed {
                client.task.kill()?;
                Ending::Killed
            } else {
                client.task.end_with(&fault)?;
                Ending::Faulted { vector: PAGE_FAULT, address: fault.address }
            };
            check_eq!(client.end()?, expected, "the end");
            check!(client.is_given_back()?, "what is held: {:?}", client.account.state()?);
        }
        Ok(())
    }
}

/// Objects that `account` pays for. What the account has left tells less: its quota keeps some of what is given back.
fn n_objects(account: &Account) -> Result<u64, Errno> {
    let claims = account.claims()?;
    Ok(claims
        .iter()
        .map(|claim| claim.objects_claimed - claim.objects_available)
        .sum())
}

/// The client: makes transfers with arrays from `base` on until it is told that one missed a page, and panics if one
/// was not as it should be.
pub(crate) fn transfer(base: u64) -> Result<(), Errno> {
    let page = |index: usize| base + index as u64 * PAGE_BYTES;
    let entries = |index| {
        // SAFETY: the suite maps the pages; nothing else of the program lies there, and the two arrays are apart.
        unsafe { slice::from_raw_parts_mut(page(index) as *mut Transfer, N_ENTRIES) }
    };
    // SAFETY: as above; the suite writes it.
    let is_told = || unsafe { (page(TOLD) as *const u64).read_volatile() } != 0;
    let number = environment::find(Kind::Account).ok_or(Errno::ENOENT)?;
    let account = Account::from_capability(number);
    let peer = Peer::new(&account)?;
    let (_node, handle) = peer.node()?;
    let [sources, targets] = [SOURCES, TARGETS].map(entries);
    // Room for all of them, so that no memory is asked for between two looks at the account.
    let mut ids = Vec::with_capacity(sources.len() * 2);
    loop {
        targets.fill(Transfer { flags: 0, id: 0 });
        for (index, source) in sources.iter_mut().enumerate() {
            *source = match index % CREATE_EVERY {
                0 => Transfer {
                    flags: TRANSFER_FLAG_CREATE,
                    id: INVALID,
                },
                _ => Transfer {
                    flags: 0,
                    id: handle.id(),
                },
            };
        }
        let before = n_objects(&account)?;
        let result = calls::transfer(peer.number(), peer.number(), sources, targets);
        if result == Err(Errno::EFAULT) {
            // The first id was told, and must name nothing.
            let named = calls::release(peer.number(), &[targets[0].id]);
            assert_eq!(named, Err(Errno::EBADRQC), "the first id that was told");
            assert_eq!(
                n_objects(&account)?,
                before,
                "objects after a transfer that failed"
            );
            assert!(is_told(), "a transfer failed by itself");
            return Ok(());
        }
        result?;
        let made = sources.iter().step_by(CREATE_EVERY);
        ids.clear();
        ids.extend(made.chain(targets.iter()).map(|entry| entry.id));
        let is_clean = sources
            .iter()
            .step_by(CREATE_EVERY)
            .chain(targets.iter())
            .all(|entry| entry.flags == 0);
        // Fails if one of them names nothing, or is there twice.
        calls::release(peer.number(), &ids)?;
        assert!(is_clean, "an entry has a flag");
        assert_eq!(n_objects(&account)?, before, "objects when all is released");
        if is_told() {
            return Ok(());
        }
    }
}

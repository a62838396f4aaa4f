//! Memory: mapping, rights, isolation, charges.

use crate::director;
use alloc::vec::Vec;
use omnibus_userland::abi::layout::{PAGE_BYTES, STACK_TOP, USER_END};
use omnibus_userland::abi::native::{CapabilityInfo, VM_EXECUTE, VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, Errno};
use omnibus_userland::actor::{Allowance, Director, PATIENCE};
use omnibus_userland::check::Outcome;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, raw, tests, time};

const PAGE_FAULT: u64 = 14;

tests! {
    /// Mapped memory is zeroed, where it was asked for or where the kernel chooses, and apart.
    fn mem_1_fresh_and_zeroed(_) {
        let mut ranges = Vec::new();
        for (address, n_pages) in [(0, 1), (0x4000_0000_0000, 3), (0, 5), (0x1000_0000, 1)] {
            let n_bytes = n_pages * PAGE_BYTES;
            let found = map(address, n_bytes, VM_READ | VM_WRITE)?;
            check!(address == 0 || found == address, "mapped at {found:#x}");
            let is_apart = |&(start, n): &(u64, u64)| start + n <= found || found + n_bytes <= start;
            check!(ranges.iter().all(is_apart), "{found:#x} overlaps");
            ranges.push((found, n_bytes));
            // SAFETY: the range was mapped just now, for this test alone.
            let words = unsafe {
                core::slice::from_raw_parts_mut(found as *mut u64, n_bytes as usize / 8)
            };
            check!(words.iter().all(|word| *word == 0), "the memory is not zeroed");
            words.fill(u64::MAX);
        }
        for (address, n_bytes) in ranges {
            unmap(address, n_bytes)?;
        }
        let again = map(0x4000_0000_0000, PAGE_BYTES, VM_READ)?;
        // SAFETY: the page is mapped.
        let word = unsafe { (again as *const u64).read_volatile() };
        check_eq!(word, 0, "memory mapped a second time");
        unmap(again, PAGE_BYTES)?;
        Ok(())
    }

    /// What cannot be mapped: misaligned, empty, outside the user half, twice.
    fn mem_2_map_refusals(_) {
        let rw = VM_READ | VM_WRITE;
        let einval = Err(Errno::EINVAL);
        check_eq!(map(1, PAGE_BYTES, rw), einval, "an odd address");
        check_eq!(map(0, 1, rw), einval, "an odd length");
        check_eq!(map(0, 0, rw), einval, "no length");
        check_eq!(map(USER_END, PAGE_BYTES, rw), einval, "the end of the user half");
        check_eq!(map(USER_END - PAGE_BYTES, 2 * PAGE_BYTES, rw), einval, "across the end");
        check_eq!(map(1 << 63, PAGE_BYTES, rw), einval, "the kernel's half");
        check_eq!(map(PAGE_BYTES, !0xFFF, rw), einval, "a length that wraps");
        let page = map(0x4000_0000_0000, 2 * PAGE_BYTES, rw)?;
        for start in [page - PAGE_BYTES, page, page + PAGE_BYTES] {
            check_eq!(map(start, 2 * PAGE_BYTES, rw), Err(Errno::EEXIST), "over what is there");
        }
        // A refused range leaves nothing behind.
        check_eq!(unmap(page - PAGE_BYTES, PAGE_BYTES), einval, "the page below");
        check_eq!(unmap(page + 2 * PAGE_BYTES, PAGE_BYTES), einval, "the page above");
        unmap(page, 2 * PAGE_BYTES)?;
        Ok(())
    }

    /// No memory is writable and executable at once, and every mapping can be read.
    fn mem_3_write_xor_execute(_) {
        for rights in 0..16 {
            let is_allowed = matches!(
                rights,
                VM_READ | 3 | 5
            );
            let result = map(0, PAGE_BYTES, rights);
            check!(result.is_ok() == is_allowed, "rights {rights}: {result:?}");
            match result {
                Ok(page) => unmap(page, PAGE_BYTES).map(drop)?,
                Err(error) => check_eq!(error, Errno::EINVAL, "rights {rights}"),
            }
        }
        check_eq!(VM_READ | VM_EXECUTE, 5, "the rights of code");
        Ok(())
    }

    /// Unmapping takes whole mapped ranges only; otherwise it changes nothing.
    fn mem_4_unmap_all_or_nothing(_) {
        let page = map(0x4000_0000_0000, 3 * PAGE_BYTES, VM_READ | VM_WRITE)?;
        let einval = Err(Errno::EINVAL);
        check_eq!(unmap(page, 4 * PAGE_BYTES), einval, "a page too many");
        check_eq!(unmap(page + 8, PAGE_BYTES), einval, "an odd address");
        check_eq!(unmap(page, 8), einval, "an odd length");
        check_eq!(unmap(page, 0), einval, "no length");
        check_eq!(unmap(1 << 63, PAGE_BYTES), einval, "the kernel's half");
        unmap(page + PAGE_BYTES, PAGE_BYTES)?;
        check_eq!(unmap(page, 3 * PAGE_BYTES), einval, "a range with a hole");
        for kept in [page, page + 2 * PAGE_BYTES] {
            // SAFETY: the page is still mapped.
            unsafe { (kept as *mut u64).write_volatile(1) };
            unmap(kept, PAGE_BYTES)?;
        }
        Ok(())
    }

    /// The rights of mapped pages can be changed, down to none and back: what is in them stays, and a call is refused them as
    /// the task would be.
    fn mem_9_protect(bench) {
        let page = map(0x4000_0000_0000, 3 * PAGE_BYTES, VM_READ | VM_WRITE)?;
        let (middle, upper_half) = (page + PAGE_BYTES, page + PAGE_BYTES + PAGE_BYTES / 2);
        // SAFETY: the page is mapped, for this test alone.
        unsafe { (middle as *mut u64).write_volatile(7) };
        let rights = [
            (VM_READ, true, false),
            (0, false, false),
            (VM_READ | VM_EXECUTE, true, false),
            (VM_READ | VM_WRITE, true, true),
        ];
        for (rights, can_read, can_write) in rights {
            protect(middle, PAGE_BYTES, rights)?;
            // Read as a structure whose flags are 7, which no call takes.
            // SAFETY: nothing is mapped by a call that is refused.
            let read = unsafe { raw::call(Call::VmMap, [middle, VmMap::SIZE]) };
            let expected = if can_read { Errno::EINVAL } else { Errno::EFAULT };
            check_eq!(read, Err(expected), "rights {rights}");
            let arguments = [bench.console.0, upper_half, CapabilityInfo::SIZE];
            // SAFETY: the kernel writes to this test's page, or refuses.
            let written = unsafe { raw::call(Call::CapabilityInfo, arguments) };
            let expected = if can_write { Ok(0) } else { Err(Errno::EFAULT) };
            check_eq!(written, expected, "rights {rights}");
        }
        protect(middle, PAGE_BYTES, 0)?;
        check_eq!(map(middle, PAGE_BYTES, VM_READ), Err(Errno::EEXIST), "over a hidden page");
        let einval = Err(Errno::EINVAL);
        check_eq!(protect(page, 4 * PAGE_BYTES, VM_READ), einval, "a page too many");
        check_eq!(protect(page + 8, PAGE_BYTES, VM_READ), einval, "an odd address");
        check_eq!(protect(page, PAGE_BYTES, VM_WRITE), einval, "writing without reading");
        check_eq!(protect(page, PAGE_BYTES, VM_READ | VM_WRITE | VM_EXECUTE), einval, "both");
        unmap(page, 3 * PAGE_BYTES)?;
        check_eq!(protect(page, PAGE_BYTES, VM_READ), einval, "nothing");
        Ok(())
    }

    /// Text and constants cannot be written, data and stacks cannot be run, the startup block is
    /// read-only: each attempt ends its task by a page fault.
    fn mem_5_rights_of_a_program(bench) {
        let director = director(bench)?;
        let attempts = [
            "write-text", "write-rodata", "write-startup", "run-data", "run-stack", "overflow",
            "thread-overflow",
        ];
        for attempt in attempts {
            ends_by_page_fault(&director, attempt, 0)?;
        }
        Ok(())
    }

    /// Null, the kernel's half and unmapped pages cannot be read or written.
    fn mem_6_nothing_of_the_kernel(bench) {
        let director = director(bench)?;
        let addresses = [
            0, 0xFFF, 0x1000, USER_END, 0xFFFF_8000_0000_0000, 0xFFFF_FFFF_8020_0000,
            0xFFFF_D000_0000_0000,
        ];
        for address in addresses {
            for attempt in ["read", "write"] {
                ends_by_page_fault(&director, attempt, address)?;
            }
        }
        Ok(())
    }

    /// Another task's stack, at the same address in every task, is another one.
    fn mem_7_same_address_other_memory(bench) {
        let director = director(bench)?;
        // This page of this task's stack holds whatever; the puppet's is its own and can be written.
        let address = STACK_TOP - 8;
        // SAFETY: the top of the stack is mapped.
        let before = unsafe { (address as *const u8).read_volatile() };
        let puppet = director.cast("puppet", "puppet", &[&"write", &address])?;
        check_eq!(director.hear(&puppet)?.data, b"written", "the puppet's write");
        // SAFETY: as above.
        let after = unsafe { (address as *const u8).read_volatile() };
        check_eq!(after, before, "this task's byte");
        Ok(())
    }

    /// Frames are charged to the task's account, end at its limit, and come back with the task.
    fn mem_8_frames_are_charged(bench) {
        let director = director(bench)?;
        let mut counts = Vec::new();
        for frames in [200, 400] {
            let allowance = Allowance { frames, ..Allowance::default() };
            let puppet = director.cast_with("puppet", "puppet", &[&"map"], allowance)?;
            let n_pages = director.hear(&puppet)?.data;
            puppet.task.wait_until(time::deadline_in(PATIENCE))?;
            counts.push(n_pages.try_into().map(u64::from_le_bytes).unwrap_or(0));
            check_eq!(puppet.account.state()?.frames_available, frames, "frames afterwards");
        }
        check!(counts[0] > 0 && counts[1] > counts[0], "pages: {counts:?}");
        check!(counts[1] < 400, "{} pages of 400 frames", counts[1]);
        Ok(())
    }

    /// A call with long arrays is charged for the memory that keeps them, which a short one is not; an id that names nothing is
    /// still the first cause, before EDQUOT.
    fn snd_5_long_calls_are_charged_after_their_ids(bench) {
        let director = director(bench)?;
        let puppet = director.cast("puppet", "puppet", &[&"long-calls"])?;
        let told = director.hear(&puppet)?.data;
        let [edquot, ebadrqc] = [Errno::EDQUOT, Errno::EBADRQC].map(|errno| errno.number() as u8);
        let untouched = i32::MAX as u8;
        let expected = [
            edquot, ebadrqc, edquot, ebadrqc, edquot, ebadrqc, ebadrqc, edquot, ebadrqc, 0, 0,
            0, ebadrqc, untouched,
        ];
        check_eq!(told, expected, "errors of the puppet's calls, and entries of an array of errors");
        puppet.task.wait_until(time::deadline_in(PATIENCE))?;
        check_eq!(puppet.account.state()?.frames_available, 512, "frames afterwards");
        Ok(())
    }
}

fn ends_by_page_fault(director: &Director, attempt: &str, address: u64) -> Outcome {
    let puppet = director.cast("puppet", "puppet", &[&attempt, &address])?;
    let ending = puppet.task.wait_until(time::deadline_in(PATIENCE))?;
    check!(
        matches!(
            ending,
            Ending::Faulted {
                vector: PAGE_FAULT,
                ..
            }
        ) || (address >> 47 != 0 && matches!(ending, Ending::Faulted { .. })),
        "{attempt} {address:#x} ended with {ending:?}"
    );
    Ok(())
}

fn map(address: u64, n_bytes: u64, rights: u64) -> Result<u64, Errno> {
    let map = VmMap {
        flags: 0,
        address,
        n_bytes,
        rights,
    };
    let arguments = [core::ptr::from_ref(&map) as u64, VmMap::SIZE];
    // SAFETY: the tests map where nothing of theirs is, or what is there is refused.
    unsafe { raw::call(Call::VmMap, arguments) }
}

fn protect(address: u64, n_bytes: u64, rights: u64) -> Result<u64, Errno> {
    // SAFETY: the tests protect what they mapped, or what is refused.
    unsafe { raw::call(Call::VmProtect, [address, n_bytes, rights]) }
}

fn unmap(address: u64, n_bytes: u64) -> Result<u64, Errno> {
    // SAFETY: the tests unmap what they mapped, or what is refused.
    unsafe { raw::call(Call::VmUnmap, [address, n_bytes]) }
}

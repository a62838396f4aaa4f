//! One task and its memory objects: making, mapping, unmapping, rights, charges.

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::capability::memory::{EXECUTE, READ, REVOKE, WRITE};
use omnibus_userland::abi::layout::{PAGE_BYTES, USER_END};
use omnibus_userland::abi::limits::{MAPPINGS_MAX, MEMORY_BYTES_MAX};
use omnibus_userland::abi::native::{MemoryMap, VM_EXECUTE, VM_READ, VM_WRITE, VmMap};
use omnibus_userland::abi::{Call, Errno, Kind};
use omnibus_userland::calls::{self, Result};
use omnibus_userland::memory::Memory;
use omnibus_userland::{check, check_eq, raw, tests};

const RW: u64 = VM_READ | VM_WRITE;
const RX: u64 = VM_READ | VM_EXECUTE;

/// The calling task, where a task can be named.
const OWN: u64 = 0;

/// Where tests map that choose an address.
const PLACE: u64 = 0x4000_0000_0000;

tests! {
    /// A new memory object is zeroed, as long as it was asked for, and has every right.
    fn mob_1_fresh_and_zeroed(bench) {
        for n_pages in [1, 2, 3, 64, 505, 2048] {
            let memory = Memory::new(&bench.account, n_pages * PAGE_BYTES)?;
            let capability = calls::capability_info(memory.number())?;
            check_eq!(
                (capability.kind, capability.rights),
                (Kind::Memory as u64, READ | WRITE | EXECUTE | REVOKE),
                "the capability"
            );
            let info = memory.info()?;
            check_eq!((info.n_bytes, info.n_mappings), (n_pages * PAGE_BYTES, 0), "the object");
            let mapping = memory.map(RW)?;
            let mut page = [0xff; PAGE_BYTES as usize];
            for index in 0..n_pages {
                mapping.read(index * PAGE_BYTES, &mut page);
                check!(page.iter().all(|byte| *byte == 0), "page {index} is not zeroed");
                mapping.write(index * PAGE_BYTES, &[0xee; PAGE_BYTES as usize]);
            }
        }
        Ok(())
    }

    /// Two mappings of one object show the same pages, also if they begin at different offsets.
    fn mob_2_mappings_show_the_same_pages(bench) {
        let memory = Memory::new(&bench.account, 4 * PAGE_BYTES)?;
        let (all, part) = (memory.map(RW)?, memory.map_part(2 * PAGE_BYTES, PAGE_BYTES, VM_READ)?);
        check_eq!(memory.info()?.n_mappings, 2, "mappings");
        all.write(2 * PAGE_BYTES + 5, b"same");
        let mut found = [0; 4];
        part.read(5, &mut found);
        check_eq!(&found, b"same", "what the other mapping shows");
        drop(all);
        part.read(5, &mut found);
        check_eq!(&found, b"same", "what is left when the first is unmapped");
        check_eq!(memory.info()?.n_mappings, 1, "mappings");
        Ok(())
    }

    /// An object stays as long as it is mapped, also without a capability, and its frames come back with its last mapping.
    fn mob_3_a_mapping_keeps_its_object(bench) {
        let account = bench.account.carve(64, 0, 64)?;
        let before = account.state()?;
        let memory = Memory::new(&account, 16 * PAGE_BYTES)?;
        let during = account.state()?;
        // What a claimant has claimed is at least what it holds (ACC-4).
        check!(during.frames_available + 16 <= before.frames_available, "frames: {during:?}");
        check!(during.objects_available < before.objects_available, "objects: {during:?}");
        let mapping = memory.map(RW)?;
        mapping.write(0, b"kept");
        drop(memory);
        check_eq!(account.state()?.frames_available, during.frames_available, "while mapped");
        let mut found = [0; 4];
        mapping.read(0, &mut found);
        check_eq!(&found, b"kept", "what is mapped");
        drop(mapping);
        check_eq!(account.state()?, before, "the account afterwards");
        Ok(())
    }

    /// An account that has not that many frames left refuses, and is as it was.
    fn mob_4_an_account_bounds_its_objects(bench) {
        // Half of what is left is the most that one actor of an account may take.
        let account = bench.account.carve(64, 0, 100)?;
        let before = account.state()?;
        let refused = Memory::new(&account, 101 * PAGE_BYTES).map(drop);
        check_eq!(refused, Err(Errno::EDQUOT), "101 of 100 frames");
        check_eq!(account.state()?, before, "the account after a refusal");
        let mut objects = Vec::new();
        loop {
            match Memory::new(&account, PAGE_BYTES) {
                Ok(memory) => objects.push(memory),
                Err(error) => {
                    check_eq!(error, Errno::EDQUOT, "after {} objects", objects.len());
                    break;
                }
            }
        }
        check!(objects.len() >= 32 && objects.len() <= 64, "{} objects of 64", objects.len());
        objects.clear();
        check_eq!(account.state()?, before, "the account afterwards");
        Ok(())
    }

    /// A mapping has no right that the capability lacks, whatever the object allows others.
    fn mob_5_rights_bound_mappings(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let all = [VM_READ, RW, RX];
        for (rights, allowed) in [
            (0, [false; 3]),
            (WRITE | EXECUTE | REVOKE, [false; 3]),
            (READ, [true, false, false]),
            (READ | WRITE, [true, true, false]),
            (READ | EXECUTE, [true, false, true]),
        ] {
            let copy = memory.copy(rights)?;
            for (asked, is_allowed) in all.into_iter().zip(allowed) {
                let result = copy.map(asked).map(drop);
                let expected = if is_allowed { Ok(()) } else { Err(Errno::EPERM) };
                check_eq!(result, expected, "{asked} with {rights}");
            }
        }
        Ok(())
    }

    /// No page of an object is writable and executable at once, neither through one mapping nor through two.
    fn mob_6_write_xor_execute(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let all = memory.map(VM_READ | VM_WRITE | VM_EXECUTE).map(drop);
        check_eq!(all, Err(Errno::EINVAL), "one mapping");
        let (writable, readable) = (memory.map(RW)?, memory.map(VM_READ)?);
        check_eq!(memory.map(RX).map(drop), Err(Errno::ETXTBSY), "executable beside writable");
        // mov eax, 42; ret
        writable.write(0, &[0xb8, 42, 0, 0, 0, 0xc3]);
        drop(writable);
        let executable = memory.map(RX)?;
        check_eq!(memory.map(RW).map(drop), Err(Errno::ETXTBSY), "writable beside executable");
        // SAFETY: these are the two instructions above, at the start of an executable page.
        let answer = unsafe {
            core::mem::transmute::<u64, extern "C" fn() -> u32>(executable.address())
        };
        check_eq!(answer(), 42, "what the code returns");
        drop((executable, readable));
        drop(memory.map(RW)?);
        Ok(())
    }

    /// Nothing is mapped over anything, and a refused mapping leaves nothing behind.
    fn mob_7_map_refusals(bench) {
        let memory = Memory::new(&bench.account, 4 * PAGE_BYTES)?;
        let map = |address, offset, n_pages: u64| calls::memory_map(&MemoryMap {
            memory: memory.number().0,
            address,
            offset,
            n_bytes: n_pages * PAGE_BYTES,
            rights: VM_READ,
            ..MemoryMap::default()
        });
        let einval = Err(Errno::EINVAL);
        check_eq!(map(0, 0, 5), einval, "more than there is");
        check_eq!(map(0, PAGE_BYTES, 4), einval, "behind the end");
        check_eq!(map(0, 0u64.wrapping_sub(PAGE_BYTES), 2), einval, "an offset that wraps");
        check_eq!(map(USER_END - PAGE_BYTES, 0, 2), einval, "across the end of the user half");
        check_eq!(map(PLACE, 0, 4), Ok(PLACE), "a free place");
        for address in [PLACE - PAGE_BYTES, PLACE, PLACE + 3 * PAGE_BYTES] {
            check_eq!(map(address, 0, 2), Err(Errno::EEXIST), "over a mapping");
            check_eq!(vm_map(address), if address < PLACE { Ok(address) } else { Err(Errno::EEXIST) }, "fresh memory");
        }
        check_eq!(map(PLACE - PAGE_BYTES, 0, 1), Err(Errno::EEXIST), "over fresh memory");
        check_eq!(map(PLACE - 2 * PAGE_BYTES, 0, 2), Err(Errno::EEXIST), "into fresh memory");
        check_eq!(memory.info()?.n_mappings, 1, "mappings");
        check_eq!(vm_unmap(PLACE - PAGE_BYTES, 2 * PAGE_BYTES), einval, "vm_unmap of an object");
        vm_unmap(PLACE - PAGE_BYTES, PAGE_BYTES)?;
        check_eq!(unmap(PLACE + PAGE_BYTES), einval, "the middle of a mapping");
        unmap(PLACE)?;
        check_eq!(unmap(PLACE), einval, "what is unmapped already");
        check_eq!(vm_map(PLACE), Ok(PLACE), "fresh memory in its place");
        vm_unmap(PLACE, PAGE_BYTES)?;
        Ok(())
    }

    /// A task has so many mappings and no more, and gets all of them back.
    fn mob_8_mappings_are_counted(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let mut mappings = Vec::new();
        let refusal = loop {
            match memory.map(VM_READ) {
                Ok(mapping) => mappings.push(mapping),
                Err(error) => break error,
            }
        };
        // The archive is one.
        check_eq!((refusal, mappings.len() as u64 + 1), (Errno::ENOMEM, MAPPINGS_MAX), "the end");
        check_eq!(memory.info()?.n_mappings + 1, MAPPINGS_MAX, "mappings");
        mappings.clear();
        check_eq!(memory.info()?.n_mappings, 0, "mappings afterwards");
        Ok(())
    }

    /// What cannot be made: no length, half pages, too many.
    fn mob_9_new_refusals(bench) {
        let new = |n_bytes| Memory::new(&bench.account, n_bytes).map(drop);
        for n_bytes in [0, 1, PAGE_BYTES - 1, PAGE_BYTES + 1, u64::MAX] {
            check_eq!(new(n_bytes), Err(Errno::EINVAL), "{n_bytes} bytes");
        }
        for n_bytes in [MEMORY_BYTES_MAX + PAGE_BYTES, 1 << 40, 1 << 63] {
            check_eq!(new(n_bytes), Err(Errno::EMSGSIZE), "{n_bytes:#x} bytes");
        }
        Ok(())
    }

    /// System calls read and write a mapped object as any other memory of the task.
    fn mob_10_calls_reach_mapped_objects(bench) {
        let memory = Memory::new(&bench.account, 2 * PAGE_BYTES)?;
        let (writable, readable) = (memory.map(RW)?, memory.map(VM_READ)?);
        let info = |address| {
            let number = memory.number().0;
            // SAFETY: the kernel writes 32 bytes into a mapping, where nothing of this program lies, or refuses.
            unsafe { raw::call(Call::MemoryInfo, [number, address, 32]) }
        };
        let across = PAGE_BYTES - 16;
        check_eq!(info(writable.address() + across), Ok(0), "an answer across pages");
        let mut answer = vec![0; 32];
        readable.read(across, &mut answer);
        check_eq!(answer[16..24], (2 * PAGE_BYTES).to_le_bytes(), "its length in the answer");
        check_eq!(info(readable.address()), Err(Errno::EFAULT), "an answer to read-only memory");
        check_eq!(info(writable.address() + 2 * PAGE_BYTES - 16), Err(Errno::EFAULT), "behind it");
        Ok(())
    }
}

fn unmap(address: u64) -> Result<u64> {
    // SAFETY: the tests unmap what they mapped themselves.
    unsafe { raw::call(Call::MemoryUnmap, [OWN, address]) }
}

fn vm_map(address: u64) -> Result<u64> {
    let map = VmMap {
        flags: 0,
        address,
        n_bytes: PAGE_BYTES,
        rights: VM_READ,
    };
    // SAFETY: the kernel reads the structure and maps fresh memory where nothing is.
    unsafe { raw::call(Call::VmMap, [core::ptr::from_ref(&map) as u64, VmMap::SIZE]) }
}

fn vm_unmap(address: u64, n_bytes: u64) -> Result<u64> {
    // SAFETY: the tests unmap what they mapped, or what is refused.
    unsafe { raw::call(Call::VmUnmap, [address, n_bytes]) }
}

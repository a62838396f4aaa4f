//! Taking memory objects back.

use crate::{director, share};
use alloc::sync::Arc;
use alloc::vec::Vec;
use omnibus_userland::abi::Errno;
use omnibus_userland::abi::capability::memory::{EXECUTE, READ, REVOKE, WRITE};
use omnibus_userland::abi::layout::PAGE_BYTES;
use omnibus_userland::abi::native::{MemoryRevoked, VM_EXECUTE, VM_READ, VM_WRITE};
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::{Peer, Received};
use omnibus_userland::memory::Memory;
use omnibus_userland::task::Ending;
use omnibus_userland::{check, check_eq, tests, thread, time};

const RW: u64 = VM_READ | VM_WRITE;

const PAGE_FAULT: u64 = 14;

tests! {
    /// An object that is taken back is mapped nowhere: who had it mapped faults at the next access.
    fn mob_17_revoked_everywhere(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, 3 * PAGE_BYTES)?;
        let mut sharers = Vec::new();
        for _ in 0..3 {
            let sharer = share(&director, "hold", memory.number(), READ | WRITE)?;
            let address = director.hear(&sharer)?.data;
            sharers.push((sharer, address));
        }
        check_eq!(memory.info()?.n_mappings, 3, "mappings");
        memory.revoke()?;
        check_eq!(memory.info()?.n_mappings, 0, "mappings afterwards");
        for (sharer, address) in sharers {
            sharer.handle.send(b"go on")?;
            let ending = sharer.task.wait_until(time::deadline_in(PATIENCE))?;
            let address = address.try_into().map(u64::from_le_bytes).unwrap_or(0);
            let expected = Ending::Faulted { vector: PAGE_FAULT, address };
            check_eq!(ending, expected, "the end of one that had it mapped");
        }
        Ok(())
    }

    /// Who takes an object back keeps it, with its content and every right; all other capabilities to it are dead, in every table.
    fn mob_18_revoking_kills_other_capabilities(bench) {
        let director = director(bench)?;
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        memory.map(RW)?.write(8, b"mine");
        let copies = [READ, READ | WRITE | REVOKE, READ | EXECUTE].map(|rights| memory.copy(rights));
        let sharer = share(&director, "keep-capability", memory.number(), READ)?;
        director.hear(&sharer)?;
        memory.revoke()?;
        for copy in copies {
            let copy = copy?;
            check_eq!(copy.map(VM_READ).map(drop), Err(Errno::ESTALE), "mapping a dead one");
            check_eq!(copy.info().map(drop), Err(Errno::ESTALE), "asking a dead one");
            // A copy of a dead one is as dead.
            check_eq!(copy.copy(0)?.info().map(drop), Err(Errno::ESTALE), "asking its copy");
        }
        sharer.handle.send(b"try")?;
        let stale = Errno::ESTALE.number() as u8;
        check_eq!(director.hear(&sharer)?.data, [stale], "what the other task gets");
        let mut found = [0; 4];
        memory.map(VM_READ)?.read(8, &mut found);
        check_eq!(&found, b"mine", "what is in it");
        let again = memory.copy(READ)?;
        again.map(VM_READ)?.read(8, &mut found);
        check_eq!(&found, b"mine", "what a copy made afterwards shows");
        check_eq!(again.revoke(), Err(Errno::EPERM), "revoking without the right");
        Ok(())
    }

    /// Of two that may take an object back, the first wins, and the other's capability is dead.
    fn mob_19_the_first_revoker_wins(bench) {
        let memory = Memory::new(&bench.account, PAGE_BYTES)?;
        let other = memory.copy(READ | REVOKE)?;
        other.revoke()?;
        check_eq!(memory.revoke(), Err(Errno::ESTALE), "the second");
        check_eq!(memory.info().map(drop), Err(Errno::ESTALE), "its capability");
        for _ in 0..3 {
            other.revoke()?;
        }
        drop(other.map(VM_READ)?);
        check_eq!(other.map(VM_READ | VM_EXECUTE).map(drop), Err(Errno::EPERM), "its rights");
        Ok(())
    }

    /// A dead capability keeps nothing but the object's memory: that comes back with the last one of them.
    fn mob_20_dead_capabilities_give_back(bench) {
        let account = bench.account.carve(64, 0, 64)?;
        let before = account.state()?;
        let memory = Memory::new(&account, 8 * PAGE_BYTES)?;
        let copy = memory.copy(READ)?;
        memory.revoke()?;
        drop(memory);
        check!(account.state()? != before, "a dead capability keeps the memory");
        drop(copy);
        check_eq!(account.state()?, before, "the account afterwards");
        Ok(())
    }

    /// Threads map and unmap an object while it is taken back again and again: nothing is mapped afterwards, and all is given back.
    fn mob_21_mapping_while_revoking(bench) {
        let account = bench.account.carve(64, 0, 1024)?;
        let before = account.state()?;
        let memory = Arc::new(Memory::new(&account, 300 * PAGE_BYTES)?);
        let mappers: Vec<_> = (0..3)
            .map(|index| {
                let memory = memory.clone();
                thread::spawn(move || {
                    let mut n_mapped = 0;
                    for round in 0..40 {
                        let n_bytes = (1 + (round * 7 + index * 13) % 300) * PAGE_BYTES;
                        match memory.map_part(0, n_bytes, VM_READ) {
                            Ok(mapping) => drop(mapping),
                            // The call had looked the capability up before it was renewed.
                            Err(Errno::ESTALE) => continue,
                            Err(_) => break,
                        }
                        n_mapped += 1;
                    }
                    n_mapped
                })
            })
            .collect();
        for _ in 0..40 {
            memory.revoke()?;
            thread::yield_now();
        }
        let mut n_mapped = 0;
        for mapper in mappers {
            n_mapped += mapper?.join()?;
        }
        check!(n_mapped > 40, "only {n_mapped} of 120 were mapped");
        memory.revoke()?;
        check_eq!(memory.info()?.n_mappings, 0, "mappings afterwards");
        drop(memory);
        check_eq!(account.state()?, before, "the account afterwards");
        Ok(())
    }

    /// Who holds an object and asked for it is told by a message when it has been taken back: each once, and not who took it back.
    fn mob_22_revoking_is_told(bench) {
        let account = bench.account.carve(64, 4096, 64)?;
        let before = account.state()?;
        {
            let peer = Peer::new(&account)?;
            let (node, handle) = peer.node()?;
            let (other, second) = peer.node()?;
            let memory = Memory::new(&account, 3 * PAGE_BYTES)?;
            let number = memory.info()?.number;
            let lent = memory.copy(READ)?;
            lent.watch(&handle)?;
            lent.watch(&second)?;
            let mapping = lent.map(VM_READ)?;
            check!(peer.try_recv()?.is_none(), "a message before it is taken back");
            memory.revoke()?;
            check_eq!(lent.watch(&handle), Err(Errno::ESTALE), "watching what was taken back");
            for node in [node.id(), other.id()] {
                let message = peer.try_recv()?.and_then(Received::message);
                let told = message.map(|message| (message.node, message.data));
                let words = MemoryRevoked { count: 1, number }.to_words();
                let payload = words.iter().flat_map(|word| word.to_le_bytes()).collect();
                check_eq!(told, Some((node, payload)), "what is told");
            }
            check_eq!(memory.info()?.n_mappings, 0, "mappings when it was told");
            drop(mapping);
            // The one who took it back goes on, and may be told of the next time.
            memory.watch(&handle)?;
            check!(peer.try_recv()?.is_none(), "a message of what goes on");
            // A watch ends with the object.
            drop(lent);
            drop(memory);
        }
        check!(soon(|| Ok(account.state()? == before))?, "{:?} instead of {before:?}", account.state()?);
        Ok(())
    }
}

//! Section 4: TRANSFER.

use crate::loose::{self, UNMAPPED};
use crate::objects::three;
use omnibus_userland::abi::bus1::{INVALID, TRANSFER_FLAG_CREATE, Transfer};
use omnibus_userland::abi::{Call, CapabilityNumber, Errno};
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::suite::wire::{Got, copy, create, drain, recv, release, send, send_with};
use omnibus_userland::{check, check_eq, tests};

const CREATE: Transfer = Transfer {
    flags: TRANSFER_FLAG_CREATE,
    id: INVALID,
};

tests! {
    /// CREATE makes a node on the source and a handle on the target; a plain entry copies a handle.
    fn tra_1_creates_and_copies(bench) {
        let (from, to, _) = three(bench)?;
        let (_, old) = create(&to, &from)?;
        let mut source = [CREATE, Transfer { flags: 0, id: old }];
        let mut target = [Transfer::default(); 2];
        calls::transfer(from.number(), to.number(), &mut source, &mut target)?;
        check_eq!(source[0].flags, 0, "flags of the new node's entry");
        check_eq!(source[1], Transfer { flags: 0, id: old }, "the copied entry");
        send(&to, &[target[0].id, target[1].id], b"A")?;
        let got = recv(&from)?;
        check!(matches!(got, Got::Message(id, ..) if id == source[0].id), "on the node, not {got:?}");
        check_eq!(recv(&to)?.data(), b"A", "through the copy");
        let mut chosen = [Transfer { flags: TRANSFER_FLAG_CREATE, id: 2 }];
        let result = calls::transfer(from.number(), to.number(), &mut chosen, &mut target[..1]);
        check_eq!(result, Err(Errno::EINVAL), "CREATE with an id");
        Ok(())
    }

    /// Every entry's result is {0, new id}; the same source twice gives two handles; none is success.
    fn tra_2_every_entry_is_a_new_handle(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let mut source = [Transfer { flags: 0, id: handle }; 2];
        let mut target = [Transfer { flags: 9, id: 9 }; 2];
        calls::transfer(peer.number(), peer.number(), &mut source, &mut target)?;
        check_eq!([target[0].flags, target[1].flags], [0, 0], "flags");
        check!(target[0].id != target[1].id, "two handles have one id");
        check_eq!(calls::transfer(peer.number(), peer.number(), &mut [], &mut []), Ok(()), "none");
        Ok(())
    }

    /// The invalid id names nothing that could be copied or carried, and is EINVAL, before any unknown id is EBADRQC.
    fn tra_1_invalid_is_no_id(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_, handle) = create(&peer, &peer)?;
        let entries = [handle ^ 1 << 40, INVALID].map(|id| Transfer { flags: 0, id });
        let (mut source, mut target) = (entries, entries);
        let number = peer.number();
        let result = calls::transfer(number, number, &mut source, &mut target);
        check_eq!(result, Err(Errno::EINVAL), "TRANSFER");
        check_eq!(send_with(&peer, &[handle], b"", &[INVALID]), Err(Errno::EINVAL), "SEND");
        check_eq!(send(&peer, &[INVALID], b""), Err(Errno::EBADRQC), "a destination");
        Ok(())
    }

    /// `to` INVALID is the source itself; else it must be a peer capability with GIVE.
    fn tra_3_the_destination(bench) {
        let peer = Peer::new(&bench.account)?;
        let to = |to| {
            calls::transfer(peer.number(), to, &mut [CREATE], &mut [Transfer::default()])
        };
        check_eq!(to(CapabilityNumber::INVALID), Ok(()), "to itself");
        check_eq!(to(CapabilityNumber(5 << 40)), Err(Errno::EBADF), "to nothing");
        check_eq!(to(bench.console), Err(Errno::EOPNOTSUPP), "to a console");
        let weak = Peer::from_capability(calls::capability_copy(peer.number(), 3)?);
        check_eq!(to(weak.number()), Err(Errno::EPERM), "to a peer without GIVE");
        Ok(())
    }

    /// All entries or none; over all entries EFAULT comes before EINVAL before EBADRQC.
    fn tra_4_all_or_nothing(bench) {
        let (from, to, _) = three(bench)?;
        let (_, handle) = create(&to, &from)?;
        let before = bench.holdings()?;
        let unknown = Transfer { flags: 0, id: handle ^ (1 << 60) };
        let invalid = Transfer { flags: 4, id: handle };
        let run = |mut source: [Transfer; 3]| {
            let mut target = [Transfer::default(); 3];
            calls::transfer(from.number(), to.number(), &mut source, &mut target)
        };
        check_eq!(run([CREATE, CREATE, unknown]), Err(Errno::EBADRQC), "an unknown handle");
        check_eq!(run([unknown, CREATE, invalid]), Err(Errno::EINVAL), "an unknown flag");
        let mut target = [Transfer::default(); 3];
        let words = [0, to.number().0, 3, UNMAPPED, target.as_mut_ptr() as u64];
        let fault = loose::command(Call::Transfer, &from, &words, 40, [16]);
        check_eq!(fault, Err(Errno::EFAULT), "sources that cannot be read");
        let mut source = [invalid; 3];
        let words = [0, to.number().0, 3, source.as_mut_ptr() as u64, UNMAPPED];
        let fault = loose::command(Call::Transfer, &from, &words, 40, [16]);
        check_eq!(fault, Err(Errno::EFAULT), "targets that cannot be written");
        check_eq!(bench.holdings()?, before, "the account");
        check_eq!(drain(&to)?, b"", "notices to the target");
        check_eq!(drain(&from)?, b"", "notices to the source");
        Ok(())
    }

    /// A handle whose node is released can still be copied, and the new holder learns of the end.
    fn tra_5_copy_of_a_dead_handle(bench) {
        let (owner, p, q) = three(bench)?;
        let (node, handle) = create(&owner, &p)?;
        release(&owner, &[node])?;
        let late = copy(&p, &q, handle)?;
        check_eq!(recv(&q)?, Got::NodeRelease(late), "news to the new holder");
        check_eq!(recv(&p)?, Got::NodeRelease(handle), "news to the old holder");
        Ok(())
    }
}

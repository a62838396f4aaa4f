//! Section 8: accounts, with the numbers of the quota tables through real calls.

use alloc::vec::Vec;
use omnibus_userland::abi::capability::account;
use omnibus_userland::abi::{Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls;
use omnibus_userland::suite::holdings;
use omnibus_userland::suite::wire::{Got, create, drain, recv, release, send, send_with};
use omnibus_userland::{check, check_eq, tests};

tests! {
    /// A peer acts for the account it was made with, and needs its right CHARGE.
    fn acc_1_fixed_at_creation(bench) {
        let other = bench.account.carve(64, 4096, 64)?;
        let (sender, receiver) = (Peer::new(&other)?, Peer::new(&bench.account)?);
        let (node, handle) = create(&receiver, &sender)?;
        send(&sender, &[handle], b"")?;
        let account = other.state()?.number;
        check_eq!(recv(&receiver)?, Got::Message(node, account, Vec::new(), Vec::new()), "metadata");
        let weak = Account::from_capability(calls::capability_copy(other.number(), 6)?);
        check_eq!(Peer::new(&weak).map(drop), Err(Errno::EPERM), "an account without CHARGE");
        Ok(())
    }

    /// A peer, a node and a handle are one object each of their owner's account.
    fn acc_2_objects(bench) {
        let account = bench.account.carve(1024, 1 << 16, 64)?;
        let used = || holdings(&account).map(|all| all.iter().map(|h| h.1).sum::<u64>());
        let start = used()?;
        let peer = Peer::new(&account)?;
        check_eq!(used()? - start, 1, "a peer");
        let (node, handle) = create(&peer, &peer)?;
        check_eq!(used()? - start, 3, "with a node and a handle");
        release(&peer, &[handle])?;
        check_eq!(used()? - start, 2, "without the handle");
        check_eq!(recv(&peer)?, Got::HandleRelease(node), "the notice");
        check_eq!(used()? - start, 1, "with the notice received");
        drop(peer);
        check_eq!(used()?, start, "without the peer");
        Ok(())
    }

    /// A message is one object, its handles one each, and its bytes; all charged to the receiver's
    /// account on behalf of the sender's.
    fn acc_2_messages(bench) {
        let [target, source] = [(); 2].map(|()| bench.account.carve(1024, 1 << 16, 64));
        let (target, source) = (target?, source?);
        let (receiver, sender) = (Peer::new(&target)?, Peer::new(&source)?);
        let (_, handle) = create(&receiver, &sender)?;
        let number = source.state()?.number;
        let held = || {
            let all = holdings(&target)?;
            Ok::<_, Errno>(all.into_iter().find(|holding| holding.0 == number))
        };
        check_eq!(held()?, None, "the sender's share before");
        send_with(&sender, &[handle], &[0; 100], &[handle, handle])?;
        check_eq!(held()?, Some((number, 3, 100)), "with a message of two handles");
        send(&sender, &[handle, handle], &[0; 10])?;
        check_eq!(held()?, Some((number, 5, 120)), "with two more messages");
        drain(&receiver)?;
        check_eq!(held()?, None, "after they were received");
        Ok(())
    }

    /// On receipt the charge of carried handles moves to the receiver's own, unchecked.
    fn acc_3_handles_move_on_receipt(bench) {
        let [target, source] = [(); 2].map(|()| bench.account.carve(1024, 1 << 16, 64));
        let (target, source) = (target?, source?);
        let (receiver, sender) = (Peer::new(&target)?, Peer::new(&source)?);
        let (_, handle) = create(&receiver, &sender)?;
        let own = target.state()?.number;
        let objects_of = |number| {
            let all = holdings(&target)?;
            let sum = all.iter().filter(|h| h.0 == number).map(|h| h.1).sum::<u64>();
            Ok::<_, Errno>(sum)
        };
        let before = objects_of(own)?;
        send_with(&sender, &[handle], b"", &[handle; 5])?;
        check_eq!(objects_of(own)?, before, "own objects while it travels");
        let carried = recv(&receiver)?.handles().to_vec();
        check_eq!(objects_of(own)?, before + 5, "own objects after receipt");
        release(&receiver, &carried)?;
        check_eq!(objects_of(own)?, before, "own objects after release");
        Ok(())
    }

    /// A full account does not keep its peer from receiving what was sent (Q1).
    fn acc_3_recv_never_says_edquot(bench) {
        let target = bench.account.carve(256, 1 << 16, 64)?;
        let (receiver, sibling) = (Peer::new(&target)?, Peer::new(&target)?);
        let sender = Peer::new(&bench.account)?;
        let (_, handle) = create(&receiver, &sender)?;
        send_with(&sender, &[handle], b"A", &[handle; 4])?;
        while create(&sibling, &sibling).is_ok() {}
        while create(&receiver, &receiver).is_ok() {}
        check_eq!(recv(&receiver)?.handles().len(), 4, "handles received");
        Ok(())
    }

    /// Foreign accounts that flood one after the other get the shares of the quota table.
    fn acc_4_shares_of_the_table(bench) {
        let target = bench.account.carve(1024, 1 << 20, 64)?;
        let receiver = Peer::new(&target)?;
        let mut shares = Vec::new();
        for _ in 0..4 {
            let account = bench.account.carve(1024, 1 << 16, 64)?;
            let sender = Peer::new(&account)?;
            let (_, handle) = create(&receiver, &sender)?;
            let expected = largest_share(&target)?;
            let mut n_sent = 0;
            while send(&sender, &[handle], b"").is_ok() {
                n_sent += 1;
            }
            check_eq!(send(&sender, &[handle], b""), Err(Errno::EDQUOT), "after {n_sent} messages");
            check!(n_sent > 0, "a share is zero");
            check_eq!(n_sent, expected, "messages of sender {}", shares.len());
            shares.push((account, sender, n_sent));
        }
        check!(shares.is_sorted_by(|a, b| a.2 >= b.2), "shares grow");
        drain(&receiver)?;
        Ok(())
    }

    /// A flood does not keep a third account from sending.
    fn acc_4_others_get_through(bench) {
        let target = bench.account.carve(1024, 1 << 20, 64)?;
        let receiver = Peer::new(&target)?;
        let accounts = [(); 2].map(|()| bench.account.carve(1024, 1 << 16, 64));
        let [flooding, third] = accounts;
        let (flooder, guest) = (Peer::new(&flooding?)?, Peer::new(&third?)?);
        let handles = [create(&receiver, &flooder)?.1, create(&receiver, &guest)?.1];
        while send(&flooder, &handles[..1], &[0; 64]).is_ok() {}
        check_eq!(send(&guest, &handles[1..], b"A"), Ok(()), "the guest's message");
        Ok(())
    }

    /// When all objects are gone, all counters are back.
    fn acc_5_everything_returns(bench) {
        let account = bench.account.carve(1024, 1 << 16, 64)?;
        let before = account.state()?;
        let (p, q) = (Peer::new(&account)?, Peer::new(&account)?);
        let foreign = Peer::new(&bench.account)?;
        let (_, handle) = create(&p, &q)?;
        let (_, there) = create(&p, &foreign)?;
        for _ in 0..10 {
            send_with(&q, &[handle], &[0; 100], &[handle, handle])?;
            send_with(&foreign, &[there], &[0; 100], &[there])?;
        }
        recv(&p)?;
        recv(&p)?;
        drop((p, q, foreign));
        check_eq!(account.state()?, before, "the account");
        check_eq!(account.claims()?.len(), 0, "claims on it");
        Ok(())
    }

    /// Limits, use and claims can be read, claims in order and in pieces.
    fn acc_6_read_out(bench) {
        let account = bench.account.carve(1000, 2000, 30)?;
        let state = account.state()?;
        let maxima = [state.objects_maximum, state.bytes_maximum, state.frames_maximum];
        check_eq!(maxima, [1000, 2000, 30], "the maxima");
        let available = [state.objects_available, state.bytes_available, state.frames_available];
        check_eq!(available, maxima, "what is left of an unused account");
        let receiver = Peer::new(&account)?;
        let mut senders = Vec::new();
        for _ in 0..3 {
            let account = bench.account.carve(64, 4096, 8)?;
            let sender = Peer::new(&account)?;
            let (_, handle) = create(&receiver, &sender)?;
            send(&sender, &[handle], b"1234")?;
            senders.push((account, sender));
        }
        let claims = account.claims()?;
        check!(claims.is_sorted_by_key(|claim| claim.claimant), "claims out of order");
        check_eq!(claims.len() as u64, account.state()?.n_quotas, "claims");
        for (sender, _) in &senders {
            let number = sender.state()?.number;
            let claim = claims.iter().find(|claim| claim.claimant == number);
            let held = claim.map(|c| (c.n_traces, c.objects_claimed - c.objects_available));
            check_eq!(held, Some((1, 1)), "the claim of account {number}");
        }
        Ok(())
    }

    /// A new account's maxima are charged to its parent, and come back with its end.
    fn acc_7_maxima_are_a_charge(bench) {
        let parent = bench.account.carve(1024, 1 << 16, 64)?;
        let before = parent.state()?;
        let child = parent.carve(100, 1000, 10)?;
        let held = holdings(&parent)?.iter().map(|h| (h.1, h.2)).collect::<Vec<_>>();
        check_eq!(held, [(100, 1000)], "what the parent holds");
        check_eq!(parent.carve(1024, 0, 0).map(drop), Err(Errno::EDQUOT), "more than is left");
        drop(child);
        check_eq!(parent.state()?, before, "the parent");
        Ok(())
    }

    /// Limits move while the account is in use: what is more is charged to the parent, what is less returns there, all or nothing, and
    /// nobody is left with less than is claimed of him.
    fn acc_7_limits_move(bench) {
        let parent = bench.account.carve(1024, 1 << 16, 64)?;
        let before = parent.state()?;
        let child = parent.carve(100, 1000, 10)?;
        let held = || holdings(&parent).map(|all| all.iter().map(|h| (h.1, h.2)).collect::<Vec<_>>());
        child.set_limits(&parent, 200, 500, 20)?;
        check_eq!(held()?, [(200, 500)], "what the parent holds");
        let state = child.state()?;
        let limits = [state.objects_maximum, state.bytes_maximum, state.frames_maximum];
        check_eq!(limits, [200, 500, 20], "the child's limits");
        let peer = Peer::new(&child)?;
        let (node, handle) = peer.node()?;
        handle.send(&[0; 100])?;
        let (of_parent, of_child) = (parent.state()?, child.state()?);
        // Too much of one, and much less of the others.
        check_eq!(child.set_limits(&parent, 600, 400, 10), Err(Errno::EDQUOT), "more than is left");
        check_eq!(child.set_limits(&parent, 300, 50, 30), Err(Errno::EBUSY), "fewer bytes than are queued");
        check_eq!(child.set_limits(&parent, 1, 500, 30), Err(Errno::EBUSY), "fewer objects than there are");
        check_eq!((parent.state()?, child.state()?), (of_parent, of_child), "what refusals left");
        let claimed = |maximum: u64, available: u64| maximum - available;
        let objects = claimed(of_child.objects_maximum, of_child.objects_available);
        let bytes = claimed(of_child.bytes_maximum, of_child.bytes_available);
        child.set_limits(&parent, objects, bytes, 0)?;
        check_eq!(child.state()?.objects_available, 0, "objects left");
        check_eq!(peer.node().map(drop), Err(Errno::EDQUOT), "one more node");
        child.set_limits(&parent, objects + 100, bytes, 0)?;
        drop(peer.node()?);
        drop((node, handle, peer));
        drop(child);
        check_eq!(parent.state()?, before, "the parent");
        Ok(())
    }

    /// Limits are moved by who may LIMIT the account and CARVE out of the one that it was carved out of, and of no other.
    fn acc_7_who_may_move_limits(bench) {
        let parent = bench.account.carve(1024, 1 << 16, 64)?;
        let child = parent.carve(100, 1000, 10)?;
        let all = Kind::Account.all_rights();
        let weak = |account: &Account, right: u64| -> Result<Account, Errno> {
            let number = calls::capability_copy(account.number(), all & !right)?;
            Ok(Account::from_capability(number))
        };
        let set = |child: &Account, parent: &Account| child.set_limits(parent, 10, 10, 10);
        check_eq!(set(&weak(&child, account::LIMIT)?, &parent), Err(Errno::EPERM), "without LIMIT");
        check_eq!(set(&child, &weak(&parent, account::CARVE)?), Err(Errno::EPERM), "without CARVE");
        check_eq!(set(&child, &bench.account), Err(Errno::EINVAL), "the parent of the parent");
        check_eq!(set(&child, &child), Err(Errno::EINVAL), "the account itself");
        check_eq!(set(&bench.account, &parent), Err(Errno::EINVAL), "the first account");
        check_eq!(child.set_limits(&parent, 0, 10, 10), Err(Errno::EINVAL), "no objects");
        check_eq!(set(&child, &parent), Ok(()), "with all rights");
        Ok(())
    }

    /// An account without objects would cost its parent nothing, and is refused; one object is enough.
    fn acc_7_an_account_costs_an_object(bench) {
        let parent = bench.account.carve(1024, 1 << 16, 64)?;
        let before = parent.state()?;
        check_eq!(parent.carve(0, 0, 0).map(drop), Err(Errno::EINVAL), "nothing at all");
        check_eq!(parent.carve(0, 100, 10).map(drop), Err(Errno::EINVAL), "no objects");
        check_eq!(parent.state()?, before, "the parent");
        let _children = [parent.carve(1, 0, 0)?, parent.carve(1, 0, 0)?];
        let held = holdings(&parent)?.iter().map(|h| (h.1, h.2)).collect::<Vec<_>>();
        check_eq!(held, [(2, 0)], "what the parent holds for two children");
        Ok(())
    }

    /// An account lives on with its peers after its last capability, and its number never recurs.
    fn acc_8_lives_with_its_charges(bench) {
        let parent = bench.account.carve(1024, 1 << 16, 64)?;
        let before = parent.state()?;
        let mut numbers = Vec::new();
        for _ in 0..20 {
            let child = parent.carve(64, 4096, 8)?;
            numbers.push(child.state()?.number);
            let peer = Peer::new(&child)?;
            drop(child);
            check!(parent.state()? != before, "the account is gone with its capability");
            create(&peer, &peer)?;
            drop(peer);
            check_eq!(parent.state()?, before, "the parent");
        }
        check!(numbers.is_sorted_by(|a, b| a < b), "numbers recur: {numbers:?}");
        Ok(())
    }
}

/// How many messages one more foreign account can have in `target`, one object
/// each, by the formula of the quota document. The sender has no claim there yet.
fn largest_share(target: &Account) -> Result<u64, Errno> {
    let state = target.state()?;
    let n_quotas = state.n_quotas + 1;
    // A(n) = (n + 1)·(⌈log2(n + 1)⌉ + 1)
    let log = (n_quotas + 1).next_power_of_two().trailing_zeros();
    let factor = (n_quotas + 1) * (u64::from(log) + 1);
    let (mut available, mut claimed, mut at_hand, mut n_messages) =
        (state.objects_available, 0u64, 0u64, 0u64);
    loop {
        let needed = (2 + n_messages).saturating_sub(at_hand);
        if needed > 0 && available < factor * (needed + claimed) - claimed {
            return Ok(n_messages);
        }
        available -= needed;
        claimed += needed;
        at_hand = at_hand + needed - 1;
        n_messages += 1;
    }
}

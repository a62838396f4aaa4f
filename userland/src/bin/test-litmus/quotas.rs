//! Q1 and Q2: charges under concurrency.

use crate::race::{Flag, link, program, race, rounds};
use crate::releases::settle;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::Peer;
use omnibus_userland::suite::holdings;
use omnibus_userland::suite::wire::{create, recv, release, send_with};
use omnibus_userland::{check_eq, tests};

tests! {
    /// Q1: a peer at its limit takes a foreign message with handles while siblings take what they may.
    fn q1_receive_at_the_limit(bench) {
        for round in rounds(bench).step_by(4) {
            let small = bench.account.carve(300, 1 << 16, 8)?;
            let (receiver, sibling) = (Peer::new(&small)?, Peer::new(&small)?);
            let sender = Peer::new(&bench.account)?;
            let to_receiver = link(&sender, &receiver)?;
            send_with(&sender, &[to_receiver], b"A", &[to_receiver; 4])?;
            let flag = Flag::default();
            let full = flag.clone();
            race(round, [
                program(move || {
                    while create(&sibling, &sibling).is_ok() {}
                    flag.set();
                    Ok(())
                }),
                program(move || {
                    if round % 8 == 0 { full.wait(); }
                    recv(&receiver).map(drop)
                }),
            ])?;
        }
        Ok(())
    }

    /// Q2: sends against a close, and against a release, many times: the counters are back.
    fn q2_counters_come_back(bench) {
        let [target, source] = [(); 2].map(|()| bench.account.carve(4096, 1 << 16, 64));
        let (target, source) = (target?, source?);
        for round in rounds(bench) {
            let closes = round % 2 == 0;
            let (receiver, sender) = (Peer::new(&target)?, Peer::new(&source)?);
            let (node, handle) = create(&receiver, &sender)?;
            race(round, [
                program(move || {
                    for _ in 0..20 {
                        match send_with(&sender, &[handle, handle], b"12345", &[handle]) {
                            Ok(()) => {}
                            Err(Errno::EBADRQC) => break,
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(())
                }),
                program(move || {
                    if closes { drop(receiver); Ok(()) } else { release(&receiver, &[node]) }
                }),
            ])?;
        }
        settle();
        check_eq!(holdings(&target)?, [], "what is held in the receivers' account");
        check_eq!(holdings(&source)?, [], "what is held in the senders' account");
        Ok(())
    }
}

//! Messages to threads that wait for them: whichever way the kernel takes, they are what SEND and RECV say.

use alloc::vec;
use alloc::vec::Vec;
use omnibus_userland::abi::DEADLINE_NEVER;
use omnibus_userland::abi::bus1::MESSAGE_TYPE_USER;
use omnibus_userland::bus::Peer;
use omnibus_userland::calls::{self, IoSlice, Outgoing};
use omnibus_userland::check::Outcome;
use omnibus_userland::port::Port;
use omnibus_userland::suite::holdings;
use omnibus_userland::suite::wire::{copy, create, release, send};
use omnibus_userland::{check_eq, tests, thread};

/// Takes every message, in turn into registers and into memory, until a notification comes: node, account and bytes of each.
fn listen(peer: Peer) -> Outcome<(Peer, Vec<Heard>)> {
    let port = Port::of(&peer);
    let mut heard = Vec::new();
    let mut room = vec![0; 4096];
    loop {
        let (kind, next) = if heard.len() % 3 == 2 {
            let incoming = port.next(&mut room, &mut [])?;
            let (from, message) = (incoming.metadata, incoming.message);
            let data = room[..message.n_data as usize].to_vec();
            (message.kind, (from.id, from.account, data))
        } else {
            let arrived = port.next_short(DEADLINE_NEVER)?;
            let bytes = arrived.words.map(u64::to_le_bytes);
            let data = bytes.as_flattened()[..arrived.descriptor.n_data() as usize].to_vec();
            (
                arrived.descriptor.kind(),
                (arrived.id, arrived.account, data),
            )
        };
        if kind != MESSAGE_TYPE_USER {
            return Ok((peer, heard));
        }
        heard.push(next);
    }
}

type Heard = (u64, u64, Vec<u8>);

fn pattern(n_bytes: usize, number: usize) -> Vec<u8> {
    (0..n_bytes).map(|at| (at * 5 + number) as u8).collect()
}

tests! {
    /// SEND to one who waits brings every length whole and in order, into registers and into memory, tells errors as ever, and is charged to
    /// nobody for longer than it takes.
    fn ord_2_send_to_one_who_waits(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, handle) = create(&owner, &holder)?;
        let account = bench.account.state()?.number;
        let listener = thread::spawn(move || listen(owner))?;
        thread::yield_now();
        let before = bench.holdings()?;
        let mut expected = Vec::new();
        for number in 0..200 {
            // The third goes into memory, and so may be any length.
            let n_bytes = if number % 3 == 2 { number * 20 } else { number % 65 };
            let data = pattern(n_bytes, number);
            match number % 4 {
                0 => {
                    let mut errors = [7];
                    let (front, back) = data.split_at(n_bytes / 2);
                    let message = Outgoing { data: &[IoSlice::new(front), IoSlice::new(back)], transfers: &[] };
                    calls::send_reporting(holder.number(), &[handle], &mut errors, message)?;
                    check_eq!(errors, [0], "errors of message {number}");
                }
                _ => send(&holder, &[handle], &data)?,
            }
            expected.push((node, account, data));
            // Most find who waits; after some there are several in the queue.
            if number % 10 < 7 {
                thread::yield_now();
            }
        }
        thread::yield_now();
        check_eq!(bench.holdings()?, before, "the account, when all is received");
        release(&holder, &[handle])?;
        check_eq!(listener.join()??.1, expected, "what was heard");
        Ok(())
    }

    /// A message to many who wait reaches each once for each time that it is named, behind what was sent before, and the accounts are as before.
    fn snd_3_multicast_to_threads_that_wait(bench) {
        let holder = Peer::new(&bench.account)?;
        let account = bench.account.state()?.number;
        let mut listeners = Vec::new();
        let mut accounts = Vec::new();
        for index in 0..11 {
            // The first have accounts of their own, which can be given a message together; the others share one.
            let account = bench.account.carve(512, 1 << 17, 0)?;
            let owner = Peer::new(if index < 8 { &account } else { &bench.account })?;
            accounts.push(account);
            let (node, handle) = create(&owner, &holder)?;
            let again = copy(&holder, &holder, handle)?;
            let thread = thread::spawn(move || listen(owner))?;
            listeners.push((node, [handle, again], thread, Vec::new()));
        }
        thread::yield_now();
        let all_holdings = || -> Outcome<_> {
            let own = accounts.iter().map(holdings).collect::<Result<Vec<_>, _>>()?;
            Ok((own, bench.holdings()?))
        };
        let before = all_holdings()?;
        for number in 0..120 {
            let data = pattern(number % 65, number);
            let n_listeners = number % 12;
            let mut destinations = Vec::new();
            for (index, (node, [handle, again], _, expected)) in listeners.iter_mut().take(n_listeners).enumerate() {
                destinations.push(*handle);
                expected.push((*node, account, data.clone()));
                if (index + number) % 31 == 0 {
                    destinations.push(*again);
                    expected.push((*node, account, data.clone()));
                }
            }
            if number % 2 == 0 {
                destinations.reverse();
            }
            send(&holder, &destinations, &data)?;
            if number % 7 == 0 {
                let (node, [handle, _], _, expected) = &mut listeners[0];
                Port::of(&holder).send_short(*handle, &omnibus_userland::port::Short::EMPTY)?;
                expected.push((*node, account, Vec::new()));
            }
            if number % 13 < 10 {
                thread::yield_now();
            }
        }
        // Who got two of one message takes the second when it runs again.
        thread::yield_now();
        check_eq!(all_holdings()?, before, "the accounts, when all is received");
        for (index, (_, handles, thread, expected)) in listeners.into_iter().enumerate() {
            release(&holder, &handles)?;
            check_eq!(thread.join()??.1, expected, "what listener {index} heard");
        }
        Ok(())
    }
}

//! Messages in memory that registers tell of: the rules of SEND, waiting and RECV hold for them, whichever way the kernel takes.

#![allow(unsafe_code)]

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;
use omnibus_userland::abi::bus1::{MESSAGE_TYPE_USER, Transfer};
use omnibus_userland::abi::capability::{console, peer};
use omnibus_userland::abi::long::{Memory, Range, TRANSFER_SIZE_SHIFT};
use omnibus_userland::abi::short::Descriptor;
use omnibus_userland::abi::{Call, DEADLINE_NEVER, DEADLINE_NOW, Errno, Kind, status};
use omnibus_userland::bus::Peer;
use omnibus_userland::check::{Failure, Outcome};
use omnibus_userland::port::{Port, Short};
use omnibus_userland::suite::wire::{Got, create, expect_nothing, recv, release, send, send_with};
use omnibus_userland::task::Command;
use omnibus_userland::{check, check_eq, environment, raw, tests, thread, time};

/// Nothing is ever mapped there.
const NOWHERE: u64 = 0x3300_0000_0000;

/// What is behind a payload.
const BEHIND: u8 = 0xee;

/// Bytes that tell their place, and `number`.
fn pattern(n_bytes: usize, number: usize) -> Vec<u8> {
    (0..n_bytes)
        .map(|at| (at * 7 + at / 251 + number * 31) as u8)
        .collect()
}

/// Answers calls with what came, and with the handle that came along, until a notification comes. The requests.
fn serve(port: Port, reply: u64) -> Outcome<u64> {
    let (mut data, mut into) = (vec![0; 70_000], vec![0; 70_000]);
    let mut into_handles = [Transfer::default()];
    let mut incoming = port.next(&mut into, &mut into_handles)?;
    let mut n_requests = 0;
    while incoming.message.kind == MESSAGE_TYPE_USER {
        n_requests += 1;
        core::mem::swap(&mut data, &mut into);
        let handles = into_handles;
        let n_data = incoming.message.n_data as usize;
        let carried = &handles[..incoming.message.n_transfers as usize];
        incoming = port.exchange(
            reply,
            &data[..n_data],
            carried,
            &mut into,
            &mut into_handles,
        )?;
    }
    Ok(n_requests)
}

/// A `call_long` or `receive_long` with memory anywhere.
fn raw_call(
    call: Call,
    peer: &Peer,
    handle: u64,
    memory: Memory,
) -> (Result<(), Errno>, Descriptor) {
    let number = call as u64 | Transfer::SIZE << TRANSFER_SIZE_SHIFT;
    let arguments = [number, peer.number().0, handle, DEADLINE_NOW];
    // SAFETY: the only address that is passed has nothing behind it, or is that of a buffer of the caller's that is only read.
    let registers = unsafe { raw::call_long(arguments, memory) };
    let result = status::decode(registers.status, 0).map(drop);
    (result, Descriptor(registers.descriptor))
}

tests! {
    /// Calls with payloads of any length and at any place, and their replies, arrive whole, with nothing touched behind them; the handle that
    /// goes along comes back as another; and the accounts are as before.
    fn rcv_3_long_calls_between_threads(bench) {
        let (server, client) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (node, to) = create(&server, &client)?;
        let (own, back) = create(&client, &server)?;
        let (_, token) = create(&client, &client)?;
        let account = bench.account.state()?.number;
        let port = Port::of(&server);
        let thread = thread::spawn(move || serve(port, back))?;
        let port = Port::of(&client);
        let mut room = vec![BEHIND; 70_000];
        let before = bench.holdings()?;
        for (number, n_bytes) in [0, 1, 7, 8, 15, 16, 63, 64, 65, 255, 4095, 4096, 4097, 8200, 65_535, 65_536, 65_537, 69_000]
            .into_iter()
            .chain((0..150).map(|number| number * 83))
            .enumerate()
        {
            // Some at once, some when the server waits.
            if number % 3 == 0 {
                thread::yield_now();
            }
            let offset = number * 37 % 900;
            let request = pattern(n_bytes, number);
            let carried = [Transfer { flags: 0, id: token }];
            let carried = &carried[..number % 2];
            let mut handles = [Transfer::default()];
            room.fill(BEHIND);
            let reply = port.exchange(to, &request, carried, &mut room[offset..offset + n_bytes + 8], &mut handles)?;
            check_eq!((reply.metadata.id, reply.metadata.account), (own, account), "whence");
            check_eq!(reply.message.n_data as usize, n_bytes, "bytes in round {number}");
            check!(room[offset..offset + n_bytes] == request, "round {number} with {n_bytes} bytes");
            let is_kept = room[..offset].iter().chain(&room[offset + n_bytes..]).all(|&byte| byte == BEHIND);
            check!(is_kept, "round {number} touched what is not the payload");
            check_eq!(reply.message.n_transfers as usize, carried.len(), "handles in round {number}");
            if !carried.is_empty() {
                check!(handles[0].id != token, "the handle came back as itself");
                send(&client, &[handles[0].id], b"home")?;
                check_eq!(recv(&client)?.data(), b"home", "through the handle");
                release(&client, &[handles[0].id])?;
            }
        }
        let n_objects = |holdings: Vec<(u64, u64, u64)>| holdings.iter().map(|held| held.1).sum::<u64>();
        check_eq!(n_objects(bench.holdings()?), n_objects(before) + 84, "the handles that the server was given");
        release(&server, &[node])?;
        let (_, to) = create(&server, &client)?;
        release(&client, &[to])?;
        check_eq!(thread.join()??, 168, "requests");
        Ok(())
    }

    /// A task in another address space gets every byte, and so does the answer: short messages and long ones, mixed.
    fn snd_1_long_calls_to_another_task(bench) {
        let client = Peer::new(&bench.account)?;
        let server = Peer::new(&bench.account)?;
        let (_, to) = create(&server, &client)?;
        let (_, back) = create(&client, &server)?;
        let output = environment::find(Kind::Console).ok_or(Errno::ENOENT)?;
        let task = Command::new("bench-server")
            .argument("echo")
            .argument(back)
            .grant(server.number(), peer::USE | peer::RECEIVE)
            .grant(output, console::WRITE)
            .spawn(&bench.account)?;
        drop(server);
        let port = Port::of(&client);
        let mut room = vec![0; 70_000];
        for (number, n_bytes) in [0, 1, 8, 64, 65, 4096, 5000, 65_536].into_iter().cycle().take(64).enumerate() {
            let request = pattern(n_bytes, number);
            let offset = number * 129 % 4200;
            let into = &mut room[offset..];
            let reply = port.exchange(to, &request, &[], into, &mut [])?;
            check_eq!(reply.message.n_data as usize, n_bytes, "bytes in round {number}");
            check!(into[..n_bytes] == request, "round {number} with {n_bytes} bytes");
            let words = core::array::from_fn(|word| (word + number) as u64 * 0x0101_0203);
            let short = Short { words, n_bytes: number as u64 };
            let answer = port.call_short(to, &short, DEADLINE_NEVER)?;
            check_eq!(answer.descriptor.n_data(), number as u64, "bytes of a short answer");
            let n_words = number / 8;
            check_eq!(answer.words[..n_words], words[..n_words], "a short answer");
        }
        task.kill()?;
        task.wait()?;
        Ok(())
    }

    /// A message that is too large for who waits for it is refused with its sizes, and stays the first.
    fn rcv_2_too_much_for_the_room(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        for (n_bytes, carried) in [(9, &[][..]), (4000, &[]), (0, &[handle]), (8, &[handle, handle])] {
            let port = Port::of(&owner);
            let waiting = thread::spawn(move || {
                let mut room = [BEHIND; 8];
                let refused = port.next_until(DEADLINE_NEVER, &mut room, &mut []);
                (refused.map(drop), room)
            })?;
            thread::yield_now();
            send_with(&holder, &[handle], &vec![7; n_bytes], carried)?;
            let (refused, room) = waiting.join()?;
            let Err((error, descriptor)) = refused else {
                return Err(Failure::new("it fitted"));
            };
            check_eq!(error, Errno::EMSGSIZE, "{n_bytes} bytes");
            let sizes = (descriptor.n_data(), descriptor.n_transfers());
            check_eq!(sizes, (n_bytes as u64, carried.len() as u64), "sizes");
            check_eq!(room, [BEHIND; 8], "the room");
            let Got::Message(_, _, data, handles) = recv(&owner)? else {
                return Err(Failure::new("a notification"));
            };
            check_eq!((data.len(), handles.len()), (n_bytes, carried.len()), "it stayed");
            release(&owner, &handles)?;
        }
        expect_nothing(&owner)
    }

    /// A payload that cannot be read is not sent, to somebody who waits neither, who has nothing of it; one that cannot be written stays.
    fn err_3_faults_of_long_calls(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        send(&holder, &[handle], b"first")?;
        check_eq!(recv(&owner)?.data(), b"first", "the first message");
        let port = Port::of(&owner);
        let waiting = thread::spawn(move || {
            let mut room = vec![BEHIND; 9000];
            let incoming = port.next(&mut room, &mut []);
            incoming.map(|incoming| (incoming.message.n_data, room))
        })?;
        thread::yield_now();
        let range = |address, n| Range { address, n };
        for address in [NOWHERE, 0, 1 << 47, 0xffff_8000_0000_0000, u64::MAX - 7999, u64::MAX - 10, u64::MAX] {
            let nowhere = Memory { data: range(address, 8000), ..Memory::default() };
            let (result, descriptor) = raw_call(Call::CallLong, &holder, handle, nowhere);
            check_eq!((result, descriptor.is_sent()), (Err(Errno::EFAULT), false), "a payload that is nowhere: {address:#x}");
        }
        // The stack ends where its task may not read on.
        let end = omnibus_userland::abi::layout::STACK_TOP - 4096;
        let partly = Memory { data: range(end, 8000), ..Memory::default() };
        let (result, descriptor) = raw_call(Call::CallLong, &holder, handle, partly);
        check_eq!((result, descriptor.is_sent()), (Err(Errno::EFAULT), false), "half a payload");
        send(&holder, &[handle], b"second")?;
        let (n_data, room) = waiting.join()??;
        check_eq!((n_data, &room[..6]), (6, &b"second"[..]), "what was received");
        check!(room[6..].iter().all(|&byte| byte == BEHIND), "something of what was not sent");
        send(&holder, &[handle], b"third")?;
        let nowhere = Memory { into: range(NOWHERE, 8000), ..Memory::default() };
        for _ in 0..2 {
            let (result, descriptor) = raw_call(Call::ReceiveLong, &owner, 0, nowhere);
            check_eq!((result, descriptor), (Err(Errno::EFAULT), Descriptor::default()), "no room at all");
        }
        check_eq!(recv(&owner)?.data(), b"third", "it stayed");
        expect_nothing(&owner)
    }

    /// A receive ends at its deadline, and a call too, whose message is sent all the same.
    fn rcv_6_long_deadlines(bench) {
        let (owner, holder) = (Peer::new(&bench.account)?, Peer::new(&bench.account)?);
        let (_, handle) = create(&owner, &holder)?;
        let port = Port::of(&holder);
        let ended = port.next_until(DEADLINE_NOW, &mut [], &mut []);
        check_eq!(ended.map(drop), Err((Errno::ETIMEDOUT, Descriptor::default())), "a look");
        let deadline_ns = time::deadline_in(Duration::from_millis(3));
        let ended = port.next_until(deadline_ns, &mut [], &mut []);
        check_eq!(ended.map(drop), Err((Errno::ETIMEDOUT, Descriptor::default())), "a wait");
        check!(time::now_ns() >= deadline_ns, "it ended early");
        let called = port.exchange_until(DEADLINE_NOW, handle, (&[7; 100], &[]), (&mut [], &mut []));
        check_eq!(called.map(drop), Err((Errno::ETIMEDOUT, Descriptor::default().sent())), "a call");
        check_eq!(recv(&owner)?.data().len(), 100, "its message");
        let called = port.exchange_until(DEADLINE_NOW, handle ^ 2, (&[7; 100], &[]), (&mut [], &mut []));
        check_eq!(called.map(drop), Err((Errno::EBADRQC, Descriptor::default())), "a call that could not be sent");
        Ok(())
    }
}

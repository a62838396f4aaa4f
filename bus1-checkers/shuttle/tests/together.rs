//! Messages handed over together by several senders at once, and by queues where that is not to be, under shuttle: all receivers see one
//! order (ORD-1, ORD-4), and each gets each once.

extern crate bus1_shuttle as bus1_service;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use bus1_service::{Account, Handed, Id, Peer, Receivers, System, Wake};
use shuttle::sync::{Arc, Mutex};

/// Schedules of each kind.
const N_SCHEDULES: usize = 2_000;
/// Changes of priority of a PCT schedule.
const PCT_DEPTH: usize = 4;

struct Host;

impl System for Host {
    /// Which receiver it is.
    type Watch = usize;
    type Object = Infallible;
    type Amounts = [u64; 2];

    fn relax() {
        shuttle::thread::yield_now();
    }
}

/// A receiver that always waits, but while somebody else gives it a message.
#[derive(Default)]
struct Inbox {
    is_taken: bool,
    /// Somebody woke it meanwhile.
    is_woken: bool,
    /// What it got, in order.
    log: Vec<u8>,
}

struct Stage {
    servers: Vec<Peer<Host>>,
    inboxes: Vec<Mutex<Inbox>>,
}

impl Stage {
    fn look(&self, index: usize, inbox: &mut Inbox) {
        while let Ok(got) = self.servers[index].recv() {
            inbox.log.push(got.payload()[0]);
        }
    }

    fn wake(&self, index: usize) {
        let mut inbox = self.inboxes[index].lock().unwrap();
        if inbox.is_taken {
            inbox.is_woken = true;
        } else {
            self.look(index, &mut inbox);
        }
    }

    fn go_on(&self, index: usize, given: Option<u8>) {
        let mut inbox = self.inboxes[index].lock().unwrap();
        inbox.log.extend(given);
        inbox.is_taken = false;
        if core::mem::take(&mut inbox.is_woken) || given.is_none() {
            self.look(index, &mut inbox);
        }
    }
}

/// One message on its way.
struct Message<'a> {
    stage: &'a Stage,
    name: u8,
    taken: Vec<usize>,
}

impl Receivers<Host> for Message<'_> {
    fn take(&mut self, &index: &usize) -> bool {
        let mut inbox = self.stage.inboxes[index].lock().unwrap();
        if !inbox.is_taken {
            inbox.is_taken = true;
            self.taken.push(index);
            return true;
        }
        false
    }

    fn give(&mut self, index: usize, _: Handed) {
        self.stage.go_on(self.taken[index], Some(self.name));
    }

    fn let_go(&mut self, index: usize) {
        self.stage.go_on(self.taken[index], None);
    }
}

static N_TOGETHER: AtomicUsize = AtomicUsize::new(0);
static N_QUEUED: AtomicUsize = AtomicUsize::new(0);

fn send(stage: &Stage, sender: &Peer<Host>, name: u8, to: &[Id]) {
    let mut message = Message {
        stage,
        name,
        taken: Vec::new(),
    };
    if sender.hand_over_together(to, 1, &mut message) {
        N_TOGETHER.fetch_add(1, Ordering::Relaxed);
        return;
    }
    N_QUEUED.fetch_add(1, Ordering::Relaxed);
    let sent = sender.send(to, &[], &[name]).expect("room for it");
    sent.finish(&mut |&index: &usize, _: Wake| stage.wake(index));
}

/// Who sends to which receivers: in two rounds, in cycles, so that each two senders meet at some in one order and in the other.
const TO: [[&[usize]; 2]; 3] = [[&[0, 1], &[0, 1, 2]], [&[1, 2], &[2, 0]], [&[2, 0], &[1]]];

fn program() {
    let root = Account::<Host>::root([1 << 20, 1 << 20]).expect("an account");
    let child = || {
        root.child(&root.actor(), [1 << 12, 1 << 12])
            .expect("an account")
    };
    let servers: Vec<_> = (0..3)
        .map(|index| Peer::new(&child(), index).expect("a peer"))
        .collect();
    let senders: Vec<_> = TO
        .iter()
        .map(|_| Peer::new(&child(), usize::MAX).expect("a peer"))
        .collect();
    let handles: Vec<Vec<_>> = senders
        .iter()
        .map(|sender| {
            servers
                .iter()
                .map(|server| server.create_node(sender).unwrap().1)
                .collect()
        })
        .collect();
    // Whoever was sent to once is remembered.
    for (sender, handles) in senders.iter().zip(&handles) {
        sender.send(handles, &[], &[0]).unwrap().finish_silently();
        servers
            .iter()
            .for_each(|server| drop(server.recv().unwrap()));
    }
    let inboxes = servers.iter().map(|_| Mutex::default()).collect();
    let stage = Arc::new(Stage { servers, inboxes });
    let mut threads = Vec::new();
    for (index, (sender, handles)) in senders.into_iter().zip(handles).enumerate() {
        let stage = stage.clone();
        threads.push(shuttle::thread::spawn(move || {
            for (round, to) in TO[index].iter().enumerate() {
                let to: Vec<_> = to.iter().map(|&server| handles[server]).collect();
                send(&stage, &sender, 10 * (index as u8 + 1) + round as u8, &to);
            }
        }));
    }
    let looker = stage.clone();
    threads.push(shuttle::thread::spawn(move || {
        // Looks, and leaves what there is.
        drop(looker.servers[1].begin_recv());
    }));
    for thread in threads {
        thread.join().expect("no thread failed");
    }
    check(&stage);
}

/// Each receiver got each of its messages once, and there is an order of all messages that every receiver saw, and every sender made.
fn check(stage: &Stage) {
    let mut before: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut precede = |names: &[u8]| {
        for pair in names.windows(2) {
            before.entry(pair[1]).or_default().push(pair[0]);
            before.entry(pair[0]).or_default();
        }
    };
    for (index, inbox) in stage.inboxes.iter().enumerate() {
        let log = inbox.lock().unwrap().log.clone();
        let mut expected = Vec::new();
        for (sender, rounds) in TO.iter().enumerate() {
            precede(&[10 * (sender as u8 + 1), 10 * (sender as u8 + 1) + 1]);
            for (round, to) in rounds.iter().enumerate() {
                if to.contains(&index) {
                    expected.push(10 * (sender as u8 + 1) + round as u8);
                }
            }
        }
        precede(&log);
        let mut got = log.clone();
        got.sort_unstable();
        assert_eq!(got, expected, "receiver {index}");
    }
    while let Some((&first, _)) = before.iter().find(|(_, earlier)| earlier.is_empty()) {
        before.remove(&first);
        before
            .values_mut()
            .for_each(|earlier| earlier.retain(|&name| name != first));
    }
    assert!(before.is_empty(), "no order has all of {before:?}");
}

/// Senders that hand over at once, to receivers that they share in part, are seen in one order by all, whether by hand or by queue.
#[test]
fn ord_4_handed_over_together_has_one_order() {
    shuttle::check_random(program, N_SCHEDULES);
    shuttle::check_pct(program, N_SCHEDULES, PCT_DEPTH);
    let [n_together, n_queued] = [&N_TOGETHER, &N_QUEUED].map(|n| n.load(Ordering::Relaxed));
    assert!(
        n_together > N_SCHEDULES && n_queued > N_SCHEDULES,
        "{n_together} by hand, {n_queued} by queue"
    );
}

//! The fast path: a message to a thread that waits for it goes from registers to registers, or from one address space into the other, and
//! the CPU with it ([`delivery`] has the ways).
//!
//! It is tried first and gives up at anything unusual, having changed nothing; then the general path ([`crate::syscall::short`],
//! [`crate::syscall::long`]) does the call from its beginning. Usual is: nothing waits for the scheduler or the reaper, so no task is ending,
//! the receiver waits in a receiving call on that peer, with an empty queue, the charge would be granted, and the sender's handle was sent
//! through before. Capability, rights, id, quota and priority are checked as ever. What goes by the queue and is one step is done here all the
//! same: a short message to who does not wait, by SEND to a few ([`send`]), a receiving call that finds a short message, a
//! call that waits for nothing, which is the two in one, and the release of one handle.
//!
//! 1. Locks are held in their order ([`crate::lock::Rank`]): the sender's capabilities, which keep its peer open, over all others. The
//!    receiver is taken out of its peer's waiters and made a running thread before the decision; if that is not to be, it
//!    goes on with its call and looks for itself.
//! 2. The receiver runs on the rest of the sender's turn. So the timer stays as it is, and threads of the same priority, which may be
//!    passed over by this, have their turn when that is over.
//! 3. Threads whose CPU time is metered ([`crate::task::throttle`]) neither begin nor end here.
//! 4. The sender is among its peer's waiters before it is looked whether its queue is empty: no wake is lost.

mod delivery;
mod handles;
mod send;
mod together;

use core::cell::Cell;
use core::mem::{ManuallyDrop, replace};
use core::ptr::NonNull;

use bus1_service::{Aim, Id, Peer};
use omnibus_abi::bus1::Transfer;
use omnibus_abi::capability::peer;
use omnibus_abi::long::Memory;
use omnibus_abi::short::{N_BYTES_SHIFT, SHORT_BYTES_MAX, TAKE};
use omnibus_abi::{Call, CapabilityNumber, DEADLINE_NEVER, DEADLINE_NOW};

use crate::arch::context::UserContext;
use crate::cap::Capabilities;
use crate::cpu::{Cpu, DOING};
use crate::mm::user;
use crate::service::peer::PeerObject;
use crate::service::{self, Omnibus};
use crate::shared::Ref;
use crate::syscall::short::{self, There};
use crate::task::doing::Receiving;
use crate::task::machine::{Beside, ShortCall};
use crate::task::run;
use crate::task::scheduler;
use crate::task::space::CROSSING_BYTES_MAX;
use crate::task::task::Task;
use crate::task::thread::{Thread, Work};
use crate::task::waiters::Waiters;
use crate::time;
use crate::trace::{Event, trace};

use delivery::{Claimed, Outgoing, Source};

/// What the fast path did.
pub enum Done {
    /// Everything: the call is over with this value, and the thread goes on.
    Value(u64),
    /// Everything: the thread that this CPU now has goes on, which is another, and in a system call.
    Switched(NonNull<UserContext>),
    /// The same for a thread that an interrupt may have stopped: all its registers count then.
    Resumed(NonNull<UserContext>),
    /// Its part; [`run::leave`] decides who runs next.
    Leave,
}

/// Does the call that the thread of this CPU makes, if it is one for the fast path and nothing is unusual. Nothing waits for
/// [`run::leave`].
#[inline(always)]
pub fn call(cpu: &mut Cpu, number: u64) -> Option<Done> {
    const CALL: u32 = Call::CallShort as u32;
    const SEND: u32 = Call::SendShort as u32;
    const RECEIVE: u32 = Call::ReceiveShort as u32;
    const CALL_LONG: u32 = Call::CallLong as u32;
    const RECEIVE_LONG: u32 = Call::ReceiveLong as u32;
    const RELEASE_ONE: u32 = Call::ReleaseOne as u32;
    const SEND_ANY: u32 = Call::Send as u32;
    match number as u32 {
        CALL => call_short(cpu),
        SEND => send::short(cpu),
        RECEIVE | RECEIVE_LONG => receive(cpu),
        CALL_LONG => call_long(cpu),
        RELEASE_ONE => handles::release_one(cpu),
        SEND_ANY => send::brief(cpu),
        _ => None,
    }
}

/// The same for the most frequent call, [`Call::CallShort`] without a deadline, of the thread and what it does next: straight on from
/// registers to registers, with all that is unusual apart. The thread runs since then.
#[inline(always)]
pub fn call_plain(current: &mut (Ref<Thread>, Work), since_ticks: &mut u64) -> Option<Done> {
    let (sender, work) = current;
    let call = sender.machine.short_call();
    // Room for a handle changes nothing for what comes without one.
    let n_bytes = call.n_bytes & !(TAKE >> N_BYTES_SHIFT);
    if n_bytes > SHORT_BYTES_MAX {
        return handles::call(current, since_ticks);
    }
    if call.deadline_ns != DEADLINE_NEVER {
        return None;
    }
    let mut capabilities = sender.task.capabilities.lock();
    let at = capabilities.caller(CapabilityNumber(call.peer))?;
    if !at.waiters.enter_sole(sender) {
        return None;
    }
    let Some(aim) = at.core.aim(Id::from_u64(call.handle), true) else {
        at.waiters.leave_sole(sender);
        return None;
    };
    let Some(thread) = take_next(aim.watch()) else {
        at.waiters.leave_sole(sender);
        return None;
    };
    let handed = match thread.doing.claim_plain() {
        Some(call) => {
            let receiver = Claimed { thread, call };
            match at.core.hand_over(aim, n_bytes) {
                Some(handed) => {
                    let to = &receiver.thread.machine;
                    sender.machine.hand_message(to, n_bytes);
                    Some(receiver.end(n_bytes, 0, handed))
                }
                None => give_back(receiver),
            }
        }
        None => hand_over_to(
            thread,
            Outgoing::plain(sender, n_bytes),
            &at.core,
            aim,
            None,
        ),
    };
    let Some(receiver) = handed else {
        at.waiters.leave_sole(sender);
        return None;
    };
    let is_blocked = block(sender, work, at);
    drop(capabilities);
    Some(hand_on(sender, since_ticks, receiver, is_blocked))
}

/// The sender, whose message is handed over, waits for the next one at `at`. False if that came in meanwhile: it looks at it then.
#[inline(always)]
fn block(sender: &Thread, work: &mut Work, at: &Ref<PeerObject>) -> bool {
    let is_blocked = sender.doing.receive(at, Receiving::new(false, false, true));
    if !is_blocked {
        *work = Work::Receive(at.clone());
    }
    is_blocked
}

/// The CPU goes on to `receiver`, or looks who is first if the sender did not block.
#[inline(always)]
fn hand_on(
    sender: &mut Ref<Thread>,
    since_ticks: &mut u64,
    receiver: ManuallyDrop<Ref<Thread>>,
    is_blocked: bool,
) -> Done {
    if !is_blocked {
        scheduler::put(ManuallyDrop::into_inner(receiver), Work::User);
        return Done::Leave;
    }
    Done::Switched(switch(sender, since_ticks, receiver))
}

/// `call_short` with a deadline; one without was tried by [`call_plain`].
#[inline(always)]
fn call_short(cpu: &mut Cpu) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    match thread.machine.short_call().deadline_ns {
        DEADLINE_NEVER => None,
        DEADLINE_NOW => send::and_take(cpu),
        _ => call_until(cpu),
    }
}

#[inline(never)]
fn call_until(cpu: &mut Cpu) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    let call = thread.machine.short_call();
    let Beside { n_bytes, carried } = thread.machine.beside().ok()?;
    call_with(cpu, &call, n_bytes, carried, Source::Registers)
}

#[inline(never)]
fn call_long(cpu: &mut Cpu) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    let call = thread.machine.short_call();
    let Memory {
        data, transfers, ..
    } = thread.machine.memory();
    if data.n > CROSSING_BYTES_MAX || transfers.n > 1 || call.n_bytes != Transfer::SIZE {
        return None;
    }
    let carried = match transfers.n {
        0 => None,
        _ => match user::read_words(transfers.address) {
            Ok([0, id]) => Some(Id::from_u64(id)),
            _ => return None,
        },
    };
    let place = Cell::new([0; SHORT_BYTES_MAX as usize]);
    let source = Source::User(data.address, &place);
    call_with(cpu, &call, data.n, carried, source)
}

/// Hands a message over and waits for the next.
#[inline(always)]
fn call_with(
    cpu: &mut Cpu,
    call: &ShortCall,
    n_bytes: u64,
    carried: Option<Id>,
    source: Source<'_>,
) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    let sender: &Thread = thread;
    if call.deadline_ns != DEADLINE_NEVER && call.deadline_ns <= time::now_ns() {
        return None;
    }
    let mut capabilities = sender.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::USE | peer::RECEIVE)?;
    if !at.waiters.enter_sole(thread) {
        return None;
    }
    let message = Outgoing {
        sender,
        n_bytes,
        source,
    };
    let Some(receiver) = hand_over(message, at, call.handle, carried) else {
        at.waiters.leave_sole(thread);
        return None;
    };
    if call.deadline_ns != DEADLINE_NEVER {
        wait_until(cpu, thread, call.deadline_ns);
    }
    let waits = Receiving::new(call.is_long(), call.deadline_ns != DEADLINE_NEVER, true);
    if sender.doing.receive(at, waits) {
        drop(capabilities);
        return switch_cpu(cpu, receiver).map(Done::Switched);
    }
    let at = at.clone();
    drop(capabilities);
    Some(look_again(cpu, at, ManuallyDrop::into_inner(receiver)))
}

/// [`switch`], of this CPU.
#[inline(always)]
fn switch_cpu(cpu: &mut Cpu, receiver: ManuallyDrop<Ref<Thread>>) -> Option<NonNull<UserContext>> {
    let (current, _) = cpu.current.as_mut()?;
    Some(switch(current, &mut cpu.since_ticks, receiver))
}

/// The call of the running thread is over; if it woke another, [`run::leave`] decides who is first.
#[inline(always)]
fn go_on(thread: &Thread) -> Done {
    if scheduler::goes_on(thread.task.priority()) {
        return Done::Value(0);
    }
    run::finish_call(thread, Ok(0));
    Done::Leave
}

/// Takes a short message that is there, or waits if there is none; another is the general path's.
#[inline(never)]
fn receive(cpu: &mut Cpu) -> Option<Done> {
    let (thread, _) = cpu.current.as_ref()?;
    let call = thread.machine.short_call();
    let is_usual = if call.is_long() {
        call.n_bytes == Transfer::SIZE
    } else {
        call.n_bytes & !(TAKE >> N_BYTES_SHIFT) == 0
    };
    if !is_usual {
        return None;
    }
    let mut capabilities = thread.task.capabilities.lock();
    let at = look_up(&mut capabilities, call.peer, peer::RECEIVE)?;
    if call.deadline_ns == DEADLINE_NOW {
        // Who does not wait need not be found.
        return match short::look(&thread.machine, at) {
            There::Taken(value) => Some(Done::Value(value)),
            There::Nothing | There::Other => None,
        };
    }
    if !at.waiters.enter_sole(thread) {
        return None;
    }
    let there = short::look(&thread.machine, at);
    if let There::Nothing = there
        && (call.deadline_ns == DEADLINE_NEVER || call.deadline_ns > time::now_ns())
    {
        if call.deadline_ns != DEADLINE_NEVER {
            wait_until(cpu, thread, call.deadline_ns);
        }
        let is_timed = call.deadline_ns != DEADLINE_NEVER;
        let waits = Receiving::new(call.is_long(), is_timed, false);
        if thread.doing.receive(at, waits) {
            drop(capabilities);
            return Some(run_another(cpu));
        }
        forget_deadline(thread);
    }
    at.waiters.leave_sole(thread);
    match there {
        There::Taken(value) => Some(Done::Value(value)),
        There::Nothing | There::Other => None,
    }
}

/// The thread that this CPU runs is blocked: the next one takes over, on the rest of its turn, as after a hand-over.
fn run_another(cpu: &mut Cpu) -> Done {
    match scheduler::take() {
        Some((next, Work::User)) if !next.task.is_metered() => {
            switch_cpu(cpu, ManuallyDrop::new(next)).map_or(Done::Leave, Done::Resumed)
        }
        Some((next, Work::Receive(at))) => {
            let context = switch_cpu(cpu, ManuallyDrop::new(next));
            let (Some(context), Some((thread, work))) = (context, &mut cpu.current) else {
                return Done::Leave;
            };
            match look_in_slot(thread) {
                Some(value) => {
                    at.waiters.leave_sole(thread);
                    run::finish_call(thread, Ok(value));
                    Done::Switched(context)
                }
                None => {
                    *work = Work::Receive(at);
                    Done::Leave
                }
            }
        }
        next => {
            run::replace_blocked(cpu, next);
            Done::Leave
        }
    }
}

/// Takes a short message for a thread that was woken in a receiving call, from the peer that its slot names now (RCV-6).
#[inline(always)]
fn look_in_slot(thread: &Ref<Thread>) -> Option<u64> {
    let mut capabilities = thread.task.capabilities.lock();
    let call = thread.machine.short_call();
    let at = look_up(&mut capabilities, call.peer, peer::RECEIVE)?;
    match short::look(&thread.machine, at) {
        There::Taken(value) => {
            forget_deadline(thread);
            Some(value)
        }
        There::Nothing | There::Other => None,
    }
}

/// The thread, which is about to block, is to be woken then; the timer sees to it.
#[inline(never)]
fn wait_until(cpu: &Cpu, thread: &Ref<Thread>, deadline_ns: u64) {
    scheduler::set_deadline(thread, deadline_ns);
    run::arm(cpu, thread);
}

/// The thread has what it waited for. The timer may come for nothing.
#[inline(always)]
fn forget_deadline(thread: &Ref<Thread>) {
    if thread.has_deadline() {
        scheduler::cancel_deadline(thread);
    }
}

/// The peer that the caller's capability names, if it has these rights. It stays open as long as the table is locked.
#[inline(always)]
fn look_up(capabilities: &mut Capabilities, number: u64, rights: u64) -> Option<&Ref<PeerObject>> {
    capabilities.peer(CapabilityNumber(number), rights)
}

/// Another CPU's message came in while the sender's was on its way: it looks at that at once.
#[cold]
fn look_again(cpu: &mut Cpu, at: Ref<PeerObject>, receiver: Ref<Thread>) -> Done {
    if let Some((_, work)) = &mut cpu.current {
        *work = Work::Receive(at);
    }
    scheduler::put(receiver, Work::User);
    Done::Leave
}

/// Moves a message to whom it is for, who runs then, instead of the sender.
#[inline(always)]
fn hand_over(
    message: Outgoing<'_>,
    from: &PeerObject,
    handle: u64,
    carried: Option<Id>,
) -> Option<ManuallyDrop<Ref<Thread>>> {
    let aim = from.core.aim(Id::from_u64(handle), true)?;
    let thread = take_next(aim.watch())?;
    hand_over_to(thread, message, &from.core, aim, carried)
}

/// Takes the thread that waits at a peer, if nobody who is ready has a higher priority.
#[inline(always)]
fn take_next(waiters: &Waiters) -> Option<ManuallyDrop<Ref<Thread>>> {
    let thread = ManuallyDrop::new(waiters.take_sole()?);
    if scheduler::highest() > Some(thread.task.priority()) {
        return look_itself(thread);
    }
    Some(thread)
}

/// Moves a message to a thread that was taken out of the waiters of the peer where `aim` leads.
#[inline(never)]
fn hand_over_to(
    thread: ManuallyDrop<Ref<Thread>>,
    message: Outgoing<'_>,
    from: &Peer<Omnibus>,
    aim: Aim<Omnibus>,
    carried: Option<Id>,
) -> Option<ManuallyDrop<Ref<Thread>>> {
    let Some(call) = thread.doing.claim() else {
        return look_itself(thread);
    };
    let receiver = Claimed { thread, call };
    let n_bytes = message.n_bytes;
    let mut arrived = None;
    let handed = if carried.is_some() || message.is_delivered(&receiver) {
        let mut deliver = |id| {
            arrived = id;
            message.deliver(&receiver, id)
        };
        from.deliver(aim, carried, n_bytes, &mut deliver, &mut service::wake)
    } else {
        from.hand_over(aim, n_bytes)
    };
    let Some(handed) = handed else {
        return give_back(receiver);
    };
    if receiver.call.is_timed() {
        forget_deadline(&receiver.thread);
    }
    message.put(&receiver, arrived);
    Some(receiver.end(n_bytes, u64::from(carried.is_some()), handed))
}

/// The thread is to look for itself: it is on its way to do something else.
#[cold]
fn look_itself(thread: ManuallyDrop<Ref<Thread>>) -> Option<ManuallyDrop<Ref<Thread>>> {
    let thread = ManuallyDrop::into_inner(thread);
    Thread::wake(&thread);
    None
}

/// The message goes another way: the thread looks for it itself.
#[cold]
fn give_back(claimed: Claimed) -> Option<ManuallyDrop<Ref<Thread>>> {
    scheduler::give_back(ManuallyDrop::into_inner(claimed.thread));
    None
}

/// Lets `receiver`, which says it is running, take this CPU over from the thread that it runs, since then.
#[inline(always)]
fn switch(
    current: &mut Ref<Thread>,
    since_ticks: &mut u64,
    receiver: ManuallyDrop<Ref<Thread>>,
) -> NonNull<UserContext> {
    trace!(Event::Switch {
        thread: receiver.number,
        task: receiver.task.number,
    });
    let task: &Task = &receiver.task;
    DOING.set_task(task.number);
    DOING.set_call(None);
    task.space.activate();
    let context = receiver.machine.context();
    let before = replace(current, ManuallyDrop::into_inner(receiver));
    run::account(since_ticks, &before);
    // Never the last: its task has it.
    before.drop_shared();
    context
}

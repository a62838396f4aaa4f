//! Tests the CPU time of accounts. Its machine counts instructions instead of time, so what is measured is the same in every run.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::hint::black_box;
use core::time::Duration;
use omnibus_userland::abi::capability::account;
use omnibus_userland::abi::native::AccountLimits;
use omnibus_userland::abi::{DEADLINE_NEVER, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::{PATIENCE, soon};
use omnibus_userland::bus::{Handle, Node, Peer};
use omnibus_userland::check::Outcome;
use omnibus_userland::port::{Port, Short};
use omnibus_userland::suite::{self, Bench};
use omnibus_userland::task::{Command, Task};
use omnibus_userland::{calls, check, check_eq, environment, program, tests, thread, time};

/// The suite, and the tasks that it makes.
const PROGRAM: &str = "test-shares";

/// First argument of such a task; the second says what it does.
const FLAG: &str = "--task";

/// The period of all shares.
const PERIOD_NS: u64 = 2_000_000;

/// How long is measured.
const WHILE: Duration = Duration::from_millis(80);

program!(main);

fn main() -> u8 {
    let mut arguments = environment::arguments();
    if arguments.next() != Some(FLAG) {
        return suite::run(PROGRAM, &[TESTS]);
    }
    match arguments.next() {
        Some("spin") => spin(),
        Some("call") => loop {
            thread::yield_now();
        },
        Some("threads") => {
            let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| spin())).collect();
            threads.into_iter().flatten().for_each(drop);
            spin()
        }
        Some("short") => {
            let end_ns = time::now_ns() + 5_000_000;
            while time::now_ns() < end_ns {}
            0
        }
        Some("echo") => {
            let peer = environment::find(Kind::Peer).map(Peer::from_capability);
            let peer = peer.expect("a peer was granted");
            let to = arguments.next().and_then(|id| id.parse().ok());
            echo(Port::new(peer.number()), to.expect("a handle"))
        }
        _ => 1,
    }
}

/// Sends back what comes.
fn echo(port: Port, to: u64) -> ! {
    let mut request = port.next_short(DEADLINE_NEVER).expect("a request");
    loop {
        let reply = port.call_short(to, &request.to_short(), DEADLINE_NEVER);
        request = reply.expect("the next request");
    }
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

/// An account out of `parent` with this share of CPU time in percent; 0 for none.
fn carve(parent: &Account, percent: u64) -> Result<Account, Errno> {
    let is_shared = u64::from(percent > 0);
    let state = parent.state()?;
    // Several times as much must be there as is taken (quota.md).
    parent.carve_with(&AccountLimits {
        objects: (state.objects_maximum / 6).min(4096),
        bytes: (state.bytes_maximum / 6).min(1 << 20),
        frames: (state.frames_maximum / 6).min(1 << 14),
        cpu_budget_ns: PERIOD_NS * percent / 100,
        cpu_period_ns: PERIOD_NS * is_shared,
        ..AccountLimits::default()
    })
}

/// A task of `account` that does `what`, less urgent than this one by `less`.
fn start(account: &Account, what: &str, less: u64) -> Result<Task, Errno> {
    let command = Command::new(PROGRAM).argument(FLAG).argument(what);
    command
        .priority(environment::priority() - less)
        .spawn(account)
}

/// A task that sends back what comes, and the way to it.
struct EchoServer {
    task: Task,
    own: Peer,
    to: Handle,
    here: Node,
    _there: Node,
}

impl EchoServer {
    /// Starts it in `account`, less urgent than this task by `less`.
    fn start(bench: &Bench, account: &Account, less: u64) -> Result<Self, Errno> {
        let (own, theirs) = (Peer::new(&bench.account)?, Peer::new(account)?);
        let (there, to) = theirs.node_for(&own)?;
        let (here, back) = own.node_for(&theirs)?;
        let command = Command::new(PROGRAM)
            .grant(theirs.number(), Kind::Peer.all_rights())
            .argument(FLAG)
            .argument("echo")
            .argument(back.into_id());
        let priority = environment::priority() - less;
        Ok(Self {
            task: command.priority(priority).spawn(account)?,
            own,
            to,
            here,
            _there: there,
        })
    }

    /// What it answers.
    fn ask(&self, message: &Short) -> Outcome<[u64; 8]> {
        let deadline_ns = time::deadline_in(PATIENCE);
        let reply = Port::of(&self.own).call_short(self.to.id(), message, deadline_ns)?;
        check_eq!(reply.id, self.here.id(), "where it answers");
        Ok(reply.words)
    }
}

/// Sleeps, and tells how many thousandths of the time the tasks of each account had.
fn measure<const N: usize>(accounts: [&Account; N]) -> Result<[u64; N], Errno> {
    let used = || -> Result<Vec<u64>, Errno> {
        let states = accounts.iter().map(|account| account.state());
        states.map(|state| Ok(state?.cpu_ns)).collect()
    };
    let (before, began_ns) = (used()?, time::now_ns());
    time::sleep(WHILE);
    let (after, ended_ns) = (used()?, time::now_ns());
    Ok(core::array::from_fn(|index| {
        (after[index] - before[index]) * 1000 / (ended_ns - began_ns)
    }))
}

/// Whether so many thousandths are that percentage, give or take two.
fn is_about(thousandths: u64, percent: u64) -> bool {
    thousandths.abs_diff(percent * 10) <= 20
}

/// Kills a task and waits until it has given everything back.
fn end(task: &Task) -> Outcome {
    task.kill()?;
    task.wait_until(time::deadline_in(PATIENCE))?;
    Ok(())
}

tests! {
    /// A task that runs away has its share and no more, though it is more urgent than the one that has the rest.
    fn shr_1_a_runaway_has_its_share(bench) {
        let [some, rest] = [carve(&bench.account, 20)?, carve(&bench.account, 0)?];
        let tasks = [start(&some, "spin", 1)?, start(&rest, "spin", 2)?];
        let [of_some, of_rest] = measure([&some, &rest])?;
        check!(is_about(of_some, 20), "{of_some} thousandths of a share of 20 %");
        check!(is_about(of_rest, 80), "{of_rest} thousandths of the rest");
        tasks.iter().try_for_each(end)
    }

    /// All threads and tasks of an account have one share together, and who calls the kernel all the time has no more.
    fn shr_2_all_of_an_account_together(bench) {
        let some = carve(&bench.account, 30)?;
        let tasks = [start(&some, "threads", 1)?, start(&some, "spin", 2)?, start(&some, "call", 1)?];
        let [of_some] = measure([&some])?;
        check!(is_about(of_some, 30), "{of_some} thousandths of a share of 30 %");
        tasks.iter().try_for_each(end)?;
        let task = start(&some, "call", 1)?;
        let [of_some] = measure([&some])?;
        check!(is_about(of_some, 30), "{of_some} thousandths of one that only calls");
        end(&task)
    }

    /// A share within a share is bounded by both, and a part without a share of its own by that of the whole.
    fn shr_3_shares_within_shares(bench) {
        let whole = carve(&bench.account, 40)?;
        let [some, none] = [carve(&whole, 10)?, carve(&whole, 0)?];
        let larger = carve(&some, 90)?;
        let tasks = [start(&larger, "spin", 1)?, start(&none, "spin", 1)?];
        let [of_larger, of_some, of_none, of_whole] = measure([&larger, &some, &none, &whole])?;
        check!(is_about(of_larger, 10), "{of_larger} thousandths of 90 % within 10 %");
        check_eq!(of_some, of_larger, "what is told of the account above");
        check!(is_about(of_none, 30), "{of_none} thousandths of the part without a share");
        check!(is_about(of_whole, 40), "{of_whole} thousandths of the whole");
        tasks.iter().try_for_each(end)
    }

    /// A share can be changed while threads wait for it; one of the whole period is no bound, and the bound can come back.
    fn shr_4_changed_and_lifted(bench) {
        let some = carve(&bench.account, 10)?;
        let task = start(&some, "spin", 1)?;
        for percent in [10, 60, 100, 20] {
            some.set_share(PERIOD_NS * percent / 100, PERIOD_NS)?;
            let state = some.state()?;
            let share = (state.cpu_budget_ns, state.cpu_period_ns);
            check_eq!(share, (PERIOD_NS * percent / 100, PERIOD_NS), "the share that is told");
            let [of_some] = measure([&some])?;
            check!(is_about(of_some, percent), "{of_some} thousandths of {percent} %");
        }
        end(&task)
    }

    /// An account that was made without a share gets one while its tasks run, and they have what it gives, those of its parts too; it can
    /// lose it while they wait for it, and get it again.
    fn shr_9_given_later_and_taken_away(bench) {
        let whole = carve(&bench.account, 0)?;
        let part = carve(&whole, 0)?;
        // The part is the more urgent, or it would wait for the turns of the other.
        let tasks = [start(&whole, "spin", 2)?, start(&part, "threads", 1)?];
        let [free] = measure([&whole])?;
        check!(free > 900, "{free} thousandths without a share");
        for percent in [20, 60] {
            whole.set_share(PERIOD_NS * percent / 100, PERIOD_NS)?;
            let [of_whole] = measure([&whole])?;
            check!(is_about(of_whole, percent), "{of_whole} thousandths of {percent} %");
            // A nearer share, while threads wait for the one further up.
            part.set_share(PERIOD_NS / 20, PERIOD_NS)?;
            let [of_whole, of_part] = measure([&whole, &part])?;
            check!(is_about(of_part, 5), "{of_part} thousandths of 5 % within {percent} %");
            check!(is_about(of_whole, percent), "{of_whole} thousandths of {percent} % with a part");
            whole.set_share(0, 0)?;
            let [of_part] = measure([&part])?;
            check!(is_about(of_part, 5), "{of_part} thousandths of 5 %");
            part.set_share(0, 0)?;
            let state = whole.state()?;
            check_eq!((state.cpu_budget_ns, state.cpu_period_ns), (0, 0), "the share that is told");
            let [free] = measure([&whole])?;
            check!(free > 900, "{free} thousandths when the share is gone");
        }
        whole.set_share(PERIOD_NS / 100, PERIOD_NS)?;
        time::sleep(Duration::from_millis(5));
        part.set_share(PERIOD_NS / 100, PERIOD_NS)?;
        tasks.iter().try_for_each(end)
    }

    /// A server that waits for messages when its account gets a share answers as before, and pays for it from then on.
    fn shr_10_given_to_who_waits(bench) {
        let some = carve(&bench.account, 0)?;
        let server = EchoServer::start(bench, &some, 0)?;
        let message = Short { n_bytes: 8, ..Short::EMPTY };
        server.ask(&message)?;
        some.set_share(PERIOD_NS / 10, PERIOD_NS)?;
        let (began_ns, before_ns) = (time::now_ns(), some.state()?.cpu_ns);
        for _ in 0..100_000 {
            server.ask(&message)?;
        }
        let (used_ns, passed_ns) = (some.state()?.cpu_ns - before_ns, time::now_ns() - began_ns);
        // Until a turn of the server's has ended once, it may go on as it did.
        check!(used_ns * 10 <= passed_ns + 100 * PERIOD_NS, "{used_ns} ns of {passed_ns}");
        check!(used_ns > 100 * PERIOD_NS / 10, "{used_ns} ns are not enough to tell");
        end(&server.task)
    }

    /// A task can be killed while all its threads wait for their share, and its account is given back whole.
    fn shr_5_killed_while_it_waits(bench) {
        let before = bench.holdings()?;
        for _ in 0..5 {
            let some = carve(&bench.account, 1)?;
            let task = start(&some, "threads", 1)?;
            time::sleep(Duration::from_millis(5));
            end(&task)?;
            drop(task);
            let state = some.state()?;
            check_eq!(state.frames_available, state.frames_maximum, "frames of the account");
        }
        check!(soon(|| Ok(bench.holdings()? == before))?, "{:?} instead of {before:?}", bench.holdings()?);
        Ok(())
    }

    /// What the tasks of an account have used is told, of those that have ended too, and of accounts that it was carved into.
    fn shr_6_cpu_time_is_told(bench) {
        for percent in [0, 50] {
            let whole = carve(&bench.account, percent)?;
            let part = carve(&whole, 0)?;
            let mut used_ns = 0;
            for account in [&whole, &part] {
                let task = start(account, "short", 1)?;
                task.wait_until(time::deadline_in(PATIENCE))?;
                let own_ns = task.status()?.cpu_ns;
                check!(own_ns > 1_500_000, "{own_ns} ns of a task that ran for some of 5 ms");
                used_ns += own_ns;
            }
            let told_ns = whole.state()?.cpu_ns;
            // Each is rounded down from ticks.
            check!(told_ns.abs_diff(used_ns) <= 2, "{told_ns} ns instead of {used_ns}");
            check!(part.state()?.cpu_ns < told_ns, "the part has used as much as the whole");
        }
        Ok(())
    }

    /// Short messages go to and from a task that has a share as to any other, and what it takes to answer is taken off its share.
    fn shr_7_messages_of_who_has_a_share(bench) {
        let some = carve(&bench.account, 20)?;
        let server = EchoServer::start(bench, &some, 1)?;
        let spinner = start(&some, "spin", 2)?;
        let began_ns = time::now_ns();
        for round in 0..2000 {
            let mut message = Short { n_bytes: 64, ..Short::EMPTY };
            message.words = [round; 8];
            check_eq!(server.ask(&message)?, message.words, "round {round}");
        }
        let (used_ns, passed_ns) = (some.state()?.cpu_ns, time::now_ns() - began_ns);
        check!(used_ns * 100 <= passed_ns * 20 + 100 * PERIOD_NS, "{used_ns} ns of {passed_ns}");
        check!(server.task.status()?.cpu_ns > 0, "the server has used no time");
        end(&spinner)?;
        end(&server.task)
    }

    /// What is no share is refused, and so is changing one without the right, and accounts carved out of each other come to an end.
    fn shr_8_refusals(bench) {
        let einval = Err(Errno::EINVAL);
        let carved = |cpu_budget_ns, cpu_period_ns| {
            let limits = AccountLimits { objects: 4, cpu_budget_ns, cpu_period_ns, ..AccountLimits::default() };
            bench.account.carve_with(&limits).map(drop)
        };
        for (budget_ns, period_ns) in [
            (1, 0), (0, PERIOD_NS), (PERIOD_NS + 1, PERIOD_NS), (1, 999_999), (1, 1_000_000_001),
        ] {
            check_eq!(carved(budget_ns, period_ns), einval, "{budget_ns} of {period_ns}");
        }
        let some = carve(&bench.account, 20)?;
        check_eq!(some.set_share(0, PERIOD_NS), einval, "a budget of nothing");
        check_eq!(some.set_share(1, 0), einval, "a period of nothing");
        let all = Kind::Account.all_rights();
        let weak = calls::capability_copy(some.number(), all & !account::LIMIT)?;
        check_eq!(calls::account_share(weak, 1, PERIOD_NS), Err(Errno::EPERM), "without the right");
        calls::capability_drop(weak)?;
        // Of one object nothing can be carved, and no part has more than half of the whole.
        let mut chain = Vec::new();
        let mut n_objects = 1 << 40;
        while n_objects > 0 {
            match chain.last().unwrap_or(&bench.account).carve(n_objects, 0, 0) {
                Ok(account) => chain.push(account),
                Err(error) => {
                    check_eq!(error, Errno::EDQUOT, "{n_objects} objects");
                    n_objects /= 2;
                }
            }
        }
        check!((3..=40).contains(&chain.len()), "{} accounts above each other", chain.len());
        Ok(())
    }
}

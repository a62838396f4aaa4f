//! Interrupt lines, with a clock chip that interrupts when it is told to.

use super::clock_chip::{LINE, bind, chip};
use core::time::Duration;
use omnibus_userland::abi::capability::{account, lines};
use omnibus_userland::abi::{CapabilityNumber, Errno, Kind};
use omnibus_userland::account::Account;
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::{Handle, Node, Peer};
use omnibus_userland::calls;
use omnibus_userland::check::Outcome;
use omnibus_userland::device::{Interrupt, Lines};
use omnibus_userland::driver::AtPorts;
use omnibus_userland::driver::clock_chip::ClockChip;
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::devices::{all_lines, told_until};
use omnibus_userland::task::{Command, Ending};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{check, check_eq, environment, tests, time};

const MS: u64 = 1_000_000;

/// Argument of the task that binds the line and waits to be killed.
pub(crate) const HOLDER: &str = "--hold-the-line";

/// The chip, which does not interrupt yet, and where its interrupts are told.
struct Scene {
    chip: ClockChip<AtPorts>,
    peer: Peer,
    _node: Node,
    handle: Handle,
}

impl Scene {
    fn new(bench: &Bench) -> Outcome<Self> {
        let peer = Peer::new(&bench.account)?;
        let (_node, handle) = peer.node()?;
        Ok(Self {
            chip: chip()?,
            peer,
            _node,
            handle,
        })
    }

    /// The next interrupt is told.
    fn expect_one(&self) -> Outcome<()> {
        let event = told_until(&self.peer, time::deadline_in(PATIENCE))?;
        let told = event.map(|event| (event.n_told, event.line));
        check_eq!(told, Some((1, LINE)), "an interrupt");
        Ok(())
    }

    fn expect_none(&self) -> Outcome<()> {
        let event = told_until(&self.peer, time::now_ns() + 5 * MS)?;
        check_eq!(event, None, "an interrupt that is masked");
        Ok(())
    }
}

tests! {
    /// An interrupt is told once the line was acknowledged, and the next one after the next acknowledgement.
    fn int_1_masked_until_acknowledged(bench) {
        let scene = Scene::new(bench)?;
        let interrupt = bind(&bench.account, &scene.handle)?;
        scene.chip.start()?;
        scene.expect_none()?;
        scene.chip.clear()?;
        for _ in 0..20 {
            interrupt.acknowledge()?;
            scene.expect_one()?;
            scene.chip.clear()?;
        }
        scene.expect_none()?;
        scene.chip.stop()?;
        Ok(())
    }

    /// An edge that comes while the line is not acknowledged is not lost: it is told after the acknowledgement.
    fn int_2_no_edge_is_lost(bench) {
        let scene = Scene::new(bench)?;
        let interrupt = bind(&bench.account, &scene.handle)?;
        interrupt.acknowledge()?;
        scene.chip.start()?;
        for _ in 0..5 {
            scene.expect_one()?;
            // The next edge comes before the acknowledgement, and none behind it: the chip's interrupt is not taken back again.
            scene.chip.clear()?;
            time::sleep(Duration::from_millis(4));
            interrupt.acknowledge()?;
        }
        scene.expect_one()?;
        scene.chip.stop()?;
        Ok(())
    }

    /// A device that interrupts without end is told of as often as it is acknowledged, and no oftener.
    fn int_3_a_storm_waits(bench) {
        let scene = Scene::new(bench)?;
        let interrupt = bind(&bench.account, &scene.handle)?;
        interrupt.acknowledge()?;
        scene.chip.start()?;
        let (until_ns, mut n_edges) = (time::now_ns() + 20 * MS, 0);
        while time::now_ns() < until_ns {
            n_edges += u64::from(scene.chip.clear()?);
        }
        scene.chip.stop()?;
        check!(n_edges >= 5, "the chip interrupted only {n_edges} times");
        scene.expect_one()?;
        interrupt.acknowledge()?;
        scene.expect_one()?;
        interrupt.acknowledge()?;
        scene.expect_none()?;
        Ok(())
    }

    /// A line is bound once at a time, is free again with the last capability, and what comes in when nobody has it does nothing.
    fn int_4_binding(bench) {
        let scene = Scene::new(bench)?;
        let interrupt = bind(&bench.account, &scene.handle)?;
        let second = bind(&bench.account, &scene.handle);
        check_eq!(second.map(drop), Err(Errno::EBUSY), "a second binding");
        let copy = calls::capability_copy(interrupt.number(), 0)?;
        drop(interrupt);
        let while_copied = bind(&bench.account, &scene.handle);
        check_eq!(while_copied.map(drop), Err(Errno::EBUSY), "while there is a copy");
        check_eq!(calls::interrupt_acknowledge(copy), Err(Errno::EPERM), "without the right");
        calls::capability_drop(copy)?;
        scene.chip.start()?;
        time::sleep(Duration::from_millis(5));
        scene.chip.clear()?;
        let interrupt = bind(&bench.account, &scene.handle)?;
        interrupt.acknowledge()?;
        scene.expect_one()?;
        drop(interrupt);
        scene.chip.clear()?;
        scene.expect_none()?;
        scene.chip.stop()?;
        Ok(())
    }

    /// The line of a task that is killed is free again.
    fn int_5_death_unbinds(bench) {
        let own = bench.account.carve(64, 4096, 512)?;
        let peer = Peer::new(&own)?;
        let lines = all_lines()?;
        let holder = Command::new(super::PROGRAM)
            .grant(own.number(), account::CHARGE)
            .grant(lines.number(), lines::BIND)
            .grant(peer.number(), Kind::Peer.all_rights())
            .argument(HOLDER)
            .spawn(&own)?;
        let (_node, handle) = peer.node()?;
        // It says so by a message when it has the line.
        peer.recv_until(time::deadline_in(PATIENCE))?;
        check_eq!(bind(&own, &handle).map(drop), Err(Errno::EBUSY), "while it lives");
        holder.kill()?;
        WaitSet::new().task(&holder).wait(time::deadline_in(PATIENCE))?;
        check_eq!(Ending::of(&holder.status()?), Some(Ending::Killed), "its end");
        bind(&own, &handle)?.acknowledge()?;
        Ok(())
    }

    /// Parts of the lines, lines that are none, and rights that are missing are refused.
    fn int_6_refusals(bench) {
        let peer = Peer::new(&bench.account)?;
        let (_node, handle) = peer.node()?;
        let lines = all_lines()?;
        let part = lines.part(LINE, 2)?;
        for line in [0, LINE - 1, LINE + 2, 255, 256 + LINE, u64::MAX] {
            let refused: Result<Interrupt, _> = part.bind(line, &bench.account, &handle);
            check_eq!(refused.map(drop), Err(Errno::EINVAL), "line {line}");
        }
        check_eq!(lines.bind(63, &bench.account, &handle).map(drop), Err(Errno::EINVAL), "no input");
        let bare = calls::capability_copy(part.number(), 0)?;
        let bare = Lines::from_capability(bare);
        check_eq!(bare.bind(LINE, &bench.account, &handle).map(drop), Err(Errno::EPERM), "without BIND");
        let poor = bench.account.carve(1, 0, 0)?;
        check_eq!(part.bind(LINE, &poor, &handle).map(drop), Err(Errno::EDQUOT), "nobody pays");
        let wrong = calls::interrupt_acknowledge(bench.console);
        check_eq!(wrong, Err(Errno::EOPNOTSUPP), "a console");
        part.bind(LINE, &bench.account, &handle)?;
        Ok(())
    }
}

/// The task that binds the line, says so, and waits to be killed.
pub(crate) fn hold() -> u8 {
    let find = |kind| environment::find(kind).unwrap_or(CapabilityNumber(0));
    let own = Account::from_capability(find(Kind::Account));
    let peer = Peer::from_capability(find(Kind::Peer));
    let lines = Lines::from_capability(find(Kind::Lines));
    let bound = peer.node().and_then(|(node, handle)| {
        let interrupt = lines.bind(LINE, &own, &handle)?;
        handle.send(b"bound")?;
        Ok((node, interrupt))
    });
    loop {
        time::sleep(Duration::from_secs(3600));
        if bound.is_err() {
            return 1;
        }
    }
}

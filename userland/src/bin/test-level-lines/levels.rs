//! What a line by levels tells, and when: each test on every line of the card.

use super::card::{Card, told_soon};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::{Handle, Node, Peer};
use omnibus_userland::check::Outcome;
use omnibus_userland::device::Interrupt;
use omnibus_userland::suite::Bench;
use omnibus_userland::suite::devices::told_until;
use omnibus_userland::{check_eq, tests, time};

/// Where the interrupts of one line are told.
struct Ear<'a> {
    bench: &'a Bench,
    card: &'a Card,
    line: u64,
    peer: Peer,
    _node: Node,
    handle: Handle,
}

impl Ear<'_> {
    /// Binds the line.
    fn bind(&self) -> Outcome<Interrupt> {
        self.card.bind(self.bench, &self.handle, self.line)
    }

    /// The next interrupt is told, alone.
    fn expect_one(&self) -> Outcome<()> {
        let event = told_until(&self.peer, time::deadline_in(PATIENCE))?;
        let told = event.map(|event| (event.n_told, event.line));
        check_eq!(told, Some((1, self.line)), "an interrupt");
        Ok(())
    }

    fn expect_none(&self, what: &str) -> Outcome<()> {
        check_eq!(told_soon(&self.peer)?, None, "{what}");
        Ok(())
    }
}

/// Does the same on every line of the card, which interrupts no more afterwards.
fn on_every_line(bench: &Bench, doing: impl Fn(&Card, &Ear<'_>) -> Outcome<()>) -> Outcome<()> {
    let card = Card::find(bench)?;
    for &line in &card.lines {
        let peer = Peer::new(&bench.account)?;
        let (_node, handle) = peer.node()?;
        let ear = Ear {
            bench,
            card: &card,
            line,
            peer,
            _node,
            handle,
        };
        doing(&card, &ear)?;
        card.withdraw()?;
    }
    Ok(())
}

tests! {
    /// A line that is asserted and that nobody serves is told once and no oftener, until it is acknowledged.
    fn dev_1_an_asserted_line_is_told_once(bench) {
        on_every_line(bench, |card, ear| {
            let interrupt = ear.bind()?;
            card.raise()?;
            ear.expect_none("told before the first acknowledgement")?;
            interrupt.acknowledge()?;
            ear.expect_one()?;
            ear.expect_none("told without an acknowledgement")?;
            // It was asserted all the time: the card has something to say still.
            card.serve()
        })
    }

    /// Acknowledged while it is still asserted, a line is told again at once, as often as that is done.
    fn dev_2_unserved_it_comes_again(bench) {
        on_every_line(bench, |card, ear| {
            let interrupt = ear.bind()?;
            card.raise()?;
            for _ in 0..20 {
                interrupt.acknowledge()?;
                ear.expect_one()?;
            }
            ear.expect_none("told without an acknowledgement")
        })
    }

    /// Served and acknowledged, a line is told no more until its device asserts it anew, and then once.
    fn dev_3_served_it_comes_no_more(bench) {
        on_every_line(bench, |card, ear| {
            let interrupt = ear.bind()?;
            interrupt.acknowledge()?;
            for _ in 0..5 {
                card.raise()?;
                ear.expect_one()?;
                card.serve()?;
                interrupt.acknowledge()?;
                ear.expect_none("told after it was served")?;
            }
            Ok(())
        })
    }

    /// A level that went before the acknowledgement is not told: unlike an edge, it leaves nothing to serve.
    fn dev_4_what_has_gone_is_not_told(bench) {
        on_every_line(bench, |card, ear| {
            let interrupt = ear.bind()?;
            interrupt.acknowledge()?;
            card.raise()?;
            ear.expect_one()?;
            for _ in 0..5 {
                card.withdraw()?;
                card.raise()?;
            }
            card.withdraw()?;
            interrupt.acknowledge()?;
            ear.expect_none("told of a level that has gone")
        })
    }

    /// A line that is given up while it is asserted interrupts nobody, and who binds it next is told of it.
    fn dev_5_given_up_while_asserted(bench) {
        on_every_line(bench, |card, ear| {
            let first = ear.bind()?;
            card.raise()?;
            for _ in 0..2 {
                first.acknowledge()?;
                ear.expect_one()?;
            }
            drop(first);
            ear.expect_none("told although nobody has the line")?;
            let second = ear.bind()?;
            second.acknowledge()?;
            ear.expect_one()
        })
    }
}

//! What a line by levels tells, and when: each test on every line of the card.

use super::card::{Card, told_soon};
use omnibus_userland::actor::PATIENCE;
use omnibus_userland::bus::Peer;
use omnibus_userland::check::Outcome;
use omnibus_userland::suite::devices::told_until;
use omnibus_userland::{check_eq, tests, time};

/// The next interrupt is told, alone.
fn expect_one(peer: &Peer, line: u64) -> Outcome<()> {
    let event = told_until(peer, time::deadline_in(PATIENCE))?;
    let told = event.map(|event| (event.n_told, event.line));
    check_eq!(told, Some((1, line)), "an interrupt");
    Ok(())
}

tests! {
    /// A line that is asserted and that nobody serves is told once and no oftener, until it is acknowledged.
    fn dev_1_an_asserted_line_is_told_once(bench) {
        let card = Card::find(bench)?;
        for &line in &card.lines {
            let peer = Peer::new(&bench.account)?;
            let (_node, handle) = peer.node()?;
            let interrupt = card.bind(bench, &handle, line)?;
            card.raise()?;
            check_eq!(told_soon(&peer)?, None, "told before the first acknowledgement");
            interrupt.acknowledge()?;
            expect_one(&peer, line)?;
            check_eq!(told_soon(&peer)?, None, "told without an acknowledgement");
            // It was asserted all the time: the card has something to say still.
            card.serve()?;
            card.withdraw()?;
        }
        Ok(())
    }

    /// Acknowledged while it is still asserted, a line is told again at once, as often as that is done.
    fn dev_2_unserved_it_comes_again(bench) {
        let card = Card::find(bench)?;
        for &line in &card.lines {
            let peer = Peer::new(&bench.account)?;
            let (_node, handle) = peer.node()?;
            let interrupt = card.bind(bench, &handle, line)?;
            card.raise()?;
            for _ in 0..20 {
                interrupt.acknowledge()?;
                expect_one(&peer, line)?;
            }
            check_eq!(told_soon(&peer)?, None, "told without an acknowledgement");
            card.withdraw()?;
        }
        Ok(())
    }

    /// Served and acknowledged, a line is told no more until its device asserts it anew, and then once.
    fn dev_3_served_it_comes_no_more(bench) {
        let card = Card::find(bench)?;
        for &line in &card.lines {
            let peer = Peer::new(&bench.account)?;
            let (_node, handle) = peer.node()?;
            let interrupt = card.bind(bench, &handle, line)?;
            interrupt.acknowledge()?;
            for _ in 0..5 {
                card.raise()?;
                expect_one(&peer, line)?;
                card.serve()?;
                interrupt.acknowledge()?;
                check_eq!(told_soon(&peer)?, None, "told after it was served");
            }
            card.withdraw()?;
        }
        Ok(())
    }

    /// A level that went before the acknowledgement is not told: unlike an edge, it leaves nothing to serve.
    fn dev_4_what_has_gone_is_not_told(bench) {
        let card = Card::find(bench)?;
        for &line in &card.lines {
            let peer = Peer::new(&bench.account)?;
            let (_node, handle) = peer.node()?;
            let interrupt = card.bind(bench, &handle, line)?;
            interrupt.acknowledge()?;
            card.raise()?;
            expect_one(&peer, line)?;
            for _ in 0..5 {
                card.withdraw()?;
                card.raise()?;
            }
            card.withdraw()?;
            interrupt.acknowledge()?;
            check_eq!(told_soon(&peer)?, None, "told of a level that has gone");
        }
        Ok(())
    }

    /// A line that is given up while it is asserted interrupts nobody, and who binds it next is told of it.
    fn dev_5_given_up_while_asserted(bench) {
        let card = Card::find(bench)?;
        for &line in &card.lines {
            let peer = Peer::new(&bench.account)?;
            let (_node, handle) = peer.node()?;
            let first = card.bind(bench, &handle, line)?;
            card.raise()?;
            first.acknowledge()?;
            expect_one(&peer, line)?;
            first.acknowledge()?;
            expect_one(&peer, line)?;
            drop(first);
            check_eq!(told_soon(&peer)?, None, "told although nobody has the line");
            let second = card.bind(bench, &handle, line)?;
            second.acknowledge()?;
            expect_one(&peer, line)?;
            card.withdraw()?;
        }
        Ok(())
    }
}

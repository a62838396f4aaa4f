//! bus1 without a kernel: a service, a client, and what happens when one of them goes.
//!
//! `cargo run -p bus1-service --example tour`

use bus1_service::{Account, Error, Kind, Peer, Received, System};

/// The embedding system: peers are known by name, and whoever waits for one is told on the terminal.
struct Terminal;

impl System for Terminal {
    type Watch = &'static str;
    type Object = std::convert::Infallible;
    type Amounts = [u64; 2];
}

fn tell(name: &&'static str, wake: bus1_service::Wake) {
    println!("  ({name} is woken: {wake:?})");
}

fn show(peer: &Peer<Terminal>, received: &Received<Terminal>) {
    let name = peer.watch();
    match received.kind() {
        Kind::User => println!(
            "{name} received {:?}",
            String::from_utf8_lossy(received.payload())
        ),
        Kind::NodeRelease => println!(
            "{name} learned that the node behind its handle {:?} is gone",
            received.metadata().id
        ),
        Kind::HandleRelease => println!(
            "{name} learned that nobody can reach its node {:?} any more",
            received.metadata().id
        ),
    }
}

fn main() -> Result<(), Error> {
    let machine = Account::<Terminal>::root([1 << 20, 1 << 30])?;
    let (of_service, of_client) = (
        machine.child(&machine.actor(), [1000, 65_536])?,
        machine.child(&machine.actor(), [1000, 65_536])?,
    );
    let service = Peer::new(&of_service, "service")?;
    let client = Peer::new(&of_client, "client")?;

    println!(
        "The service makes a node; the client gets the handle to it, and is all that can reach it."
    );
    let (_, to_service) = service.create_node(&client)?;

    println!("The client makes a node for answers, and sends a handle to it with its question.");
    let (_, to_client) = client.create_node(&client)?;
    client
        .send(&[to_service], &[to_client], b"what time is it?")?
        .finish(&mut tell);
    client.release(&[to_client], &mut tell)?;

    let question = service.recv()?;
    show(&service, &question);
    let reply_to = question.transfers()[0];
    service
        .send(&[reply_to], &[], b"time to go")?
        .finish(&mut tell);
    show(&client, &client.recv()?);

    println!("The service closes: all its nodes are released at one instant, then its handles.");
    service.close(&mut tell);
    while let Ok(received) = client.recv() {
        show(&client, &received);
    }

    println!("The client floods itself, until its account refuses.");
    let (_, to_itself) = client.create_node(&client)?;
    let mut n_sent = 0;
    let error = loop {
        match client.send(&[to_itself], &[], &[0; 100]) {
            Ok(effects) => effects.finish_silently(),
            Err(error) => break error,
        }
        n_sent += 1;
    };
    println!("{n_sent} messages were queued, then: {error:?}");
    client.close(&mut tell);
    for (name, account) in [("service", of_service), ("client", of_client)] {
        let info = account.inspect();
        println!(
            "the {name}'s account has {:?} of {:?} left",
            info.available, info.maxima
        );
    }
    Ok(())
}

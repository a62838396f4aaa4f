//! Says back what it hears: a program to play with in the shell.
//!
//! Without arguments it answers messages: what comes in on its node `perch` goes back through the first handle that came along, or else through
//! its handle `owner`, until nobody has a handle to the node any more. `typed` says back lines that are typed until the
//! input ends; `exit STATUS`, `fault` and `spin` do what they say.
#![no_std]
#![no_main]

extern crate alloc;

use alloc::string::String;
use core::hint::black_box;
use omnibus_userland::abi::Errno;
use omnibus_userland::bus::{Handle, Message, Received};
use omnibus_userland::calls::Result;
use omnibus_userland::console::{self, Console};
use omnibus_userland::part::Part;
use omnibus_userland::{environment, println, program};

program!(main);

fn main() -> u8 {
    let mut arguments = environment::arguments();
    let done = match (arguments.next(), arguments.next()) {
        (None, _) => answer(),
        (Some("typed"), None) => say_back(),
        (Some("exit"), Some(status)) => match status.parse() {
            Ok(status) => return status,
            Err(_) => Err(Errno::EINVAL),
        },
        (Some("fault"), None) => return dig(0),
        (Some("spin"), None) => {
            println!("spinning");
            loop {
                core::hint::spin_loop();
            }
        }
        (Some(word), _) => {
            println!("parrot: \"{word}\" is nothing that it says");
            return 2;
        }
    };
    match done {
        Ok(()) => 0,
        Err(error) => {
            println!("parrot: {error}");
            1
        }
    }
}

/// Answers messages.
fn answer() -> Result<()> {
    let part = Part::take()?;
    let perch = part.node("perch")?;
    let owner = part.handle("owner").ok();
    loop {
        match part.peer.recv()? {
            Received::Message(Message { data, handles, .. }) => {
                let way: Option<&Handle> = handles.first().or(owner.as_ref());
                // Who has gone does not want to hear it.
                let _ = way.map(|way| way.send(&data));
            }
            Received::HandleRelease { node } if node == perch.id() => return Ok(()),
            Received::HandleRelease { .. } | Received::NodeRelease { .. } => {}
        }
    }
}

/// Says lines back that are typed.
fn say_back() -> Result<()> {
    let part = Part::take()?;
    let typed = console::own(|console| console.listen(&part.peer))?;
    let mut text = String::new();
    loop {
        match part.peer.recv()? {
            Received::Message(message) if message.node == typed.id() => {
                text.push_str(&String::from_utf8_lossy(&message.data));
                while let Some((line, rest)) = text.split_once('\n') {
                    println!("parrot: {line}");
                    text = rest.into();
                }
                console::own(Console::more)?;
            }
            Received::HandleRelease { node } if node == typed.id() => return Ok(()),
            _ => {}
        }
    }
}

/// Calls itself until no stack is left.
fn dig(depth: u64) -> u8 {
    if depth == u64::MAX {
        return 0;
    }
    let frame = black_box([depth; 512]);
    dig(depth + 1).wrapping_add(frame[depth as usize % frame.len()] as u8)
}

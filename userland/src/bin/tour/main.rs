//! Shows in eight chapters what Omnibus promises, each line printed by the task it speaks of.
//!
//! Every chapter makes an attempt that would succeed if its claim were false. The exit status is
//! 0 if all claims held, else the number of the first chapter that failed.
#![no_std]
#![no_main]

extern crate alloc;

mod chapter_a;
mod chapter_b;
mod chapter_c;
mod chapter_d;
mod chapter_e;
mod chapter_f;
mod chapter_g;
mod chapter_h;

use omnibus_userland::account::Account;
use omnibus_userland::actor::{self, Director};
use omnibus_userland::check::Outcome;
use omnibus_userland::{abi::Kind, environment, println, program};

program!(main);

/// A chapter: its claim, and the proof.
type Chapter = (&'static str, fn(&Director) -> Outcome);

/// In the order of their letters.
const CHAPTERS: [Chapter; 8] = [
    chapter_a::CHAPTER,
    chapter_b::CHAPTER,
    chapter_c::CHAPTER,
    chapter_d::CHAPTER,
    chapter_e::CHAPTER,
    chapter_f::CHAPTER,
    chapter_g::CHAPTER,
    chapter_h::CHAPTER,
];

fn main() -> u8 {
    let account = environment::find(Kind::Account).expect("the tour is given an account");
    let account = Account::from_capability(account);
    let console = environment::find(Kind::Console);
    let director = Director::new(account, console).expect("the account has room");
    println!();
    println!("A tour of Omnibus. Each line is printed by the task it speaks of.");
    for ((claim, prove), letter) in CHAPTERS.iter().zip('a'..) {
        println!();
        println!("({letter}) {claim}");
        if let Err(reason) = prove(&director) {
            println!();
            println!("Chapter ({letter}) does not hold: {reason}.");
            return letter as u8 - b'a' + 1;
        }
    }
    println!();
    println!("All {} chapters held.", CHAPTERS.len());
    0
}

/// A line of the tour's own task.
fn say(words: core::fmt::Arguments<'_>) {
    actor::say("tour", words);
}

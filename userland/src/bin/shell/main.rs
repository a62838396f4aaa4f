//! An interactive shell on the console: lists what the kernel has, starts and stops programs, sends and receives by hand.
//!
//! ```text
//!   console's driver ── input ──> Desk ── line ──> run ──> look, start, jobs, scratch
//!        ^                                            (one file for each family of commands)
//!        └──── output ── Desk <── WRITE ── sessions of the programs that it started (serve)
//! ```
//!
//! It is a program like any other: what it can do is what the plan `shell` gives it. The programs that it starts print on a session with the
//! shell, not with the driver, so that the shell knows where the line is that is being typed. Everything that happens is a message
//! on one peer, apart from what arrives on a scratch peer that `recv --wait` waits for.
#![no_std]
#![no_main]

extern crate alloc;

mod desk;
mod jobs;
mod look;
mod scratch;
mod serve;
mod start;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use desk::Desk;
use jobs::Job;
use omnibus_line_editor::{Event, Key};
use omnibus_userland::abi::{CapabilityNumber, DEADLINE_NEVER, Errno};
use omnibus_userland::archive::Archive;
use omnibus_userland::bus::{Handle, Node};
use omnibus_userland::calls::Result;
use omnibus_userland::console::{self, Console};
use omnibus_userland::part::{self, Part};
use omnibus_userland::service::server::{Limits, Server};
use omnibus_userland::shell::commands::{self, COMMANDS};
use omnibus_userland::shell::complete::ByTable;
use omnibus_userland::shell::words::{self, Word};
use omnibus_userland::wait::WaitSet;
use omnibus_userland::{program, time};
use scratch::Scratch;

program!(main);

/// Sessions of programs that print.
const LIMITS: Limits = Limits::COMMON;

/// Messages that are looked at before the line is again: a program as urgent as the shell may always have one more.
const N_STEPS: u32 = 64;

/// The status of a command that was not told right.
const BAD_LINE: u8 = 2;

/// What a command that cannot be carried out says.
type Said<T> = core::result::Result<T, String>;

/// What the terminal is doing.
#[derive(Debug, PartialEq, Eq)]
enum Doing {
    /// Nobody knows yet what terminal it is.
    Starting,
    /// A command is being typed.
    Prompt,
    /// The program of this task has it.
    Foreground(u64),
    /// A message is waited for at the scratch peer of this name.
    Receiving(String),
}

struct Shell {
    part: Part,
    archive: &'static Archive,
    system: CapabilityNumber,
    desk: Desk,
    /// Where the console's input comes in.
    input: Node,
    /// Whether some came, so that the console is to be asked for more.
    owes_more: bool,
    /// Where ends are told.
    ends: (Node, Handle),
    /// What was started and has not ended, by task.
    jobs: BTreeMap<u64, Job>,
    scratch: Scratch,
    doing: Doing,
    /// Status of the last command.
    status: u8,
    /// The shell is to end, with this status.
    exit: Option<u8>,
}

fn main() -> u8 {
    match Shell::new().and_then(serve) {
        Ok(status) => status,
        Err(error) => {
            omnibus_userland::println!("shell: {error}");
            BAD_LINE
        }
    }
}

/// Serves until the shell is to end.
fn serve(shell: Shell) -> Result<u8> {
    let peer = shell.part.peer.clone();
    let mut server = Server::new(shell, &peer, LIMITS);
    server.service.desk.ask();
    loop {
        let shell = &mut server.service;
        shell.work();
        if let Some(status) = shell.exit {
            shell.stop_all();
            return Ok(status);
        }
        let mut set = WaitSet::new().peer(&peer);
        if let Some(waiting) = shell.awaited() {
            set = set.peer(waiting);
        }
        let deadline_ns = match shell.doing {
            Doing::Starting => shell.desk.patience_ns(),
            _ => DEADLINE_NEVER,
        };
        match set.wait(deadline_ns) {
            Ok(_) => {}
            Err(Errno::ETIMEDOUT) => shell.desk.assume(),
            Err(error) => return Err(error),
        }
        for _ in 0..N_STEPS {
            if !server.try_step()? {
                break;
            }
        }
        server.service.look_at_awaited();
    }
}

impl Shell {
    fn new() -> Result<Self> {
        let part = Part::take()?;
        Ok(Self {
            system: part::capability("system")?,
            input: console::own(|console| console.listen(&part.peer))?,
            owes_more: false,
            ends: part.peer.node()?,
            archive: Archive::given()?,
            part,
            desk: Desk::new(time::now_ns()),
            jobs: BTreeMap::new(),
            scratch: Scratch::default(),
            doing: Doing::Starting,
            status: 0,
            exit: None,
        })
    }

    /// Does what can be done with what came in.
    fn work(&mut self) {
        while self.exit.is_none() && self.takes_keys() {
            let Some(key) = self.desk.next_key() else {
                break;
            };
            self.key(key);
        }
        if self.owes_more && self.desk.has_room() {
            self.owes_more = false;
            // A console that is gone is noticed where its input ends.
            let _ = console::own(Console::more);
        }
        if self.exit.is_none() && self.doing == Doing::Prompt {
            if self.desk.has_ended() {
                self.exit = Some(self.status);
            } else {
                self.desk.show();
            }
        }
    }

    /// Whether somebody wants what is typed.
    fn takes_keys(&mut self) -> bool {
        match &self.doing {
            Doing::Starting if self.desk.is_known() => {
                self.doing = Doing::Prompt;
                true
            }
            Doing::Starting | Doing::Prompt => true,
            Doing::Foreground(task) => self.jobs.get(task).is_some_and(Job::wants_line),
            Doing::Receiving(_) => false,
        }
    }

    fn key(&mut self, key: Key) {
        if let Doing::Foreground(task) = self.doing {
            return self.key_for_program(task, key);
        }
        self.doing = Doing::Prompt;
        let known = look::Here {
            archive: self.archive,
            system: self.system,
            jobs: &self.jobs,
            scratch: &self.scratch,
        };
        match self.desk.key(key, &ByTable(&known)) {
            Some(Event::Line(line)) => {
                self.run(&line);
                if self.doing != Doing::Prompt {
                    // What was typed ahead is for what is in the foreground now.
                    let typed = Vec::from(self.desk.take_typed());
                    self.typed(&typed);
                }
            }
            Some(Event::Interrupt) => self.status = jobs::KILLED,
            Some(Event::End) => self.exit = Some(self.status),
            None => {}
        }
    }

    /// Carries out a line, and tells what is wrong.
    fn run(&mut self, line: &str) {
        let line = match words::split(line) {
            Ok(line) => line,
            Err(unclosed) => {
                self.status = BAD_LINE;
                return self.desk.say(&unclosed.to_string());
            }
        };
        let Some((command, words)) = line.words.split_first() else {
            return;
        };
        let name = &*command.text;
        if line.is_background && name != "start" {
            self.status = BAD_LINE;
            return self
                .desk
                .say("& stands behind `start` alone: nothing else runs by itself");
        }
        let result = match name {
            "start" => self.start(words, line.is_background),
            "stop" => self.stop(words),
            "fg" => self.foreground(words),
            "jobs" => none(words).map(|()| self.list_jobs()),
            "tasks" | "accounts" | "peers" | "memory" | "timers" => {
                none(words).and_then(|()| self.list(name))
            }
            "caps" => one(words, "TASK").and_then(|task| self.capabilities(&task.text)),
            "programs" => none(words).map(|()| self.list_programs()),
            "peer" | "node" | "handles" | "send" | "recv" | "release" => self.by_hand(name, words),
            "help" => self.help(words),
            "echo" => {
                let texts: Vec<&str> = words.iter().map(|word| &*word.text).collect();
                self.desk.say(&texts.join(" "));
                Ok(())
            }
            "status" => {
                // It tells, and does not change it.
                let status = self.status;
                self.desk.say(&format!("{status}"));
                return;
            }
            "exit" => self.leave(words),
            _ => Err("there is no such command; `help` lists them".into()),
        };
        match result {
            // What goes on in the foreground tells its status at its end.
            Ok(()) if self.doing != Doing::Prompt => {}
            Ok(()) => self.status = 0,
            Err(fault) => {
                self.status = 1;
                self.desk.say(&format!("{name}: {fault}"));
            }
        }
    }

    fn help(&mut self, words: &[Word]) -> Said<()> {
        match words {
            [] => {
                for command in COMMANDS {
                    let head = format!("{} {}", command.name, command.usage);
                    self.desk.say(&format!("{head:<34} {}", command.sentence));
                }
                self.desk.say("Tab completes names, ↑ and ↓ go through earlier lines, Ctrl-C gives a line up.");
                Ok(())
            }
            [name] => {
                let command = commands::find(&name.text);
                let command =
                    command.ok_or_else(|| format!("there is no command \"{}\"", name.text))?;
                self.desk
                    .say(&format!("{} {}", command.name, command.usage));
                self.desk.say(command.sentence);
                if !command.more.is_empty() {
                    self.desk.say(command.more);
                }
                Ok(())
            }
            _ => Err("one command at a time".into()),
        }
    }

    fn leave(&mut self, words: &[Word]) -> Said<()> {
        let status = match words {
            [] => self.status,
            [status] => {
                let number = status.text.parse();
                number
                    .map_err(|_| format!("a status is 0 to 255, and \"{}\" is none", status.text))?
            }
            _ => return Err("one status at most".into()),
        };
        self.exit = Some(status);
        Ok(())
    }
}

/// Refuses words.
fn none(words: &[Word]) -> Said<()> {
    match words.first() {
        None => Ok(()),
        Some(word) => Err(format!("\"{}\" is one word too many", word.text)),
    }
}

/// The only word.
fn one<'w>(words: &'w [Word], what: &str) -> Said<&'w Word> {
    match words {
        [word] => Ok(word),
        [] => Err(format!("which {what}?")),
        [_, word, ..] => Err(format!("\"{}\" is one word too many", word.text)),
    }
}

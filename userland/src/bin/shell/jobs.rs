//! Programs that run: who they are, how they are stopped, and how their ends are told.

use alloc::format;
use alloc::string::String;

use omnibus_userland::account::Account;
use omnibus_userland::bus::{Handle, Node};
use omnibus_userland::shell::payload::printable;
use omnibus_userland::shell::table::{Side, Table};
use omnibus_userland::shell::words::Word;
use omnibus_userland::task::{Ending, Task};

use super::{Doing, Said, Shell, one};

/// The status of a program that was killed, as shells have it for the signal of Ctrl-C.
pub(crate) const KILLED: u8 = 130;
/// What is added to the vector of a fault for its status.
const FAULTED: u64 = 128;

/// A program that was started and has not ended.
pub(crate) struct Job {
    /// Name of its task.
    pub(crate) name: String,
    pub(crate) task: Task,
    /// What pays for it.
    pub(crate) account: Account,
    /// Where it opens its sessions with its console.
    pub(crate) door: Node,
    /// Who in it wants what is typed.
    pub(crate) listener: Option<Listener>,
}

/// A session that listens.
pub(crate) struct Listener {
    /// Its number.
    pub(crate) session: u64,
    pub(crate) handle: Handle,
    /// Whether it has asked for the next line.
    pub(crate) is_asking: bool,
}

impl Job {
    /// Whether it waits for what is typed.
    pub(crate) fn wants_line(&self) -> bool {
        self.listener
            .as_ref()
            .is_some_and(|listener| listener.is_asking)
    }

    /// Kills it. Its end is told like any other.
    pub(crate) fn kill(&self) {
        // It may have ended by itself.
        let _ = self.task.kill();
    }
}

impl Shell {
    /// The task of the program that a word names, by number or name.
    fn job(&self, word: &Word) -> Said<u64> {
        let number: Option<u64> = word.text.parse().ok();
        let is_named = |(task, job): &(&u64, &Job)| Some(**task) == number || job.name == word.text;
        let mut found = self.jobs.iter().filter(is_named).map(|(task, _)| *task);
        match (found.next(), found.next()) {
            (Some(task), None) => Ok(task),
            (Some(_), Some(_)) => Err(format!(
                "there are several programs \"{}\"; `jobs` has their numbers",
                word.text
            )),
            (None, _) => Err(format!(
                "this shell runs no program \"{}\", and has no power over others",
                word.text
            )),
        }
    }

    /// Kills programs.
    pub(crate) fn stop(&mut self, words: &[Word]) -> Said<()> {
        if words.is_empty() {
            return Err("which TASK?".into());
        }
        for word in words {
            let task = self.job(word)?;
            if let Some(job) = self.jobs.get(&task) {
                job.kill();
            }
        }
        Ok(())
    }

    /// Kills what runs, when the shell ends.
    pub(crate) fn stop_all(&mut self) {
        for job in self.jobs.values() {
            job.kill();
        }
    }

    /// Gives a program the terminal.
    pub(crate) fn foreground(&mut self, words: &[Word]) -> Said<()> {
        let task = self.job(one(words, "TASK")?)?;
        self.give_terminal(task);
        Ok(())
    }

    pub(crate) fn give_terminal(&mut self, task: u64) {
        self.desk.set_for_commands(false);
        self.doing = Doing::Foreground(task);
    }

    /// Takes the terminal back; the program goes on.
    pub(crate) fn put_into_background(&mut self) {
        if let Doing::Foreground(task) = self.doing {
            if let Some(job) = self.jobs.get(&task) {
                let text = format!(
                    "{} (task {task}) goes on in the background",
                    shown(&job.name)
                );
                self.desk.say(&text);
            }
            self.status = 0;
            self.take_terminal();
        }
    }

    fn take_terminal(&mut self) {
        self.desk.set_for_commands(true);
        self.doing = Doing::Prompt;
    }

    /// A program has ended, and given back what it held.
    pub(crate) fn ended(&mut self, task: u64, ending: Ending) {
        let Some(job) = self.jobs.remove(&task) else {
            return;
        };
        let text = format!("{} (task {task}) {ending}", shown(&job.name));
        self.desk.say(&text);
        if self.doing == Doing::Foreground(task) {
            self.status = status(ending);
            self.take_terminal();
        }
    }

    pub(crate) fn list_jobs(&mut self) {
        let columns = [
            ("TASK", Side::Right),
            ("NAME", Side::Left),
            ("OBJECTS", Side::Right),
            ("BYTES", Side::Right),
            ("FRAMES", Side::Right),
        ];
        let mut table = Table::new(&columns);
        for (task, job) in &self.jobs {
            let state = job.account.state().unwrap_or_default();
            let of = |maximum: u64, available: u64| format!("{} of {maximum}", maximum - available);
            table.row([
                format!("{task}"),
                shown(&job.name),
                of(state.objects_maximum, state.objects_available),
                of(state.bytes_maximum, state.bytes_available),
                of(state.frames_maximum, state.frames_available),
            ]);
        }
        self.desk.say_table(&table);
    }
}

fn shown(name: &str) -> String {
    printable(name)
}

/// The status that an end leaves.
fn status(ending: Ending) -> u8 {
    let status = match ending {
        Ending::Exited(status) => status,
        Ending::Killed => return KILLED,
        Ending::Faulted { vector, .. } => FAULTED + vector,
    };
    u8::try_from(status).unwrap_or(u8::MAX)
}

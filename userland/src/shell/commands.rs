//! The table of commands: what each is called, takes and does. Help and completion are made of it.

/// Names that can be completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// None.
    Nothing,
    /// The commands.
    Command,
    /// The programs of the archive.
    Program,
    /// The tasks that run.
    Task,
    /// The programs that this shell started and that have not ended, by task.
    Job,
    /// The scratch peers.
    Peer,
    /// The nodes and handles of the scratch peers.
    Id,
    /// The handles of the scratch peers.
    Handle,
    /// What can be granted to a program.
    Grant,
    /// One of these words.
    Of(&'static [&'static str]),
}

/// A command.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub sentence: &'static str,
    /// More about it; may be empty.
    pub more: &'static str,
    /// Names of its words, in order; the last is that of all others.
    pub words: &'static [Names],
    /// Its options, each with what follows it, if something does.
    pub options: &'static [(&'static str, Option<Names>)],
}

const PLAIN: Command = Command {
    name: "",
    usage: "",
    sentence: "",
    more: "",
    words: &[],
    options: &[],
};

/// The commands, sorted by name.
pub const COMMANDS: &[Command] = &[
    Command {
        name: "accounts",
        sentence: "Lists the accounts: how full they are, and who claims how much of them.",
        ..PLAIN
    },
    Command {
        name: "caps",
        usage: "TASK",
        sentence: "Shows a task's capabilities: number, kind, object and rights.",
        words: &[Names::Task],
        ..PLAIN
    },
    Command {
        name: "echo",
        usage: "WORDS…",
        sentence: "Prints the words.",
        ..PLAIN
    },
    Command {
        name: "exit",
        usage: "[STATUS]",
        sentence: "Ends the shell, and what it started; without a status with that of the last command.",
        ..PLAIN
    },
    Command {
        name: "fg",
        usage: "TASK",
        sentence: "Waits for a program that runs in the background, and gives it the terminal.",
        words: &[Names::Job],
        ..PLAIN
    },
    Command {
        name: "handles",
        sentence: "Lists the scratch peers with their nodes and handles.",
        ..PLAIN
    },
    Command {
        name: "help",
        usage: "[COMMAND]",
        sentence: "Lists the commands, or says what one does.",
        words: &[Names::Command, Names::Nothing],
        ..PLAIN
    },
    Command {
        name: "jobs",
        sentence: "Lists the programs that this shell started and that have not ended.",
        ..PLAIN
    },
    Command {
        name: "memory",
        sentence: "Lists the memory objects, and how many frames the machine has left.",
        ..PLAIN
    },
    Command {
        name: "node",
        usage: "new PEER [--on PEER]",
        sentence: "Makes a node on a scratch peer and a handle to it, on the same peer or on another.",
        words: &[Names::Of(&["new"]), Names::Peer, Names::Nothing],
        options: &[("--on", Some(Names::Peer))],
        ..PLAIN
    },
    Command {
        name: "peer",
        usage: "new | close PEER",
        sentence: "Makes a scratch peer, or closes one with all its nodes and handles.",
        words: &[Names::Of(&["close", "new"]), Names::Peer, Names::Nothing],
        ..PLAIN
    },
    Command {
        name: "peers",
        sentence: "Lists the peers: whose they are, and how many nodes, handles and queued messages they have.",
        ..PLAIN
    },
    Command {
        name: "programs",
        sentence: "Lists the files of the archive that can be started.",
        ..PLAIN
    },
    Command {
        name: "recv",
        usage: "PEER [--wait]",
        sentence: "Takes the next message of a scratch peer; with --wait it waits for one.",
        more: "What it brings beside bytes is named: handles go on as h1, h2, …; capabilities are dropped.",
        words: &[Names::Peer, Names::Nothing],
        options: &[("--wait", None)],
    },
    Command {
        name: "release",
        usage: "NODE-OR-HANDLE…",
        sentence: "Releases nodes and handles of one scratch peer in one transaction.",
        words: &[Names::Id],
        ..PLAIN
    },
    Command {
        name: "send",
        usage: "HANDLE… TEXT [--with HANDLE…]",
        sentence: "Sends a message through handles of one scratch peer in one transaction, with copies of others.",
        more: "TEXT is the word behind the last handle; hex:00ff are bytes.",
        words: &[Names::Handle],
        options: &[("--with", Some(Names::Handle))],
    },
    Command {
        name: "start",
        usage: "[OPTIONS] PROGRAM ARGUMENTS… [&]",
        sentence: "Starts a program and waits for its end; with & it runs in the background.",
        more: "\
--account OBJECTS,BYTES,FRAMES  limits of its account, carved out of the shell's
--grant KIND[:RIGHT,…]          a capability of the shell's: archive, system; or more rights to its account
--handle NAME=HANDLE            a copy of a scratch peer's handle, on its peer under this name
--name NAME                     name of the task; the program's if it is left out
--node NAME@PEER                a node on its peer under this name, and a handle to it on a scratch peer
--priority PRIORITY             0 to 30; one below the shell's if it is left out
Ctrl-C kills it while the shell waits for it; Ctrl-Z has it go on in the background.",
        words: &[Names::Program, Names::Nothing],
        options: &[
            ("--account", Some(Names::Nothing)),
            ("--grant", Some(Names::Grant)),
            ("--handle", Some(Names::Nothing)),
            ("--name", Some(Names::Nothing)),
            ("--node", Some(Names::Nothing)),
            ("--priority", Some(Names::Nothing)),
        ],
    },
    Command {
        name: "status",
        sentence: "Prints the status of the last command: 0 if it did what it was told.",
        ..PLAIN
    },
    Command {
        name: "stop",
        usage: "TASK…",
        sentence: "Kills programs that this shell started.",
        words: &[Names::Job],
        ..PLAIN
    },
    Command {
        name: "tasks",
        sentence: "Lists the tasks.",
        ..PLAIN
    },
    Command {
        name: "timers",
        sentence: "Lists the timers.",
        ..PLAIN
    },
];

/// The command of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table is sorted, and each command has a sentence.
    #[test]
    fn sh_every_command_is_described() {
        assert!(COMMANDS.is_sorted_by_key(|command| command.name));
        for command in COMMANDS {
            assert!(command.sentence.ends_with('.'), "{}", command.name);
            assert!(command.options.is_sorted_by_key(|(name, _)| *name));
            assert!(
                command
                    .options
                    .iter()
                    .all(|(name, _)| name.starts_with("--"))
            );
            assert!(find(command.name).is_some());
        }
    }
}

//! What `start` is told: a program, and what it is to have.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use omnibus_abi::Kind;
use omnibus_abi::limits::PRIORITY_MAX;
use omnibus_boot_plan::Limits;

use super::words::Word;

/// A program to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its file in the archive.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Name of the task.
    pub name: String,
    /// Limits of its account.
    pub limits: Limits,
    /// Its priority, if one was told.
    pub priority: Option<u64>,
    /// What it is granted: an entry of [`GRANTABLE`], and which rights; without them, all that the shell has.
    pub grants: Vec<(&'static str, Kind, Option<u64>)>,
    /// Handles on its peer: what it calls each, and what the shell does.
    pub handles: Vec<(String, String)>,
    /// Nodes on its peer: what it calls each, and the scratch peer that gets a handle.
    pub nodes: Vec<(String, String)>,
}

/// What can be granted: the program's own account with more rights than otherwise, and what the shell was given.
pub const GRANTABLE: [(&str, Kind); 3] = [
    ("account", Kind::Account),
    ("archive", Kind::Memory),
    ("system", Kind::System),
];

/// Limits of a program for which none were told.
pub const LIMITS: Limits = Limits {
    objects: 2048,
    bytes: 1 << 18,
    frames: 1024,
};

impl Wanted {
    /// Reads the words behind `start`.
    ///
    /// # Errors
    /// The first word that is wrong, and what would be right.
    pub fn parse(words: &[Word]) -> Result<Self, String> {
        let mut wanted = Self {
            program: String::new(),
            arguments: Vec::new(),
            name: String::new(),
            limits: LIMITS,
            priority: None,
            grants: Vec::new(),
            handles: Vec::new(),
            nodes: Vec::new(),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word.is_quoted || !word.text.starts_with("--") {
                wanted.program.clone_from(&word.text);
                break;
            }
            let value = words.next();
            let value = value.ok_or_else(|| format!("{} needs a value", word.text))?;
            wanted.option(&word.text, &value.text)?;
        }
        if wanted.program.is_empty() {
            return Err("which program? `programs` lists them".into());
        }
        if wanted.name.is_empty() {
            wanted.name.clone_from(&wanted.program);
        }
        wanted.arguments = words.map(|word| word.text.clone()).collect();
        Ok(wanted)
    }

    fn option(&mut self, option: &str, value: &str) -> Result<(), String> {
        let pair = |separator, form| {
            let pair = value.split_once(separator);
            let pair = pair.filter(|(first, second)| !first.is_empty() && !second.is_empty());
            let pair = pair.map(|(first, second)| (first.to_string(), second.to_string()));
            pair.ok_or_else(|| format!("{option} wants {form}, and not \"{value}\""))
        };
        match option {
            "--account" => self.limits = limits(value)?,
            "--grant" => self.grants.push(grant(value)?),
            "--handle" => self.handles.push(pair('=', "NAME=HANDLE")?),
            "--name" => self.name = value.into(),
            "--node" => self.nodes.push(pair('@', "NAME@PEER")?),
            "--priority" => {
                let priority = value
                    .parse()
                    .ok()
                    .filter(|&priority| priority <= PRIORITY_MAX);
                let fault =
                    || format!("priorities are 0 to {PRIORITY_MAX}, and \"{value}\" is none");
                self.priority = Some(priority.ok_or_else(fault)?);
            }
            _ => {
                return Err(format!(
                    "there is no option {option}; `help start` lists them"
                ));
            }
        }
        Ok(())
    }
}

fn limits(value: &str) -> Result<Limits, String> {
    let numbers = value.split(',').map(str::parse);
    let numbers: Option<Vec<u64>> = numbers.map(Result::ok).collect();
    match numbers.as_deref() {
        Some(&[objects, bytes, frames]) => Ok(Limits {
            objects,
            bytes,
            frames,
        }),
        _ => Err(format!(
            "--account wants OBJECTS,BYTES,FRAMES, three numbers, and not \"{value}\""
        )),
    }
}

fn grant(value: &str) -> Result<(&'static str, Kind, Option<u64>), String> {
    let (name, rights) = value
        .split_once(':')
        .map_or((value, None), |(name, rights)| (name, Some(rights)));
    let known = GRANTABLE.into_iter().find(|(known, _)| *known == name);
    let (name, kind) = known.ok_or_else(|| {
        let names: Vec<&str> = GRANTABLE.iter().map(|(name, _)| *name).collect();
        format!(
            "there is no \"{name}\" to grant; there are: {}",
            names.join(", ")
        )
    })?;
    let Some(rights) = rights else {
        return Ok((name, kind, None));
    };
    let right = |wanted: &str| {
        let mut known = kind.rights().iter();
        let found = known.find(|(name, _)| *name == wanted).map(|(_, bit)| *bit);
        found.ok_or_else(|| {
            let names: Vec<&str> = kind.rights().iter().map(|(name, _)| *name).collect();
            format!(
                "{name} has no right \"{wanted}\"; it has: {}",
                names.join(", ")
            )
        })
    };
    let rights = rights
        .split(',')
        .try_fold(0, |all, name| Ok::<_, String>(all | right(name)?))?;
    Ok((name, kind, Some(rights)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::words::split;
    use omnibus_abi::capability::account;

    fn parse(line: &str) -> Result<Wanted, String> {
        Wanted::parse(&split(line).unwrap().words)
    }

    /// Options stand before the program; everything behind it is its own.
    #[test]
    fn sh_start_takes_options_program_and_arguments() {
        let wanted = parse(
            "--name x --account 1,2,3 --priority 4 --grant system --grant account:CHARGE,CARVE --handle a=h1 --node door@p1 hello --name 'y z'",
        );
        let wanted = wanted.unwrap();
        assert_eq!(
            (&*wanted.name, &*wanted.program, wanted.priority),
            ("x", "hello", Some(4))
        );
        assert_eq!(wanted.arguments, ["--name", "y z"]);
        assert_eq!(
            wanted.limits,
            Limits {
                objects: 1,
                bytes: 2,
                frames: 3
            }
        );
        let grants = [
            ("system", Kind::System, None),
            (
                "account",
                Kind::Account,
                Some(account::CHARGE | account::CARVE),
            ),
        ];
        assert_eq!(wanted.grants, grants);
        assert_eq!(wanted.handles, [("a".into(), "h1".into())]);
        assert_eq!(wanted.nodes, [("door".into(), "p1".into())]);
        let plain = parse("hello").unwrap();
        assert_eq!((&*plain.name, plain.limits), ("hello", LIMITS));
    }

    /// What is wrong is named, and what would be right.
    #[test]
    fn sh_start_names_what_is_wrong() {
        for (line, part) in [
            ("", "which program"),
            ("--name", "--name needs"),
            ("--nam x hello", "--nam;"),
            ("--account 1,2 hello", "\"1,2\""),
            ("--account 1,2,x hello", "three numbers"),
            ("--priority 99 hello", "\"99\""),
            ("--grant peace hello", "account, archive, system"),
            ("--grant system:WRITE hello", "INSPECT"),
            ("--handle h1 hello", "NAME=HANDLE"),
            ("--node @p hello", "NAME@PEER"),
        ] {
            let fault = parse(line).unwrap_err();
            assert!(fault.contains(part), "{line}: {fault}");
        }
    }
}

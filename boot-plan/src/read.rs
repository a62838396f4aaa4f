//! From text to a plan: TOML first, then everything that TOML cannot know.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use omnibus_abi::limits::{ARGUMENT_BYTES_MAX, NAME_BYTES_MAX, PRIORITY_MAX};
use omnibus_abi::{Kind, capability};
use toml::de::DeTable;

use crate::device::{check_apart, devices};
use crate::fault::{line_of, list};
use crate::table::{At, Table};
use crate::{Fault, GRANTABLE, Handle, Limits, Plan, Program};

/// Rights to its own account that a program has unless the plan says otherwise.
const ACCOUNT_RIGHTS: u64 = capability::account::CHARGE | capability::account::INSPECT;

/// What a program's account is called that is the first program's.
const SHARED: &str = "shared";

/// The keys of a program.
const PROGRAM_KEYS: [&str; 11] = [
    "name",
    "file",
    "arguments",
    "words",
    "priority",
    "account",
    "capabilities",
    "ports",
    "lines",
    "nodes",
    "handles",
];

/// Reads a plan.
///
/// # Errors
/// The first fault: of the TOML, then of the programs in their order, each from its name to its handles, then of the whole.
pub fn parse(text: &str) -> Result<Plan, Fault> {
    let entries = DeTable::parse(text).map_err(|error| Fault::of_parser(text, &error))?;
    let plan = Table::new(text, "a plan", entries.get_ref());
    plan.only(&["ends-with", "console", "program"])?;
    let tables = plan.tables("program", "a program")?;
    let mut all = All(Vec::new());
    for table in &tables {
        let name = table.needed("name", table.string("name")?)?;
        check_name(table, &name, "a program's name")?;
        if all.program(name.value).is_some() {
            let what = format!("a second program \"{}\"", name.value);
            return Err(table.fault(&name, what));
        }
        all.0.push((name.value, table.strings("nodes")?));
    }
    let read = |(table, (name, _)): (&_, &(&str, _))| program(text, table, name, &all);
    let programs = tables.iter().zip(&all.0).map(read);
    let programs = programs.collect::<Result<Vec<Program>, _>>()?;
    let devices = |program| {
        let Program { name, devices, .. }: &Program = program;
        (&**name, devices.as_slice())
    };
    check_apart(programs.iter().map(devices))?;
    let worded = tables.iter().zip(&programs);
    let mut worded = worded.filter(|(_, program)| program.has_words);
    if let (Some((_, first)), Some((second, _))) = (worded.next(), worded.next()) {
        let what = format!("words are for {} already", first.name);
        return Err(Fault::new(text, second.offset, what));
    }
    let console = plan.string("console")?;
    let console = console.map(|console| node(&plan, &console, &all));
    let last = plan.needed("ends-with", plan.string("ends-with")?)?;
    let ends_with = all.program(last.value).ok_or_else(|| {
        let (name, names) = (last.value, all.names());
        let what = format!("the plan ends with \"{name}\", which is none of its programs: {names}");
        plan.fault(&last, what)
    })?;
    Ok(Plan {
        programs,
        ends_with,
        console: console.transpose()?,
    })
}

/// The names of all programs and of their nodes.
struct All<'t>(Vec<(&'t str, Vec<At<&'t str>>)>);

impl All<'_> {
    fn program(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|(known, _)| *known == name)
    }

    fn names(&self) -> String {
        list(self.0.iter().map(|(name, _)| name))
    }
}

fn program(text: &str, table: &Table<'_>, name: &str, all: &All<'_>) -> Result<Program, Fault> {
    table.only(&PROGRAM_KEYS)?;
    let file = table.string("file")?;
    if let Some(file) = file.filter(|file| !is_of_length(file.value)) {
        let what = format!("a file's name has 1 to {NAME_BYTES_MAX} bytes");
        return Err(table.fault(&file, what));
    }
    let priority = table.number("priority")?;
    if let Some(priority) = priority.filter(|priority| priority.value > PRIORITY_MAX) {
        let what = format!("priorities are 0 to {PRIORITY_MAX}");
        return Err(table.fault(&priority, what));
    }
    let capabilities = capabilities(table)?;
    let taken: Vec<_> = capabilities.iter().map(|(name, ..)| *name).collect();
    Ok(Program {
        line: line_of(text, table.offset),
        name: name.into(),
        file: file.map_or(name, |file| file.value).into(),
        arguments: arguments(table)?,
        priority: priority.map(|priority| priority.value),
        has_words: table.is("words")?,
        account: account(table)?,
        devices: devices(table, &taken)?,
        capabilities,
        nodes: nodes(table)?,
        handles: handles(table, all)?,
    })
}

/// The account, or none if it is the first program's.
fn account(table: &Table<'_>) -> Result<Option<Limits>, Fault> {
    if !table.has_string("account") {
        let account = table.needed("account", table.table("account", "an account")?)?;
        return limits(&account).map(Some);
    }
    let account = table.needed("account", table.string("account")?)?;
    if account.value != SHARED {
        let what = format!("an account is \"{SHARED}\", or objects, bytes and frames");
        return Err(table.fault(&account, what));
    }
    Ok(None)
}

fn limits(table: &Table<'_>) -> Result<Limits, Fault> {
    table.only(&["objects", "bytes", "frames"])?;
    let number = |key| table.needed(key, table.number(key)?);
    let objects = number("objects")?;
    if objects.value == 0 {
        let what = "an account has at least one object, which is the account itself";
        return Err(table.fault(&objects, what));
    }
    Ok(Limits {
        objects: objects.value,
        bytes: number("bytes")?.value,
        frames: number("frames")?.value,
    })
}

fn arguments(table: &Table<'_>) -> Result<Vec<String>, Fault> {
    let arguments = table.strings("arguments")?;
    let mut n_bytes = 0;
    for argument in &arguments {
        if argument.value.contains('\0') {
            return Err(table.fault(argument, "an argument cannot contain NUL"));
        }
        n_bytes += argument.value.len() as u64 + 1;
        if n_bytes > ARGUMENT_BYTES_MAX {
            let what = format!("the arguments have more than {ARGUMENT_BYTES_MAX} bytes");
            return Err(table.fault(argument, what));
        }
    }
    Ok(arguments
        .iter()
        .map(|argument| argument.value.into())
        .collect())
}

fn capabilities(table: &Table<'_>) -> Result<Vec<(&'static str, Kind, u64)>, Fault> {
    let wanted = table.table("capabilities", "a program's list of capabilities")?;
    if let Some(wanted) = &wanted {
        wanted.only(&GRANTABLE.map(|(name, _)| name))?;
    }
    let mut granted = Vec::new();
    for (name, kind) in GRANTABLE {
        let is_wanted = |wanted: &&Table<'_>| wanted.keys().any(|key| key.value == name);
        let rights = match (wanted.as_ref().filter(is_wanted), kind) {
            (Some(wanted), _) => rights(wanted, kind, &wanted.strings(name)?)?,
            (None, Kind::Account) => ACCOUNT_RIGHTS,
            (None, Kind::Peer) => kind.all_rights(),
            (None, _) => continue,
        };
        granted.push((name, kind, rights));
    }
    Ok(granted)
}

pub(crate) fn rights(table: &Table<'_>, kind: Kind, names: &[At<&str>]) -> Result<u64, Fault> {
    let mut all = 0;
    for name in names {
        let right = kind.rights().iter().find(|(known, _)| *known == name.value);
        let (_, right) = right.ok_or_else(|| {
            let there_are = list(kind.rights().iter().map(|(name, _)| name));
            let (kind, name_given) = (kind.name(), name.value);
            let what = format!(
                "a capability of the kind {kind} has no right \"{name_given}\"; it has: {there_are}"
            );
            table.fault(name, what)
        })?;
        all |= right;
    }
    Ok(all)
}

fn nodes(table: &Table<'_>) -> Result<Vec<String>, Fault> {
    let mut nodes: Vec<String> = Vec::new();
    for node in table.strings("nodes")? {
        check_name(table, &node, "a node's name")?;
        if nodes.iter().any(|known| known == node.value) {
            let what = format!("a second node \"{}\"", node.value);
            return Err(table.fault(&node, what));
        }
        nodes.push(node.value.into());
    }
    Ok(nodes)
}

fn handles(table: &Table<'_>, all: &All<'_>) -> Result<Vec<Handle>, Fault> {
    let Some(wanted) = table.table("handles", "a program's list of handles")? else {
        return Ok(Vec::new());
    };
    let mut handles = Vec::new();
    for name in wanted.keys() {
        check_name(table, &name, "a handle's name")?;
        let target = wanted.needed(name.value, wanted.string(name.value)?)?;
        let (program, node) = node(&wanted, &target, all)?;
        handles.push(Handle {
            name: name.value.into(),
            program,
            node,
        });
    }
    Ok(handles)
}

/// The program and the node of it that `PROGRAM.NODE` means.
fn node(table: &Table<'_>, target: &At<&str>, all: &All<'_>) -> Result<(usize, usize), Fault> {
    let (program, node) = target.value.split_once('.').ok_or_else(|| {
        let what = format!("\"{}\" is not PROGRAM.NODE", target.value);
        table.fault(target, what)
    })?;
    let program = all.program(program).ok_or_else(|| {
        let what = format!("no program \"{program}\"; there are: {}", all.names());
        table.fault(target, what)
    })?;
    let nodes = &all.0[program].1;
    let node = nodes.iter().position(|known| known.value == node);
    let node = node.ok_or_else(|| {
        let there_are = list(nodes.iter().map(|node| node.value));
        let what = format!("no node \"{}\"; the program has: {there_are}", target.value);
        table.fault(target, what)
    })?;
    Ok((program, node))
}

/// Names stand on both sides of dots and equals signs, and in reports.
pub(crate) fn check_name(table: &Table<'_>, name: &At<&str>, what: &str) -> Result<(), Fault> {
    let is_good = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if is_of_length(name.value) && name.value.chars().all(is_good) {
        return Ok(());
    }
    let what = format!("{what} has 1 to {NAME_BYTES_MAX} letters, digits, - and _");
    Err(table.fault(name, what))
}

fn is_of_length(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&(name.len() as u64))
}

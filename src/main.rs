//! Host tool of the Omnibus microkernel: builds it, boots it in QEMU, tests it.
//!
//! Flow: [`cli`] reads the words; a file in [`commands`] carries one out, [`testing`], [`bench`] and [`compare`] theirs; [`image`] knows the files to boot, [`machine`]
//! the emulated machine, [`guest`] runs it, [`verdict`] judges the run; [`console`] or [`conversation`] and [`report`] are its two channels, [`terminal`] is the user's; [`exit`] the codes.
#![forbid(unsafe_code)]

mod bench;
#[path = "../build/c_flags.rs"]
mod c_flags;
mod cli;
mod commands;
mod compare;
mod console;
mod conversation;
mod exit;
mod guest;
mod image;
mod machine;
mod plot;
mod report;
mod scratch;
mod signals;
mod terminal;
mod testing;
mod verdict;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use cli::{Cli, Word};
use commands::boot::{Request, boot};
use exit::{Failure, WrongValue};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return refuse(&error);
        }
    };
    match run(&cli) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error:#}");
            if let Some(stopped) = error.downcast_ref::<signals::Stopped>() {
                stopped.die();
            }
            exit::code_of(&error).into()
        }
    }
}

/// Prints what clap has to say, help or refusal, and gives the code for it.
fn refuse(error: &clap::Error) -> ExitCode {
    // If standard output or error is gone there is nobody left to tell.
    let _ = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp => return ExitCode::SUCCESS,
        ErrorKind::InvalidSubcommand => {
            let command = Cli::command();
            let words = command.get_subcommands().map(clap::Command::get_name);
            eprintln!(
                "The words are: {}, help.",
                words.collect::<Vec<_>>().join(", ")
            );
        }
        _ => {}
    }
    Failure::Usage.into()
}

fn run(cli: &Cli) -> Result<u8> {
    let (program, arguments, is_debugged) = match &cli.word {
        None => (None, &[] as &[String], false),
        Some(Word::Run(line)) if line.program().is_none() => {
            return Err(WrongValue(
                "`run` needs the name of a program; `list` has those of the image".to_owned(),
            )
            .into());
        }
        Some(Word::Run(line)) => (line.program(), line.arguments(), false),
        Some(Word::Shell { plan }) => return commands::shell::shell(plan, &cli.options),
        Some(Word::New { folder }) => return commands::new::create(folder),
        Some(Word::Cc(line)) => return commands::cc::compile(&line.arguments),
        Some(Word::Gdb(line)) => (line.program(), line.arguments(), true),
        Some(Word::Test(test)) => return testing::run(test, &cli.options),
        Some(Word::Bench(bench)) => return bench::run(bench, &cli.options),
        Some(Word::Compare(compare)) => return compare::run(compare, &cli.options),
        Some(Word::List { filter }) => {
            commands::list::list(filter.as_deref(), &cli.options)?;
            return Ok(0);
        }
    };
    boot(
        &Request {
            program,
            arguments,
            is_debugged,
        },
        &cli.options,
    )
}

//! The Linux side of the comparison: the first process of a machine, which runs every experiment.
//!
//! It is started as `/init` of an initial RAM disk that the host tool builds. It mounts what it needs, inserts the modules that
//! lie beside it in the order of `/modules`, runs the experiments that its arguments name, tells what it saw in the lines of
//! [`omnibus_compare::line`], and reports its status on port 0xe9 as every guest of the tool does.
#![deny(unsafe_code)]

mod binder;
mod channel;
mod cost;
mod guest;
mod semantics;
#[allow(unsafe_code)]
mod sys;
mod teller;

use std::process::ExitCode;

use teller::Teller;

fn main() -> ExitCode {
    // Anywhere else it would have nothing to do, and no ports to report to.
    if std::process::id() != 1 {
        eprintln!(
            "compare-linux is the first process of a machine of its own: ./run-qemu.sh compare"
        );
        return ExitCode::FAILURE;
    }
    let status = match guest::set_up().and_then(|()| run()) {
        Ok(()) => 0,
        Err(error) => {
            println!("error: {error}");
            1
        }
    };
    guest::end(status)
}

/// Runs what the arguments name: experiments; all, if there are none.
fn run() -> Result<(), Box<dyn std::error::Error>> {
    let only = std::env::args().skip(1).collect::<Vec<_>>();
    let mut teller = Teller::new(only);
    cost::run(&mut teller)?;
    semantics::run(&mut teller)?;
    teller.finish();
    Ok(())
}

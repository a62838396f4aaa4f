//! The machine around the experiments: file systems, modules, and how it ends.

use std::error::Error;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::ExitCode;

use nix::kmod::{ModuleInitFlags, finit_module};
use nix::mount::{MsFlags, mount};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::termios::tcdrain;

use crate::binder::{DEVICES, MODULE_PARAMETERS};

/// Descriptors that a process may have: enough for the footprint of many endpoints.
const N_DESCRIPTORS: u64 = 1 << 16;

/// Makes the machine fit for the experiments.
pub(crate) fn set_up() -> Result<(), Box<dyn Error>> {
    for (kind, folder) in [
        ("proc", "/proc"),
        ("sysfs", "/sys"),
        ("devtmpfs", "/dev"),
        ("mqueue", "/dev/mqueue"),
        ("tmpfs", "/tmp"),
    ] {
        fs::create_dir_all(folder)?;
        mount(
            Some(kind),
            folder,
            Some(kind),
            MsFlags::empty(),
            None::<&str>,
        )
        .map_err(|error| format!("cannot mount {kind} at {folder}: {error}"))?;
    }
    // One message queue may hold what the largest experiment sends; by default it is 10 messages of 8 KiB.
    fs::write("/proc/sys/fs/mqueue/msg_max", "64")?;
    fs::write("/proc/sys/fs/mqueue/msgsize_max", "65536")?;
    setrlimit(
        Resource::RLIMIT_MSGQUEUE,
        libc::RLIM_INFINITY,
        libc::RLIM_INFINITY,
    )?;
    setrlimit(Resource::RLIMIT_NOFILE, N_DESCRIPTORS, N_DESCRIPTORS)?;
    for module in fs::read_to_string("/modules")?.lines() {
        let file = File::open(module).map_err(|error| format!("{module}: {error}"))?;
        let is_binder = module.ends_with("/binder_linux.ko");
        let parameters = if is_binder { MODULE_PARAMETERS } else { c"" };
        finit_module(&file, parameters, ModuleInitFlags::empty())
            .map_err(|error| format!("cannot insert {module}: {error}"))?;
    }
    if has_binder() {
        for device in DEVICES {
            // As Android has it: every user may open it.
            fs::set_permissions(device, Permissions::from_mode(0o666))?;
        }
    }
    Ok(())
}

/// Whether the binder driver is there.
pub(crate) fn has_binder() -> bool {
    fs::exists(DEVICES[0]).unwrap_or(false)
}

/// Reports `status` to the host tool and switches the machine off.
pub(crate) fn end(status: u8) -> ExitCode {
    /// Where QEMU's `isa-debugcon` takes the report, and `isa-debug-exit` ends it.
    const REPORT: u64 = 0xe9;
    const EXIT: u64 = 0xf4;
    // What was printed may still lie in the kernel; the end would come first.
    if let Err(error) = tcdrain(std::io::stdout()) {
        println!("error: cannot wait for the console: {error}");
    }
    let told = OpenOptions::new()
        .write(true)
        .open("/dev/port")
        .and_then(|ports| {
            // A write of several bytes would go to several ports.
            for byte in format!("status {status}\n").into_bytes() {
                ports.write_all_at(&[byte], REPORT)?;
            }
            ports.write_all_at(&[0], EXIT)
        });
    // Only reached without these devices; then the kernel panics because its first process ends, and says so.
    println!("error: cannot report status {status} at /dev/port: {told:?}");
    ExitCode::from(status)
}

//! What needs unsafe code: processes, shared memory, the time-stamp counter, and messages with descriptors.
//!
//! This program has one thread, always; that is what makes [`fork`] safe.

use std::fs::File;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::AtomicU32;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};
use omnibus_compare::scene::Notes;

/// Result of a system call.
pub(crate) type Result<T> = std::result::Result<T, Errno>;

/// The time-stamp counter: under instruction counting, the instructions since the machine was switched on.
#[inline]
pub(crate) fn counter() -> u64 {
    // SAFETY: every CPU of this architecture has the instruction, and Linux does not forbid it to processes.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Another process. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Process(Pid);

impl Process {
    /// Starts a process that does `work` and ends with 0, or with 1 if that fails; it inherits every descriptor.
    pub(crate) fn start(name: &str, work: impl FnOnce() -> Result<()>) -> Result<Self> {
        // SAFETY: there is one thread, so the child finds no lock held.
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Parent { child } => Ok(Self(child)),
            ForkResult::Child => {
                let status = match work() {
                    Ok(()) => 0,
                    Err(error) => {
                        println!("error: process {name}: {error}");
                        1
                    }
                };
                // SAFETY: ends the process without running what the parent registered for its own end.
                unsafe { libc::_exit(status) }
            }
        }
    }

    /// Kills it without waiting for its end.
    pub(crate) fn kill(&self) -> Result<()> {
        kill(self.0, Signal::SIGKILL)
    }

    /// Waits for its end, which must be a good one.
    pub(crate) fn finish(self) -> Result<()> {
        let status = waitpid(self.0, None)?;
        // It is no more: nothing is left to kill.
        core::mem::forget(self);
        match status {
            WaitStatus::Exited(_, 0) => Ok(()),
            _ => Err(Errno::ECHILD),
        }
    }

    /// A descriptor that is readable when the process has ended (pidfd_open(2)).
    pub(crate) fn descriptor(&self) -> Result<OwnedFd> {
        // SAFETY: takes two numbers and touches no memory.
        let number = unsafe { libc::syscall(libc::SYS_pidfd_open, self.0.as_raw(), 0) };
        owned(Errno::result(number)? as i32)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, and then there is only its status to be taken.
        let _ = self.kill();
        let _ = waitpid(self.0, None);
    }
}

fn owned(number: i32) -> Result<OwnedFd> {
    Errno::result(number)?;
    // SAFETY: the kernel has just made this descriptor for us, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Memory that processes started later share with this one. Never unmapped: there are few.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared {
    start: *mut u8,
    n_bytes: usize,
}

impl Shared {
    /// Zeroed memory.
    pub(crate) fn new(n_bytes: usize) -> Result<Self> {
        // SAFETY: a new mapping where the kernel finds room touches no memory in use.
        let start = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                n_bytes,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED | libc::MAP_ANONYMOUS | libc::MAP_POPULATE,
                -1,
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self {
            start: start.cast(),
            n_bytes,
        })
    }

    /// The aligned 32-bit word number `index`.
    pub(crate) fn word(&self, index: usize) -> &AtomicU32 {
        assert!((index + 1) * 4 <= self.n_bytes, "inside the memory");
        // SAFETY: inside the mapping, which is never unmapped, aligned, and only ever accessed as an atomic at this offset.
        unsafe { &*self.start.cast::<AtomicU32>().add(index) }
    }

    /// Notes at the start of the memory.
    pub(crate) fn notes(&self) -> &Notes {
        assert!(size_of::<Notes>() <= self.n_bytes, "inside the memory");
        // SAFETY: inside the mapping, which is never unmapped and begins with a page; notes are atomics, for which zeros are valid, and
        // nothing else is accessed there.
        unsafe { &*self.start.cast::<Notes>() }
    }

    /// Copies `bytes` to `offset`.
    pub(crate) fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= self.n_bytes, "inside the memory");
        // SAFETY: inside the mapping; the words of a protocol keep writers and readers apart.
        unsafe {
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.add(offset), bytes.len());
        }
    }

    /// Copies what is at `offset` into `bytes`.
    pub(crate) fn read(&self, offset: usize, bytes: &mut [u8]) {
        assert!(offset + bytes.len() <= self.n_bytes, "inside the memory");
        // SAFETY: as for writing.
        unsafe {
            core::ptr::copy_nonoverlapping(self.start.add(offset), bytes.as_mut_ptr(), bytes.len());
        }
    }
}

/// Sleeps until `word` is woken, unless it is no longer `value` (futex(2), FUTEX_WAIT).
pub(crate) fn futex_wait(word: &AtomicU32, value: u32) {
    // SAFETY: the word lives as long as the call. Errors are: changed already, or a signal; the caller looks at the word again.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            value,
            core::ptr::null::<libc::timespec>(),
        );
    }
}

/// Wakes all who sleep on `word` (futex(2), FUTEX_WAKE).
pub(crate) fn futex_wake(word: &AtomicU32) {
    // SAFETY: the address only names the sleepers.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE,
            libc::c_int::MAX,
        );
    }
}

/// Lets the calling process run as soon as it can, before all that have no such wish (sched(7), SCHED_FIFO).
pub(crate) fn become_urgent() -> Result<()> {
    let parameter = libc::sched_param { sched_priority: 1 };
    // SAFETY: the parameter lives as long as the call.
    let done = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameter) };
    Errno::result(done).map(drop)
}

/// Room for the control message of one descriptor, aligned as `cmsghdr` is.
type Control = [u64; 3];

/// Sends `bytes` with a descriptor, without allocating (unix(7), SCM_RIGHTS).
pub(crate) fn send_descriptor(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptor: BorrowedFd<'_>,
    flags: i32,
) -> Result<()> {
    let mut control: Control = [0; 3];
    let mut part = libc::iovec {
        iov_base: bytes.as_ptr().cast_mut().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: all zeros is a valid `msghdr`; the pointers that are then set live until the call returns; `control` has
    // room for one header and one number, and CMSG_FIRSTHDR finds it there because the length says so.
    let sent = unsafe {
        let mut message: libc::msghdr = core::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = libc::CMSG_SPACE(4) as usize;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(header)
            .cast::<i32>()
            .write_unaligned(descriptor.as_raw_fd());
        libc::sendmsg(socket.as_raw_fd(), &raw const message, flags)
    };
    Errno::result(sent).map(drop)
}

/// Receives bytes and a descriptor, if one came; without allocating.
pub(crate) fn recv_descriptor(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
) -> Result<(usize, Option<OwnedFd>)> {
    let mut control: Control = [0; 3];
    let mut part = libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    // SAFETY: as for sending; the kernel writes a header, if at all, inside `control`, and its number is then a new descriptor.
    unsafe {
        let mut message: libc::msghdr = core::mem::zeroed();
        message.msg_iov = &raw mut part;
        message.msg_iovlen = 1;
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = size_of::<Control>();
        let n_bytes = Errno::result(libc::recvmsg(socket.as_raw_fd(), &raw mut message, 0))?;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        let descriptor = if header.is_null() {
            None
        } else {
            let number = libc::CMSG_DATA(header).cast::<i32>().read_unaligned();
            Some(owned(number)?)
        };
        Ok((n_bytes as usize, descriptor))
    }
}

/// The number in an error of the operating system.
pub(crate) fn errno(error: &std::io::Error) -> Errno {
    Errno::from_raw(error.raw_os_error().unwrap_or(libc::EIO))
}

/// Memory into which the binder driver puts payloads.
#[derive(Debug)]
pub(crate) struct BufferSpace {
    start: *const u8,
    n_bytes: usize,
}

impl BufferSpace {
    /// Maps it.
    pub(crate) fn new(device: &File, n_bytes: usize) -> Result<Self> {
        // SAFETY: a new mapping where the kernel finds room touches no memory in use.
        let start = unsafe {
            libc::mmap(
                core::ptr::null_mut(),
                n_bytes,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_NORESERVE,
                device.as_raw_fd(),
                0,
            )
        };
        if start == libc::MAP_FAILED {
            return Err(Errno::last());
        }
        Ok(Self {
            start: start.cast_const().cast(),
            n_bytes,
        })
    }

    /// Copies a payload, or its start, from an address that the driver told.
    pub(crate) fn read(&self, address: u64, bytes: &mut [u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let offset = (address as usize).wrapping_sub(self.start.addr());
        if offset > self.n_bytes || bytes.len() > self.n_bytes - offset {
            return Err(Errno::EFAULT);
        }
        // SAFETY: inside the mapping; the driver leaves a payload as it is until it is freed.
        unsafe {
            core::ptr::copy_nonoverlapping(self.start.add(offset), bytes.as_mut_ptr(), bytes.len());
        }
        Ok(())
    }
}

impl Drop for BufferSpace {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and nothing borrows from it.
        unsafe { libc::munmap(self.start.cast_mut().cast(), self.n_bytes) };
    }
}

/// Makes the process the context manager of the device (`BINDER_SET_CONTEXT_MGR`).
pub(crate) fn become_context_manager(device: &File) -> Result<()> {
    // SAFETY: the request reads one 32-bit number.
    let done = unsafe { libc::ioctl(device.as_raw_fd(), 0x4004_6207, &0_i32) };
    Errno::result(done).map(drop)
}

/// Writes commands and waits for returns (`BINDER_WRITE_READ`); bytes of the returns.
pub(crate) fn write_read(device: &File, commands: &[u8], returns: &mut [u8]) -> Result<usize> {
    /// `struct binder_write_read`.
    #[repr(C)]
    struct WriteRead {
        write_size: u64,
        write_consumed: u64,
        write_buffer: u64,
        read_size: u64,
        read_consumed: u64,
        read_buffer: u64,
    }
    let mut request = WriteRead {
        write_size: commands.len() as u64,
        write_consumed: 0,
        write_buffer: commands.as_ptr() as u64,
        read_size: returns.len() as u64,
        read_consumed: 0,
        read_buffer: returns.as_mut_ptr() as u64,
    };
    // SAFETY: the request has the driver's layout, and names memory that lives until it returns.
    let done = unsafe { libc::ioctl(device.as_raw_fd(), 0xc030_6201, &raw mut request) };
    Errno::result(done)?;
    Ok(request.read_consumed as usize)
}

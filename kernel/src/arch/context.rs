//! The user's registers: all of a thread that the CPU holds while it runs, and nothing of it anywhere else while it does not.
//!
//! A context is in one of three states, told by how it is to be resumed:
//! - *fresh* or *interrupted* ([`Resume::Full`]): every register counts, and IRETQ restores them all;
//! - *in a system call* ([`Resume::Syscall`]): rax and rdx are the answer, rcx and r11 are lost (they take rip and rflags), the other general
//!   registers are kept, vector and x87 registers will read as zero with their control words kept, and SYSRET goes back;
//! - *running*: the CPU holds the registers, and what is here is old.
//!
//! Rules: rip comes from the CPU or is checked to be in the user half; rflags comes from the CPU or has only bits that user mode may set;
//! FS base is in the user half; GS base is 0 in user mode, always, so that it tells the kernel from a user.

use core::ptr::NonNull;
use omnibus_abi::layout::is_user_range;
use omnibus_abi::native::Registers;
use omnibus_abi::short::{N_WORDS, SHORT_BYTES_MAX};

/// Bytes of the vector state: legacy area, XSAVE header, upper halves of the 32-byte registers (SDM 1 13.4). XCR0 is fixed to these.
const VECTOR_BYTES: usize = 512 + 64 + 256;

/// Carry, parity, adjust, zero, sign, trap, direction, overflow, alignment check, identification: what user code may set freely.
const USER_FLAGS: u64 = 0x24_0dd5;
/// Interrupts on, and bit 1, which is always set.
const FIXED_FLAGS: u64 = 0x202;

/// x87 control word and MXCSR of a fresh thread: all exceptions masked, 64-bit precision, round to nearest (System V ABI, 3.2.1).
const INITIAL_FCW: u16 = 0x037f;
const INITIAL_MXCSR: u32 = 0x1f80;

/// What runs next: a context, or nothing, which is idling until the next interrupt.
pub type Next = Option<NonNull<UserContext>>;

/// How a context goes back to user mode.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    /// By IRETQ, with all registers.
    Full = 0,
    /// By SYSRET, as the end of a system call.
    Syscall = 1,
}

/// See the module's documentation. The assembly in `entry` knows the offsets by `offset_of!`.
#[repr(C, align(64))]
#[derive(Clone)]
pub struct UserContext {
    pub(crate) rax: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) rbx: u64,
    /// rdx, r8, r9, r10, r12, r13, r14, r15: those of a message, in the order of its bytes ([`omnibus_abi::short`]).
    pub(crate) message: [u64; N_WORDS],
    pub(crate) rip: u64,
    pub(crate) rflags: u64,
    pub(crate) rsp: u64,
    pub(crate) rbp: u64,
    pub(crate) rcx: u64,
    pub(crate) r11: u64,
    pub(crate) fs_base: u64,
    /// ds, es, fs, gs as they were at an interrupt or a fault.
    pub(crate) selectors: [u16; 4],
    pub(crate) resume: Resume,
    pub(crate) mxcsr: u32,
    pub(crate) fcw: u16,
    pub(crate) vector: VectorState,
}

/// The XSAVE area, or the FXSAVE area at its beginning on a CPU without XSAVE.
#[repr(C, align(64))]
#[derive(Clone)]
pub(crate) struct VectorState([u8; VECTOR_BYTES]);

impl VectorState {
    /// All registers zero, initial control words. An XSAVE header of zeros means "initial" for every component (SDM 1 13.8).
    pub(crate) const fn initial() -> Self {
        Self::with_controls(INITIAL_FCW, INITIAL_MXCSR)
    }

    /// All registers zero, with these control words.
    const fn with_controls(fcw: u16, mxcsr: u32) -> Self {
        let mut bytes = [0; VECTOR_BYTES];
        let (fcw, mxcsr) = (fcw.to_le_bytes(), mxcsr.to_le_bytes());
        bytes[0] = fcw[0];
        bytes[1] = fcw[1];
        bytes[24] = mxcsr[0];
        bytes[25] = mxcsr[1];
        Self(bytes)
    }
}

/// An address that is not in the user half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUser(pub u64);

impl UserContext {
    /// A fresh thread that begins at `rip` with `rsp` and `argument` in rdi; everything else is zero. An `rsp` outside the user half is
    /// harmless: the first use of it faults.
    ///
    /// # Errors
    /// [`NotUser`] if `rip` is not in the user half.
    pub const fn new(rip: u64, rsp: u64, argument: u64) -> Result<Self, NotUser> {
        if !is_user_range(rip, 1) {
            return Err(NotUser(rip));
        }
        Ok(Self {
            rax: 0,
            rdi: argument,
            rsi: 0,
            rbx: 0,
            message: [0; N_WORDS],
            rip,
            rflags: FIXED_FLAGS,
            rsp,
            rbp: 0,
            rcx: 0,
            r11: 0,
            fs_base: 0,
            selectors: [0; 4],
            resume: Resume::Full,
            mxcsr: INITIAL_MXCSR,
            fcw: INITIAL_FCW,
            vector: VectorState::initial(),
        })
    }

    /// Number of the system call that the thread made.
    pub const fn call_number(&self) -> u64 {
        self.rax
    }

    /// Arguments of the system call: rdi, rsi, rdx, r10, r8, r9.
    pub const fn arguments(&self) -> [u64; 6] {
        let [rdx, r8, r9, r10, ..] = self.message;
        [self.rdi, self.rsi, rdx, r10, r8, r9]
    }

    /// Ends the system call with `status` in rax and `value` in rdx.
    pub const fn set_result(&mut self, status: u64, value: u64) {
        self.rax = status;
        self.message[0] = value;
    }

    /// The bytes in its message registers, of which a message is the first so many.
    #[inline(always)]
    pub const fn message_bytes(&self) -> [u8; SHORT_BYTES_MAX as usize] {
        // SAFETY: words are as many bytes, of any value, and this CPU has them in memory in the order of the message, the lowest first.
        unsafe { core::mem::transmute(self.message) }
    }

    /// Fills its message registers with these bytes, the first lowest in the first.
    #[inline(always)]
    pub const fn set_message_bytes(&mut self, bytes: &[u8; SHORT_BYTES_MAX as usize]) {
        // SAFETY: as for `message_bytes`.
        self.message = unsafe {
            core::mem::transmute::<[u8; SHORT_BYTES_MAX as usize], [u64; N_WORDS]>(*bytes)
        };
    }

    /// The message in its registers, up to the whole word that the last of `n_bytes` is in; what lies behind it in that word is 0.
    pub const fn message(&self, n_bytes: u64) -> [u64; N_WORDS] {
        let mut message = [0; N_WORDS];
        let mut index = 0;
        while index < N_WORDS && (index as u64) * 8 < n_bytes {
            message[index] = self.message[index];
            index += 1;
        }
        if index > 0 && !n_bytes.is_multiple_of(8) {
            message[index - 1] &= (1 << (n_bytes % 8 * 8)) - 1;
        }
        message
    }

    /// Copies a message of `n_bytes` from the registers here into those of `to`, in which others are kept.
    #[inline(always)]
    pub fn hand_message(&self, to: &mut Self, n_bytes: u64) {
        if n_bytes == 0 {
            return;
        }
        match n_bytes {
            8 => self.hand_words::<1>(to),
            16 => self.hand_words::<2>(to),
            24 => self.hand_words::<3>(to),
            32 => self.hand_words::<4>(to),
            40 => self.hand_words::<5>(to),
            48 => self.hand_words::<6>(to),
            56 => self.hand_words::<7>(to),
            64 => self.hand_words::<8>(to),
            _ => self.hand_parts(to, n_bytes),
        }
    }

    /// The same of `N` whole words: how many it is stands in the code, so that they are copied in pairs and nothing is counted.
    #[inline(always)]
    fn hand_words<const N: usize>(&self, to: &mut Self) {
        if let (Some(to), Some(from)) = (
            to.message.first_chunk_mut::<N>(),
            self.message.first_chunk::<N>(),
        ) {
            *to = *from;
        }
    }

    /// The same of a message whose last word is not a whole one.
    #[inline(never)]
    fn hand_parts(&self, to: &mut Self, n_bytes: u64) {
        to.set_message(&self.message(n_bytes), n_bytes);
    }

    /// Puts the words of a message of `n_bytes` into its registers; registers that nothing of it is in are kept.
    pub fn set_message(&mut self, message: &[u64; N_WORDS], n_bytes: u64) {
        let n_words = n_bytes.div_ceil(8) as usize;
        for (to, from) in self.message.iter_mut().zip(message).take(n_words) {
            *to = *from;
        }
    }

    /// Makes the thread execute its SYSCALL instruction (2 bytes) again when it is resumed, with the same arguments: for a call that was
    /// abandoned without effect. [`UserContext::set_result`] must not have been called.
    pub const fn restart_call(&mut self) {
        self.rip -= 2;
    }

    /// Where the thread is.
    pub const fn rip(&self) -> u64 {
        self.rip
    }

    /// Its stack pointer.
    pub const fn rsp(&self) -> u64 {
        self.rsp
    }

    /// How it will be resumed.
    pub const fn resume(&self) -> Resume {
        self.resume
    }

    /// Base of FS, the thread's pointer to its own data.
    pub const fn fs_base(&self) -> u64 {
        self.fs_base
    }

    /// Sets the base of FS for the time from the next resume on.
    ///
    /// # Errors
    /// [`NotUser`] if `base` is neither 0 nor in the user half.
    pub fn set_fs_base(&mut self, base: u64) -> Result<(), NotUser> {
        if base != 0 && !is_user_range(base, 1) {
            return Err(NotUser(base));
        }
        self.fs_base = base;
        #[cfg(not(test))]
        super::percpu::Cpu::current().forget_context();
        Ok(())
    }

    /// The general registers by name, for the report of a fault.
    pub const fn registers(&self) -> [(&'static str, u64); 18] {
        [
            ("rip", self.rip),
            ("rsp", self.rsp),
            ("rflags", self.rflags),
            ("rax", self.rax),
            ("rbx", self.rbx),
            ("rcx", self.rcx),
            ("rdx", self.message[0]),
            ("rsi", self.rsi),
            ("rdi", self.rdi),
            ("rbp", self.rbp),
            ("r8", self.message[1]),
            ("r9", self.message[2]),
            ("r10", self.message[3]),
            ("r11", self.r11),
            ("r12", self.message[4]),
            ("r13", self.message[5]),
            ("r14", self.message[6]),
            ("r15", self.message[7]),
        ]
    }

    /// The registers as the ABI tells them. Of a thread in a system call: its arguments, and rip behind the instruction.
    pub const fn told(&self) -> Registers {
        let [rdx, r8, r9, r10, r12, r13, r14, r15] = self.message;
        let (rcx, r11) = match self.resume {
            Resume::Full => (self.rcx, self.r11),
            Resume::Syscall => (0, 0),
        };
        Registers {
            rax: self.rax,
            rbx: self.rbx,
            rcx,
            rdx,
            rsi: self.rsi,
            rdi: self.rdi,
            rbp: self.rbp,
            rsp: self.rsp,
            r8,
            r9,
            r10,
            r11,
            r12,
            r13,
            r14,
            r15,
            rip: self.rip,
            rflags: Self::user_flags(self.rflags),
            fs_base: self.fs_base,
        }
    }

    /// Nothing if a thread may go on with these registers.
    ///
    /// # Errors
    /// [`NotUser`] if `rip` is not in the user half, or the base neither there nor 0. An `rsp` outside is harmless.
    pub const fn check_told(to: &Registers) -> Result<(), NotUser> {
        if !is_user_range(to.rip, 1) {
            return Err(NotUser(to.rip));
        }
        if to.fs_base != 0 && !is_user_range(to.fs_base, 1) {
            return Err(NotUser(to.fs_base));
        }
        Ok(())
    }

    /// Lets the thread go on in user mode with these registers, whatever it was doing. Its vector and x87 registers are as an interrupt
    /// left them; of a thread in a system call they are zero, with the control words that it had.
    ///
    /// # Errors
    /// Those of [`Self::check_told`]; nothing has changed then.
    pub fn set_told(&mut self, to: &Registers) -> Result<(), NotUser> {
        Self::check_told(to)?;
        self.set_fs_base(to.fs_base)?;
        if self.resume == Resume::Syscall {
            self.vector = VectorState::with_controls(self.fcw, self.mxcsr);
            self.selectors = [0; 4];
            self.resume = Resume::Full;
        }
        self.rax = to.rax;
        self.rbx = to.rbx;
        self.rcx = to.rcx;
        self.rsi = to.rsi;
        self.rdi = to.rdi;
        self.rbp = to.rbp;
        self.rsp = to.rsp;
        self.r11 = to.r11;
        self.message = [to.rdx, to.r8, to.r9, to.r10, to.r12, to.r13, to.r14, to.r15];
        self.rip = to.rip;
        self.rflags = Self::user_flags(to.rflags);
        Ok(())
    }

    /// Only the bits of `flags` that user code may set, with interrupts on.
    pub const fn user_flags(flags: u64) -> u64 {
        flags & USER_FLAGS | FIXED_FLAGS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread cannot begin in the kernel's half, at null, or at the last page below the hole.
    #[test]
    fn a_context_begins_in_the_user_half() {
        for rip in [
            0,
            0xfff,
            0x7fff_ffff_f000,
            0x8000_0000_0000,
            0xffff_ffff_8020_0000,
            u64::MAX,
        ] {
            assert_eq!(UserContext::new(rip, 0, 0).err(), Some(NotUser(rip)));
        }
        assert!(UserContext::new(0x1000, 0, 0).is_ok());
    }

    /// No flag that is not the user's own survives: IOPL, NT, RF, VM, VIF, VIP; interrupts are always on.
    #[test]
    fn flags_are_those_a_user_may_set() {
        assert_eq!(UserContext::user_flags(u64::MAX), 0x24_0fd7);
        assert_eq!(UserContext::user_flags(0), 0x202);
    }

    /// Of a message as many bytes count as were announced: the rest of its last word is 0, and no other word is touched.
    #[test]
    fn a_message_ends_with_its_last_byte() {
        let mut context = UserContext::new(0x1000, 0, 0).unwrap();
        context.message = [u64::MAX; N_WORDS];
        for (n_bytes, words) in [
            (0, [0, 0, 0]),
            (16, [u64::MAX, u64::MAX, 0]),
            (1, [0xff, 0, 0]),
            (8, [u64::MAX, 0, 0]),
            (15, [u64::MAX, u64::MAX >> 8, 0]),
            (17, [u64::MAX, u64::MAX, 0xff]),
        ] {
            let message = context.message(n_bytes);
            assert_eq!(message[..3], words, "{n_bytes}");
            assert_eq!(message[3..], [0; N_WORDS - 3]);
            let mut other = UserContext::new(0x1000, 0, 0).unwrap();
            other.message = [7; N_WORDS];
            other.set_message(&message, n_bytes);
            let mut handed = UserContext::new(0x1000, 0, 0).unwrap();
            handed.message = [7; N_WORDS];
            context.hand_message(&mut handed, n_bytes);
            assert_eq!(handed.message, other.message, "{n_bytes}");
            let n_words = n_bytes.div_ceil(8) as usize;
            assert_eq!(other.message[..n_words], message[..n_words]);
            assert!(other.message[n_words..].iter().all(|&word| word == 7));
        }
        assert_eq!(context.message(64), [u64::MAX; N_WORDS]);
    }

    /// What is told of the registers and set again is the same, but for flags that a user may not set; a bad rip or base changes nothing.
    #[test]
    fn registers_are_told_and_set() {
        let words: [u64; 19] = core::array::from_fn(|index| 0x1000 + index as u64);
        let told = Registers::from_words(words);
        let mut context = UserContext::new(0x5000, 0x6000, 7).unwrap();
        context.resume = Resume::Syscall;
        (context.rcx, context.fcw, context.mxcsr) = (99, 0x27f, 0x1f00);
        assert_eq!((context.told().rcx, context.told().rdi), (0, 7));
        for bad in [
            Registers {
                rip: 1 << 47,
                ..told
            },
            Registers {
                fs_base: 1 << 63,
                ..told
            },
        ] {
            let before = context.told();
            assert!(context.set_told(&bad).is_err());
            assert_eq!((context.told(), context.resume), (before, Resume::Syscall));
        }
        context.set_told(&told).unwrap();
        let rflags = UserContext::user_flags(told.rflags);
        assert_eq!(context.told(), Registers { rflags, ..told });
        assert_eq!(context.resume, Resume::Full);
        assert_eq!(context.vector.0[..2], 0x27f_u16.to_le_bytes());
        assert_eq!(context.vector.0[24..28], 0x1f00_u32.to_le_bytes());
    }

    /// The vector state lies where XSAVE can write it.
    #[test]
    fn the_vector_state_is_aligned() {
        assert_eq!(core::mem::offset_of!(UserContext, vector) % 64, 0);
        assert_eq!(align_of::<UserContext>(), 64);
    }
}

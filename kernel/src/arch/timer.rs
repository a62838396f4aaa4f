//! Time: what the clock says, and when the next interrupt comes.
//!
//! The clock is the time-stamp counter, scaled; the interrupt is the local APIC's timer. Both are calibrated at boot against channel 2 of the
//! interval timer, whose frequency is fixed. In QEMU's emulator the counter follows the host's clock; with `-icount shift=0` it
//! counts one per guest instruction, and so does the APIC timer (both at 1 GHz), which makes every figure repeatable.

use super::apic;
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::instructions::port::Port;

/// Frequency of the interval timer (Intel 8254), in Hz.
const PIT_HZ: u64 = 1_193_182;
/// Length of one calibration, in ticks of the interval timer: about 10 ms.
const PIT_TICKS: u16 = 11_932;
/// How often calibration is repeated at most. The shortest counts, since a delay, as on a busy host, can only lengthen it; and as no two
/// delays are alike, it ends when one agrees with the shortest before it.
const N_CALIBRATIONS_MAX: u32 = 20;
/// Two calibrations agree if they differ by less than this part.
const AGREEMENT: u64 = 256;
/// Reads of the interval timer's output before it is taken for absent.
const PIT_PATIENCE: u32 = 50_000_000;
/// No request is longer, so that scaling it cannot overflow: about 18 minutes, far beyond what the timer can count.
const LONGEST_NS: u64 = 1 << 40;
const NS_PER_S: u64 = 1_000_000_000;

/// Counter value at nanosecond 0.
static EPOCH: AtomicU64 = AtomicU64::new(0);
/// Nanoseconds per tick of the counter, times 2^32.
static NS_PER_TICK: AtomicU64 = AtomicU64::new(0);
/// Ticks of the APIC timer per nanosecond, times 2^32.
static APIC_TICKS_PER_NS: AtomicU64 = AtomicU64::new(0);

/// What calibration found.
#[derive(Clone, Copy, Debug)]
pub struct Frequencies {
    /// Ticks of the time-stamp counter per second.
    pub counter_hz: u64,
    /// Ticks of the APIC timer per second.
    pub apic_hz: u64,
}

/// The interval timer did not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoIntervalTimer;

/// The time-stamp counter.
#[inline]
pub fn counter() -> u64 {
    // SAFETY: every CPU the kernel accepts has the instruction (`cpu::REQUIRED`); it has no effect.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Calibrates clock and timer; the clock starts at 0.
///
/// # Errors
/// [`NoIntervalTimer`]
pub fn init() -> Result<Frequencies, NoIntervalTimer> {
    let (mut n_counter, mut n_apic) = calibrate()?;
    for _ in 1..N_CALIBRATIONS_MAX {
        let (counter, apic) = calibrate()?;
        let do_agree = counter.abs_diff(n_counter) < n_counter / AGREEMENT;
        n_counter = n_counter.min(counter);
        n_apic = n_apic.min(apic);
        if do_agree {
            break;
        }
    }
    let frequencies = Frequencies {
        counter_hz: n_counter * PIT_HZ / u64::from(PIT_TICKS),
        apic_hz: n_apic * PIT_HZ / u64::from(PIT_TICKS),
    };
    if frequencies.counter_hz == 0 || frequencies.apic_hz == 0 {
        return Err(NoIntervalTimer);
    }
    NS_PER_TICK.store(
        fraction(NS_PER_S, frequencies.counter_hz),
        Ordering::Relaxed,
    );
    APIC_TICKS_PER_NS.store(fraction(frequencies.apic_hz, NS_PER_S), Ordering::Relaxed);
    EPOCH.store(counter(), Ordering::Relaxed);
    Ok(frequencies)
}

/// `a / b` times 2^32.
const fn fraction(a: u64, b: u64) -> u64 {
    (((a as u128) << 32) / b as u128) as u64
}

const fn scale(value: u64, fraction: u64) -> u64 {
    ((value as u128 * fraction as u128) >> 32) as u64
}

/// Ticks of the counter and of the APIC timer in [`PIT_TICKS`].
fn calibrate() -> Result<(u64, u64), NoIntervalTimer> {
    // Channel 2 counts while bit 0 of port 0x61 is set; bit 5 shows its output, which rises at 0 in mode 0 (8254 data sheet; the gate
    // and output bits: Intel 82371 (PIIX4) 4.2.7).
    let mut command = Port::<u8>::new(0x43);
    let mut count = Port::<u8>::new(0x42);
    let mut gate = Port::<u8>::new(0x61);
    // SAFETY: the ports belong to the interval timer and the speaker's gate; nothing else uses them.
    let (before, after) = unsafe {
        let closed = gate.read() & !0b11;
        gate.write(closed);
        command.write(0b1011_0000);
        count.write(PIT_TICKS as u8);
        count.write((PIT_TICKS >> 8) as u8);
        apic::start_silent_timer(u32::MAX);
        let before = (counter(), apic::timer_ticks_left());
        gate.write(closed | 1);
        let mut patience = PIT_PATIENCE;
        while gate.read() & 0x20 == 0 {
            patience -= 1;
            if patience == 0 {
                return Err(NoIntervalTimer);
            }
        }
        let after = (counter(), apic::timer_ticks_left());
        gate.write(closed);
        (before, after)
    };
    apic::start_silent_timer(0);
    Ok((
        after.0.saturating_sub(before.0),
        u64::from(before.1.saturating_sub(after.1)),
    ))
}

/// Nanoseconds since boot; never goes back on one CPU.
pub fn clock_ns() -> u64 {
    scale(
        counter().saturating_sub(EPOCH.load(Ordering::Relaxed)),
        NS_PER_TICK.load(Ordering::Relaxed),
    )
}

/// So many ticks of the counter in nanoseconds.
pub fn ticks_to_ns(n_ticks: u64) -> u64 {
    scale(n_ticks, NS_PER_TICK.load(Ordering::Relaxed))
}

/// Nanoseconds since the counter began to count, at reset: firmware and loader included.
pub fn since_reset_ns() -> u64 {
    scale(counter(), NS_PER_TICK.load(Ordering::Relaxed))
}

/// Asks for [`super::trap::Trap::Timer`] at `deadline_ns` of the clock, or soon if that has passed. Only the last request counts. The interrupt
/// may come early (the timer counts to 2^32 ticks, about 4 s at 1 GHz): who asked looks at the clock and asks again.
pub fn arm_at(deadline_ns: u64) {
    let n_ns = deadline_ns.saturating_sub(clock_ns()).min(LONGEST_NS);
    let n_ticks = scale(n_ns, APIC_TICKS_PER_NS.load(Ordering::Relaxed)).saturating_add(1);
    start(u32::try_from(n_ticks).unwrap_or(u32::MAX));
}

/// Takes the last request back.
pub fn disarm() {
    start(0);
}

fn start(n_ticks: u32) {
    #[cfg(not(test))]
    if super::slice::is_on() {
        return;
    }
    apic::start_timer(n_ticks);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day of nanoseconds survives scaling to ticks and back, within a microsecond, for slow and fast counters.
    #[test]
    fn scaling_keeps_its_precision() {
        let day_ns = 86_400 * NS_PER_S;
        for hz in [1_000_000_000, 2_794_750_000, 5_000_000_001] {
            let n_ticks = (u128::from(day_ns) * u128::from(hz) / u128::from(NS_PER_S)) as u64;
            let got = scale(n_ticks, fraction(NS_PER_S, hz));
            assert!(got.abs_diff(day_ns) < 100_000, "{hz} Hz: {got}");
        }
    }
}

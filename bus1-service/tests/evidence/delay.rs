//! Delays between the steps of an operation, so that threads meet there.

/// A hook that waits now and then, by a plain generator with this seed.
pub(crate) fn delay(seed: u64) -> Box<dyn FnMut(&'static str)> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    Box::new(move |_place| {
        // xorshift64
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        match state % 32 {
            0..12 => std::thread::yield_now(),
            12 => std::thread::sleep(std::time::Duration::from_micros(state >> 8 & 31)),
            13..17 => (0..state >> 8 & 1023).for_each(|_| std::hint::spin_loop()),
            _ => {}
        }
    })
}

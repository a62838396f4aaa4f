//! The bytes of a program, read from the front. At the end a program ends, whatever it was about to say.

/// What is left of the bytes.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    /// The next byte, if there is one.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// The next byte; 0 at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or(0)
    }

    /// One of `n` choices.
    pub(crate) fn choose(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    /// An amount of a slot: small ones one by one, then seven of every power of two, and two that overflow.
    pub(crate) fn amount(&mut self) -> u64 {
        match self.byte() {
            u8::MAX => u64::MAX,
            254 => u64::MAX / 2 + 1,
            byte @ 0..32 => u64::from(byte),
            byte => u64::from(byte % 8) << (byte / 8),
        }
    }
}

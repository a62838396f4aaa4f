//! Names of tasks, for reports.

/// Bytes of a name that are kept for reports.
const NAME_BYTES: usize = 32;

/// The name of a program, cut for reports.
#[derive(Clone, Copy)]
pub struct Name {
    bytes: [u8; NAME_BYTES],
    n_bytes: usize,
}

impl Name {
    /// The first bytes of `name`.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut bytes = [0; NAME_BYTES];
        let n_bytes = name.len().min(NAME_BYTES);
        for (to, from) in bytes.iter_mut().zip(name) {
            *to = *from;
        }
        Self { bytes, n_bytes }
    }

    /// The name, if it is text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.n_bytes).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or("(not text)")
    }
}

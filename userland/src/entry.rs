//! From the kernel's first instruction to the program's `main`, and back.

/// What `main` may return: anything that becomes an exit status.
pub trait Termination {
    /// The exit status, 0 to 255.
    fn status(self) -> u8;
}

impl Termination for () {
    fn status(self) -> u8 {
        0
    }
}

impl Termination for u8 {
    fn status(self) -> u8 {
        self
    }
}

impl<E: core::fmt::Debug> Termination for Result<(), E> {
    fn status(self) -> u8 {
        match self {
            Ok(()) => 0,
            Err(error) => {
                crate::println!("error: {error:?}");
                1
            }
        }
    }
}

/// Names the program's `main`: a function without arguments whose result implements [`Termination`].
#[macro_export]
macro_rules! program {
    ($main:path) => {
        const _: () = {
            // SAFETY: the runtime declares this symbol with this signature and calls it once.
            #[unsafe(no_mangle)]
            fn omnibus_main() -> u8 {
                $crate::entry::Termination::status($main())
            }
        };
    };
}

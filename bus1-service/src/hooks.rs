//! Of the test build (feature `hooks`): what happens between two steps of an operation, outside every lock. Set per thread, so
//! that tests run side by side.

use std::boxed::Box;
use std::cell::RefCell;

/// What is called with the name of the place. It may sleep, yield, or never return.
pub type Hook = Box<dyn FnMut(&'static str)>;

std::thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Sets the hook of this thread; gives back the one it had.
pub fn set(hook: Option<Hook>) -> Option<Hook> {
    HOOK.with(|place| place.replace(hook))
}

/// Calls it. A hook that uses the core itself is not called again from inside.
pub(crate) fn call(place: &'static str) {
    let hook = HOOK.with(RefCell::take);
    if let Some(mut hook) = hook {
        hook(place);
        HOOK.with(|slot| {
            slot.borrow_mut().get_or_insert(hook);
        });
    }
}

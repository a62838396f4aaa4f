//! A panic ends the task: one line that says who and why, then status 101, as with std.

use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

/// Exit status of a task that panicked.
const STATUS: u8 = 101;

static IS_PANICKING: AtomicBool = AtomicBool::new(false);

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if !IS_PANICKING.swap(true, Ordering::Relaxed) {
        let number = crate::environment::task_number();
        let message = info.message();
        match info.location() {
            Some(place) => crate::println!("task {number} panicked at {place}: {message}"),
            None => crate::println!("task {number} panicked: {message}"),
        }
    }
    crate::task::exit(STATUS)
}

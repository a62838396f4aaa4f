//! What is told of a task.

use core::sync::atomic::Ordering;

use omnibus_abi::native;

use super::end::End;
use super::task::Task;
use crate::time;

impl Task {
    /// What `task_status` tells.
    #[must_use]
    pub fn status(&self) -> native::TaskStatus {
        let end = self.how_it_ended().filter(|_| self.has_ended());
        let (state, code, address) = match end {
            None => (native::TASK_RUNNING, 0, 0),
            Some(End::Exited(status)) => (native::TASK_EXITED, u64::from(status), 0),
            Some(End::Killed) => (native::TASK_KILLED, 0, 0),
            Some(End::Faulted { vector, address }) => {
                (native::TASK_FAULTED, u64::from(vector), address)
            }
        };
        native::TaskStatus {
            state,
            code,
            address,
            number: self.number,
            n_frames: self.space.n_frames(),
            cpu_ns: time::ns_of(self.cpu_ticks.load(Ordering::Relaxed)),
            priority: self.priority().level() as u64,
            priority_maximum: self.urgency.maximum().level() as u64,
        }
    }
}

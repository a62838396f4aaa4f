//! A mapping: a part of a memory object at an address of a task.
//!
//! ```text
//!   entered in the space ──> attached to the object ──> pages mapped ──> ending: pages unmapped ──> over
//! ```
//!
//! 1. It is in the task's space, which keeps others from its addresses, and in the object's list, which finds it when the object
//!    is revoked. It is in both from before its first page is mapped until after its last one is unmapped.
//! 2. Mapping and unmapping go page by page, each page under the lock of the space. Once it is ending no further page is mapped; once it is
//!    over, nothing is unmapped: the addresses may be another's.
//! 3. Anybody may see an end through: the task itself, who revokes the object, the reaper. Who finds it still in the space takes
//!    it out of there and of the object's list.
//! 4. It keeps its object, and the space keeps it; both end with [`Mapping::detach`].

use core::sync::atomic::AtomicBool;

use super::Hold;
use crate::mm::address_space::Rights;
use crate::service::Charge;
use crate::shared::{Link, Linked, Ref};
use crate::task::task::Task;

/// Purpose of the link of a mapping in its object's list.
#[derive(Debug)]
pub enum OfMemory {}

/// See the module's documentation.
pub struct Mapping {
    /// The task.
    pub task: Ref<Task>,
    /// The object, kept.
    pub memory: Hold,
    /// Address of the first page.
    pub address: u64,
    /// Its length in pages.
    pub n_pages: u64,
    /// Page of the object that is mapped first.
    pub first_page: u64,
    /// What the task may do there.
    pub rights: Rights,
    /// No further page is mapped. Set under the lock of the space.
    pub(crate) is_ending: AtomicBool,
    /// It is in no space any more. Set under the lock of the space.
    pub(crate) is_over: AtomicBool,
    /// Itself, as an object of the task's account.
    _charge: Charge,
    of_memory: Link,
}

impl Mapping {
    /// A mapping that is nowhere yet; `charge` is one object of the task's account.
    #[must_use]
    pub fn new(
        task: Ref<Task>,
        memory: Hold,
        [address, first_page, n_pages]: [u64; 3],
        rights: Rights,
        charge: Charge,
    ) -> Self {
        Self {
            task,
            memory,
            address,
            n_pages,
            first_page,
            rights,
            is_ending: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            _charge: charge,
            of_memory: Link::new(),
        }
    }

    /// Takes it out of its object's list, when it is out of its space.
    pub fn detach(mapping: &Ref<Self>) {
        mapping.memory.detach(mapping);
    }
}

impl Linked<OfMemory> for Mapping {
    fn link(&self) -> &Link {
        &self.of_memory
    }
}

//! Memory objects on the emulated machine.

use super::*;
use crate::mm::frames;
use crate::mm::frames::tests_support::machine;
use crate::service::account::AccountObject;
use crate::service::{Amounts, BYTES};
use crate::task::name::Name;
use crate::task::priorities::Priority;
use crate::task::task::Task;

fn account() -> Ref<AccountObject> {
    let mut maxima: Amounts = [0; 3];
    maxima[OBJECTS] = 64;
    maxima[BYTES] = 4096;
    maxima[FRAMES] = 4096;
    AccountObject::root(maxima).unwrap()
}

fn filled(account: &Account, n_pages: u64) -> Hold {
    let hold = Hold::new(account, n_pages).unwrap();
    while !hold.fill(7, |_, _| ()).unwrap() {}
    hold
}

fn task(account: &Ref<AccountObject>) -> Ref<Task> {
    Task::new(Name::new(b"test"), Priority::LOWEST, account).unwrap()
}

fn mapping(task: &Ref<Task>, hold: &Hold, address: u64, rights: Rights) -> Ref<Mapping> {
    let charge = task.charge(service::objects(1)).unwrap();
    let place = [address, 0, hold.n_pages];
    let mapping = Mapping::new(task.clone(), hold.clone(), place, rights, charge);
    Ref::try_new(mapping).unwrap_or_else(|_| panic!("the host has memory"))
}

fn free(hold: Hold) {
    let memory = hold.release().expect("the last hold");
    while memory.work(5) != Progress::Done {}
    reaper::forget_memory(&memory);
}

fn end(task: &Ref<Task>) {
    while !task.space.tear_down(512) {}
    Task::announce(task);
}

/// Every page of an object is a frame of its own, charged, and all of it comes back.
#[test]
fn mob_1_pages_are_frames_of_their_own() {
    let _machine = machine();
    let account = account();
    let n_before = frames::counts().n_free;
    let hold = filled(&account, 1100);
    assert_eq!(n_before - frames::counts().n_free, 1100);
    let mut all: Vec<_> = (0..1100).map(|index| hold.frame(index).unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), hold.frame(1100)), (1100, None));
    // Two chunks of the index are full, and paid for.
    assert!(account.inspect().available[FRAMES] <= 4096 - 1102);
    free(hold);
    assert_eq!(account.inspect().available[FRAMES], 4096);
    assert_eq!(frames::counts().n_free, n_before);
}

/// An object of an account that cannot pay takes no frame.
#[test]
fn mob_4_nothing_is_taken_before_it_is_charged() {
    let _machine = machine();
    let account = account();
    let n_before = frames::counts().n_free;
    let refused = Hold::new(&account, 4097).map(drop);
    assert_eq!(refused, Err(Errno::EDQUOT));
    assert_eq!(frames::counts().n_free, n_before);
    assert_eq!(account.inspect().available[FRAMES], 4096);
}

/// While a mapping may write no other may execute, and the other way round; reading goes with both.
#[test]
fn mob_6_writable_or_executable() {
    let _machine = machine();
    let account = account();
    let (hold, task) = (filled(&account, 1), task(&account));
    let new = |address, rights| mapping(&task, &hold, address, rights);
    let writable = new(0x1000, Rights::ReadWrite);
    let executable = new(0x2000, Rights::ReadExecute);
    assert_eq!(hold.attach(&new(0x3000, Rights::Read)), Ok(()));
    assert_eq!(hold.attach(&writable), Ok(()));
    assert_eq!(hold.attach(&executable), Err(Errno::ETXTBSY));
    hold.detach(&writable);
    assert_eq!(hold.attach(&executable), Ok(()));
    assert_eq!(hold.attach(&writable), Err(Errno::ETXTBSY));
    // It was taken out already: nothing happens.
    hold.detach(&writable);
    assert_eq!(hold.n_mappings(), 2);
}

/// A space ends with mappings in it: the object keeps its pages, and the charge for page tables is given back.
#[test]
fn mob_14_a_space_ends_without_the_objects_pages() {
    let _machine = machine();
    let account = account();
    let (hold, task) = (filled(&account, 3), task(&account));
    let n_before = frames::counts().n_free;
    let shared = mapping(&task, &hold, 0x7000, Rights::Read);
    task.space.enter(&shared).unwrap();
    hold.attach(&shared).unwrap();
    for index in 0..3 {
        assert_eq!(task.space.map_page(&shared, index), Ok(true));
    }
    assert!(!task.space.is_own(0x7000));
    assert!(!task.space.unmap(0x7000));
    end(&task);
    assert_eq!((hold.n_mappings(), hold.n_holds()), (0, 2));
    // The root of the space's page tables went, too.
    assert_eq!(frames::counts().n_free, n_before + 1);
    let late = mapping(&task, &hold, 0x7000, Rights::Read);
    assert_eq!(task.space.enter(&late), Err(Errno::ESRCH));
    drop((shared, late));
    free(hold);
}

/// A mapping that is ending gets no further page, and one that is over unmaps nothing: its place may be another's.
#[test]
fn mob_21_a_mapping_that_is_over_does_nothing() {
    let _machine = machine();
    let account = account();
    let (hold, task) = (filled(&account, 2), task(&account));
    let first = mapping(&task, &hold, 0x7000, Rights::Read);
    task.space.enter(&first).unwrap();
    hold.attach(&first).unwrap();
    assert_eq!(task.space.map_page(&first, 0), Ok(true));
    task.space.begin_end(&first);
    assert_eq!(task.space.map_page(&first, 1), Ok(false));
    assert!(task.space.unmap_page(&first, 0, true));
    task.space.leave(&first);
    let second = mapping(&task, &hold, 0x7000, Rights::Read);
    task.space.enter(&second).unwrap();
    hold.attach(&second).unwrap();
    assert_eq!(task.space.map_page(&second, 0), Ok(true));
    assert!(!task.space.unmap_page(&first, 0, true));
    task.space.leave(&first);
    assert_eq!(hold.n_mappings(), 1);
    assert!(task.space.mapping_at(0x7000).is_some());
    end(&task);
}

/// A hold of an earlier epoch is dead, and mappings made through it are found.
#[test]
fn mob_18_revoking_begins_an_epoch() {
    let _machine = machine();
    let account = account();
    let (mut hold, task) = (filled(&account, 1), task(&account));
    let mut other = hold.clone();
    let old = mapping(&task, &other, 0x1000, Rights::Read);
    hold.attach(&old).unwrap();
    assert!(hold.stale_mapping().is_none());
    hold.revoke().unwrap();
    assert_eq!(
        (other.check(), other.revoke()),
        (Err(Errno::ESTALE), Err(Errno::ESTALE))
    );
    assert_eq!(hold.check(), Ok(()));
    let new = mapping(&task, &hold, 0x2000, Rights::Read);
    hold.attach(&new).unwrap();
    assert!(
        hold.stale_mapping()
            .is_some_and(|mapping| mapping.ptr_eq(&old))
    );
    hold.detach(&old);
    assert!(hold.stale_mapping().is_none());
    assert_eq!(hold.attach(&old), Err(Errno::ESTALE));
    hold.detach(&new);
}

//! Accounts of accounts: maxima that are charges on the account above and move, and how long an account lives (ACC-7, ACC-8).

mod common;
mod ledger;

use bus1_service::{Account, Error, OBJECTS};
use common::check_books;
use ledger::{Dice, Host, Root, account, charge, other};

/// The maxima of an account are a charge on its parent, refused like any, and return when the last name is gone.
#[test]
fn acc_7_maxima_are_a_charge_on_the_parent() {
    let root = Root::new([1024, 1024]);
    let actor = root.actor();
    let child = root.child(&actor, [256, 256]).unwrap();
    assert!(matches!(
        root.child(&actor, [600, 1]),
        Err(Error::Quota(..))
    ));
    let grandchild = child.child(&child.actor(), [64, 64]).unwrap();
    assert_ne!(child.number(), grandchild.number());
    check_books(&root);
    drop(child);
    assert_ne!(
        root.inspect().available,
        [1024, 1024],
        "a child keeps its parent"
    );
    drop(grandchild);
    assert_eq!(root.inspect().available, [1024, 1024]);
}

/// Maxima move: what is more is charged to the parent like any charge, what is less returns to it, all slots or none; no account is left
/// with less than is claimed of it; and at the end the last maxima return.
#[test]
fn acc_7_maxima_move() {
    let root = Root::new([1024, 1024]);
    let child = root.child(&root.actor(), [256, 256]).unwrap();
    let maxima = |account: &Account<Host>| (account.inspect().maxima, account.inspect().available);
    child.resize([300, 100]).unwrap();
    assert_eq!(maxima(&child), ([300, 100], [300, 100]));
    check_books(&root);
    // More than half of the parent's is more than one actor may hold, whatever the other slot would return.
    for refused in [[513, 0], [0, 513], [u64::MAX, 1]] {
        let before = (root.inspect(), root.inspect_quota(0));
        assert!(matches!(child.resize(refused), Err(Error::Quota(..))));
        assert_eq!((root.inspect(), root.inspect_quota(0)), before);
        assert_eq!(maxima(&child), ([300, 100], [300, 100]));
    }
    let held = charge(&child, &child.actor(), 20);
    let before = (root.inspect(), root.inspect_quota(0));
    let refused = child.resize([39, 400]);
    assert!(
        matches!(refused, Err(Error::InUse(error)) if error.claimed == 40 && error.slot == OBJECTS)
    );
    assert_eq!((root.inspect(), root.inspect_quota(0)), before);
    child.resize([40, 400]).unwrap();
    assert_eq!(maxima(&child), ([40, 400], [0, 400]));
    check_books(&root);
    check_books(&child);
    drop(held);
    // An account that had nothing, and is no charge any more, gets something again.
    child.resize([0, 0]).unwrap();
    assert_eq!(root.inspect().available, [1024, 1024]);
    child.resize([7, 0]).unwrap();
    child.resize([512, 512]).unwrap();
    check_books(&root);
    let grandchild = child.child(&child.actor(), [10, 10]).unwrap();
    assert!(child.resize([19, 512]).is_err());
    drop(child);
    grandchild.resize([5, 20]).unwrap();
    drop(grandchild);
    assert_eq!(root.inspect().available, [1024, 1024]);
    root.resize([0, 2048]).unwrap();
    assert_eq!(root.inspect().available, [0, 2048]);
}

/// A tree of accounts whose maxima move at random, among charges: the books hold at every step, nobody's children have more than he has,
/// and at the end all is there.
#[test]
fn acc_7_maxima_move_at_random() {
    let root = Root::new([1 << 20, 1 << 20]);
    let mut accounts = vec![root.clone()];
    let (mut parents, mut charges) = (vec![0], Vec::new());
    let mut random = Dice::new();
    let mut dice = |n| random.below(n);
    let mut counts = [0; 4];
    for _ in 0..6_000 {
        let at = dice(accounts.len() as u64) as usize;
        let largest = 1 << dice(20);
        let amounts = [dice(largest + 1), dice(largest + 1)];
        match dice(8) {
            0 if accounts.len() < 24 => {
                if let Ok(child) = accounts[at].child(&accounts[at].actor(), amounts) {
                    accounts.push(child);
                    parents.push(at);
                }
            }
            1 if !charges.is_empty() => {
                let place = dice(charges.len() as u64) as usize;
                drop(charges.swap_remove(place));
            }
            2 | 3 => {
                let by = dice(accounts.len() as u64) as usize;
                charges.extend(accounts[at].charge(&accounts[by].actor(), amounts));
            }
            _ if at > 0 => {
                let before = accounts[at].inspect();
                let above = accounts[parents[at]].inspect();
                let resized = accounts[at].resize(amounts);
                counts[match resized {
                    Ok(()) => 0,
                    Err(Error::Quota(..)) => 1,
                    Err(Error::InUse(..)) => 2,
                    Err(error) => panic!("{error:?}"),
                }] += 1;
                if resized.is_err() {
                    assert_eq!(accounts[at].inspect(), before);
                    assert_eq!(accounts[parents[at]].inspect(), above);
                }
            }
            _ => counts[3] += 1,
        }
        for (index, account) in accounts.iter().enumerate() {
            check_books(account);
            let children = (1..accounts.len()).filter(|&child| parents[child] == index);
            let sum = children.fold([0; 2], |sum, child| {
                let maxima = accounts[child].inspect().maxima;
                [sum[0] + maxima[0], sum[1] + maxima[1]]
            });
            let maxima = account.inspect().maxima;
            assert!(
                sum[0] <= maxima[0] && sum[1] <= maxima[1],
                "{sum:?} of {maxima:?}"
            );
        }
    }
    assert!(counts.iter().all(|&count| count > 100), "{counts:?}");
}

/// An account lives until its last charge on another account is gone; numbers are never used again.
#[test]
fn acc_8_an_account_lives_as_long_as_its_charges() {
    let (root, u) = account(1024);
    let n_before = root.inspect_quota(0).unwrap().0.n_traces;
    let foreign = root.child(&root.actor(), [64, 64]).unwrap();
    let number = foreign.number();
    let held = charge(&u, &foreign.actor(), 10);
    drop(foreign);
    assert_eq!(
        root.inspect_quota(0).unwrap().0.n_traces,
        n_before + 1,
        "the charge keeps its account"
    );
    drop(held);
    assert_eq!(root.inspect_quota(0).unwrap().0.n_traces, n_before);
    assert!(other(&root).number() > number);
}

/// A long chain of accounts, each the claimant of the next, closes without deep recursion.
#[test]
fn acc_8_a_chain_of_accounts_closes_in_a_loop() {
    let root = Root::new([1 << 40, 1 << 40]);
    let mut last = root.child(&root.actor(), [1, 1]).unwrap();
    for _ in 0..100_000 {
        last = root.child(&last.actor(), [1, 1]).unwrap();
    }
    drop(last);
    assert_eq!(root.inspect().available, [1 << 40, 1 << 40]);
    assert_eq!(root.inspect().n_quotas, 0);
}

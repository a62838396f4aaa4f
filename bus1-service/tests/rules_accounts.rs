//! Accounts: the tables and sequences of quota.md, and the ACC rules of the account alone.

mod common;
mod ledger;

use bus1_service::{Account, Actor, Amounts, BYTES, Error, OBJECTS};
use common::check_books;
use ledger::{Dice, Host, Root, account, charge, other};

/// The largest single further charge that would pass.
fn max(target: &Account<Host>, actor: &Actor<Host>) -> u64 {
    let passes = |n| target.charge(actor, [n, 0]).is_ok();
    let (mut low, mut high) = (0_u64, 1 << 40);
    while low < high {
        let middle = (low + high).div_ceil(2);
        if passes(middle) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

fn available(target: &Account<Host>) -> u64 {
    target.inspect().available[OBJECTS]
}

/// Claimed and available of the quota of `claimant`.
fn quota(target: &Account<Host>, claimant: &Account<Host>) -> Option<(u64, u64)> {
    let mut place = Some(0);
    while let Some((info, next)) = place.and_then(|place| target.inspect_quota(place)) {
        if info.claimant == claimant.number() {
            return Some((info.claimed[OBJECTS], info.available[OBJECTS]));
        }
        place = next;
    }
    None
}

/// One actor of the own account may use half; a further one fails for all; what is given back can be claimed again.
#[test]
fn acc_2_one_actor_on_its_own_account() {
    let (root, u) = account(1024);
    let a = u.actor();
    assert_eq!(max(&u, &a), 512);
    let first = charge(&u, &a, 256);
    let _second = charge(&u, &a, 256);
    assert_eq!(max(&u, &a), 0);
    assert_eq!(max(&u, &other(&root).actor()), 0);
    drop(first);
    assert_eq!(max(&u, &a), 256);
    check_books(&u);
}

/// Each further actor of the own account may use half of what is left.
#[test]
fn acc_2_actors_of_the_own_account_in_sequence() {
    for (maximum, expected) in [
        (1024, [512, 256, 128, 64, 32, 16, 8, 4]),
        (
            1_048_576,
            [
                524_288, 262_144, 131_072, 65_536, 32_768, 16_384, 8_192, 4_096,
            ],
        ),
    ] {
        let (_root, u) = account(maximum);
        let mut charges = Vec::new();
        for n in expected {
            let actor = u.actor();
            assert_eq!(max(&u, &actor), n);
            charges.push(charge(&u, &actor, n));
            check_books(&u);
        }
    }
}

/// Foreign accounts in sequence, each to its maximum, get the shares of the table.
#[test]
fn acc_4_foreign_accounts_in_sequence() {
    for (maximum, expected) in [
        (1024, [128, 42, 28, 15, 12, 10, 8, 5]),
        (
            1_000_000,
            [125_000, 41_666, 27_777, 15_277, 12_095, 9_935, 8_382, 5_774],
        ),
        (
            1_048_576,
            [
                131_072, 43_690, 29_127, 16_019, 12_682, 10_417, 8_790, 6_055,
            ],
        ),
        (
            1_073_741_824,
            [
                134_217_728,
                44_739_242,
                29_826_161,
                16_404_389,
                12_986_808,
                10_667_735,
                9_000_901,
                6_200_621,
            ],
        ),
    ] {
        let (root, u) = account(maximum);
        let mut left = Vec::new();
        let mut charges = Vec::new();
        for n in expected {
            let actor = other(&root).actor();
            assert_eq!(max(&u, &actor), n, "of {maximum}");
            charges.push(charge(&u, &actor, n));
            left.push(available(&u));
            check_books(&u);
        }
        if maximum == 1024 {
            assert_eq!(left, [768, 684, 628, 598, 574, 554, 538, 528]);
        }
        drop(charges);
        assert_eq!(available(&u), maximum);
    }
}

/// Whoever charges nothing has no quota and no trace: nobody's share is smaller for it.
#[test]
fn acc_2_a_charge_of_nothing_takes_no_share() {
    let (root, u) = account(1024);
    let others: Vec<_> = (0..3).map(|_| other(&root)).collect();
    let nothing: Vec<_> = others.iter().map(|o| charge(&u, &o.actor(), 0)).collect();
    assert_eq!(u.inspect().n_quotas, 0);
    assert_eq!(max(&u, &other(&root).actor()), 128, "the first of all");
    let actor = u.actor();
    let mut grown = charge(&u, &actor, 0);
    grown.grow([256, 0]).unwrap();
    assert_eq!(quota(&u, &u), Some((512, 256)));
    check_books(&u);
    drop((nothing, grown));
    assert_eq!((available(&u), u.inspect().n_quotas), (1024, 0));
}

/// Sequence S2: three actors of the own account take and give back.
#[test]
fn acc_2_sequence_s2() {
    let (_root, u) = account(1024);
    let (a, b, c) = (u.actor(), u.actor(), u.actor());
    let of_a = charge(&u, &a, 512);
    assert_eq!((available(&u), quota(&u, &u)), (0, Some((1024, 512))));
    let of_b = charge(&u, &b, 256);
    assert_eq!(quota(&u, &u), Some((1024, 256)));
    assert_eq!(max(&u, &c), 128);
    let of_c = charge(&u, &c, 128);
    assert_eq!(quota(&u, &u), Some((1024, 128)));
    assert_eq!(max(&u, &u.actor()), 64);
    drop(of_a);
    assert_eq!((available(&u), quota(&u, &u)), (512, Some((512, 128))));
    assert_eq!(max(&u, &b), 192);
    drop(of_b);
    assert_eq!((available(&u), quota(&u, &u)), (832, Some((192, 64))));
    drop(of_c);
    assert_eq!((available(&u), quota(&u, &u)), (1024, None));
}

/// Sequence S3: two foreign accounts with two actors each take and give back.
#[test]
fn acc_2_sequence_s3() {
    let (root, u) = account(1024);
    let (one, two) = (other(&root), other(&root));
    let (a, b, c, d) = (one.actor(), one.actor(), two.actor(), two.actor());
    assert_eq!(max(&u, &a), 128);
    let of_a = charge(&u, &a, 128);
    assert_eq!((available(&u), quota(&u, &one)), (768, Some((256, 128))));
    let of_b = charge(&u, &b, 64);
    assert_eq!(quota(&u, &one), Some((256, 64)));
    assert!(u.charge(&a, [1, 0]).is_err());
    assert_eq!(max(&u, &c), 42);
    let of_c = charge(&u, &c, 42);
    assert_eq!((available(&u), quota(&u, &two)), (684, Some((84, 42))));
    let of_d = charge(&u, &d, 21);
    assert_eq!(quota(&u, &two), Some((84, 21)));
    assert!(u.charge(&c, [1, 0]).is_err() && u.charge(&d, [1, 0]).is_err());
    assert_eq!(max(&u, &u.actor()), 342);
    drop(of_a);
    assert_eq!((available(&u), quota(&u, &one)), (844, Some((96, 32))));
    drop(of_b);
    assert_eq!((available(&u), quota(&u, &one)), (940, None));
    drop(of_c);
    assert_eq!((available(&u), quota(&u, &two)), (993, Some((31, 10))));
    drop(of_d);
    assert_eq!(available(&u), 1024);
}

/// Sequence S4: one foreign account, charges of one actor given back one by one.
#[test]
fn acc_2_sequence_s4() {
    let (root, u) = account(1000);
    let one = other(&root);
    let (a, b) = (one.actor(), one.actor());
    let first = charge(&u, &a, 50);
    let second = charge(&u, &a, 50);
    assert_eq!((available(&u), quota(&u, &one)), (800, Some((200, 100))));
    assert_eq!(max(&u, &a), 25);
    let third = charge(&u, &a, 25);
    assert_eq!((available(&u), quota(&u, &one)), (750, Some((250, 125))));
    assert!(u.charge(&a, [1, 0]).is_err());
    // To try 62 and give it back would change what is in hand: that is tried at the end.
    assert!(u.charge(&b, [63, 0]).is_err());
    let of_b = charge(&u, &b, 10);
    assert_eq!(quota(&u, &one), Some((250, 115)));
    drop(first);
    assert_eq!((available(&u), quota(&u, &one)), (873, Some((127, 42))));
    drop(third);
    assert_eq!((available(&u), quota(&u, &one)), (910, Some((90, 30))));
    drop(second);
    assert_eq!((available(&u), quota(&u, &one)), (985, Some((15, 5))));
    drop(of_b);
    assert_eq!(available(&u), 1000);
    let _again = [50, 50, 25].map(|n| charge(&u, &a, n));
    assert_eq!(max(&u, &b), 62);
}

/// Sequence S5: a charge that its quota has in hand does not look at the account.
#[test]
fn acc_2_sequence_s5() {
    let (root, u) = account(1024);
    let (one, two) = (other(&root), other(&root));
    let _a = charge(&u, &one.actor(), 128);
    let _c = charge(&u, &two.actor(), 42);
    assert_eq!(max(&u, &one.actor()), 64);
}

/// S6: the own quota counts among the claimants.
#[test]
fn acc_4_sequence_s6() {
    for (maximum, expected) in [(1024, 56), (1_048_576, 58_254)] {
        let (root, u) = account(maximum);
        let own = u.actor();
        let _own = charge(&u, &own, 1);
        assert_eq!(max(&u, &other(&root).actor()), expected);
    }
}

/// S7: a slot with nothing asked for takes no part, neither in the charge nor in the discharge.
#[test]
fn acc_2_sequence_s7() {
    let root = Root::new([1024, 1024]);
    let (a, b) = (root.actor(), root.actor());
    let _a = root.charge(&a, [1, 512]).unwrap();
    let of_b = root.charge(&b, [1, 0]).unwrap();
    drop(of_b);
    assert_eq!(root.inspect().available[BYTES], 0);
    assert_eq!(root.inspect_quota(0).unwrap().0.available[BYTES], 512);
    check_books(&root);
}

/// After random charges by many actors of many accounts the invariants hold at every step; when all is given back, all is there.
#[test]
fn acc_5_everything_returns_after_random_charges() {
    let (root, u) = account(100_000);
    let others: Vec<_> = (0..12).map(|_| other(&root)).collect();
    let actors: Vec<_> = (0..60)
        .map(|index| {
            if index < 10 {
                u.actor()
            } else {
                others[index % 12].actor()
            }
        })
        .collect();
    let mut charges = Vec::new();
    let mut random = Dice::new();
    let mut n_refused = 0;
    for _ in 0..4_000 {
        let dice = random.roll();
        if dice.is_multiple_of(3) && !charges.is_empty() {
            drop(charges.swap_remove(dice as usize / 3 % charges.len()));
        } else {
            let amounts = [
                dice / 7 % 300,
                if dice.is_multiple_of(5) {
                    dice % 1_000_000
                } else {
                    0
                },
            ];
            match u.charge(&actors[dice as usize % actors.len()], amounts) {
                Ok(charge) => charges.push(charge),
                Err(Error::Quota(_, quota)) => {
                    assert_eq!(quota.target, u.number());
                    n_refused += 1;
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        check_books(&u);
    }
    assert!(
        n_refused > 100 && charges.len() > 100,
        "{n_refused} refused, {} held",
        charges.len()
    );
    drop(charges);
    assert_eq!(u.inspect().available, u.inspect().maxima);
    assert_eq!(u.inspect().n_quotas, 0);
}

/// Amounts near 2^64 are refused, never wrapped.
#[test]
fn acc_2_overflow_refuses() {
    let root = Root::new([u64::MAX, u64::MAX]);
    let a = root.actor();
    let foreign = other(&root).actor();
    for n in [u64::MAX, u64::MAX / 2 + 1, 1 << 63] {
        assert!(matches!(root.charge(&a, [n, 0]), Err(Error::Quota(..))));
        assert!(matches!(
            root.charge(&foreign, [n, 1]),
            Err(Error::Quota(..))
        ));
    }
    let half = root.charge(&a, [u64::MAX / 2, 0]).unwrap();
    assert!(root.charge(&a, [u64::MAX / 2, 0]).is_err());
    drop(half);
    assert_eq!(root.inspect().available, <[u64; 2]>::ZERO.map(|_| u64::MAX));
}

/// A charge can grow and shrink, as if it were several.
#[test]
fn acc_2_a_charge_grows_and_shrinks() {
    let (_root, u) = account(1024);
    let a = u.actor();
    let mut held = charge(&u, &a, 100);
    held.grow([200, 5]).unwrap();
    assert_eq!(held.amounts(), [300, 5]);
    assert!(held.grow([1024, 0]).is_err());
    assert_eq!(held.amounts(), [300, 5]);
    held.shrink([299, 9]);
    assert_eq!(held.amounts(), [1, 0]);
    check_books(&u);
    held.shrink([1, 0]);
    held.grow([2, 0]).unwrap();
    check_books(&u);
    drop(held);
    assert_eq!(u.inspect().available, u.inspect().maxima);
}

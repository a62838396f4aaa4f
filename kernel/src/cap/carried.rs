//! A capability on its way inside a message.
//!
//! The core carries it beside the handles, charged like one, and never looks at it. It is cloned into the table of each task that receives
//! the message, and dropped with the message if nobody does. A peer's capability does not travel: lying in its own queue it would keep the
//! peer open for ever (section 9 of the model).

use omnibus_abi::Errno;

use super::{Capability, Object};

/// A capability that is no peer's.
pub struct Carried {
    capability: Capability,
    /// Its place among the transfers of the message.
    place: u16,
}

impl Carried {
    /// A copy of `capability` without the rights `withheld`, at `place` among the transfers.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for a peer's.
    pub fn new(capability: &Capability, withheld: u64, place: u16) -> Result<Self, Errno> {
        if matches!(capability.object, Object::Peer(_)) {
            return Err(Errno::EOPNOTSUPP);
        }
        let capability = capability.restrict(capability.rights & !withheld)?;
        Ok(Self { capability, place })
    }

    /// What a receiver gets.
    #[must_use]
    pub fn capability(&self) -> Capability {
        self.capability.clone()
    }

    /// Its place among the transfers of the message.
    #[must_use]
    pub fn place(&self) -> usize {
        usize::from(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{account::AccountObject, peer::Hold};
    use omnibus_abi::capability::console;

    /// A peer's capability does not travel, whatever its rights.
    #[test]
    fn cap_peers_do_not_travel() {
        let account = AccountObject::root([16, 0, 0]).unwrap();
        let peer = Capability::full(Object::Peer(Hold::new(&account).unwrap()));
        assert_eq!(Carried::new(&peer, 0, 0).map(drop), Err(Errno::EOPNOTSUPP));
        let none = peer.restrict(0).unwrap();
        assert_eq!(Carried::new(&none, 0, 0).map(drop), Err(Errno::EOPNOTSUPP));
        let account = Capability::full(Object::Account(account));
        assert!(Carried::new(&account, 0, 0).is_ok());
    }

    /// What travels has the sender's rights without those withheld, never more.
    #[test]
    fn cap_rights_shrink_on_the_way() {
        let full = Capability::full(Object::Console);
        let rights = |capability: &Capability, withheld| {
            Carried::new(capability, withheld, 7)
                .unwrap()
                .capability()
                .rights
        };
        assert_eq!(rights(&full, 0), console::WRITE);
        assert_eq!(rights(&full, u64::MAX), 0);
        assert_eq!(rights(&full, 1 << 31), console::WRITE);
        assert_eq!(rights(&full.restrict(0).unwrap(), 0), 0);
    }
}

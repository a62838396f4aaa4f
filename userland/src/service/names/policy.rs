//! What a door of `names` allows.

use crate::calls::Result;
use alloc::string::String;
use core::fmt;
use omnibus_abi::Errno;

/// Register, look up, or both, for the names that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How the names begin.
    pub prefix: String,
    /// Whether names may be registered.
    pub can_register: bool,
    /// Whether names may be looked up, listed and watched.
    pub can_look_up: bool,
}

impl Policy {
    /// Reads `register,look-up:PREFIX`, where either word may be missing, or both.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (rights, prefix) = text.split_once(':')?;
        let mut policy = Self {
            prefix: prefix.into(),
            can_register: false,
            can_look_up: false,
        };
        for right in rights.split(',').filter(|right| !right.is_empty()) {
            match right {
                "register" => policy.can_register = true,
                "look-up" => policy.can_look_up = true,
                _ => return None,
            }
        }
        Some(policy)
    }

    /// # Errors
    /// `EPERM`: not this name.
    pub fn check_register(&self, name: &str) -> Result<()> {
        self.check(self.can_register, name)
    }

    /// # Errors
    /// `EPERM`: not this name.
    pub fn check_look_up(&self, name: &str) -> Result<()> {
        self.check(self.can_look_up, name)
    }

    fn check(&self, is_allowed: bool, name: &str) -> Result<()> {
        if is_allowed && name.starts_with(&self.prefix) {
            return Ok(());
        }
        Err(Errno::EPERM)
    }

    /// Whether everything that `other` allows is allowed.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        other.prefix.starts_with(&self.prefix)
            && (self.can_register || !other.can_register)
            && (self.can_look_up || !other.can_look_up)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = match (self.can_register, self.can_look_up) {
            (true, true) => "register,look-up",
            (true, false) => "register",
            (false, true) => "look-up",
            (false, false) => "",
        };
        write!(f, "{words}:{}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Policy {
        Policy::parse(text).unwrap()
    }

    /// A policy is written as it is read; what is none is refused.
    #[test]
    fn nam_policies_read_as_written() {
        for text in ["register,look-up:", "register:a/", "look-up:a:b", ":"] {
            assert_eq!(policy(text).to_string(), text);
        }
        for text in ["", "register", "look_up:", "Register:"] {
            assert_eq!(Policy::parse(text), None, "{text}");
        }
    }

    /// A name is allowed if it begins with the prefix and the door has the right, and not otherwise.
    #[test]
    fn nam_policies_allow_what_they_say() {
        let both = policy("register,look-up:a/");
        assert_eq!(both.check_register("a/b"), Ok(()));
        assert_eq!(both.check_look_up("a/"), Ok(()));
        assert_eq!(both.check_look_up("a"), Err(Errno::EPERM));
        assert_eq!(policy("look-up:").check_register("a"), Err(Errno::EPERM));
        assert_eq!(policy("register:").check_look_up("a"), Err(Errno::EPERM));
    }

    /// A policy includes those with a longer prefix and fewer rights, itself too, and no others.
    #[test]
    fn nam_policies_only_shrink() {
        let texts = [
            "register,look-up:",
            "register:a/",
            "look-up:a/",
            "look-up:a/b",
            ":a/b",
            "look-up:c",
        ];
        let included: Vec<Vec<usize>> = texts
            .iter()
            .map(|of| {
                (0..texts.len())
                    .filter(|&i| policy(of).includes(&policy(texts[i])))
                    .collect()
            })
            .collect();
        let expected = [
            vec![0, 1, 2, 3, 4, 5],
            vec![1, 4],
            vec![2, 3, 4],
            vec![3, 4],
            vec![4],
            vec![5],
        ];
        assert_eq!(included, expected);
    }
}

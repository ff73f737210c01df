//! What a caller may do: scopes, and the roles of users that stand for them.

use std::fmt;
use std::str::FromStr;

use crate::refusal::{Refusal, RefusalKind};

/// One kind of thing a caller may do. Each holds those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Look at sessions, messages, events.
    Read,
    /// Send messages, and what belongs to a conversation: reactions, read marks, typing.
    Send,
    /// Make, pair, start, stop and delete sessions, and change what belongs to one.
    Manage,
    /// Everything: users, keys, extensions, the audit log, and every session.
    Admin,
}

impl Scope {
    /// All of them, the smallest first.
    pub const ALL: [Self; 4] = [Self::Read, Self::Send, Self::Manage, Self::Admin];

    /// The scope as one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Send => "send",
            Self::Manage => "manage",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope; scopes are read, send, manage and admin")]
pub struct BadScope(String);

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(word: &str) -> Result<Self, BadScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == word);
        found.ok_or_else(|| BadScope(word.chars().take(32).collect()))
    }
}

/// The scopes of a caller: one, and all that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scopes(Scope);

impl Scopes {
    /// `highest`, and what it holds.
    pub const fn up_to(highest: Scope) -> Self {
        Self(highest)
    }

    /// The scopes that a list of them stands for; none when it is empty.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Option<Self> {
        scopes.into_iter().max().map(Self)
    }

    /// Whether `scope` is among them.
    pub fn hold(self, scope: Scope) -> bool {
        scope <= self.0
    }

    /// The one that holds all others.
    pub const fn highest(self) -> Scope {
        self.0
    }

    /// Each of them, the smallest first.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL
            .into_iter()
            .filter(move |scope| self.hold(*scope))
    }
}

/// What a user is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// May do everything.
    Admin,
    /// May use and manage the sessions it owns.
    User,
}

impl Role {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Admin, Self::User];

    /// The role as one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
        }
    }

    /// What users of this role may do.
    pub const fn scopes(self) -> Scopes {
        match self {
            Self::Admin => Scopes::up_to(Scope::Admin),
            Self::User => Scopes::up_to(Scope::Manage),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no role.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a role; roles are admin and user")]
pub struct BadRole(String);

impl FromStr for Role {
    type Err = BadRole;

    fn from_str(word: &str) -> Result<Self, BadRole> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == word);
        found.ok_or_else(|| BadRole(word.chars().take(32).collect()))
    }
}

/// The caller is known and lacks a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this needs the scope `{0}`, which the credential does not have")]
pub struct ScopeRequired(pub Scope);

impl Refusal for ScopeRequired {
    fn kind(&self) -> RefusalKind {
        RefusalKind::Forbidden
    }

    fn code(&self) -> &'static str {
        "scope_required"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_those_before_it_and_none_after() {
        for highest in Scope::ALL {
            for asked in Scope::ALL {
                let holds = Scopes::up_to(highest).hold(asked);
                assert_eq!(holds, asked as u8 <= highest as u8, "{highest} {asked}");
            }
        }
    }

    #[test]
    fn every_word_is_read_as_what_it_was_written_for() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Admin".parse::<Scope>().is_err() && "root".parse::<Role>().is_err());
    }

    #[test]
    fn a_plain_user_is_no_admin() {
        assert!(!Role::User.scopes().hold(Scope::Admin));
        assert!(Role::User.scopes().hold(Scope::Manage));
    }
}

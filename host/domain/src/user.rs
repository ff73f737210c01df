//! Users: people who own sessions here.

use std::fmt;
use std::str::FromStr;

use crate::access::Role;
use crate::clock::Timestamp;
use crate::ids::UserId;
use crate::secret::Secret;

/// Somebody who owns sessions here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its number: 1 for the first user, never given twice.
    pub number: i64,
    /// What it logs in as.
    pub name: UserName,
    /// Its e-mail address, which it may log in with too.
    pub email: Option<Email>,
    /// Its first name.
    pub first_name: Option<String>,
    /// Its last name.
    pub last_name: Option<String>,
    /// What it is here.
    pub role: Role,
    /// Since when it may not log in.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

impl User {
    /// Longest first or last name, in characters.
    pub const MAX_PERSONAL_NAME: usize = 100;
}

/// How a caller names a user: by id or by name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum UserRef {
    /// By id.
    Id(UserId),
    /// By name, in any case.
    Name(UserName),
}

impl fmt::Display for UserRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

impl From<UserId> for UserRef {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl FromStr for UserRef {
    type Err = BadUserName;

    fn from_str(text: &str) -> Result<Self, BadUserName> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

/// A user's name: 1 to 64 of `a-z A-Z 0-9 . _ -`, starting with a letter or digit. Unique on a
/// host whatever the case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// A text that cannot name a user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a user; use 1 to 64 letters, digits, `.`, `_` or `-`, starting with a letter or digit"
)]
pub struct BadUserName(String);

impl UserName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UserName {
    type Err = BadUserName;

    fn from_str(text: &str) -> Result<Self, BadUserName> {
        if crate::session::is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadUserName(text.chars().take(80).collect()))
        }
    }
}

/// An e-mail address, as far as it matters here: something to log in with, unique whatever the
/// case. At most 254 visible ASCII characters, with one `@` that has something on both sides.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not an e-mail address; one looks like ada@example.com")]
pub struct BadEmail;

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not shown whole: it is personal.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.0.split_once('@').map_or("", |(_, host)| host);
        write!(f, "…@{host}")
    }
}

impl FromStr for Email {
    type Err = BadEmail;

    fn from_str(text: &str) -> Result<Self, BadEmail> {
        let fits = text.len() <= 254 && text.bytes().all(|b| b.is_ascii_graphic());
        match text.split_once('@') {
            Some((user, host)) if fits && !user.is_empty() && is_host(host) => {
                Ok(Self(text.to_owned()))
            }
            _ => Err(BadEmail),
        }
    }
}

fn is_host(text: &str) -> bool {
    let mut labels = text.split('.');
    labels.all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    })
}

/// A password that a user may choose: 8 to 256 bytes. Never printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Password(Secret);

/// A text that cannot be a password; the error never repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a password has at least {} characters and at most {} bytes",
    Password::SHORTEST,
    Password::LONGEST
)]
pub struct BadPassword;

impl Password {
    /// Fewest characters.
    pub const SHORTEST: usize = 8;
    /// Most bytes, so that hashing costs the same for everybody.
    pub const LONGEST: usize = 256;

    /// The password itself, for hashing.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

impl FromStr for Password {
    type Err = BadPassword;

    fn from_str(text: &str) -> Result<Self, BadPassword> {
        if text.chars().count() >= Self::SHORTEST && text.len() <= Self::LONGEST {
            Ok(Self(Secret::new(text)))
        } else {
            Err(BadPassword)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_never_an_email_address() {
        assert!("ada.lovelace-2".parse::<UserName>().is_ok());
        for bad in ["", "ada@example.com", ".ada", "a b", "ädä"] {
            assert!(bad.parse::<UserName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_email_address_has_something_on_both_sides() {
        for good in ["ada@example.com", "a+b@localhost", "x@1.2"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        for bad in ["", "ada", "@x", "ada@", "a@b@c", "a b@c", "a@.b", "a@b..c"] {
            assert!(bad.parse::<Email>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_not_printed() -> Result<(), BadPassword> {
        let password: Password = "correct horse".parse()?;
        assert!(!format!("{password:?}").contains("horse"));
        assert!("short".parse::<Password>().is_err());
        assert!("x".repeat(257).parse::<Password>().is_err());
        Ok(())
    }
}

//! Which API something belongs to: the native one, or a dialect.

use std::fmt;
use std::str::FromStr;

/// A documented API of another gateway, served here in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Dialect {
    /// The WhatsApp Gateway API.
    Gateway,
    /// The WhatsApp Management System API.
    Manager,
    /// The WhatsApp API suite.
    Suite,
    /// The WhatsApp Hub API.
    Hub,
    /// The WA-AKG API.
    Akg,
}

impl Dialect {
    /// All that are served, in the order in which they are documented.
    pub const ALL: [Self; 5] = [
        Self::Gateway,
        Self::Manager,
        Self::Suite,
        Self::Hub,
        Self::Akg,
    ];

    /// Its name as one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Manager => "manager",
            Self::Suite => "suite",
            Self::Hub => "hub",
            Self::Akg => "akg",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a dialect; dialects are {all}", all = all())]
pub struct BadDialect(String);

fn all() -> String {
    Dialect::ALL.map(Dialect::as_str).join(", ")
}

impl FromStr for Dialect {
    type Err = BadDialect;

    fn from_str(word: &str) -> Result<Self, BadDialect> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == word);
        found.ok_or_else(|| BadDialect(word.chars().take(32).collect()))
    }
}

/// Where a credential is good: it is unknown everywhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Realm {
    /// The native API.
    #[default]
    Native,
    /// A dialect.
    Dialect(Dialect),
}

impl Realm {
    const NATIVE: &str = "native";

    /// Its name as one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => Self::NATIVE,
            Self::Dialect(dialect) => dialect.as_str(),
        }
    }
}

impl From<Dialect> for Realm {
    fn from(dialect: Dialect) -> Self {
        Self::Dialect(dialect)
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Realm {
    type Err = BadDialect;

    fn from_str(word: &str) -> Result<Self, BadDialect> {
        match word {
            Self::NATIVE => Ok(Self::Native),
            word => word.parse().map(Self::Dialect),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_realm_is_read_as_what_it_was_written_for() {
        for dialect in Dialect::ALL {
            assert_eq!(dialect.as_str().parse(), Ok(Realm::from(dialect)));
        }
        assert_eq!("native".parse(), Ok(Realm::Native));
        let refused = "hubb".parse::<Dialect>().map_err(|err| err.to_string());
        assert!(refused.is_err_and(|text| text.contains("`hubb`") && text.contains("hub")));
    }
}

//! People on the network, as far as a session knows them.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::jid::{Jid, PhoneNumber};

/// Somebody a session has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The address; the phone-number address where it is known.
    pub jid: Jid,
    /// The other address (LID when `jid` is a PN), where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alt: Option<Jid>,
    /// The name that a caller has saved here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub saved_name: Option<String>,
    /// The name in the account's address book.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<String>,
    /// The name the person shows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub push_name: Option<String>,
    /// When this host last learned of the person.
    pub seen_at: Timestamp,
}

impl Contact {
    /// What to call the person.
    pub fn display_name(&self) -> Option<&str> {
        let names = [&self.saved_name, &self.name, &self.push_name];
        names.into_iter().flatten().next().map(String::as_str)
    }
}

/// A part of a name or number that people or chats are looked for by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePart(String);

/// A text that is too long to look for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is looked for by at most {} characters", NamePart::MAX)]
pub struct NamePartTooLong;

impl NamePart {
    /// Most characters.
    pub const MAX: usize = 100;

    /// The text; every name has an empty one in it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NamePart {
    type Err = NamePartTooLong;

    fn from_str(text: &str) -> Result<Self, NamePartTooLong> {
        if text.chars().count() > Self::MAX {
            return Err(NamePartTooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

/// What the network answers about a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The number that was asked.
    pub number: PhoneNumber,
    /// Its account; `None` when it has none.
    pub account: Option<RegisteredAccount>,
}

/// The account of a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredAccount {
    /// Its phone-number address; the number can differ from the one asked (Brazil, Mexico, …).
    pub jid: Jid,
    /// Its address that hides the number, where told.
    pub lid: Option<Jid>,
    /// Whether it is a business.
    pub business: bool,
}

/// What somebody shows to this session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    /// The text about themselves; `None` when there is none or it is not shown to us.
    pub about: Option<String>,
    /// The name of a business, verified by WhatsApp.
    pub verified_name: Option<String>,
    /// Whether it is a business.
    pub business: bool,
}

/// Somebody's or a group's picture on the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Changes with every new picture.
    pub id: String,
    /// Where it can be fetched, for some hours.
    pub url: String,
}

/// Which size of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureSize {
    /// Some 96 pixels.
    Preview,
    /// As it was uploaded, up to 640 pixels.
    Full,
}

//! Network addresses, and what callers write before they are addresses.
//!
//! Form of a JID: `user@server`; the servers are those of WhatsApp Web (observed in the public
//! sources of its open clients). Device numbers are the driver's business and never appear here.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The address space a user part belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Server {
    /// `s.whatsapp.net`: the user is a phone number.
    Pn,
    /// `lid`: the user hides the number.
    Lid,
    /// `g.us`: a group.
    Group,
    /// `broadcast`: broadcast lists, and `status@broadcast`.
    Broadcast,
    /// `newsletter`: a channel.
    Newsletter,
}

impl Server {
    /// The part after `@`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pn => "s.whatsapp.net",
            Self::Lid => "lid",
            Self::Group => "g.us",
            Self::Broadcast => "broadcast",
            Self::Newsletter => "newsletter",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "s.whatsapp.net" | "c.us" => Self::Pn,
            "lid" => Self::Lid,
            "g.us" => Self::Group,
            "broadcast" => Self::Broadcast,
            "newsletter" => Self::Newsletter,
            _ => return None,
        })
    }
}

/// An address on the network, without device.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Jid {
    user: String,
    server: Server,
}

/// A text that is not a JID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a JID; one looks like 15550100@s.whatsapp.net or 120363000000000000@g.us")]
pub struct BadJid(String);

impl Jid {
    /// Longest accepted user part, in bytes.
    pub const MAX_USER: usize = 64;

    /// The address of a phone number.
    pub fn pn(number: &PhoneNumber) -> Self {
        Self {
            user: number.as_str().to_owned(),
            server: Server::Pn,
        }
    }

    /// The part before `@`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The address space.
    pub fn server(&self) -> Server {
        self.server
    }

    /// Whether this is a group.
    pub fn is_group(&self) -> bool {
        self.server == Server::Group
    }

    /// The phone number, when the address is one.
    pub fn phone_number(&self) -> Option<PhoneNumber> {
        match self.server {
            Server::Pn => self.user.parse().ok(),
            _ => None,
        }
    }

    /// The address with all but the last two characters of the user part hidden, for logs.
    pub fn masked(&self) -> String {
        let tail: String = self
            .user
            .chars()
            .skip(self.user.chars().count().saturating_sub(2))
            .collect();
        format!("…{tail}@{}", self.server.as_str())
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.server.as_str())
    }
}

impl fmt::Debug for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Jid {
    type Err = BadJid;

    /// Parses `user@server`; a device suffix (`:3`) is dropped, `@c.us` becomes `@s.whatsapp.net`.
    fn from_str(text: &str) -> Result<Self, BadJid> {
        let bad = || BadJid(text.chars().take(80).collect());
        let (user, server) = text.split_once('@').ok_or_else(bad)?;
        let server = Server::parse(server).ok_or_else(bad)?;
        let user = user.split_once(':').map_or(user, |(user, _device)| user);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        if user.is_empty() || user.len() > Self::MAX_USER || !user.bytes().all(plain) {
            return Err(bad());
        }
        if matches!(server, Server::Pn) && user.parse::<PhoneNumber>().is_err() {
            return Err(bad());
        }
        Ok(Self {
            user: user.to_owned(),
            server,
        })
    }
}

impl TryFrom<String> for Jid {
    type Error = BadJid;

    fn try_from(text: String) -> Result<Self, BadJid> {
        text.parse()
    }
}

impl From<Jid> for String {
    fn from(jid: Jid) -> Self {
        jid.to_string()
    }
}

/// A phone number in international form: 5 to 17 digits, without `+`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// A text that is not a phone number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a phone number; write it in international form, like +15550100")]
pub struct BadPhoneNumber(String);

impl PhoneNumber {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PhoneNumber {
    type Err = BadPhoneNumber;

    /// Accepts a leading `+` and the separators people write: space, `-`, `.`, `(`, `)`.
    fn from_str(text: &str) -> Result<Self, BadPhoneNumber> {
        let bad = || BadPhoneNumber(text.chars().take(40).collect());
        let rest = text.trim();
        let rest = rest.strip_prefix('+').unwrap_or(rest);
        if rest.len() > 40 {
            return Err(bad());
        }
        let mut digits = String::with_capacity(rest.len());
        for c in rest.chars() {
            match c {
                '0'..='9' => digits.push(c),
                ' ' | '-' | '.' | '(' | ')' => {}
                _ => return Err(bad()),
            }
        }
        if (5..=17).contains(&digits.len()) && !digits.starts_with('0') {
            Ok(Self(digits))
        } else {
            Err(bad())
        }
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = BadPhoneNumber;

    fn try_from(text: String) -> Result<Self, BadPhoneNumber> {
        text.parse()
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

/// Where a caller wants a message to go: a phone number or a JID, normalised.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Recipient(Jid);

/// A text that names nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a phone number (+15550100) nor a JID (15550100@s.whatsapp.net)")]
pub struct BadRecipient(String);

impl Recipient {
    /// The address messages go to.
    pub fn jid(&self) -> &Jid {
        &self.0
    }

    /// The address messages go to.
    pub fn into_jid(self) -> Jid {
        self.0
    }
}

impl From<Jid> for Recipient {
    fn from(jid: Jid) -> Self {
        Self(jid)
    }
}

impl FromStr for Recipient {
    type Err = BadRecipient;

    fn from_str(text: &str) -> Result<Self, BadRecipient> {
        let text = text.trim();
        let jid = if text.contains('@') {
            text.parse::<Jid>().ok()
        } else {
            text.parse::<PhoneNumber>()
                .ok()
                .map(|number| Jid::pn(&number))
        };
        jid.map(Self)
            .ok_or_else(|| BadRecipient(text.chars().take(80).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_may_be_written_in_every_usual_form() {
        for text in [
            "15550100",
            "+1 555 0100",
            "+1 (555) 0100",
            "15550100@c.us",
            "15550100@s.whatsapp.net",
            "15550100:7@s.whatsapp.net",
            " 15550100 ",
        ] {
            let recipient: Result<Recipient, _> = text.parse();
            assert_eq!(
                recipient.map(|r| r.jid().to_string()),
                Ok("15550100@s.whatsapp.net".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_recipient_that_is_nobody_is_refused() {
        for text in [
            "",
            "@",
            "abc",
            "12",
            "+",
            "1@2",
            "x y@g.us",
            "0155501@c.us",
            "1\u{0}5550100",
            "123456789012345678",
        ] {
            assert!(text.parse::<Recipient>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn whatever_is_written_is_refused_or_one_address_however_it_is_written_again() {
        let random = crate::Random::seeded(11);
        let pieces = [
            "1555",
            "0100",
            "+",
            " ",
            "-",
            "(",
            ")",
            ".",
            ":7",
            "@",
            "c.us",
            "s.whatsapp.net",
            "g.us",
            "lid",
            "status",
            "broadcast",
            "newsletter",
            "a",
            "ß",
            "\u{0}",
            "\n",
            "0",
            "@@",
            "_",
        ];
        let mut accepted = 0;
        for _ in 0..50_000 {
            let count = 1 + random.below(6);
            let text: String = (0..count)
                .filter_map(|_| pieces.get(random.below(pieces.len())))
                .copied()
                .collect();
            let Ok(recipient) = text.parse::<Recipient>() else {
                continue;
            };
            accepted += 1;
            let jid = recipient.into_jid();
            assert!(
                !jid.user().is_empty() && jid.user().len() <= Jid::MAX_USER,
                "{text:?}"
            );
            assert_eq!(jid.to_string().parse(), Ok(jid.clone()), "{text:?}");
            if jid.server() == Server::Pn {
                let number = jid.phone_number().map(|number| number.to_string());
                let again = number.and_then(|number| number.parse::<Recipient>().ok());
                assert_eq!(again.map(Recipient::into_jid), Some(jid), "{text:?}");
            }
        }
        assert!(accepted > 100, "{accepted}");
    }

    #[test]
    fn an_address_in_a_log_shows_two_digits() {
        assert_eq!(
            "15550100@c.us".parse::<Jid>().map(|j| j.masked()),
            Ok("…00@s.whatsapp.net".to_owned())
        );
    }
}

//! Groups, as the network describes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::jid::Jid;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Its address.
    pub jid: Jid,
    /// Its name.
    pub subject: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub description: Option<String>,
    /// Who made it, where told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<Jid>,
    /// When it was made, where told.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub created_at: Option<Timestamp>,
    /// Only admins may write.
    pub announce: bool,
    /// Only admins may change subject, description and picture.
    pub locked: bool,
    /// New members need an admin's approval.
    pub approval: bool,
    /// Who is in it; empty when the network did not say.
    #[serde(default)]
    pub members: Vec<Member>,
    /// How many are in it.
    pub size: u32,
}

/// Somebody in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The address; the phone-number address where it is known.
    pub jid: Jid,
    /// The other address, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub alt: Option<Jid>,
    /// What they may do.
    pub role: MemberRole,
}

/// What somebody may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Write, if the group lets members write.
    Member,
    /// Change members and settings.
    Admin,
    /// As an admin, and cannot be removed by others: who made the group.
    Owner,
}

/// What to do with members of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MemberChange {
    /// Let them in.
    Add,
    /// Put them out.
    Remove,
    /// Make them admins.
    Promote,
    /// Make them plain members.
    Demote,
}

/// How a change went for one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberResult {
    /// Who.
    pub jid: Jid,
    /// Why not, as the network's code (`403` must be invited, `404` not on WhatsApp, `408` left
    /// lately, `409` is in already, …); `None` when it went well.
    pub refused: Option<u16>,
}

/// A setting of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupSetting {
    /// Only admins may write.
    Announce(bool),
    /// Only admins may change subject, description and picture.
    Locked(bool),
    /// New members need an admin's approval.
    Approval(bool),
}

/// What happened to a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupChange {
    /// The network's word for it: `create`, `add`, `remove`, `promote`, `demote`, `subject`,
    /// `description`, `announcement`, `locked`, `invite`, `picture`, …
    pub what: String,
    /// Whom it concerns; at most [`Group::MAX_MEMBERS`].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub members: Vec<Jid>,
    /// The new subject, description or setting.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

impl Group {
    /// Most members (WhatsApp's own limit).
    pub const MAX_MEMBERS: usize = 1024;
    /// Longest subject, in characters.
    pub const MAX_SUBJECT: usize = 100;
    /// Longest description, in characters.
    pub const MAX_DESCRIPTION: usize = 2048;
}

/// The code of an invitation: what stands behind `https://chat.whatsapp.com/`.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode(String);

/// A text that is no invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an invitation; one looks like https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv")]
pub struct BadInviteCode;

impl InviteCode {
    const BASE: &'static str = "https://chat.whatsapp.com/";

    /// The code alone.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a link.
    pub fn link(&self) -> String {
        format!("{}{}", Self::BASE, self.0)
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whoever has it can join.
        f.write_str("***")
    }
}

impl FromStr for InviteCode {
    type Err = BadInviteCode;

    /// Takes a link or the code alone.
    fn from_str(text: &str) -> Result<Self, BadInviteCode> {
        let text = text.trim();
        let code = text
            .strip_prefix(Self::BASE)
            .or_else(|| text.strip_prefix("chat.whatsapp.com/"))
            .unwrap_or(text);
        let code = code.split('?').next().unwrap_or(code);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if (8..=64).contains(&code.len()) && code.bytes().all(plain) {
            Ok(Self(code.to_owned()))
        } else {
            Err(BadInviteCode)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_read_as_link_and_as_code() -> Result<(), BadInviteCode> {
        let link = "https://chat.whatsapp.com/AbCdEfGhIjKlMnOpQrStUv?mode=x";
        let code: InviteCode = link.parse()?;
        assert_eq!(code.as_str(), "AbCdEfGhIjKlMnOpQrStUv");
        assert_eq!(code.link().parse::<InviteCode>()?, code);
        assert!(
            "https://example.com/AbCdEfGhIjKl"
                .parse::<InviteCode>()
                .is_err()
        );
        Ok(())
    }
}

//! Network addresses as they stand in stanzas.
//!
//! The server resolves every address to an account and a device before it decides anything, so
//! this type only has to tell the kinds apart; comparing texts is left to nobody.

use wacore_binary::node::NodeValue;
use wacore_binary::{Jid, Server};

/// The two ways to write a person: by phone number, or by the identifier that hides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Pn,
    Lid,
}

impl Form {
    /// The value of `addressing_mode`.
    pub(crate) fn mode(self) -> &'static str {
        match self {
            Form::Pn => "pn",
            Form::Lid => "lid",
        }
    }

    pub(crate) fn server(self) -> &'static str {
        match self {
            Form::Pn => "s.whatsapp.net",
            Form::Lid => "lid",
        }
    }
}

/// One address, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    User {
        user: String,
        form: Form,
        device: u16,
    },
    /// The whole group JID.
    Group(String),
    /// `status@broadcast`.
    Status,
    /// The server itself, a newsletter, a bot: nothing that can be routed to.
    Other,
}

impl Address {
    pub(crate) fn of(value: &NodeValue) -> Address {
        match value {
            NodeValue::Jid(jid) => Address::from_jid(jid),
            NodeValue::String(text) => Address::parse(text),
        }
    }

    pub(crate) fn parse(text: &str) -> Address {
        match text.parse::<Jid>() {
            Ok(jid) => Address::from_jid(&jid),
            Err(_) => Address::Other,
        }
    }

    fn from_jid(jid: &Jid) -> Address {
        if jid.user.is_empty() {
            return Address::Other;
        }
        match jid.server {
            Server::Pn | Server::Legacy => Address::user(jid, Form::Pn),
            Server::Lid => Address::user(jid, Form::Lid),
            Server::Group => Address::Group(format!("{}@g.us", jid.user)),
            Server::Broadcast if jid.user == "status" => Address::Status,
            _ => Address::Other,
        }
    }

    fn user(jid: &Jid, form: Form) -> Address {
        Address::User {
            user: jid.user.to_string(),
            form,
            device: jid.device,
        }
    }
}

/// `user[:device]@server`; device 0 is written without its number.
pub(crate) fn device_jid(user: &str, form: Form, device: u16) -> String {
    if device == 0 {
        format!("{user}@{}", form.server())
    } else {
        format!("{user}:{device}@{}", form.server())
    }
}

/// The digits of a phone number written in any usual way, if it is one.
pub(crate) fn digits(number: &str) -> Option<String> {
    let bare = number.strip_prefix('+').unwrap_or(number);
    let mut digits = String::with_capacity(bare.len());
    for c in bare.chars() {
        match c {
            '0'..='9' => digits.push(c),
            ' ' | '-' | '(' | ')' | '.' => {}
            _ => return None,
        }
    }
    (5..=15).contains(&digits.len()).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::{Address, Form, device_jid, digits};

    #[test]
    fn addresses_are_told_apart() {
        assert_eq!(
            Address::parse("15550000001:3@s.whatsapp.net"),
            Address::User {
                user: "15550000001".into(),
                form: Form::Pn,
                device: 3
            }
        );
        assert_eq!(
            Address::parse("1000:3@lid"),
            Address::User {
                user: "1000".into(),
                form: Form::Lid,
                device: 3
            }
        );
        assert_eq!(
            Address::parse("1203@g.us"),
            Address::Group("1203@g.us".into())
        );
        assert_eq!(Address::parse("status@broadcast"), Address::Status);
        assert_eq!(Address::parse("s.whatsapp.net"), Address::Other);
    }

    #[test]
    fn numbers_lose_their_decoration() {
        assert_eq!(digits("+1 (555) 010-0200"), Some("15550100200".into()));
        assert_eq!(digits("hello"), None);
        assert_eq!(digits("12"), None);
    }

    #[test]
    fn the_phone_has_no_device_number() {
        assert_eq!(device_jid("15", Form::Pn, 0), "15@s.whatsapp.net");
        assert_eq!(device_jid("15", Form::Lid, 2), "15:2@lid");
    }
}

//! Who makes a request, whatever the credential was.

use crate::ids::KeyId;

/// An authenticated caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    identity: Identity,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Identity {
    Key(KeyId),
    Host,
}

impl Caller {
    /// The holder of an API key.
    pub fn key(id: KeyId) -> Self {
        Self {
            identity: Identity::Key(id),
        }
    }

    /// The host itself: an extension acting under its grants, or a command on this machine.
    pub fn host() -> Self {
        Self {
            identity: Identity::Host,
        }
    }

    /// A short name for logs and the audit trail; no secret.
    pub fn label(&self) -> String {
        match &self.identity {
            Identity::Key(id) => format!("key {id}"),
            Identity::Host => "host".to_owned(),
        }
    }
}

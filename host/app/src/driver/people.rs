//! What a link knows of people, and what it shows of its own account.

use async_trait::async_trait;
use bytes::Bytes;
use warbler_domain::contact::{Picture, PictureSize, Profile, Registration};
use warbler_domain::{Jid, PhoneNumber};

use super::DriverError;

/// People: look-ups, profiles, blocking, presence, and the account's own profile.
///
/// What an engine lacks answers [`DriverError::Unsupported`], which is what the methods here do
/// when an engine does not have its own.
#[async_trait]
pub trait People: Send + Sync {
    /// Asks which of these numbers have an account, in the order asked; at most 100 at once.
    async fn look_up(&self, numbers: &[PhoneNumber]) -> Result<Vec<Registration>, DriverError> {
        let _unused = numbers;
        Err(DriverError::Unsupported("look numbers up"))
    }

    /// What somebody shows.
    async fn profile(&self, person: &Jid) -> Result<Profile, DriverError> {
        let _unused = person;
        Err(DriverError::Unsupported("read profiles"))
    }

    /// Somebody's or a group's picture; `None` when there is none or it is not shown.
    async fn picture(&self, of: &Jid, size: PictureSize) -> Result<Option<Picture>, DriverError> {
        let _unused = (of, size);
        Err(DriverError::Unsupported("read pictures"))
    }

    /// Asks to be told when somebody comes and goes, for as long as the link lives.
    async fn watch_presence(&self, person: &Jid) -> Result<(), DriverError> {
        let _unused = person;
        Err(DriverError::Unsupported("watch presence"))
    }

    /// Shows the account as online or not.
    async fn set_online(&self, online: bool) -> Result<(), DriverError> {
        let _unused = online;
        Err(DriverError::Unsupported("show presence"))
    }

    /// Whom the account has blocked.
    async fn blocked(&self) -> Result<Vec<Jid>, DriverError> {
        Err(DriverError::Unsupported("read the block list"))
    }

    /// Blocks somebody, or no longer.
    async fn set_blocked(&self, person: &Jid, blocked: bool) -> Result<(), DriverError> {
        let _unused = (person, blocked);
        Err(DriverError::Unsupported("block people"))
    }

    /// Changes the name the account shows; 1 to 25 characters.
    async fn set_push_name(&self, name: &str) -> Result<(), DriverError> {
        let _unused = name;
        Err(DriverError::Unsupported("change the account's name"))
    }

    /// Changes the account's text about itself; at most 139 characters.
    async fn set_about(&self, text: &str) -> Result<(), DriverError> {
        let _unused = text;
        Err(DriverError::Unsupported("change the account's about text"))
    }

    /// Changes the account's picture (JPEG), or takes it away.
    async fn set_picture(&self, jpeg: Option<Bytes>) -> Result<(), DriverError> {
        let _unused = jpeg;
        Err(DriverError::Unsupported("change the account's picture"))
    }
}

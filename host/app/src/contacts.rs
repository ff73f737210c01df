//! People: those a session knows of, what it calls them, and what the network tells about anybody.

mod book;
mod checked;

use std::sync::Arc;

use warbler_domain::contact::{Contact, NamePart, Picture, PictureSize, Profile, Registration};
use warbler_domain::jid::Server;
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{
    Caller, Jid, PhoneNumber, Recipient, Refusal, RefusalKind, Scope, SessionId, SessionRef,
};
use warbler_store::Error as StoreError;

use crate::audit;
use crate::chats::canonical;
use crate::core::Shared;
use crate::network::{self, NetworkError};
use crate::sessions::{SessionError, usable_by};

pub(crate) use book::AddressBook;
pub(crate) use checked::Checked;

/// Why nothing was told or done about somebody.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The session does not know this person.
    #[error("the session does not know {0}")]
    Unknown(Jid),
    /// No name was saved for this person.
    #[error("no name is saved for {0}")]
    NotSaved(Jid),
    /// No name, too long, or with control characters.
    #[error(
        "a saved name has 1 to {} characters, none of them control characters",
        Contacts::MAX_NAME
    )]
    BadName,
    /// Too many names are saved.
    #[error(
        "a session has at most {} saved names; delete some first",
        Contacts::MAX_SAVED
    )]
    BookFull,
    /// It is a group or a channel.
    #[error("{0} is not a person")]
    NotAPerson(Jid),
    /// There is no picture, or it is not shown to this account.
    #[error("there is no picture, or it is not shown to this account")]
    NoPicture,
    /// Too many at once.
    #[error("1 to {} numbers can be checked at once", Contacts::MAX_CHECKED)]
    TooMany,
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database.
    #[error("the contacts could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for ContactError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Unknown(_) | Self::NotSaved(_) | Self::NoPicture => RefusalKind::NotFound,
            Self::NotAPerson(_) | Self::TooMany | Self::BadName => RefusalKind::Invalid,
            Self::BookFull => RefusalKind::Conflict,
            Self::Network(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Unknown(_) => "unknown_contact",
            Self::NotSaved(_) => "name_not_saved",
            Self::BadName => "bad_name",
            Self::BookFull => "address_book_full",
            Self::NotAPerson(_) => "not_a_person",
            Self::NoPicture => "no_picture",
            Self::TooMany => "bad_number_count",
            Self::Network(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// What somebody shows, and what the session calls them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonProfile {
    /// Their address; the phone-number address where it is known.
    pub jid: Jid,
    /// What the session knows; nothing when they have never met.
    pub contact: Option<Contact>,
    /// What they show.
    pub profile: Profile,
}

/// People.
pub struct Contacts {
    shared: Arc<Shared>,
}

impl Contacts {
    /// Most numbers that are checked at once.
    pub const MAX_CHECKED: usize = 100;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// A page of the people a session knows, those it met last first; with `name` only those with
    /// that in a name or in the number.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
        name: Option<NamePart>,
        page: PageRequest,
    ) -> Result<Page<Contact>, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let contacts = self
            .shared
            .store
            .read(move |db| db.contacts().list(session.id, name.as_ref(), page));
        Ok(contacts.await?)
    }

    /// Somebody a session knows.
    pub async fn get(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<Contact, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let jid = person.into_jid();
        let found = self.find(session.id, &jid).await?;
        found.ok_or(ContactError::Unknown(jid))
    }

    /// Asks which numbers have an account, in the order asked. Answers are kept for an hour.
    pub async fn check(
        &self,
        caller: &Caller,
        session: &SessionRef,
        numbers: Vec<PhoneNumber>,
    ) -> Result<Vec<Registration>, ContactError> {
        if numbers.is_empty() || numbers.len() > Self::MAX_CHECKED {
            return Err(ContactError::TooMany);
        }
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let checked = &self.shared.checked;
        let missing = checked.missing(session.id, &numbers, self.shared.clock.now());
        if !missing.is_empty() {
            let link = network::link(&self.shared, &session)?;
            let answers = network::answer(link.look_up(&missing)).await?;
            checked.keep(session.id, answers, self.shared.clock.now());
        }
        Ok(checked.of(session.id, numbers))
    }

    /// What somebody shows to this session.
    pub async fn profile(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<PersonProfile, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let jid = self.person(session.id, person).await?;
        let contact = self.find(session.id, &jid).await?;
        let link = network::link(&self.shared, &session)?;
        let profile = network::answer(link.profile(&jid)).await?;
        Ok(PersonProfile {
            jid,
            contact,
            profile,
        })
    }

    /// Somebody's or a group's picture.
    pub async fn picture(
        &self,
        caller: &Caller,
        session: &SessionRef,
        of: Recipient,
        size: PictureSize,
    ) -> Result<Picture, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let jid = canonical(&self.shared, session.id, of).await?;
        let link = network::link(&self.shared, &session)?;
        let picture = network::answer(link.picture(&jid, size)).await?;
        picture.ok_or(ContactError::NoPicture)
    }

    /// Whom the account has blocked.
    pub async fn blocked(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Vec<Jid>, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let link = network::link(&self.shared, &session)?;
        Ok(network::answer(link.blocked()).await?)
    }

    /// Blocks somebody.
    pub async fn block(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<(), ContactError> {
        self.set_blocked(caller, session, person, true).await
    }

    /// Lets somebody write again.
    pub async fn unblock(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<(), ContactError> {
        self.set_blocked(caller, session, person, false).await
    }

    async fn set_blocked(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
        blocked: bool,
    ) -> Result<(), ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let jid = self.person(session.id, person).await?;
        let link = network::link(&self.shared, &session)?;
        network::answer(link.set_blocked(&jid, blocked)).await?;
        let action = if blocked {
            "contact.block"
        } else {
            "contact.unblock"
        };
        Ok(audit::note_of(&self.shared, caller, action, &jid, &session).await?)
    }

    /// Asks to be told, by events, when somebody comes and goes, until the session reconnects.
    pub async fn watch(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<(), ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let jid = self.person(session.id, person).await?;
        let link = network::link(&self.shared, &session)?;
        Ok(network::answer(link.watch_presence(&jid)).await?)
    }

    /// Shows the account as online or not.
    pub async fn set_online(
        &self,
        caller: &Caller,
        session: &SessionRef,
        online: bool,
    ) -> Result<(), ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Send).await?;
        let link = network::link(&self.shared, &session)?;
        Ok(network::answer(link.set_online(online)).await?)
    }

    async fn person(&self, session: SessionId, person: Recipient) -> Result<Jid, ContactError> {
        let jid = canonical(&self.shared, session, person).await?;
        match jid.server() {
            Server::Pn | Server::Lid => Ok(jid),
            _ => Err(ContactError::NotAPerson(jid)),
        }
    }

    async fn find(&self, session: SessionId, jid: &Jid) -> Result<Option<Contact>, StoreError> {
        let wanted = jid.clone();
        let found = self
            .shared
            .store
            .read(move |db| db.contacts().get(session, &wanted));
        found.await
    }
}

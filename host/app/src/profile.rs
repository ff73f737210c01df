//! What the account of a session shows of itself.

mod portrait;

use std::sync::Arc;

use warbler_domain::contact::{Picture, PictureSize, Profile as Shown};
use warbler_domain::session::Account;
use warbler_domain::{Caller, Refusal, RefusalKind, Scope, Session, SessionName, SessionRef};
use warbler_store::Error as StoreError;

use crate::audit;
use crate::core::Shared;
use crate::media::Origin;
use crate::network::{self, NetworkError};
use crate::sessions::{SessionError, usable_by};

pub use portrait::PortraitError;
pub(crate) use portrait::portrait;

/// Why the account's profile was not shown or changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The session has never been linked to an account.
    #[error("session {0} is not paired with a phone yet; pair it first")]
    NotPaired(SessionName),
    /// No name, or too long.
    #[error("a name has 1 to {} characters", Profile::MAX_NAME)]
    BadName,
    /// Too long.
    #[error("an about text has at most {} characters", Profile::MAX_ABOUT)]
    AboutTooLong,
    /// The picture.
    #[error(transparent)]
    Portrait(#[from] PortraitError),
    /// The network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The database.
    #[error("the profile could not be stored")]
    Store(#[from] StoreError),
}

impl Refusal for ProfileError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::NotPaired(_) => RefusalKind::Conflict,
            Self::BadName | Self::AboutTooLong => RefusalKind::Invalid,
            Self::Portrait(err) => err.kind(),
            Self::Network(err) => err.kind(),
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::NotPaired(_) => "not_paired",
            Self::BadName => "bad_name",
            Self::AboutTooLong => "about_too_long",
            Self::Portrait(err) => err.code(),
            Self::Network(err) => err.code(),
            Self::Store(_) => "store_unavailable",
        }
    }
}

/// What the account shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnProfile {
    /// The account.
    pub account: Account,
    /// Its text about itself, and whether it is a business.
    pub shown: Shown,
    /// Its picture, if it has one.
    pub picture: Option<Picture>,
}

/// The profile of a session's account.
pub struct Profile {
    shared: Arc<Shared>,
}

impl Profile {
    /// Longest name, in characters (WhatsApp's own limit).
    pub const MAX_NAME: usize = 25;
    /// Longest text about oneself, in characters (WhatsApp's own limit).
    pub const MAX_ABOUT: usize = 139;

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// What the account shows now.
    pub async fn get(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<OwnProfile, ProfileError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let account = account(&session)?;
        let link = network::link(&self.shared, &session)?;
        let shown = network::answer(link.profile(&account.jid)).await?;
        let picture = network::answer(link.picture(&account.jid, PictureSize::Full)).await?;
        Ok(OwnProfile {
            account,
            shown,
            picture,
        })
    }

    /// Changes the name the account shows.
    pub async fn set_name(
        &self,
        caller: &Caller,
        session: &SessionRef,
        name: &str,
    ) -> Result<(), ProfileError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let name = name.trim();
        if !(1..=Self::MAX_NAME).contains(&name.chars().count()) {
            return Err(ProfileError::BadName);
        }
        let renamed = Account {
            push_name: Some(name.to_owned()),
            ..account(&session)?
        };
        let link = network::link(&self.shared, &session)?;
        network::answer(link.set_push_name(name)).await?;
        let (id, row) = (session.id, renamed.clone());
        let entry = audit::done(
            &self.shared,
            caller,
            "profile.name",
            id,
            session.name.as_str(),
        );
        let noted = self.shared.store.write(move |tx| {
            tx.sessions_mut().set_account(id, Some(&row))?;
            tx.audit_mut().insert(&entry)
        });
        noted.await.map_err(ProfileError::Store)?;
        self.shared.directory.set_account(id, Some(renamed));
        Ok(())
    }

    /// Changes the account's text about itself; an empty one takes it away.
    pub async fn set_about(
        &self,
        caller: &Caller,
        session: &SessionRef,
        about: &str,
    ) -> Result<(), ProfileError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        if about.chars().count() > Self::MAX_ABOUT {
            return Err(ProfileError::AboutTooLong);
        }
        let link = network::link(&self.shared, &session)?;
        network::answer(link.set_about(about)).await?;
        Ok(audit::note(&self.shared, caller, "profile.about", &session).await?)
    }

    /// Changes the account's picture: any PNG, JPEG, WebP or GIF; it is cut to a square.
    pub async fn set_picture(
        &self,
        caller: &Caller,
        session: &SessionRef,
        picture: Origin,
    ) -> Result<(), ProfileError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        let jpeg = portrait(&self.shared, caller, picture).await?;
        network::answer(link.set_picture(Some(jpeg))).await?;
        Ok(audit::note(&self.shared, caller, "profile.picture", &session).await?)
    }

    /// Takes the account's picture away.
    pub async fn remove_picture(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<(), ProfileError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        network::answer(link.set_picture(None)).await?;
        Ok(audit::note(&self.shared, caller, "profile.picture", &session).await?)
    }
}

fn account(session: &Session) -> Result<Account, ProfileError> {
    let account = session.account.clone();
    account.ok_or_else(|| ProfileError::NotPaired(session.name.clone()))
}

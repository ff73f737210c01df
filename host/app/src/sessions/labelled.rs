//! Sessions that their owners know by any words: a label, and what they are for.

use warbler_domain::session::SessionSettings;
use warbler_domain::{Caller, SessionRef, Timestamp, UserId};
use warbler_store::Error as StoreError;

use super::marks::visible;
use super::settings::fits;
use super::{CreateSession, MarkError, Marked, SessionError, Sessions};

/// A session to make, called by any words.
#[derive(Debug, Clone)]
pub struct NewLabelled {
    /// What it is called: 1 to 100 visible characters.
    pub label: String,
    /// What it is for: at most [`SessionSettings::MAX_DESCRIPTION`] characters.
    pub description: Option<String>,
    /// The number of the user it is to belong to; the caller's own when nothing is said.
    pub owner: Option<i64>,
}

/// A session as its owner knows it.
#[derive(Debug, Clone)]
pub struct Labelled {
    /// The session, and what it is called.
    pub marked: Marked,
    /// What it is for.
    pub description: Option<String>,
    /// The number of the user it belongs to, if it belongs to any.
    pub owner: Option<i64>,
    /// When it changed its state last, or had a message.
    pub active_at: Timestamp,
}

impl Sessions {
    /// The number that stands for nobody where a dialect wants a number and there are no users.
    pub const NOBODY: i64 = 1;

    /// Makes a session that is called by any words; its name is made from them.
    ///
    /// # Errors
    /// [`MarkError::UnknownOwner`] when it is to belong to somebody else than the user the caller
    /// acts for, or to nobody there is.
    pub async fn create_labelled(
        &self,
        caller: &Caller,
        new: NewLabelled,
    ) -> Result<Labelled, MarkError> {
        let label = visible(&new.label)?;
        fits(new.description.as_deref())?;
        let name = crate::made_up::name_from(&label, &self.shared.random);
        let command = CreateSession {
            name: name.parse().map_err(|_| MarkError::BadLabel)?,
            start: false,
        };
        let maker = match new.owner {
            Some(number) => &self.maker_for(caller, number).await?,
            None => caller,
        };
        let made = self.create(maker, command).await?;
        let change = (Some(label.as_str()), new.description);
        self.label(caller, &made.id.into(), change).await
    }

    /// The caller, making things for the user with this number.
    async fn maker_for(&self, caller: &Caller, number: i64) -> Result<Caller, MarkError> {
        let finding = self
            .shared
            .store
            .read(move |db| db.users().numbered(number));
        let found: Option<UserId> = finding.await.map_err(MarkError::Store)?.map(|user| user.id);
        let is_own = found.is_some() && found == caller.user_id();
        let may_choose = caller.reaches_all() && caller.user_id().is_none();
        match found {
            Some(_) if is_own || may_choose => Ok(caller.clone().acting_for(found)),
            None if may_choose && number == Self::NOBODY => Ok(caller.clone()),
            _ => Err(MarkError::UnknownOwner(number)),
        }
    }

    /// Calls a session otherwise, or says what it is for; what is nothing stays.
    pub async fn label(
        &self,
        caller: &Caller,
        session: &SessionRef,
        (label, description): (Option<&str>, Option<String>),
    ) -> Result<Labelled, MarkError> {
        fits(description.as_deref())?;
        let mut marked = self.marked(caller, session).await?;
        if label.is_some() {
            let phone = marked.marks.phone.clone();
            marked = self.mark(caller, session, label, phone).await?;
        }
        if description.is_some() {
            let settings = SessionSettings {
                description,
                ..self.settings(caller, session).await?
            };
            self.set_settings(caller, session, settings).await?;
        }
        let one = self.labelled_as(vec![marked]).await?.pop();
        one.ok_or_else(|| SessionError::Unknown(session.clone()).into())
    }

    /// One session as its owner knows it.
    pub async fn labelled(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Labelled, MarkError> {
        let marked = self.marked(caller, session).await?;
        let one = self.labelled_as(vec![marked]).await?.pop();
        one.ok_or_else(|| SessionError::Unknown(session.clone()).into())
    }

    /// Sessions of which the caller has been shown the marks, as their owner knows them.
    pub async fn labelled_as(&self, marked: Vec<Marked>) -> Result<Vec<Labelled>, MarkError> {
        let reading = self.shared.store.read(move |db| {
            let one = |marked: Marked| {
                let id = marked.session.id;
                let settings = db.sessions().settings(id)?.unwrap_or_default();
                let newest = db.messages().newest_at(id)?;
                let owner = match marked.session.owner {
                    Some(owner) => db.users().get(owner)?.map(|user| user.number),
                    None => None,
                };
                Ok::<_, StoreError>(Labelled {
                    description: settings.description,
                    owner,
                    active_at: newest.map_or(marked.session.changed_at, |newest| {
                        newest.max(marked.session.changed_at)
                    }),
                    marked,
                })
            };
            marked.into_iter().map(one).collect()
        });
        reading.await.map_err(MarkError::Store)
    }
}

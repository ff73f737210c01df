//! What dialects call a session besides its name: a number, a label in any words, a phone.

use warbler_domain::{
    Caller, PhoneNumber, Refusal, RefusalKind, Scope, Session, SessionId, SessionName, SessionRef,
    Timestamp,
};
use warbler_store::Error as StoreError;
pub use warbler_store::session_marks::SessionMarks as Marks;

use super::{CreateSession, SessionError, Sessions, SettingsError, usable_by};

/// Longest label, in characters.
const LONGEST_LABEL: usize = 100;

/// A session with what dialects call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The session.
    pub session: Session,
    /// What it is called.
    pub marks: Marks,
}

impl Marked {
    /// The label, or the name where it has none.
    pub fn label(&self) -> &str {
        let label = self.marks.label.as_deref();
        label.unwrap_or(self.session.name.as_str())
    }

    /// When it last changed its state, or was called otherwise.
    pub fn changed_at(&self) -> Timestamp {
        let called = self.marks.changed_at;
        called.map_or(self.session.changed_at, |called| {
            called.max(self.session.changed_at)
        })
    }

    /// The number of the phone: of the account, or, before that is linked, the one that was
    /// announced.
    pub fn phone(&self) -> Option<PhoneNumber> {
        let account = self.session.account.as_ref();
        let linked = account.and_then(|account| account.jid.phone_number());
        linked.or_else(|| self.marks.phone.clone())
    }
}

/// Why a session was not called so.
#[derive(Debug, thiserror::Error)]
pub enum MarkError {
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// What it is for, in words.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no such user, or it is not the caller's business.
    #[error("user {0} does not exist")]
    UnknownOwner(i64),
    /// Too long, or nothing to see.
    #[error("a session's name has 1 to {LONGEST_LABEL} visible characters")]
    BadLabel,
    /// The database.
    #[error("what sessions are called could not be read or written")]
    Store(#[from] StoreError),
}

impl Refusal for MarkError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Session(err) => err.kind(),
            Self::Settings(err) => err.kind(),
            Self::UnknownOwner(_) => RefusalKind::NotFound,
            Self::BadLabel => RefusalKind::Invalid,
            Self::Store(_) => RefusalKind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Session(err) => err.code(),
            Self::Settings(err) => err.code(),
            Self::UnknownOwner(_) => "unknown_user",
            Self::BadLabel => "bad_session_name",
            Self::Store(_) => "store_unavailable",
        }
    }
}

impl Sessions {
    /// The caller's sessions, the oldest first.
    pub async fn list_marked(&self, caller: &Caller) -> Result<Vec<Marked>, MarkError> {
        let sessions = self.list(caller).await?;
        let marks = self.shared.store.read(|db| db.session_marks().all());
        let marks: Vec<Marks> = marks.await.map_err(MarkError::Store)?;
        let of = |session: Session| {
            let marks = marks.iter().find(|marks| marks.session == session.id);
            marks.cloned().map(|marks| Marked { session, marks })
        };
        let mut marked: Vec<Marked> = sessions.into_iter().filter_map(of).collect();
        marked.sort_by_key(|marked| marked.marks.number);
        Ok(marked)
    }

    /// The sessions that the user who calls owns, the oldest first.
    pub async fn owned(&self, caller: &Caller) -> Result<Vec<Marked>, MarkError> {
        let mut sessions = self.list_marked(caller).await?;
        sessions.retain(|marked| marked.session.owner == caller.user_id());
        Ok(sessions)
    }

    /// One session.
    pub async fn marked(&self, caller: &Caller, session: &SessionRef) -> Result<Marked, MarkError> {
        let found = usable_by(&self.shared, caller, session, Scope::Read).await?;
        self.marked_as(found).await
    }

    /// The caller's session of this name, which is made if there is none; with the phone it is to
    /// be linked to, if one is said.
    pub async fn own(
        &self,
        caller: &Caller,
        name: SessionName,
        phone: Option<PhoneNumber>,
    ) -> Result<Marked, MarkError> {
        let wanted = SessionRef::Name(name.clone());
        let found = match self.marked(caller, &wanted).await {
            Err(MarkError::Session(SessionError::Unknown(_) | SessionError::Several(_))) => {
                let command = CreateSession { name, start: false };
                let made = self.create(caller, command).await?;
                self.marked_as(made).await?
            }
            found => found?,
        };
        if phone.is_none() || phone == found.marks.phone {
            return Ok(found);
        }
        let label = found.marks.label.as_deref();
        self.mark(caller, &found.session.id.into(), label, phone)
            .await
    }

    /// The session with this number.
    pub async fn numbered(&self, caller: &Caller, number: i64) -> Result<Marked, MarkError> {
        let marks = self
            .shared
            .store
            .read(move |db| db.session_marks().numbered(number));
        let marks: Option<Marks> = marks.await.map_err(MarkError::Store)?;
        // A number nobody has, and one of somebody else, are refused alike.
        let id = marks.map_or(SessionId::from_bytes([0; 16]), |marks| marks.session);
        match self.marked(caller, &id.into()).await {
            Err(MarkError::Session(SessionError::Unknown(_))) => {
                let name: Result<SessionName, _> = number.to_string().parse();
                let name = name.map_or(SessionRef::Id(id), SessionRef::Name);
                Err(SessionError::Unknown(name).into())
            }
            found => found,
        }
    }

    /// Whether a session can be called this.
    pub fn check_label(&self, label: &str) -> Result<(), MarkError> {
        visible(label).map(drop)
    }

    /// Sets the label of a session and the number of the phone it is to be linked to; what is
    /// nothing is taken away.
    pub async fn mark(
        &self,
        caller: &Caller,
        session: &SessionRef,
        label: Option<&str>,
        phone: Option<PhoneNumber>,
    ) -> Result<Marked, MarkError> {
        let found = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let label = label.map(visible).transpose()?;
        let (id, now) = (found.id, self.shared.clock.now());
        let noting = self.shared.store.write(move |tx| {
            tx.session_marks_mut()
                .set(id, label.as_deref(), phone.as_ref(), now)
        });
        noting.await.map_err(MarkError::Store)?;
        self.marked_as(found).await
    }

    pub(super) async fn marked_as(&self, session: Session) -> Result<Marked, MarkError> {
        let id = session.id;
        let marks = self.shared.store.read(move |db| db.session_marks().of(id));
        let marks: Option<Marks> = marks.await.map_err(MarkError::Store)?;
        let marks = marks.ok_or_else(|| SessionError::Unknown(id.into()))?;
        Ok(Marked { session, marks })
    }
}

pub(super) fn visible(label: &str) -> Result<String, MarkError> {
    let label = label.trim();
    let fits = (1..=LONGEST_LABEL).contains(&label.chars().count());
    if fits && !label.chars().any(char::is_control) {
        Ok(label.to_owned())
    } else {
        Err(MarkError::BadLabel)
    }
}

//! Groups: what they are, who is in them, and changing both.

mod error;
mod members;

use std::sync::Arc;

use warbler_domain::group::{Group, GroupSetting, InviteCode, MemberResult};
use warbler_domain::{Caller, Jid, Recipient, Scope, Session, SessionRef};

use crate::audit;
use crate::core::Shared;
use crate::driver::DriverError;
use crate::media::Origin;
use crate::network::{self, NetworkError};
use crate::profile::portrait;
use crate::sessions::usable_by;

pub use error::GroupError;
pub use members::NewGroup;

/// What is to be changed about a group; what is not said stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupUpdate {
    /// Its subject.
    pub subject: Option<String>,
    /// Its description; `Some(None)` takes it away.
    pub description: Option<Option<String>>,
    /// Its settings.
    pub settings: Vec<GroupSetting>,
}

/// Groups.
pub struct Groups {
    shared: Arc<Shared>,
}

impl Groups {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The groups the account is in, by subject: as they are now, or, when the session is not
    /// connected, as they were known last.
    pub async fn list(
        &self,
        caller: &Caller,
        session: &SessionRef,
    ) -> Result<Vec<Group>, GroupError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let id = session.id;
        let Ok(link) = network::link(&self.shared, &session) else {
            let known = self.shared.store.read(move |db| db.groups().list(id));
            return Ok(known.await?);
        };
        let mut groups = network::answer(link.groups()).await?;
        groups.sort_by(|a, b| (&a.subject, &a.jid).cmp(&(&b.subject, &b.jid)));
        let kept = groups.clone();
        let keeping = self.shared.store.write_relaxed(move |tx| {
            kept.iter()
                .try_for_each(|group| tx.groups_mut().put(id, group))
        });
        keeping.await.map_err(GroupError::Store)?;
        Ok(groups)
    }

    /// One group, with its members: as it is now, or, when the session is not connected, as it was
    /// known last.
    pub async fn get(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
    ) -> Result<Group, GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Read).await?;
        if let Ok(link) = network::link(&self.shared, &session) {
            return match network::answer(link.group(&group)).await {
                Ok(found) => self.keep(&session, found).await,
                Err(NetworkError::Driver(DriverError::NotFound(_))) => {
                    Err(GroupError::Unknown(group))
                }
                Err(err) => Err(err.into()),
            };
        }
        let (id, wanted) = (session.id, group.clone());
        let known = self
            .shared
            .store
            .read(move |db| db.groups().get(id, &wanted));
        known.await?.ok_or(GroupError::Unknown(group))
    }

    /// Makes a group of the account and these people; also says for whom it did not work.
    pub async fn create(
        &self,
        caller: &Caller,
        session: &SessionRef,
        new: NewGroup,
    ) -> Result<(Group, Vec<MemberResult>), GroupError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let subject = admissible_subject(&new.subject)?;
        let people = self.people(&session, new.members).await?;
        let link = network::link(&self.shared, &session)?;
        let (group, results) = network::answer(link.create_group(&subject, &people)).await?;
        let group = self.keep(&session, group).await?;
        self.note(caller, "group.create", &group.jid, &session)
            .await?;
        Ok((group, results))
    }

    /// Changes subject, description and settings, one after the other; the first that is refused
    /// ends it.
    pub async fn update(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
        update: GroupUpdate,
    ) -> Result<Group, GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let subject = update
            .subject
            .as_deref()
            .map(admissible_subject)
            .transpose()?;
        let description = update.description.map(admissible_description).transpose()?;
        let link = network::link(&self.shared, &session)?;
        if let Some(subject) = subject {
            network::answer(link.set_subject(&group, &subject)).await?;
            self.note(caller, "group.subject", &group, &session).await?;
        }
        if let Some(description) = description {
            network::answer(link.set_description(&group, description.as_deref())).await?;
            self.note(caller, "group.description", &group, &session)
                .await?;
        }
        for setting in update.settings {
            network::answer(link.set_group(&group, setting)).await?;
            self.note(caller, "group.settings", &group, &session)
                .await?;
        }
        let found = network::answer(link.group(&group)).await?;
        self.keep(&session, found).await
    }

    /// Changes the picture: any PNG, JPEG, WebP or GIF; it is cut to a square.
    pub async fn set_picture(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
        picture: Origin,
    ) -> Result<(), GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        let jpeg = portrait(&self.shared, caller, picture).await?;
        network::answer(link.set_group_picture(&group, Some(jpeg))).await?;
        self.note(caller, "group.picture", &group, &session).await
    }

    /// Takes the picture away.
    pub async fn remove_picture(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
    ) -> Result<(), GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        network::answer(link.set_group_picture(&group, None)).await?;
        self.note(caller, "group.picture", &group, &session).await
    }

    /// The code of the group's invitation; `anew` makes the old one worthless.
    pub async fn invite(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
        anew: bool,
    ) -> Result<InviteCode, GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        let code = network::answer(link.invite_code(&group, anew)).await?;
        if anew {
            self.note(caller, "group.invite", &group, &session).await?;
        }
        Ok(code)
    }

    /// The group an invitation is for.
    pub async fn invited_to(
        &self,
        caller: &Caller,
        session: &SessionRef,
        code: InviteCode,
    ) -> Result<Group, GroupError> {
        let session = usable_by(&self.shared, caller, session, Scope::Read).await?;
        let link = network::link(&self.shared, &session)?;
        Ok(network::answer(link.invited_to(&code)).await?)
    }

    /// Joins by invitation; nothing when an admin has to agree first.
    pub async fn join(
        &self,
        caller: &Caller,
        session: &SessionRef,
        code: InviteCode,
    ) -> Result<Option<Jid>, GroupError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        let group = network::answer(link.join(&code)).await?;
        if let Some(group) = &group {
            self.note(caller, "group.join", group, &session).await?;
        }
        Ok(group)
    }

    /// Leaves.
    pub async fn leave(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
    ) -> Result<(), GroupError> {
        let (session, group) = self.group(caller, session, group, Scope::Manage).await?;
        let link = network::link(&self.shared, &session)?;
        network::answer(link.leave(&group)).await?;
        self.note(caller, "group.leave", &group, &session).await?;
        self.forget(&session, &group).await
    }

    async fn group(
        &self,
        caller: &Caller,
        session: &SessionRef,
        group: Recipient,
        scope: Scope,
    ) -> Result<(Session, Jid), GroupError> {
        let session = usable_by(&self.shared, caller, session, scope).await?;
        let group = group.into_jid();
        if group.is_group() {
            Ok((session, group))
        } else {
            Err(GroupError::NotAGroup(group))
        }
    }

    /// Notes in the log what was just changed.
    async fn note(
        &self,
        caller: &Caller,
        action: &str,
        group: &Jid,
        session: &Session,
    ) -> Result<(), GroupError> {
        let noting = audit::note_of(&self.shared, caller, action, group, session);
        noting.await.map_err(GroupError::Store)
    }

    async fn keep(&self, session: &Session, group: Group) -> Result<Group, GroupError> {
        let (id, kept) = (session.id, group.clone());
        let keeping = self
            .shared
            .store
            .write_relaxed(move |tx| tx.groups_mut().put(id, &kept));
        keeping.await.map_err(GroupError::Store)?;
        Ok(group)
    }

    async fn forget(&self, session: &Session, group: &Jid) -> Result<(), GroupError> {
        let (id, group) = (session.id, group.clone());
        let forgetting = self
            .shared
            .store
            .write_relaxed(move |tx| tx.groups_mut().forget_details(id, &group));
        forgetting.await.map_err(GroupError::Store)
    }
}

fn admissible_subject(subject: &str) -> Result<String, GroupError> {
    let subject = subject.trim();
    if (1..=Group::MAX_SUBJECT).contains(&subject.chars().count()) {
        Ok(subject.to_owned())
    } else {
        Err(GroupError::BadSubject)
    }
}

fn admissible_description(description: Option<String>) -> Result<Option<String>, GroupError> {
    let description = description.filter(|text| !text.trim().is_empty());
    let size = description.as_ref().map_or(0, |text| text.chars().count());
    if size <= Group::MAX_DESCRIPTION {
        Ok(description)
    } else {
        Err(GroupError::DescriptionTooLong)
    }
}

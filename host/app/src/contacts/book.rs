//! Names that callers save for people: an address book of each session, beside the account's own.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use warbler_domain::contact::Contact;
use warbler_domain::event::ContactChange;
use warbler_domain::{Caller, EventBody, Jid, Recipient, Scope, SessionId, SessionRef};
use warbler_store::{Error as StoreError, Writer};

use super::{ContactError, Contacts};
use crate::audit;
use crate::core::Shared;
use crate::sessions::usable_by;

/// Every saved name, in memory, so that a message that comes in costs no look at the database.
pub(crate) struct AddressBook(RwLock<HashMap<SessionId, HashMap<Jid, String>>>);

impl AddressBook {
    /// A book with these names.
    pub(crate) fn new(names: Vec<(SessionId, Jid, String)>) -> Self {
        let mut sessions = HashMap::<SessionId, HashMap<Jid, String>>::new();
        for (session, jid, name) in names {
            sessions.entry(session).or_default().insert(jid, name);
        }
        Self(RwLock::new(sessions))
    }

    /// What somebody was saved as, under either address.
    pub(crate) fn name_of(
        &self,
        session: SessionId,
        jid: &Jid,
        alt: Option<&Jid>,
    ) -> Option<String> {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let names = sessions.get(&session)?;
        let by_alt = || alt.and_then(|alt| names.get(alt));
        names.get(jid).or_else(by_alt).cloned()
    }

    /// Forgets the names of a session that is gone.
    pub(crate) fn forget(&self, session: SessionId) {
        self.change(|sessions| sessions.remove(&session));
    }

    fn has_room(&self, session: SessionId, jid: &Jid) -> bool {
        let sessions = self.0.read().unwrap_or_else(PoisonError::into_inner);
        sessions
            .get(&session)
            .is_none_or(|names| names.len() < Contacts::MAX_SAVED || names.contains_key(jid))
    }

    /// Sets or takes away the name of somebody, whose other address may have had it before both
    /// were known to be the same person's.
    fn set(&self, session: SessionId, jid: Jid, alt: Option<&Jid>, name: Option<String>) {
        self.change(|sessions| {
            let names = sessions.entry(session).or_default();
            if let Some(alt) = alt {
                names.remove(alt);
            }
            match name {
                Some(name) => names.insert(jid, name),
                None => names.remove(&jid),
            }
        });
    }

    fn change<T>(&self, change: impl FnOnce(&mut HashMap<SessionId, HashMap<Jid, String>>) -> T) {
        let mut sessions = self.0.write().unwrap_or_else(PoisonError::into_inner);
        change(&mut sessions);
    }
}

impl Contacts {
    /// Longest saved name, in characters.
    pub const MAX_NAME: usize = 100;
    /// Most names that are saved in one session.
    pub const MAX_SAVED: usize = 20_000;

    /// Saves a name for somebody, known or not; it is shown before all other names.
    pub async fn save_name(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
        name: &str,
    ) -> Result<Contact, ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let name = name.trim().to_owned();
        let fits = (1..=Self::MAX_NAME).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(ContactError::BadName);
        }
        let (id, jid) = (session.id, self.person(session.id, person).await?);
        if !self.shared.book.has_room(id, &jid) {
            return Err(ContactError::BookFull);
        }
        let entry = audit::done_in(
            &self.shared,
            caller,
            "contact.save",
            audit::named(&jid),
            session.id,
        );
        let (wanted, saved, now) = (jid.clone(), name.clone(), self.shared.clock.now());
        let shared = Arc::clone(&self.shared);
        let saving = self.shared.store.write(move |tx| {
            let before = tx.contacts().get(id, &wanted)?;
            tx.contacts_mut().save_name(id, &wanted, &saved, now)?;
            tx.audit_mut().insert(&entry)?;
            let contact = tx.contacts().get(id, &wanted)?;
            let is_new = before.and_then(|before| before.saved_name).as_ref() != Some(&saved);
            let noted = match contact.as_ref().filter(|_| is_new) {
                Some(contact) => note_renamed(&shared, tx, id, contact, Some(saved))?,
                None => None,
            };
            Ok::<_, StoreError>((contact, noted))
        });
        let (contact, noted) = saving.await?;
        let contact = contact.ok_or_else(|| ContactError::Unknown(jid.clone()))?;
        let alt = contact.alt.as_ref();
        self.shared.book.set(id, jid, alt, Some(name));
        self.announce(noted);
        Ok(contact)
    }

    /// Forgets the name that was saved for somebody.
    pub async fn forget_name(
        &self,
        caller: &Caller,
        session: &SessionRef,
        person: Recipient,
    ) -> Result<(), ContactError> {
        let session = usable_by(&self.shared, caller, session, Scope::Manage).await?;
        let (id, jid) = (session.id, self.person(session.id, person).await?);
        let entry = audit::done_in(
            &self.shared,
            caller,
            "contact.forget",
            audit::named(&jid),
            session.id,
        );
        let wanted = jid.clone();
        let shared = Arc::clone(&self.shared);
        let forgetting = self.shared.store.write(move |tx| {
            let known = tx.contacts().get(id, &wanted)?;
            if !tx.contacts_mut().forget_saved_name(id, &wanted)? {
                return Ok::<_, StoreError>(None);
            }
            tx.audit_mut().insert(&entry)?;
            let noted = match &known {
                Some(contact) => note_renamed(&shared, tx, id, contact, None)?,
                None => None,
            };
            Ok(Some((known.and_then(|contact| contact.alt), noted)))
        });
        let Some((alt, noted)) = forgetting.await? else {
            return Err(ContactError::NotSaved(jid));
        };
        self.shared.book.set(id, jid, alt.as_ref(), None);
        self.announce(noted);
        Ok(())
    }

    fn announce(&self, noted: Option<i64>) {
        if let Some(seq) = noted {
            crate::ingest::announce(&self.shared, seq);
        }
    }
}

/// Stores the event that somebody is called differently here.
fn note_renamed(
    shared: &Shared,
    tx: &Writer<'_>,
    session: SessionId,
    contact: &Contact,
    name: Option<String>,
) -> Result<Option<i64>, StoreError> {
    let body = EventBody::ContactUpdated {
        contact: contact.jid.clone(),
        alt: contact.alt.clone(),
        change: ContactChange::SavedName { name },
    };
    let event = crate::ingest::new_event(shared, session, body);
    let done = !crate::ingest::is_wanted(shared, &event);
    tx.events_mut().insert(&event, done)
}

//! What a stored event changes of what is kept besides messages: chats, people, groups, calls.

use warbler_domain::call::Call;
use warbler_domain::chat::ChatChange;
use warbler_domain::contact::Contact;
use warbler_domain::event::ContactChange;
use warbler_domain::group::GroupChange;
use warbler_domain::{Event, EventBody, Jid, SessionId, Timestamp};
use warbler_store::{Error, Writer};

/// Notes what an event that was just stored changes.
pub(super) fn note(tx: &Writer<'_>, event: &Event) -> Result<(), Error> {
    let session = event.session;
    match &event.body {
        EventBody::ChatUpdated { chat, change } => chat_updated(tx, session, chat, change),
        EventBody::GroupUpdated { group, change, .. } => group_updated(tx, session, group, change),
        EventBody::ContactUpdated {
            contact,
            alt,
            change,
        } => contact_updated(tx, session, contact, alt.as_ref(), change, event.at),
        EventBody::Call {
            call,
            by,
            video,
            group,
            state,
        } => tx.calls_mut().note(
            session,
            &Call {
                id: call.clone(),
                by: by.clone(),
                video: *video,
                group: *group,
                state: *state,
                at: event.at,
            },
        ),
        _ => Ok(()),
    }
}

fn chat_updated(
    tx: &Writer<'_>,
    session: SessionId,
    chat: &Jid,
    change: &ChatChange,
) -> Result<(), Error> {
    let kept = tx.contacts().canonical(session, chat)?;
    tx.chats_mut()
        .change(session, kept.as_ref().unwrap_or(chat), change)
}

fn group_updated(
    tx: &Writer<'_>,
    session: SessionId,
    group: &Jid,
    change: &GroupChange,
) -> Result<(), Error> {
    if let ("subject" | "create", Some(subject)) = (change.what.as_str(), &change.text) {
        tx.groups_mut().set_subject(session, group, subject)?;
    }
    tx.groups_mut().forget_details(session, group)
}

fn contact_updated(
    tx: &Writer<'_>,
    session: SessionId,
    jid: &Jid,
    alt: Option<&Jid>,
    change: &ContactChange,
    at: Timestamp,
) -> Result<(), Error> {
    let mut contact = Contact {
        jid: jid.clone(),
        alt: alt.cloned(),
        name: None,
        push_name: None,
        saved_name: None,
        seen_at: at,
    };
    match change {
        ContactChange::PushName { name } => contact.push_name = Some(name.clone()),
        ContactChange::Name { name: Some(name) } => contact.name = Some(name.clone()),
        ContactChange::Name { name: None } => {
            tx.contacts_mut().set_name(session, jid, None, at)?;
        }
        ContactChange::Number { jid: number } => {
            let new = Contact {
                jid: number.clone(),
                alt: None,
                ..contact.clone()
            };
            tx.contacts_mut().note(session, &new)?;
        }
        ContactChange::SavedName { .. }
        | ContactChange::Picture { .. }
        | ContactChange::About { .. } => {}
    }
    tx.contacts_mut().note(session, &contact)
}

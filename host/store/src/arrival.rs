//! What a stored message changes by itself: its chat, what is known of its author, and, when it is
//! about another message, what is said about that one.

use rusqlite::params;
use warbler_domain::jid::Server;
use warbler_domain::{Content, Direction, Jid, Message, MessageStatus, SessionId, Timestamp};

use crate::rows::prepare;
use crate::{Result, Writer};

/// How a message came to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// It has just been written.
    Live,
    /// It is from before this host knew the chat.
    Past,
}

/// Places within one millisecond.
const PLACES: i64 = 1 << 21;
/// How far a message's own time may be from its arrival for the arrival to count: the network
/// tells whole seconds, which would put an answer before its question.
const FRESH: i64 = 60_000;

/// The first place of a message that counts for its own time or its arrival; the low bits of its
/// seq come on top.
pub(crate) fn first_place(message: &Message, arrival: Arrival) -> i64 {
    let (written, arrived) = (
        message.timestamp.as_millis(),
        message.id.made_at().as_millis(),
    );
    let counts = match arrival {
        Arrival::Live if written.abs_diff(arrived) <= FRESH as u64 => arrived,
        Arrival::Live | Arrival::Past => written,
    };
    first_place_at(counts)
}

/// The place of the message with this seq.
pub(crate) fn place(first: i64, seq: i64) -> i64 {
    first + (seq & (PLACES - 1))
}

/// The first place of a millisecond.
pub(crate) fn first_place_at(millis: i64) -> i64 {
    millis.clamp(0, i64::MAX / PLACES) * PLACES
}

/// The first place that a message written at `since` or later can have.
pub(crate) fn first_place_since(since: Timestamp) -> i64 {
    first_place_at(since.as_millis().saturating_sub(FRESH))
}

/// A place behind every message written at `until` or earlier.
pub(crate) fn first_place_after(until: Timestamp) -> i64 {
    first_place_at(until.as_millis().saturating_add(FRESH + 1))
}

/// The hour, counted from 1970, that a place lies in.
pub(crate) fn hour_of(place: i64) -> i64 {
    place.div_euclid(PLACES * crate::stats::HOUR)
}

/// The millisecond a place stands for.
pub(crate) fn time_of(place: i64) -> Timestamp {
    Timestamp::from_millis(place.max(0) / PLACES)
}

/// Whether messages of this address are kept as a chat.
pub(crate) fn is_chat(jid: &Jid) -> bool {
    jid.server() != Server::Broadcast
}

/// Notes what a message that was just added changes.
pub(crate) fn note(tx: &Writer<'_>, message: &Message, place: i64, arrival: Arrival) -> Result<()> {
    if message.content.is_about_another() {
        tx.annotations_mut().note(message)?;
    } else if is_chat(&message.chat) {
        note_chat(tx, message, place, arrival)?;
    }
    note_people(tx, message)
}

fn note_chat(tx: &Writer<'_>, message: &Message, place: i64, arrival: Arrival) -> Result<()> {
    let live = arrival == Arrival::Live;
    let unread = live && message.direction == Direction::Inbound;
    // What the account writes on another device it has read there.
    let read =
        live && message.direction == Direction::Outbound && message.status != MessageStatus::Queued;
    let sql = "INSERT INTO chats (session, jid, place, unread) VALUES (?1, ?2, ?3, ?4)
               ON CONFLICT (session, jid) DO UPDATE SET
                   place = max(place, excluded.place),
                   unread = CASE WHEN ?5 THEN 0 ELSE unread + excluded.unread END,
                   marked = marked AND NOT ?5";
    prepare(tx.conn, sql)?.execute(params![
        message.session.as_bytes(),
        message.chat.to_string(),
        place,
        unread,
        read,
    ])?;
    Ok(())
}

fn note_people(tx: &Writer<'_>, message: &Message) -> Result<()> {
    let (session, seen_at) = (message.session, message.id.made_at());
    let known = match message.direction {
        Direction::Inbound => (
            &message.sender,
            message.sender_alt.as_ref(),
            message.sender_name.as_deref(),
        ),
        Direction::Outbound if message.chat.is_group() => return Ok(()),
        Direction::Outbound => (&message.chat, message.chat_alt.as_ref(), None),
    };
    let (jid, alt, name) = known;
    if alt.is_none() && name.is_none() {
        return Ok(());
    }
    tx.contacts_mut().see(session, jid, alt, name, seen_at)?;
    match alt {
        Some(alt) if *jid == message.chat => merge_if_split(tx, session, alt, jid),
        _ => Ok(()),
    }
}

/// Brings what is stored under an address that hides the number to the chat of the number, once
/// both are known to be the same person.
pub(crate) fn merge_if_split(
    tx: &Writer<'_>,
    session: SessionId,
    one: &Jid,
    other: &Jid,
) -> Result<()> {
    let (hidden, number) = match (one.server(), other.server()) {
        (Server::Lid, Server::Pn) => (one, other),
        (Server::Pn, Server::Lid) => (other, one),
        _ => return Ok(()),
    };
    if tx.chats().is_known(session, hidden)? || tx.contacts().is_known(session, hidden)? {
        tx.chats_mut().merge(session, hidden, number)?;
    }
    Ok(())
}

/// The words of a message that people read: what a search looks through.
pub(crate) fn readable_words(content: &Content) -> String {
    let mut words: Vec<&str> = content.readable().into_iter().collect();
    match content {
        Content::Media(media) => words.extend(media.file_name.as_deref()),
        Content::Location(place) => words.extend(place.address.as_deref()),
        Content::Contacts { cards } => words.extend(cards.iter().map(|card| card.name.as_str())),
        Content::Poll(poll) => words.extend(poll.options.iter().map(String::as_str)),
        _ => {}
    }
    words.join(" ")
}

//! What is going to happen: the same for the same seed, whatever comes of it.

use warbler_domain::Random;
use warbler_simulator::Fault;

/// How large a life is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) sessions: usize,
    pub(super) contacts: usize,
    /// Things that happen around each session.
    pub(super) steps: usize,
    /// How often the host is killed.
    pub(super) kills: usize,
    /// Whether messages are damaged and overtake each other on their way, so that they are asked for
    /// again.
    pub(super) damage: bool,
}

/// One thing that happens around a session. Contacts are told by their place among its contacts.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// A contact writes to the session.
    In {
        by: usize,
        text: String,
        picture: bool,
    },
    /// The session writes to a contact.
    Out {
        to: usize,
        text: String,
        picture: bool,
    },
    /// A contact writes to the group they share.
    InGroup { by: usize, text: String },
    /// The session writes to that group.
    OutGroup { text: String },
    /// A contact's phone loses its network.
    Away { contact: usize },
    /// It is back.
    Back { contact: usize },
    /// A contact reads what it has heard last.
    Reads { contact: usize },
    /// Something goes wrong for the session.
    Trouble(Vec<Fault>),
    /// Something goes wrong on the way to a contact.
    TroubleOf { contact: usize, fault: Fault },
}

/// What happens around one session, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lane {
    pub(super) session: usize,
    /// How many contacts it has; the first of them are in its group.
    pub(super) contacts: usize,
    pub(super) steps: Vec<Step>,
}

/// How many contacts share a group with the session.
pub(super) const IN_GROUP: usize = 3;

/// All lanes. What is said is unique, and says who said it to whom.
pub(super) fn lanes(seed: u64, size: Size) -> Vec<Lane> {
    let random = Random::seeded(seed);
    (0..size.sessions)
        .map(|session| {
            let rest = usize::from(session < size.contacts % size.sessions);
            let contacts = (size.contacts / size.sessions + rest).max(1);
            lane(&random, session, contacts, size)
        })
        .collect()
}

fn lane(random: &Random, session: usize, contacts: usize, size: Size) -> Lane {
    let mut away = vec![false; contacts];
    let mut planned = Vec::with_capacity(size.steps + contacts);
    for number in 0..size.steps {
        let who = random.below(contacts);
        let member = random.below(contacts.min(IN_GROUP));
        let picture = random.below(20) == 0;
        let step = match random.below(100) {
            0..40 => Step::In {
                by: who,
                text: format!("{session}.{number}: contact {who} to the session"),
                picture,
            },
            40..68 => Step::Out {
                to: who,
                text: format!("{session}.{number}: the session to contact {who}"),
                picture,
            },
            68..76 => Step::InGroup {
                by: member,
                text: format!("{session}.{number}: contact {member} to all"),
            },
            76..82 => Step::OutGroup {
                text: format!("{session}.{number}: the session to all"),
            },
            82..88 => match away.get_mut(who) {
                Some(away) => {
                    *away = !*away;
                    match *away {
                        true => Step::Away { contact: who },
                        false => Step::Back { contact: who },
                    }
                }
                None => continue,
            },
            88..92 => Step::Reads { contact: who },
            92..97 => Step::Trouble(trouble(random, size)),
            _ => Step::TroubleOf {
                contact: who,
                fault: on_the_way(random, size),
            },
        };
        planned.push(step);
    }
    let returning = away.iter().enumerate().filter(|(_, away)| **away);
    planned.extend(returning.map(|(contact, _)| Step::Back { contact }));
    Lane {
        session,
        contacts,
        steps: planned,
    }
}

/// What can befall a session's connection, or what comes over it.
fn trouble(random: &Random, size: Size) -> Vec<Fault> {
    match random.below(14) {
        0..3 => vec![Fault::Drop],
        3 => vec![Fault::HalfOpen],
        4 => vec![Fault::StreamError { code: 503 }],
        5 => vec![Fault::StreamError { code: 515 }],
        6 => vec![
            Fault::LoginFailure {
                reason: 503,
                times: 1,
            },
            Fault::Drop,
        ],
        7 => vec![Fault::DeclineIk { times: 1 }, Fault::Drop],
        8 => vec![Fault::DelayAcks { ms: 300, times: 2 }],
        9 => vec![Fault::DropAcks { times: 1 }],
        10 => vec![Fault::IqError {
            xmlns: "usync".to_owned(),
            code: 503,
            times: 1,
        }],
        11 => vec![Fault::MediaError {
            status: 500,
            times: 1,
        }],
        _ => vec![on_the_way(random, size)],
    }
}

/// What can befall messages on their way.
fn on_the_way(random: &Random, size: Size) -> Fault {
    match random.below(4) {
        _ if !size.damage => Fault::DeliverTwice { times: 2 },
        0 => Fault::DelayDelivery { ms: 300, times: 2 },
        1 => Fault::DeliverTwice { times: 2 },
        2 => Fault::Reorder { times: 1 },
        _ => Fault::Corrupt { times: 1 },
    }
}

#[test]
fn the_same_seed_plans_the_same_life() {
    let size = Size {
        sessions: 3,
        contacts: 10,
        steps: 50,
        kills: 0,
        damage: true,
    };
    assert_eq!(lanes(7, size), lanes(7, size));
    assert_ne!(lanes(7, size), lanes(8, size));
}

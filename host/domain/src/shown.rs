//! A message as it stands now: with its current text, and with what was said about it since.

use crate::clock::Timestamp;
use crate::content::Content;
use crate::jid::Jid;
use crate::message::Message;

/// A message, and what was said about it since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The message, with its newest text.
    pub message: Message,
    /// When its author last changed the text.
    pub edited_at: Option<Timestamp>,
    /// When it was taken back for everybody. What it said is kept here.
    pub revoked_at: Option<Timestamp>,
    /// Reactions, one per person at most, the oldest first.
    pub reactions: Vec<GivenReaction>,
    /// Votes, one per person at most, the oldest first; of polls only.
    pub votes: Vec<GivenVote>,
}

/// Somebody's reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenReaction {
    /// Who.
    pub by: Jid,
    /// When.
    pub at: Timestamp,
    /// The emoji.
    pub emoji: String,
}

/// Somebody's vote in a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenVote {
    /// Who.
    pub by: Jid,
    /// When.
    pub at: Timestamp,
    /// The chosen options, in words.
    pub options: Vec<String>,
}

/// How often something was chosen, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The emoji or the option.
    pub what: String,
    /// Who chose it, the first first.
    pub by: Vec<Jid>,
}

impl Shown {
    /// A message nobody has said anything about.
    pub fn plain(message: Message) -> Self {
        Self {
            message,
            edited_at: None,
            revoked_at: None,
            reactions: Vec::new(),
            votes: Vec::new(),
        }
    }

    /// The reactions by emoji, the most frequent first.
    pub fn reaction_tally(&self) -> Vec<Tally> {
        let mut tally = Vec::new();
        for reaction in &self.reactions {
            count(&mut tally, &reaction.emoji, &reaction.by);
        }
        tally.sort_by_key(|one: &Tally| std::cmp::Reverse(one.by.len()));
        tally
    }

    /// The votes by option, in the order of the poll's options, those without a vote among them;
    /// empty when this is no poll.
    pub fn vote_tally(&self) -> Vec<Tally> {
        let Content::Poll(poll) = &self.message.content else {
            return Vec::new();
        };
        let mut tally: Vec<_> = poll
            .options
            .iter()
            .map(|option| Tally {
                what: option.clone(),
                by: Vec::new(),
            })
            .collect();
        for vote in &self.votes {
            for option in &vote.options {
                count(&mut tally, option, &vote.by);
            }
        }
        tally
    }
}

fn count(tally: &mut Vec<Tally>, what: &str, by: &Jid) {
    match tally.iter_mut().find(|one| one.what == what) {
        Some(one) => one.by.push(by.clone()),
        None => tally.push(Tally {
            what: what.to_owned(),
            by: vec![by.clone()],
        }),
    }
}

impl Content {
    /// The content with its text or caption replaced, as an edit does it.
    pub fn set_readable(&mut self, text: &str) {
        match self {
            Self::Text(own) => {
                text.clone_into(&mut own.text);
                own.preview = None;
            }
            Self::Media(media) => media.caption = Some(text.to_owned()),
            _ => {}
        }
    }

    /// Whether it only says something about another message: a reaction, a vote, an edit or a
    /// revocation. Such messages are shown with the one they are about.
    pub fn is_about_another(&self) -> bool {
        matches!(
            self,
            Self::Reaction { .. } | Self::PollVote { .. } | Self::Edit { .. } | Self::Revoke { .. }
        )
    }
}

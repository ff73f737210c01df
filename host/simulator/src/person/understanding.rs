//! From a plaintext to what a person sees: media are fetched and opened, votes are unsealed.

use super::Person;
use super::heard::HeardContent;
use crate::address::{Address, Form};
use crate::phone::content::body::Locator;
use crate::phone::content::parts::{Look, Marks};
use crate::phone::content::{self, Content, SealedVote};
use crate::phone::media::{self, MediaKind};
use crate::phone::poll;
use crate::state::account::AccountId;
use waproto::whatsapp as wa;

impl Person {
    /// What stands around a message, with people by number where the network knows them.
    pub(super) fn marks(&self, message: &wa::Message) -> Marks {
        let mut marks = content::marks(message);
        let state = self.hub.lock();
        let by_number = |jid: &mut String| {
            if let Some((account, _)) = state.resolve_account(&Address::parse(jid)) {
                *jid = state.user_jid(account, Form::Pn);
            }
        };
        marks.mentions.iter_mut().for_each(by_number);
        if let Some(author) = marks
            .quoted
            .as_mut()
            .and_then(|quote| quote.author.as_mut())
        {
            by_number(author);
        }
        marks
    }

    pub(super) async fn understands(
        &self,
        marks: &Marks,
        said: Content,
        author: AccountId,
    ) -> HeardContent {
        match said {
            Content::Text {
                body,
                preview,
                color,
            } => HeardContent::Text {
                body,
                quoted: marks.quoted.as_ref().map(|quote| quote.id.clone()),
                preview,
                color,
            },
            Content::Media {
                kind,
                locator,
                mime,
                look,
            } => self.opens(kind, locator, mime, look).await,
            Content::Location(place) => HeardContent::Location(place),
            Content::Contacts(cards) => HeardContent::Contacts { cards },
            Content::Poll(poll) => HeardContent::Poll(poll),
            Content::Vote(vote) => self.unseals(&vote, author),
            Content::Reaction { target, emoji } => HeardContent::Reaction { target, emoji },
            Content::Edit { target, body } => HeardContent::Edit { target, body },
            Content::Revoke { target } => HeardContent::Revoke { target },
            Content::SenderKeyOnly => HeardContent::other("sender key"),
            Content::Protocol(name) | Content::Other(name) => HeardContent::other(name),
        }
    }

    /// Fetches a body, opens it and checks that it is the one that was meant.
    async fn opens(
        &self,
        kind: MediaKind,
        locator: Locator,
        mime: String,
        look: Look,
    ) -> HeardContent {
        let Some(body) = self.hub.media.get(&locator.direct_path) else {
            return HeardContent::other("media that is gone");
        };
        // Opening a long body takes a while and does not belong on the runtime's threads.
        let opened = tokio::task::spawn_blocking(move || media::open(kind, &body, &locator));
        let Ok(Ok(plain)) = opened.await else {
            return HeardContent::other("media that does not open");
        };
        let bytes = plain.into();
        let caption = look.caption;
        match kind {
            MediaKind::Image => HeardContent::Image {
                bytes,
                mime,
                caption,
            },
            MediaKind::Video => HeardContent::Video {
                bytes,
                mime,
                caption,
                seconds: look.seconds,
                gif: look.gif,
            },
            MediaKind::Audio => HeardContent::Audio {
                bytes,
                mime,
                seconds: look.seconds,
                voice: look.voice,
                waveform: look.waveform,
            },
            MediaKind::Document => HeardContent::Document {
                bytes,
                mime,
                caption,
                file_name: look.file_name,
            },
            MediaKind::Sticker => HeardContent::Sticker {
                bytes,
                mime,
                animated: look.animated,
            },
        }
    }

    /// Reads a vote in a poll this phone knows.
    fn unseals(&self, vote: &SealedVote, voter: AccountId) -> HeardContent {
        let known = self.inner.inbox().originals.find(&vote.poll);
        let Some((author, poll)) = known else {
            return HeardContent::other("vote in an unknown poll");
        };
        let (Content::Poll(asked), Some(secret)) = (content::read(&poll), content::secret(&poll))
        else {
            return HeardContent::other("vote in something that is no poll");
        };
        let pairs: Vec<(String, String)> = {
            let state = self.hub.lock();
            let forms = [Form::Pn, Form::Lid];
            let written =
                |by: Form, voted: Form| (state.user_jid(author, by), state.user_jid(voter, voted));
            forms
                .iter()
                .flat_map(|by| forms.iter().map(move |voted| (*by, *voted)))
                .map(|(by, voted)| written(by, voted))
                .collect()
        };
        match poll::open(vote, &asked.options, &secret, &pairs) {
            Some(options) => HeardContent::Vote {
                poll: vote.poll.clone(),
                options,
            },
            None => HeardContent::other("vote that does not open"),
        }
    }
}

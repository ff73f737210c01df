//! What a person can be told to send.

use bytes::Bytes;

use crate::phone::content::parts::{ContactCard, LinkPreview, Look, Place, Poll};
use crate::phone::media::MediaKind;

/// The content of a message.
#[derive(Debug, Clone)]
pub enum Saying {
    Text {
        body: String,
        preview: Option<LinkPreview>,
        /// The ground of a status, 0xAARRGGBB.
        color: Option<u32>,
    },
    Media {
        kind: MediaKind,
        bytes: Bytes,
        mime: String,
        look: Look,
    },
    Location(Place),
    /// One card or several.
    Contacts(Vec<ContactCard>),
    Poll(Poll),
}

/// A message a person is to send: what it says, and what stands around it.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub saying: Saying,
    /// The id of the message it answers.
    pub reply_to: Option<String>,
    /// Who is mentioned, by number or address; the text should hold `@` and the number.
    pub mentions: Vec<String>,
    /// Whether everybody in the group is mentioned.
    pub mentions_all: bool,
    /// How often it was forwarded; 0 means it is new.
    pub forwarding_score: u32,
    /// Whether it may be looked at once only; images, videos and audio.
    pub view_once: bool,
}

impl From<Saying> for Outgoing {
    fn from(saying: Saying) -> Self {
        Self {
            saying,
            reply_to: None,
            mentions: Vec::new(),
            mentions_all: false,
            forwarding_score: 0,
            view_once: false,
        }
    }
}

impl Outgoing {
    /// A text without anything attached.
    pub fn text(body: impl Into<String>) -> Self {
        Saying::Text {
            body: body.into(),
            preview: None,
            color: None,
        }
        .into()
    }

    fn media(
        kind: MediaKind,
        bytes: impl Into<Bytes>,
        mime: impl Into<String>,
        look: Look,
    ) -> Self {
        Saying::Media {
            kind,
            bytes: bytes.into(),
            mime: mime.into(),
            look,
        }
        .into()
    }

    /// A picture.
    pub fn image(bytes: impl Into<Bytes>, mime: impl Into<String>) -> Self {
        Self::media(MediaKind::Image, bytes, mime, Look::default())
    }

    /// A video that plays for so many seconds.
    pub fn video(bytes: impl Into<Bytes>, mime: impl Into<String>, seconds: u32) -> Self {
        let look = Look {
            seconds: Some(seconds),
            ..Look::default()
        };
        Self::media(MediaKind::Video, bytes, mime, look)
    }

    /// A short video that plays by itself; a "GIF" is never a GIF on the wire.
    pub fn gif(bytes: impl Into<Bytes>) -> Self {
        let look = Look {
            gif: true,
            seconds: Some(1),
            ..Look::default()
        };
        Self::media(MediaKind::Video, bytes, "video/mp4", look)
    }

    /// An audio file that plays for so many seconds.
    pub fn audio(bytes: impl Into<Bytes>, mime: impl Into<String>, seconds: u32) -> Self {
        let look = Look {
            seconds: Some(seconds),
            ..Look::default()
        };
        Self::media(MediaKind::Audio, bytes, mime, look)
    }

    /// Something spoken into the phone, with its loudness over time (up to 64 steps, 0 to 100).
    pub fn voice_note(bytes: impl Into<Bytes>, seconds: u32, waveform: impl Into<Vec<u8>>) -> Self {
        let look = Look {
            voice: true,
            seconds: Some(seconds),
            waveform: waveform.into(),
            ..Look::default()
        };
        Self::media(MediaKind::Audio, bytes, "audio/ogg; codecs=opus", look)
    }

    /// A file with its name.
    pub fn document(
        bytes: impl Into<Bytes>,
        mime: impl Into<String>,
        file_name: impl Into<String>,
    ) -> Self {
        let look = Look {
            file_name: Some(file_name.into()),
            ..Look::default()
        };
        Self::media(MediaKind::Document, bytes, mime, look)
    }

    /// A sticker in WebP form.
    pub fn sticker(bytes: impl Into<Bytes>, animated: bool) -> Self {
        let look = Look {
            animated,
            ..Look::default()
        };
        Self::media(MediaKind::Sticker, bytes, "image/webp", look)
    }

    /// A place on the map.
    pub fn location(place: Place) -> Self {
        Saying::Location(place).into()
    }

    /// One address card, or several together.
    pub fn contacts(cards: Vec<ContactCard>) -> Self {
        Saying::Contacts(cards).into()
    }

    /// A question with answers, of which so many may be chosen; 0 means any number.
    pub fn poll(name: &str, options: &[&str], selectable: u32) -> Self {
        Saying::Poll(Poll {
            name: name.to_owned(),
            options: options.iter().map(|one| (*one).to_owned()).collect(),
            selectable,
        })
        .into()
    }

    /// Puts a text under an image, video or document; other kinds have none.
    pub fn captioned(mut self, caption: impl Into<String>) -> Self {
        if let Saying::Media { look, .. } = &mut self.saying {
            look.caption = Some(caption.into());
        }
        self
    }

    /// Shows what is behind a link in a text.
    pub fn previewing(mut self, link: LinkPreview) -> Self {
        if let Saying::Text { preview, .. } = &mut self.saying {
            *preview = Some(link);
        }
        self
    }

    /// Puts a text status on a coloured ground, 0xAARRGGBB.
    pub fn on_color(mut self, argb: u32) -> Self {
        if let Saying::Text { color, .. } = &mut self.saying {
            *color = Some(argb);
        }
        self
    }

    /// Quotes a message this person has heard or sent.
    pub fn replying_to(mut self, message_id: impl Into<String>) -> Self {
        self.reply_to = Some(message_id.into());
        self
    }

    /// Mentions people by number or address.
    pub fn mentioning(mut self, people: &[&str]) -> Self {
        self.mentions = people.iter().map(|one| (*one).to_owned()).collect();
        self
    }

    /// Mentions everybody in the group.
    pub fn mentioning_all(mut self) -> Self {
        self.mentions_all = true;
        self
    }

    /// Marks it as forwarded so many times.
    pub fn forwarded(mut self, score: u32) -> Self {
        self.forwarding_score = score;
        self
    }

    /// Lets it be looked at once only.
    pub fn once(mut self) -> Self {
        self.view_once = true;
        self
    }
}

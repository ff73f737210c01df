//! The pieces a message can be made of, the same whether it is said or heard.

use serde::{Deserialize, Serialize};

/// What a link in a text shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkPreview {
    /// The link, as it stands in the text.
    pub url: String,
    #[serde(default)]
    pub title: Option<String>,
    #[serde(default)]
    pub description: Option<String>,
}

/// A place on the map.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub address: Option<String>,
    /// Whether it is where the sender is from moment to moment.
    #[serde(default)]
    pub live: bool,
}

/// Somebody's address card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContactCard {
    pub name: String,
    /// The card itself, in vCard form.
    pub vcard: String,
}

/// A question with answers to choose from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Poll {
    pub name: String,
    pub options: Vec<String>,
    /// How many answers one person may choose; 0 means any number.
    #[serde(default)]
    pub selectable: u32,
}

/// The message another one answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
    pub id: String,
    /// Who wrote it, as the message says.
    pub author: Option<String>,
    /// Its text or caption, as far as the message repeats it.
    pub text: Option<String>,
    /// The chat it was in, if another than this one; `status@broadcast` for a status.
    pub chat: Option<String>,
}

/// What stands around the content of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    pub quoted: Option<Quote>,
    /// Who is mentioned, by address.
    pub mentions: Vec<String>,
    /// Whether everybody in the group is mentioned.
    pub mentions_all: bool,
    pub forwarded: bool,
    /// How often it was forwarded; 5 and more shows as "many times".
    pub forwarding_score: u32,
    /// Whether it may be looked at once only.
    pub view_once: bool,
    /// After how many seconds it disappears.
    pub expires_after: Option<u32>,
}

/// How a body of media is to be shown; each kind has some of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Look {
    /// Images, videos and documents.
    pub caption: Option<String>,
    /// How long a video or audio plays.
    pub seconds: Option<u32>,
    /// A video that plays by itself, over and over.
    pub gif: bool,
    /// An audio that was spoken into the phone.
    pub voice: bool,
    /// The loudness of a voice note in up to 64 steps from 0 to 100.
    pub waveform: Vec<u8>,
    /// Documents.
    pub file_name: Option<String>,
    /// Stickers that move.
    pub animated: bool,
}

//! Uploads that are coming in, by the rules of whoever takes them.

use std::sync::Arc;

use warbler_domain::{Caller, Random, Scope, UploadId};
use warbler_store::media::Upload;

use super::store::Incoming;
use super::{FileName, Format, Media, MediaError, UploadedMedium};
use crate::core::Shared;

/// Random bytes in a plain name.
const PLAIN_BYTES: usize = 20;
/// Characters of a plain name.
const PLAIN_LEN: usize = PLAIN_BYTES * 8 / 5;
/// Random bytes in a name that looks like a UUID.
const UUID_BYTES: usize = 16;
/// Characters of a name that looks like a UUID, its dashes among them.
const UUID_LEN: usize = 36;
/// Where its dashes are.
const DASHES: [usize; 4] = [8, 13, 18, 23];
/// Longest ending of a name, in bytes.
const MAX_ENDING: usize = 8;

/// What is taken, and what it is called; everything by default.
#[derive(Debug, Clone, Copy, Default)]
pub struct UploadRules {
    /// Largest file in bytes, where that is less than the host takes.
    pub max_bytes: Option<u64>,
    /// The content types that are taken; all when nothing is said.
    pub types: Option<&'static [&'static str]>,
    /// What the name is like that it is served under.
    pub name: NameForm,
}

/// What the unguessable name of an upload is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameForm {
    /// 32 letters and digits.
    #[default]
    Plain,
    /// Like a UUID, and an ending that says what the file is.
    UuidWithEnding,
}

impl NameForm {
    fn make(self, format: Format, random: &Random) -> String {
        match self {
            Self::Plain => {
                let mut name = [0; PLAIN_BYTES];
                random.fill(&mut name);
                data_encoding::BASE32_NOPAD.encode(&name).to_lowercase()
            }
            Self::UuidWithEnding => {
                let mut name = [0; UUID_BYTES];
                random.fill(&mut name);
                let mut text = data_encoding::HEXLOWER.encode(&name);
                for at in DASHES {
                    text.insert(at, '-');
                }
                format!("{text}.{}", format.extension())
            }
        }
    }
}

/// Whether a text is a name of either form.
pub(super) fn is_name(text: &str) -> bool {
    let plain = |b: u8| matches!(b, b'a'..=b'z' | b'2'..=b'7');
    let Some((uuid, ending)) = text.split_once('.') else {
        return text.len() == PLAIN_LEN && text.bytes().all(plain);
    };
    let mut places = uuid.bytes().enumerate();
    let is_uuid = uuid.len() == UUID_LEN
        && places.all(|(at, b)| match DASHES.contains(&at) {
            true => b == b'-',
            false => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        });
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    is_uuid && (1..=MAX_ENDING).contains(&ending.len()) && ending.bytes().all(plain)
}

impl Media {
    /// Begins an upload, to be given piece by piece.
    ///
    /// # Errors
    /// When the caller may not send, or too many uploads are under way for too long.
    pub async fn begin(
        &self,
        caller: &Caller,
        file_name: Option<FileName>,
        rules: UploadRules,
    ) -> Result<Uploading, MediaError> {
        caller.require(Scope::Send)?;
        let store = &self.shared.media;
        Ok(Uploading {
            incoming: store.begin(self.largest_by(&rules)).await?,
            caller: caller.clone(),
            file_name,
            rules,
            shared: Arc::clone(&self.shared),
        })
    }

    /// Largest upload by these rules, in bytes.
    pub fn largest_by(&self, rules: &UploadRules) -> u64 {
        let largest = self.largest();
        rules.max_bytes.map_or(largest, |max| max.min(largest))
    }
}

/// An upload that is coming in. Dropped before its end, it leaves nothing.
pub struct Uploading {
    incoming: Incoming,
    caller: Caller,
    file_name: Option<FileName>,
    rules: UploadRules,
    shared: Arc<Shared>,
}

impl Uploading {
    /// Names the file, if it has no name yet.
    pub fn name(&mut self, file_name: Option<FileName>) {
        self.file_name = self.file_name.take().or(file_name);
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// When it becomes too large, or the disk is full.
    pub async fn push(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        self.incoming.push(bytes).await
    }

    /// Ends the upload: it is stored, looked at, and has a name.
    ///
    /// # Errors
    /// When there is nothing in it, it is of a type that is not taken, or it cannot be stored.
    pub async fn finish(self) -> Result<UploadedMedium, MediaError> {
        let shared = self.shared;
        let medium = shared.media.keep(self.incoming).await?;
        let format = Format::of_mime(&medium.mime);
        let taken = self.rules.types;
        if taken.is_some_and(|types| !types.contains(&format.mime())) {
            let found = format.mime();
            return Err(MediaError::TypeNotTaken { found });
        }
        let now = shared.clock.now();
        let upload = Upload {
            id: UploadId::new(now, &shared.random),
            digest: medium.digest,
            name: self.rules.name.make(format, &shared.random),
            file_name: self.file_name.map(|name| name.as_str().to_owned()),
            made_by: self.caller.label(),
            owner: self.caller.user_id(),
            created_at: now,
            expires_at: now.plus(shared.media.settings().keep_unused),
        };
        let row = upload.clone();
        let storing = shared
            .store
            .write(move |tx| tx.media_mut().add_upload(&row));
        storing.await.map_err(MediaError::Store)?;
        Ok(UploadedMedium { upload, medium })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_made_is_a_name() {
        let random = Random::seeded(7);
        for form in [NameForm::Plain, NameForm::UuidWithEnding] {
            let name = form.make(Format::of(b"%PDF-1.7"), &random);
            assert!(is_name(&name), "{name}");
        }
        for text in [
            "f7e3e7a0-5e7a-4b0f-8b9a-9e7d6e6e2c3d",
            "f7e3e7a0-5e7a-4b0f-8b9a-9e7d6e6e2c3d.",
            "f7e3e7a0-5e7a-4b0f-8b9a-9e7d6e6e2c3g.jpg",
            "f7e3e7a0-5e7a-4b0f-8b9a-9e7d6e6e2c3d.../..",
        ] {
            assert!(!is_name(text), "{text}");
        }
    }
}

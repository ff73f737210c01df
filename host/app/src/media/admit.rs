//! Media for messages: from wherever their bytes are, to a stored content that can be sent as what
//! it is to be.

use bytes::Bytes;
use warbler_domain::media::{Digest, Media as MessageMedium, MediaKind, MediaSource};
use warbler_domain::{Caller, Scope, UploadId};
use warbler_store::media::StoredMedium;

use super::{BadData, FileName, Format, Media, MediaError, UploadedMedium, beside, data_url};
use crate::fetch::{FetchLimits, FetchRequest, FetchUrl};

/// Texts up to this size are decoded in place, larger ones beside the runtime.
const DECODED_IN_PLACE: usize = 64 * 1024;

/// Where the bytes of a new medium are.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Uploaded before.
    Upload(UploadId),
    /// At a URL, fetched now under the rules of [`crate::fetch`].
    Url(FetchUrl),
    /// In a `data:` URL.
    DataUrl(String),
    /// In base64.
    Base64(String),
    /// Here.
    Bytes(Bytes),
}

/// A medium for a message.
#[derive(Debug, Clone)]
pub struct NewMedium {
    /// Where its bytes are.
    pub origin: Origin,
    /// What it is to be sent as; by its content, when nothing is said.
    pub kind: Option<MediaKind>,
    /// What recipients see the file called; what the upload or the URL calls it, when nothing is
    /// said.
    pub file_name: Option<FileName>,
}

/// A medium that is stored and can be sent as its kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its content type, as messages of its kind name it.
    pub mime: &'static str,
    /// What it is sent as.
    pub kind: MediaKind,
    /// What recipients see the file called. Documents always have a name.
    pub file_name: Option<FileName>,
    /// Width in pixels, where known.
    pub width: Option<u32>,
    /// Height in pixels, where known.
    pub height: Option<u32>,
    /// How long it plays, in seconds, where known.
    pub seconds: Option<u32>,
    /// Whether it is a sticker that moves.
    pub animated: bool,
    /// A small JPEG of it, also in the store.
    pub thumbnail: Option<Digest>,
}

impl Admitted {
    /// The medium of a message, with everything known about it.
    pub fn into_medium(self) -> MessageMedium {
        let source = MediaSource::Stored {
            digest: self.digest,
        };
        MessageMedium {
            file_name: self.file_name.map(|name| name.as_str().to_owned()),
            seconds: self.seconds,
            width: self.width,
            height: self.height,
            animated: self.animated && self.kind == MediaKind::Sticker,
            thumbnail: self.thumbnail,
            ..MessageMedium::new(self.kind, self.mime, self.size, source)
        }
    }
}

impl Media {
    /// Takes a medium for a message: fetches or decodes it, stores it, and checks that it is what
    /// it is to be sent as.
    pub async fn admit(&self, caller: &Caller, new: NewMedium) -> Result<Admitted, MediaError> {
        caller.require(Scope::Send)?;
        let store = &self.shared.media;
        let settings = store.settings();
        let max = new
            .kind
            .map_or(settings.largest(), |kind| settings.limit(kind));
        let (medium, named) = match new.origin {
            Origin::Upload(id) => self.uploaded(caller, id).await?,
            Origin::Url(url) => self.fetched(url, max).await?,
            Origin::DataUrl(text) => (
                store
                    .take(&decoded(text, data_url::parse).await?, max)
                    .await?,
                None,
            ),
            Origin::Base64(text) => {
                let bytes = decoded(text, |text| data_url::base64(text.as_bytes())).await?;
                (store.take(&bytes, max).await?, None)
            }
            Origin::Bytes(bytes) => (store.take(&bytes, max).await?, None),
        };
        let mut admitted = as_kind(&medium, new.kind)?;
        let limit = settings.limit(admitted.kind);
        if medium.size > limit {
            return Err(MediaError::TooLarge { max: limit });
        }
        admitted.file_name = new.file_name.or(named).or(admitted.file_name);
        Ok(admitted)
    }

    async fn uploaded(
        &self,
        caller: &Caller,
        id: UploadId,
    ) -> Result<(StoredMedium, Option<FileName>), MediaError> {
        let UploadedMedium { upload, medium } = self.usable(caller, id).await?;
        let now = self.shared.clock.now();
        let until = now.plus(self.shared.media.settings().keep);
        let digest = upload.digest;
        self.shared
            .store
            .write_relaxed(move |tx| {
                tx.media_mut().extend_upload(id, until)?;
                tx.media_mut().touch(&digest, now)
            })
            .await
            .map_err(MediaError::Store)?;
        let name = upload.file_name.as_deref().and_then(FileName::of);
        Ok((medium, name))
    }

    async fn fetched(
        &self,
        url: FetchUrl,
        max: u64,
    ) -> Result<(StoredMedium, Option<FileName>), MediaError> {
        let store = &self.shared.media;
        let limits = FetchLimits::new(max, store.settings().fetch_timeout);
        let mut incoming = store.begin(max).await?;
        let answer = self
            .shared
            .fetcher
            .open(FetchRequest::get(url, limits))
            .await?;
        let mut answer = answer.success()?;
        while let Some(bytes) = answer.next().await? {
            incoming.push(&bytes).await?;
        }
        let name = answer.url().last_segment().and_then(FileName::of_url);
        Ok((store.keep(incoming).await?, name))
    }
}

/// The medium as `wanted`, or as what its content is.
pub(super) fn as_kind(
    medium: &StoredMedium,
    wanted: Option<MediaKind>,
) -> Result<Admitted, MediaError> {
    let format = Format::of_mime(&medium.mime);
    let kind = wanted.unwrap_or(format.kind());
    if !format.sends_as(kind) {
        return Err(MediaError::WrongType {
            wanted: kind,
            found: format.mime(),
            fits: format.kind(),
        });
    }
    let unnamed = format!("file.{}", format.extension());
    Ok(Admitted {
        digest: medium.digest,
        size: medium.size,
        mime: format.mime_as(kind),
        kind,
        file_name: (kind == MediaKind::Document)
            .then(|| FileName::of(&unnamed))
            .flatten(),
        width: medium.width,
        height: medium.height,
        seconds: medium.seconds,
        animated: medium.animated,
        thumbnail: medium.thumbnail,
    })
}

async fn decoded(
    text: String,
    decode: fn(&str) -> Result<Vec<u8>, BadData>,
) -> Result<Vec<u8>, MediaError> {
    if text.len() <= DECODED_IN_PLACE {
        return Ok(decode(&text)?);
    }
    beside(move || Ok(decode(&text)?)).await
}

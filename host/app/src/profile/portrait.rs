//! Pictures of accounts and groups: a square JPEG, as WhatsApp shows them.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageReader, Limits, Rgba, RgbaImage};
use warbler_domain::media::MediaKind;
use warbler_domain::{Caller, Refusal, RefusalKind};

use crate::core::Shared;
use crate::media::{Media, MediaError, NewMedium, Origin};

/// Longest side, in pixels.
const SIDE: u32 = 640;
/// Quality of the JPEG, of 100.
const QUALITY: u8 = 85;
/// Longest side of a picture that is decoded, in pixels.
const MAX_SIDE: u32 = 12_000;
/// Most memory that decoding may take, in bytes.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// Why a picture was not taken.
#[derive(Debug, thiserror::Error)]
pub enum PortraitError {
    /// Getting or keeping it.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// It cannot be read.
    #[error("the picture is broken, or larger than {MAX_SIDE} by {MAX_SIDE} pixels")]
    Broken,
}

impl Refusal for PortraitError {
    fn kind(&self) -> RefusalKind {
        match self {
            Self::Media(err) => err.kind(),
            Self::Broken => RefusalKind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Media(err) => err.code(),
            Self::Broken => "broken_picture",
        }
    }
}

/// The picture as a square JPEG of at most [`SIDE`] pixels.
pub(crate) async fn portrait(
    shared: &Arc<Shared>,
    caller: &Caller,
    origin: Origin,
) -> Result<Bytes, PortraitError> {
    let picture = NewMedium {
        origin,
        kind: Some(MediaKind::Image),
        file_name: None,
    };
    let admitted = Media::new(Arc::clone(shared))
        .admit(caller, picture)
        .await?;
    let bytes = shared.media.get(&admitted.digest).await?;
    let cut = tokio::task::spawn_blocking(move || square(&bytes)).await;
    cut.ok().flatten().ok_or(PortraitError::Broken)
}

fn square(bytes: &[u8]) -> Option<Bytes> {
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .ok()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    reader.limits(limits);
    let picture = reader.decode().ok()?;
    let side = picture.width().min(picture.height()).min(SIDE);
    let cut = picture.resize_to_fill(side, side, FilterType::Triangle);
    // JPEG knows no transparency; what is transparent is white, not black.
    let mut flat = RgbaImage::from_pixel(side, side, Rgba([255; 4]));
    imageops::overlay(&mut flat, &cut.to_rgba8(), 0, 0);
    let mut jpeg = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    let flat = DynamicImage::from(flat).to_rgb8();
    flat.write_with_encoder(encoder).ok()?;
    Some(jpeg.into_inner().into())
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, Result};
    use image::ImageFormat;

    use super::*;

    #[test]
    fn a_wide_picture_becomes_a_square_on_white() -> Result<()> {
        let wide = RgbaImage::from_pixel(900, 300, Rgba([0, 0, 0, 0]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::from(wide).write_to(&mut bytes, ImageFormat::Png)?;
        let jpeg = square(bytes.get_ref()).context("it is a picture")?;
        let found = image::load_from_memory_with_format(&jpeg, ImageFormat::Jpeg)?.to_rgb8();
        assert_eq!((found.width(), found.height()), (300, 300));
        assert!(found.get_pixel(150, 150).0.iter().all(|part| *part > 250));
        assert_eq!(square(b"no picture"), None);
        Ok(())
    }
}

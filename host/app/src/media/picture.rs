//! A look at a picture: how large it is, and a small JPEG of it to show before it is loaded.
//!
//! Pictures come from strangers. What a file announces is checked before anything is decoded, and
//! decoding is bounded: a small file that unfolds into gigabytes gets no preview, nor does a
//! broken one. Neither keeps a picture from being sent.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgb, RgbImage};

use super::format::Format;

/// Longest side of a preview, in pixels.
const PREVIEW: u32 = 160;
/// Quality of a preview, of 100: about 5 KB.
const QUALITY: u8 = 60;
/// Largest picture that is decoded, in pixels: what today's phones take.
const MAX_PIXELS: u64 = 50_000_000;
/// Most memory that decoding may take, in bytes.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// What there is to see.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Width and height in pixels, as it is shown.
    pub(super) size: Option<(u32, u32)>,
    /// Whether it is a sticker that moves.
    pub(super) animated: bool,
    /// A small JPEG of it.
    pub(super) preview: Option<Vec<u8>>,
}

/// Looks at the picture in a file. Takes a while: not for the runtime's threads.
pub(super) fn look(path: &Path, format: Format, head: &[u8]) -> Look {
    let mut look = Look {
        animated: format == Format::WEBP && moves(head),
        ..Look::default()
    };
    let Some(mut decoder) = open(path, format) else {
        return look;
    };
    let (width, height) = decoder.dimensions();
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    look.size = Some(if turns(orientation) {
        (height, width)
    } else {
        (width, height)
    });
    if u64::from(width) * u64::from(height) <= MAX_PIXELS
        && let Ok(picture) = DynamicImage::from_decoder(decoder)
    {
        look.preview = shrink(&picture, orientation);
    }
    look
}

fn open(path: &Path, format: Format) -> Option<Box<dyn ImageDecoder>> {
    let kind = image::ImageFormat::from_mime_type(format.mime())?;
    let mut reader = ImageReader::open(path).ok()?;
    reader.set_format(kind);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    Some(Box::new(reader.into_decoder().ok()?))
}

/// Whether it is shown lying on its side.
fn turns(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The flag for animation in the extended header of a WebP.
fn moves(head: &[u8]) -> bool {
    head.get(12..16) == Some(b"VP8X") && head.get(20).is_some_and(|flags| flags & 0x02 != 0)
}

fn shrink(picture: &DynamicImage, orientation: Orientation) -> Option<Vec<u8>> {
    let mut small = if picture.width().max(picture.height()) > PREVIEW {
        picture.thumbnail(PREVIEW, PREVIEW)
    } else {
        picture.clone()
    };
    small.apply_orientation(orientation);
    let mut jpeg = Cursor::new(Vec::new());
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    on_white(&small).write_with_encoder(encoder).ok()?;
    Some(jpeg.into_inner())
}

/// JPEG knows no transparency; what is transparent is white, not black.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let rgba = picture.to_rgba8();
    RgbImage::from_fn(rgba.width(), rgba.height(), |x, y| {
        let [r, g, b, alpha] = rgba.get_pixel(x, y).0;
        let mix = |part: u8| {
            let mixed = u16::from(part) * u16::from(alpha) + 255 * (255 - u16::from(alpha));
            u8::try_from(mixed / 255).unwrap_or(u8::MAX)
        };
        Rgb([mix(r), mix(g), mix(b)])
    })
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, Result};
    use image::{ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn look_at(bytes: &[u8]) -> Result<Look> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("picture");
        std::fs::write(&path, bytes)?;
        Ok(look(&path, Format::of(bytes), bytes))
    }

    fn drawn(width: u32, height: u32, format: ImageFormat) -> Result<Vec<u8>> {
        let picture = RgbaImage::from_pixel(width, height, Rgba([200, 0, 0, 255]));
        let picture = DynamicImage::from(picture);
        let mut bytes = Cursor::new(Vec::new());
        match format {
            ImageFormat::Jpeg => picture.to_rgb8().write_to(&mut bytes, format)?,
            _ => picture.write_to(&mut bytes, format)?,
        }
        Ok(bytes.into_inner())
    }

    #[test]
    fn every_kind_of_picture_has_a_size_and_a_preview() -> Result<()> {
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let look = look_at(&drawn(640, 320, format)?)?;
            assert_eq!(look.size, Some((640, 320)), "{format:?}");
            let preview = look.preview.context("a preview")?;
            assert!(preview.len() < 8192, "{format:?}: {}", preview.len());
            let preview = image::load_from_memory_with_format(&preview, ImageFormat::Jpeg)?;
            assert_eq!((preview.width(), preview.height()), (160, 80), "{format:?}");
        }
        Ok(())
    }

    #[test]
    fn what_is_transparent_becomes_white() -> Result<()> {
        let clear = DynamicImage::from(RgbaImage::from_pixel(8, 8, Rgba([0, 0, 0, 0])));
        assert_eq!(on_white(&clear).get_pixel(3, 3), &Rgb([255, 255, 255]));
        Ok(())
    }

    #[test]
    fn a_picture_that_unfolds_into_gigabytes_gets_no_preview() -> Result<()> {
        // A PNG that announces 60,000 × 60,000 pixels and holds next to nothing.
        let mut bomb = drawn(1, 1, ImageFormat::Png)?;
        let side = 60_000u32.to_be_bytes();
        let header: Vec<u8> = [&b"IHDR"[..], &side, &side, &[8, 2, 0, 0, 0]].concat();
        let sum = crc32(&header).to_be_bytes();
        bomb.splice(12..33, header.into_iter().chain(sum));
        let look = look_at(&bomb)?;
        assert_eq!(look.preview, None);
        assert_eq!(look.size, Some((60_000, 60_000)));
        Ok(())
    }

    #[test]
    fn a_broken_picture_is_no_obstacle() -> Result<()> {
        assert_eq!(look_at(b"\x89PNG\r\n\x1a\nand so on")?, Look::default());
        let mut cut = drawn(640, 320, ImageFormat::Jpeg)?;
        cut.truncate(cut.len() / 3);
        look_at(&cut)?;
        Ok(())
    }

    /// The checksum of PNG chunks.
    fn crc32(bytes: &[u8]) -> u32 {
        let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
            })
        });
        !sum
    }
}

//! The pairing QR as an image: black on white, one bit per pixel, large enough to scan.

use data_encoding::BASE64;
use png::{BitDepth, ColorType, Encoder};
use qrcode::{Color, QrCode};
use warbler_domain::{Refusal, RefusalKind};

/// Shortest edge of the image, in pixels.
const MIN_EDGE: usize = 288;
/// Light modules around the code, as the standard asks for.
const QUIET: usize = 4;

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QrError {
    /// No QR holds that much.
    #[error("the text does not fit into a QR")]
    TooLong(#[source] qrcode::types::QrError),
    /// The encoder.
    #[error("the image could not be written")]
    Png(#[from] png::EncodingError),
}

impl Refusal for QrError {
    fn kind(&self) -> RefusalKind {
        RefusalKind::Internal
    }

    fn code(&self) -> &'static str {
        "qr_image"
    }
}

/// Draws `text` as a PNG in a `data:` URL.
pub(crate) fn data_url(text: &str) -> Result<String, QrError> {
    Ok(format!(
        "data:image/png;base64,{}",
        BASE64.encode(&png(text)?)
    ))
}

/// Draws `text` as a PNG.
pub(crate) fn png(text: &str) -> Result<Vec<u8>, QrError> {
    let code = QrCode::new(text).map_err(QrError::TooLong)?;
    let modules = code.width();
    let colors = code.to_colors();
    let scale = MIN_EDGE.div_ceil(modules + 2 * QUIET).max(4);
    let edge = (modules + 2 * QUIET) * scale;
    let is_dark = |x: usize, y: usize| {
        let (column, row) = (
            (x / scale).checked_sub(QUIET),
            (y / scale).checked_sub(QUIET),
        );
        match (column, row) {
            (Some(column), Some(row)) if column < modules => {
                colors.get(row * modules + column) == Some(&Color::Dark)
            }
            _ => false,
        }
    };
    let mut pixels = Vec::with_capacity(edge.div_ceil(8) * edge);
    for y in 0..edge {
        for first in (0..edge).step_by(8) {
            let light = (0..8)
                .filter(|bit| !is_dark(first + bit, y))
                .fold(0u8, |byte, bit| byte | (0x80 >> bit));
            pixels.push(light);
        }
    }
    // A QR has at most 177 modules, so the edge always fits.
    let edge = u32::try_from(edge).unwrap_or(u32::MAX);
    let mut image = Vec::new();
    let mut encoder = Encoder::new(&mut image, edge, edge);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::One);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    writer.finish()?;
    Ok(image)
}

#[cfg(test)]
mod tests {
    use super::{MIN_EDGE, QUIET, png};

    #[test]
    fn the_image_shows_every_module_of_the_code() -> anyhow::Result<()> {
        let text = "2@abcdefghijklmnopqrstuvwxyz,ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/=,x,y";
        let image = png(text)?;
        let mut reader = png::Decoder::new(std::io::Cursor::new(image)).read_info()?;
        let mut rows = Vec::new();
        while let Some(row) = reader.next_row()? {
            rows.push(row.data().to_vec());
        }
        let code = qrcode::QrCode::new(text)?;
        let edge = rows.len();
        let scale = edge / (code.width() + 2 * QUIET);
        assert!(edge >= MIN_EDGE && edge % scale == 0, "{edge}");
        let pixel = |x: usize, y: usize| {
            rows.get(y)
                .and_then(|row| row.get(x / 8))
                .map(|byte| byte & (0x80 >> (x % 8)))
        };
        for (at, color) in code.to_colors().into_iter().enumerate() {
            let (x, y) = (at % code.width() + QUIET, at / code.width() + QUIET);
            let dark = pixel(x * scale + scale / 2, y * scale) == Some(0);
            assert_eq!(dark, color == qrcode::Color::Dark, "{x},{y}");
        }
        assert_ne!(pixel(0, edge / 2), Some(0), "the quiet zone is light");
        Ok(())
    }
}

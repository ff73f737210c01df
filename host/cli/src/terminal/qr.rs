//! A QR in the terminal: two modules in one character, by half blocks.

use qrcode::{Color, EcLevel, QrCode};

use super::Screen;

/// Light modules around the code; scanners want some.
const QUIET: usize = 2;

/// A text that fits into no QR.
#[derive(Debug, thiserror::Error)]
#[error("the text is too long for a QR")]
pub struct QrTooLong;

/// The lines that show `text` as a QR.
///
/// With colours it is black on white whatever the terminal's own colours are; without, the light
/// modules are drawn, which is right on the usual dark background.
pub fn draw(text: &str, screen: Screen) -> Result<Vec<String>, QrTooLong> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| QrTooLong)?;
    let size = code.width();
    let colors = code.to_colors();
    let whole = size + 2 * QUIET;
    let light = |x: usize, y: usize| {
        let inside = x.checked_sub(QUIET).zip(y.checked_sub(QUIET));
        match inside.filter(|(x, y)| *x < size && *y < size) {
            Some((x, y)) => colors.get(y * size + x) != Some(&Color::Dark),
            None => true,
        }
    };
    let lines = (0..whole).step_by(2).map(|y| {
        let row: String = (0..whole)
            .map(|x| match (light(x, y), y + 1 >= whole || light(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            })
            .collect();
        if screen.has_colour() {
            format!("\x1b[38;5;231;48;5;16m{row}\x1b[0m")
        } else {
            row
        }
    });
    Ok(lines.collect())
}

#[cfg(test)]
mod tests {
    use super::{QUIET, draw};
    use crate::terminal::Screen;

    #[test]
    fn the_drawing_is_square_and_has_a_quiet_zone() {
        let screen = Screen {
            terminal: false,
            colour: false,
        };
        let lines = draw("2@abc,def,ghi", screen).unwrap_or_default();
        let width = lines.first().map_or(0, |line| line.chars().count());
        assert!(
            width > 2 * QUIET && lines.len() == width.div_ceil(2),
            "{width} {}",
            lines.len()
        );
        assert!(
            lines
                .first()
                .is_some_and(|line| line.chars().all(|c| c == '█'))
        );
    }

    #[test]
    fn a_text_that_fits_into_no_qr_is_refused() {
        let screen = Screen {
            terminal: false,
            colour: false,
        };
        assert!(draw(&"x".repeat(10_000), screen).is_err());
    }
}

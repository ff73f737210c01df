//! How long a sound plays, where that is cheap to tell.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::format::Format;

/// How much of a file's end is looked at: the last page of an Ogg stream is shorter.
const TAIL: u64 = 65_536;
/// Opus always counts at this rate, whatever it was recorded at.
const OPUS_RATE: u64 = 48_000;

/// The seconds a sound plays, rounded up; a short one takes one second.
pub(super) fn seconds(path: &Path, format: Format, head: &[u8], size: u64) -> Option<u32> {
    match format {
        Format::OPUS => opus(path, head),
        Format::WAV => wav(head, size),
        _ => None,
    }
}

/// The position of the last page, less what is skipped at the start.
fn opus(path: &Path, head: &[u8]) -> Option<u32> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail).ok()?;
    let last = tail.windows(4).rposition(|window| window == b"OggS")?;
    let position = u64::from_le_bytes(part(&tail, last + 6)?);
    let opus = head.windows(8).position(|window| window == b"OpusHead")?;
    let skipped = u16::from_le_bytes(part(head, opus + 10)?);
    let samples = position.checked_sub(u64::from(skipped))?;
    u32::try_from(samples.div_ceil(OPUS_RATE).max(1)).ok()
}

/// The rest of the file at the rate its header names.
fn wav(head: &[u8], size: u64) -> Option<u32> {
    let format = head.windows(4).position(|window| window == b"fmt ")?;
    let rate = u32::from_le_bytes(part(head, format + 16)?);
    let data = size.checked_sub(44)?;
    let seconds = data.checked_div(u64::from(rate))?;
    u32::try_from(seconds.max(1)).ok()
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use anyhow::Result;

    use super::*;

    fn seconds_of(bytes: &[u8]) -> Result<Option<u32>> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("sound");
        std::fs::write(&path, bytes)?;
        Ok(seconds(&path, Format::of(bytes), bytes, bytes.len() as u64))
    }

    fn page(position: u64, body: &[u8]) -> Vec<u8> {
        [b"OggS\0\x02", &position.to_le_bytes()[..], &[0; 13], body].concat()
    }

    #[test]
    fn a_voice_note_says_how_long_it_is() -> Result<()> {
        let head = page(0, b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0");
        let whole = [head.clone(), page(312 + 48_000 * 7 / 2, b"sound")].concat();
        assert_eq!(seconds_of(&whole)?, Some(4));
        assert_eq!(seconds_of(&head)?, None);
        Ok(())
    }

    #[test]
    fn a_recording_says_how_long_it_is() -> Result<()> {
        let mut wav = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        wav.extend(8000u32.to_le_bytes());
        wav.extend(16_000u32.to_le_bytes());
        wav.extend(b"\x02\0\x10\0data\0\0\0\0");
        wav.resize(44 + 32_000, 0);
        assert_eq!(seconds_of(&wav)?, Some(2));
        Ok(())
    }

    #[test]
    fn nonsense_has_no_length() -> Result<()> {
        assert_eq!(seconds_of(b"OggS....OpusHead")?, None);
        assert_eq!(seconds_of(b"RIFF\0\0\0\0WAVEfmt ")?, None);
        Ok(())
    }
}

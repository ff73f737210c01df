//! What a content is, told from its first bytes and from nothing else.

use warbler_domain::media::MediaKind;

/// Bytes of a content that are enough to tell what it is.
pub const HEAD: usize = 4096;

/// A known kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    mime: &'static str,
    extension: &'static str,
    sendable: &'static [MediaKind],
}

const PICTURE: &[MediaKind] = &[MediaKind::Image, MediaKind::Document];
const STICKER: &[MediaKind] = &[MediaKind::Image, MediaKind::Sticker, MediaKind::Document];
const FILM: &[MediaKind] = &[MediaKind::Video, MediaKind::Document];
/// Sound often comes in the container of films.
const CONTAINER: &[MediaKind] = &[MediaKind::Video, MediaKind::Audio, MediaKind::Document];
const SOUND: &[MediaKind] = &[MediaKind::Audio, MediaKind::Document];
const FILE: &[MediaKind] = &[MediaKind::Document];

macro_rules! formats {
    ($($name:ident = $mime:literal, $extension:literal, $sendable:ident;)+) => {
        impl Format {
            $(pub(crate) const $name: Self = Self {
                mime: $mime,
                extension: $extension,
                sendable: $sendable,
            };)+
            const ALL: &[Self] = &[$(Self::$name),+];
        }
    };
}

formats! {
    JPEG = "image/jpeg", "jpg", PICTURE;
    PNG = "image/png", "png", PICTURE;
    GIF = "image/gif", "gif", PICTURE;
    WEBP = "image/webp", "webp", STICKER;
    HEIC = "image/heic", "heic", FILE;
    AVIF = "image/avif", "avif", FILE;
    BMP = "image/bmp", "bmp", FILE;
    TIFF = "image/tiff", "tif", FILE;
    MP4 = "video/mp4", "mp4", CONTAINER;
    THREE_GP = "video/3gpp", "3gp", CONTAINER;
    MOV = "video/quicktime", "mov", FILM;
    WEBM = "video/webm", "webm", FILM;
    MKV = "video/x-matroska", "mkv", FILE;
    AVI = "video/x-msvideo", "avi", FILE;
    OPUS = "audio/ogg; codecs=opus", "ogg", SOUND;
    OGG = "audio/ogg", "ogg", SOUND;
    MP3 = "audio/mpeg", "mp3", SOUND;
    M4A = "audio/mp4", "m4a", SOUND;
    AAC = "audio/aac", "aac", SOUND;
    AMR = "audio/amr", "amr", SOUND;
    WAV = "audio/wav", "wav", SOUND;
    FLAC = "audio/flac", "flac", SOUND;
    PDF = "application/pdf", "pdf", FILE;
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx", FILE;
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx", FILE;
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx", FILE;
    ODT = "application/vnd.oasis.opendocument.text", "odt", FILE;
    ODS = "application/vnd.oasis.opendocument.spreadsheet", "ods", FILE;
    ODP = "application/vnd.oasis.opendocument.presentation", "odp", FILE;
    EPUB = "application/epub+zip", "epub", FILE;
    OLE = "application/x-ole-storage", "doc", FILE;
    ZIP = "application/zip", "zip", FILE;
    GZIP = "application/gzip", "gz", FILE;
    SEVEN_ZIP = "application/x-7z-compressed", "7z", FILE;
    RAR = "application/vnd.rar", "rar", FILE;
    RTF = "application/rtf", "rtf", FILE;
    VCARD = "text/vcard", "vcf", FILE;
    TEXT = "text/plain", "txt", FILE;
    UNKNOWN = "application/octet-stream", "bin", FILE;
}

impl Format {
    /// The format of a content that begins with `head`, its first [`HEAD`] bytes or all of it.
    pub fn of(head: &[u8]) -> Self {
        by_signature(head)
            .or_else(|| by_container(head))
            .or_else(|| by_text(head))
            .unwrap_or(Self::UNKNOWN)
    }

    /// The format that was stored with this content type.
    pub fn of_mime(mime: &str) -> Self {
        let found = Self::ALL.iter().find(|format| format.mime == mime);
        found.copied().unwrap_or(Self::UNKNOWN)
    }

    /// Its content type.
    pub fn mime(self) -> &'static str {
        self.mime
    }

    /// Its content type in a message of this kind.
    pub fn mime_as(self, kind: MediaKind) -> &'static str {
        match (self, kind) {
            (Self::MP4, MediaKind::Audio) => Self::M4A.mime,
            (Self::THREE_GP, MediaKind::Audio) => "audio/3gpp",
            _ => self.mime,
        }
    }

    /// How names of such files end, without the dot.
    pub fn extension(self) -> &'static str {
        self.extension
    }

    /// The message kind it is sent as when nobody says which.
    pub fn kind(self) -> MediaKind {
        self.sendable
            .first()
            .copied()
            .unwrap_or(MediaKind::Document)
    }

    /// Whether it can be sent as this kind. Everything can be sent as a document.
    pub fn sends_as(self, kind: MediaKind) -> bool {
        self.sendable.contains(&kind)
    }

    /// Whether it is a picture that this host can look at.
    pub(crate) fn is_picture(self) -> bool {
        self.sends_as(MediaKind::Image)
    }

    /// Whether a browser may show it: pictures, films and sounds hold no scripts.
    pub fn is_safe_to_show(self) -> bool {
        self.kind() != MediaKind::Document
    }
}

const SIGNATURES: &[(&[u8], Format)] = &[
    (b"\xff\xd8\xff", Format::JPEG),
    (b"\x89PNG\r\n\x1a\n", Format::PNG),
    (b"GIF87a", Format::GIF),
    (b"GIF89a", Format::GIF),
    (b"II*\0", Format::TIFF),
    (b"MM\0*", Format::TIFF),
    (b"%PDF-", Format::PDF),
    (b"ID3", Format::MP3),
    (b"#!AMR", Format::AMR),
    (b"fLaC", Format::FLAC),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format::OLE),
    (b"\x1f\x8b\x08", Format::GZIP),
    (b"7z\xbc\xaf\x27\x1c", Format::SEVEN_ZIP),
    (b"Rar!\x1a\x07", Format::RAR),
    (b"{\\rtf", Format::RTF),
    (b"BEGIN:VCARD", Format::VCARD),
];

fn by_signature(head: &[u8]) -> Option<Format> {
    let found = SIGNATURES.iter().find(|(magic, _)| head.starts_with(magic));
    found.map(|(_, format)| *format)
}

fn by_container(head: &[u8]) -> Option<Format> {
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, b"RIFF") {
        let kinds = [
            (b"WEBP", Format::WEBP),
            (b"WAVE", Format::WAV),
            (b"AVI ", Format::AVI),
        ];
        let found = kinds.iter().find(|(word, _)| at(8, *word));
        return found.map(|(_, format)| *format);
    }
    if at(4, b"ftyp") {
        return head.get(8..12).map(by_brand);
    }
    if [b"moov", b"mdat", b"wide", b"free"]
        .iter()
        .any(|word| at(4, *word))
    {
        return Some(Format::MOV);
    }
    if at(0, b"OggS") {
        let opus = holds(head, b"OpusHead");
        return Some(if opus { Format::OPUS } else { Format::OGG });
    }
    if at(0, b"\x1aE\xdf\xa3") {
        let webm = head.get(..64).is_some_and(|start| holds(start, b"webm"));
        return Some(if webm { Format::WEBM } else { Format::MKV });
    }
    if at(0, b"PK\x03\x04") {
        return Some(by_entries(head));
    }
    if at(0, b"BM") && head.get(6..10) == Some(&[0; 4]) {
        return Some(Format::BMP);
    }
    by_frame(head)
}

/// What an ISO base media file says it is.
fn by_brand(brand: &[u8]) -> Format {
    match brand {
        b"qt  " => Format::MOV,
        b"M4A " | b"M4B " => Format::M4A,
        b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1" => Format::HEIC,
        b"avif" | b"avis" => Format::AVIF,
        brand if brand.starts_with(b"3g") => Format::THREE_GP,
        _ => Format::MP4,
    }
}

/// Which office document, if any, an archive is.
fn by_entries(head: &[u8]) -> Format {
    let kinds: [(&[u8], Format); 7] = [
        (
            b"mimetypeapplication/vnd.oasis.opendocument.text",
            Format::ODT,
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet",
            Format::ODS,
        ),
        (
            b"mimetypeapplication/vnd.oasis.opendocument.presentation",
            Format::ODP,
        ),
        (b"mimetypeapplication/epub+zip", Format::EPUB),
        (b"word/", Format::DOCX),
        (b"xl/", Format::XLSX),
        (b"ppt/", Format::PPTX),
    ];
    let found = kinds.iter().find(|(word, _)| holds(head, word));
    found.map_or(Format::ZIP, |(_, format)| *format)
}

/// Raw sound: the header of the first frame.
fn by_frame(head: &[u8]) -> Option<Format> {
    let (&[first, second], rest) = head.split_first_chunk::<2>()?;
    if first != 0xff || second & 0xe0 != 0xe0 {
        return None;
    }
    if second & 0xf6 == 0xf0 {
        return Some(Format::AAC);
    }
    let rates = rest.first().copied()?;
    let layer_3 = second & 0x06 == 0x02 && second & 0x18 != 0x08;
    let sensible = rates & 0xf0 != 0xf0 && rates & 0x0c != 0x0c;
    (layer_3 && sensible).then_some(Format::MP3)
}

/// Text, if nothing in it is anything else.
fn by_text(head: &[u8]) -> Option<Format> {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        // The head may end within a character.
        Err(err) if err.error_len().is_none() && head.len() == HEAD => {
            std::str::from_utf8(head.get(..err.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let plain = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c');
    text.chars().all(plain).then_some(Format::TEXT)
}

fn holds(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn riff(word: &[u8]) -> Vec<u8> {
        [b"RIFF\x10\0\0\0", word].concat()
    }

    fn ftyp(brand: &[u8]) -> Vec<u8> {
        [b"\0\0\0\x18ftyp", brand, b"\0\0\0\0"].concat()
    }

    #[test]
    fn contents_are_known_by_their_first_bytes() {
        let samples: Vec<(Vec<u8>, &str)> = vec![
            (b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec(), "image/jpeg"),
            (b"\x89PNG\r\n\x1a\n".to_vec(), "image/png"),
            (b"GIF89a".to_vec(), "image/gif"),
            (riff(b"WEBPVP8 "), "image/webp"),
            (riff(b"WAVEfmt "), "audio/wav"),
            (riff(b"AVI LIST"), "video/x-msvideo"),
            (ftyp(b"isom"), "video/mp4"),
            (ftyp(b"3gp4"), "video/3gpp"),
            (ftyp(b"qt  "), "video/quicktime"),
            (ftyp(b"M4A "), "audio/mp4"),
            (ftyp(b"heic"), "image/heic"),
            (
                b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"
                    .iter()
                    .copied()
                    .chain([0; 64])
                    .collect(),
                "video/webm",
            ),
            (
                b"\x1aE\xdf\xa3\x9fB\x82\x88matroska"
                    .iter()
                    .copied()
                    .chain([0; 64])
                    .collect(),
                "video/x-matroska",
            ),
            (
                b"OggS\0\x02........OpusHead".to_vec(),
                "audio/ogg; codecs=opus",
            ),
            (b"OggS\0\x02........\x01vorbis".to_vec(), "audio/ogg"),
            (b"ID3\x04".to_vec(), "audio/mpeg"),
            (b"\xff\xfb\x90\x64".to_vec(), "audio/mpeg"),
            (b"\xff\xf1\x50\x80".to_vec(), "audio/aac"),
            (b"#!AMR\n".to_vec(), "audio/amr"),
            (b"%PDF-1.7".to_vec(), "application/pdf"),
            (b"PK\x03\x04....".to_vec(), "application/zip"),
            (
                b"PK\x03\x04....xl/workbook.xml".to_vec(),
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            ),
            (b"hello, world\n".to_vec(), "text/plain"),
            ("grüße".as_bytes().to_vec(), "text/plain"),
            (
                b"<svg><script>alert(1)</script></svg>".to_vec(),
                "text/plain",
            ),
            (b"MZ\x90\0".to_vec(), "application/octet-stream"),
            (b"\x7fELF".to_vec(), "application/octet-stream"),
            (b"\0".to_vec(), "application/octet-stream"),
            (b"\xff".to_vec(), "application/octet-stream"),
        ];
        for (head, expected) in samples {
            assert_eq!(Format::of(&head).mime(), expected, "{head:?}");
        }
    }

    #[test]
    fn everything_can_be_sent_as_a_document_and_only_pictures_as_pictures() {
        for format in Format::ALL {
            assert!(format.sends_as(MediaKind::Document), "{format:?}");
            assert!(format.sends_as(format.kind()), "{format:?}");
            assert_eq!(Format::of_mime(format.mime()), *format);
        }
        assert!(
            Format::WEBP.sends_as(MediaKind::Sticker) && !Format::PNG.sends_as(MediaKind::Sticker)
        );
        assert!(!Format::PDF.sends_as(MediaKind::Image) && !Format::MKV.sends_as(MediaKind::Video));
        assert_eq!(Format::MP4.mime_as(MediaKind::Audio), "audio/mp4");
    }

    #[test]
    fn what_could_hold_a_script_is_never_shown() {
        for format in [Format::TEXT, Format::PDF, Format::ZIP, Format::UNKNOWN] {
            assert!(!format.is_safe_to_show(), "{format:?}");
        }
        assert!(Format::PNG.is_safe_to_show() && Format::MP4.is_safe_to_show());
    }

    #[test]
    fn no_bytes_whatever_break_it() {
        let random = warbler_domain::Random::seeded(11);
        for _ in 0..5000 {
            let mut head = vec![0; random.below(40)];
            random.fill(&mut head);
            Format::of(&head);
        }
    }
}

//! Files on their way out, encrypted as they are read.
//!
//! The network wants to know digests of the whole before the first byte, and may want to begin again
//! anywhere. So a file is read and encrypted twice, under the same key: once for the digests, once
//! for the network. That costs time, and saves the memory of both its forms.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use wacore::download::MediaType;
use wacore::upload::{
    EncryptedMediaInfo, MediaEncryptor, UploadSource, encrypt_media_streaming, encrypted_len,
};
use whatsapp_rust::anyhow;

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// A file that is encrypted as it is read. One reader at a time: all of them share the file's
/// position.
pub(crate) struct Sealing {
    file: File,
    kind: MediaType,
    key: [u8; 32],
    len: u64,
}

impl Sealing {
    /// Reads `file` once, under a new key, for what has to be known of it. Blocks.
    pub(crate) fn of(
        mut file: File,
        kind: MediaType,
    ) -> anyhow::Result<(Self, EncryptedMediaInfo)> {
        file.seek(SeekFrom::Start(0))?;
        let info = encrypt_media_streaming(&file, io::sink(), kind)?;
        let sealing = Self {
            file,
            kind,
            key: info.media_key,
            len: encrypted_len(usize::try_from(info.file_length)?) as u64,
        };
        Ok((sealing, info))
    }
}

impl UploadSource for Sealing {
    fn len(&self) -> u64 {
        self.len
    }

    fn reader_from(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(0))?;
        let encryptor = MediaEncryptor::with_key(self.key, self.kind);
        let mut reader = Reader {
            file,
            encryptor: Some(encryptor.map_err(io::Error::other)?),
            piece: vec![0; PIECE],
            sealed: Vec::with_capacity(2 * PIECE),
            at: 0,
        };
        // Each block depends on the one before it.
        let skipped = io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        if skipped < offset {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(reader))
    }
}

/// The encrypted form of a file, from its beginning.
struct Reader {
    file: File,
    /// Gone when the end has been sealed.
    encryptor: Option<MediaEncryptor>,
    piece: Vec<u8>,
    sealed: Vec<u8>,
    /// How much of `sealed` has been given away.
    at: usize,
}

impl Reader {
    fn seal_more(&mut self) -> io::Result<()> {
        self.sealed.clear();
        self.at = 0;
        while let (Some(encryptor), true) = (&mut self.encryptor, self.sealed.is_empty()) {
            let size = self.file.read(&mut self.piece)?;
            if let Some(read) = self.piece.get(..size).filter(|read| !read.is_empty()) {
                encryptor.update(read, &mut self.sealed);
            } else if let Some(encryptor) = self.encryptor.take() {
                let sealed = encryptor.finalize(&mut self.sealed);
                sealed.map_err(io::Error::other)?;
            }
        }
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if self.at == self.sealed.len() {
            self.seal_more()?;
        }
        let mut rest = self.sealed.get(self.at..).unwrap_or_default();
        let size = rest.read(to)?;
        self.at += size;
        Ok(size)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use wacore::upload::encrypt_media_with_key;

    use super::*;

    #[test]
    fn a_file_is_sealed_as_its_bytes_would_be_from_wherever_it_is_read() -> anyhow::Result<()> {
        for size in [0, 1, 15, 16, 17, PIECE - 1, PIECE, 3 * PIECE + 5] {
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            let mut file = tempfile::tempfile()?;
            file.write_all(&bytes)?;
            let (sealing, info) = Sealing::of(file, MediaType::Document)?;
            let whole = encrypt_media_with_key(&bytes, MediaType::Document, Some(&info.media_key))?;
            assert_eq!(info.file_enc_sha256, whole.file_enc_sha256, "{size}");
            let expected = whole.data_to_upload;
            assert_eq!(sealing.len(), expected.len() as u64, "{size}");
            for offset in [0, 7, expected.len() / 2, expected.len()] {
                let mut sealed = Vec::new();
                sealing
                    .reader_from(offset as u64)?
                    .read_to_end(&mut sealed)?;
                assert!(sealed == expected[offset..], "{size} from {offset}");
            }
            let beyond = expected.len() as u64 + 1;
            assert!(sealing.reader_from(beyond).is_err(), "{size}");
        }
        Ok(())
    }
}

//! Media: what is known of each content, the uploads that name them, and who needs them.
//!
//! A content is *unused* when nothing needs it any more: no upload that has not expired, no
//! message on its way out, no other medium whose preview it is, and, once its time is over, no
//! message at all. Only [`MediaMut::forget_unused`] takes one away, and it decides again, in the
//! writing transaction, so that a content somebody began to use meanwhile stays.

use rusqlite::{Row, ToSql, params};
use warbler_domain::media::Digest;
use warbler_domain::{MessageId, Timestamp, UploadId, UserId};

use crate::rows::{collect, first, id_bytes, id_bytes_opt, prepare};
use crate::{Error, Reader, Result, Writer};

/// Reading half.
pub struct Media<'a>(&'a Reader<'a>);

/// Writing half.
pub struct MediaMut<'a>(&'a Writer<'a>);

/// What is known of a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMedium {
    /// Its digest, under which its file lies.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its content type, told from the content.
    pub mime: String,
    /// Width in pixels, where known.
    pub width: Option<u32>,
    /// Height in pixels, where known.
    pub height: Option<u32>,
    /// How long it plays, in seconds, where known.
    pub seconds: Option<u32>,
    /// Whether it is a picture that moves.
    pub animated: bool,
    /// A small JPEG of it, itself a stored content.
    pub thumbnail: Option<Digest>,
    /// When it was first stored.
    pub created_at: Timestamp,
    /// When it was last put into something or read.
    pub used_at: Timestamp,
}

/// A content that a caller has uploaded, and the name it is served under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id, for its owner.
    pub id: UploadId,
    /// The content.
    pub digest: Digest,
    /// The unguessable name, for whoever is told it.
    pub name: String,
    /// What the caller called the file.
    pub file_name: Option<String>,
    /// Who uploaded it: the caller's label.
    pub made_by: String,
    /// The user that caller acted for.
    pub owner: Option<UserId>,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// Until when it may be used.
    pub expires_at: Timestamp,
}

/// Since when contents must have lain unused to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// The time now: uploads are good until they expire.
    pub now: Timestamp,
    /// For contents that no message has.
    pub loose: Timestamp,
    /// For contents that a message has.
    pub held: Timestamp,
}

impl<'a> Reader<'a> {
    /// Media.
    pub fn media(&'a self) -> Media<'a> {
        Media(self)
    }
}

impl<'a> Writer<'a> {
    /// Media, to change.
    pub fn media_mut(&'a self) -> MediaMut<'a> {
        MediaMut(self)
    }
}

/// Which media `m` are unused; parameters 1 to 3 are the [`Cutoffs`].
const UNUSED: &str = "m.used_at < ?2
    AND (m.used_at < ?3 OR NOT EXISTS (
        SELECT 1 FROM media_uses u JOIN messages s ON s.id = u.message WHERE u.digest = m.digest))
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.digest = m.digest AND u.expires_at > ?1)
    AND NOT EXISTS (SELECT 1 FROM media p WHERE p.thumbnail = m.digest)
    AND NOT EXISTS (
        SELECT 1 FROM media_uses u JOIN outbox o ON o.message = u.message
        WHERE u.digest = m.digest)
    AND NOT EXISTS (SELECT 1 FROM kept_media k WHERE k.digest = m.digest)";

const UPLOAD: &str =
    "SELECT id, digest, name, file_name, made_by, owner, created_at, expires_at FROM uploads";

impl Media<'_> {
    /// What is known of a content.
    pub fn get(&self, digest: &Digest) -> Result<Option<StoredMedium>> {
        let sql = "SELECT digest, size, mime, width, height, seconds, animated, thumbnail,
                          created_at, used_at
                   FROM media WHERE digest = ?1";
        first(
            &mut prepare(self.0.conn, sql)?,
            params![digest.as_bytes()],
            read_medium,
        )
    }

    /// An upload by its id, expired or not.
    pub fn upload(&self, id: UploadId) -> Result<Option<Upload>> {
        self.one_upload("id", &id.as_bytes())
    }

    /// An upload by the name it is served under, expired or not.
    pub fn upload_named(&self, name: &str) -> Result<Option<Upload>> {
        self.one_upload("name", &name)
    }

    fn one_upload(&self, column: &str, value: &dyn ToSql) -> Result<Option<Upload>> {
        let sql = format!("{UPLOAD} WHERE {column} = ?1");
        first(&mut prepare(self.0.conn, &sql)?, [value], read_upload)
    }

    /// Up to `limit` contents that seem to be unused.
    pub fn unused(&self, cutoffs: Cutoffs, limit: u32) -> Result<Vec<Digest>> {
        let sql = format!("SELECT m.digest FROM media m WHERE {UNUSED} LIMIT ?4");
        let Cutoffs { now, loose, held } = cutoffs;
        let params = params![now.as_millis(), loose.as_millis(), held.as_millis(), limit];
        collect(&mut prepare(self.0.conn, &sql)?, params, |row| {
            digest(row, 0)
        })
    }
}

impl MediaMut<'_> {
    /// Notes a content as used now; the first time with all that is known of it.
    pub fn keep(&self, medium: &StoredMedium) -> Result<()> {
        let sql = "INSERT INTO media (digest, size, mime, width, height, seconds, animated,
                                      thumbnail, created_at, used_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                   ON CONFLICT (digest) DO UPDATE SET
                       used_at = max(used_at, excluded.used_at),
                       thumbnail = coalesce(thumbnail, excluded.thumbnail),
                       width = coalesce(width, excluded.width),
                       height = coalesce(height, excluded.height)";
        prepare(self.0.conn, sql)?.execute(params![
            medium.digest.as_bytes(),
            i64::try_from(medium.size).unwrap_or(i64::MAX),
            medium.mime,
            medium.width,
            medium.height,
            medium.seconds,
            medium.animated,
            medium.thumbnail.as_ref().map(Digest::as_bytes),
            medium.created_at.as_millis(),
            medium.used_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Notes that a content was used, and its preview with it; whether it is known at all.
    pub fn touch(&self, digest: &Digest, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE media SET used_at = max(used_at, ?2)
                   WHERE digest = ?1
                      OR digest = (SELECT thumbnail FROM media WHERE digest = ?1)";
        let changed =
            prepare(self.0.conn, sql)?.execute(params![digest.as_bytes(), now.as_millis()])?;
        Ok(changed > 0)
    }

    /// Notes that a message has a content.
    pub fn hold(&self, digest: &Digest, message: MessageId) -> Result<()> {
        let sql = "INSERT INTO media_uses (digest, message) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        prepare(self.0.conn, sql)?.execute(params![digest.as_bytes(), message.as_bytes()])?;
        Ok(())
    }

    /// Notes that a campaign or schedule needs a content until it lets go of it.
    pub fn keep_for(&self, digest: &Digest, keeper: &[u8; 16]) -> Result<()> {
        let sql = "INSERT INTO kept_media (digest, keeper) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        prepare(self.0.conn, sql)?.execute(params![digest.as_bytes(), keeper])?;
        Ok(())
    }

    /// A campaign or schedule needs none of its contents any more.
    pub fn let_go(&self, keeper: &[u8; 16]) -> Result<()> {
        let sql = "DELETE FROM kept_media WHERE keeper = ?1";
        prepare(self.0.conn, sql)?.execute(params![keeper])?;
        Ok(())
    }

    /// Adds an upload.
    pub fn add_upload(&self, upload: &Upload) -> Result<()> {
        let sql = "INSERT INTO uploads (id, digest, name, file_name, made_by, owner, created_at,
                                        expires_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        prepare(self.0.conn, sql)?.execute(params![
            upload.id.as_bytes(),
            upload.digest.as_bytes(),
            upload.name,
            upload.file_name,
            upload.made_by,
            upload.owner.as_ref().map(UserId::as_bytes),
            upload.created_at.as_millis(),
            upload.expires_at.as_millis(),
        ])?;
        Ok(())
    }

    /// Lets an upload be used until `until` at least.
    pub fn extend_upload(&self, id: UploadId, until: Timestamp) -> Result<()> {
        let sql = "UPDATE uploads SET expires_at = max(expires_at, ?2) WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), until.as_millis()])?;
        Ok(())
    }

    /// Takes an upload away; its content goes when nothing else needs it.
    pub fn delete_upload(&self, id: UploadId) -> Result<bool> {
        let sql = "DELETE FROM uploads WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])? > 0)
    }

    /// Takes away the uploads of a user.
    pub fn delete_uploads_of(&self, owner: UserId) -> Result<usize> {
        let sql = "DELETE FROM uploads WHERE owner = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![owner.as_bytes()])?)
    }

    /// Takes away up to `limit` uploads that have expired; how many there were.
    pub fn delete_expired_uploads(&self, now: Timestamp, limit: u32) -> Result<usize> {
        let sql = "DELETE FROM uploads WHERE id IN (
                       SELECT id FROM uploads WHERE expires_at <= ?1 LIMIT ?2)";
        Ok(prepare(self.0.conn, sql)?.execute(params![now.as_millis(), limit])?)
    }

    /// Forgets a content if it is unused after all; whether it was.
    pub fn forget_unused(&self, digest: &Digest, cutoffs: Cutoffs) -> Result<bool> {
        let Cutoffs { now, loose, held } = cutoffs;
        let sql = format!("DELETE FROM media AS m WHERE m.digest = ?4 AND {UNUSED}");
        let params = params![
            now.as_millis(),
            loose.as_millis(),
            held.as_millis(),
            digest.as_bytes(),
        ];
        if prepare(self.0.conn, &sql)?.execute(params)? == 0 {
            return Ok(false);
        }
        let sql = "DELETE FROM media_uses WHERE digest = ?1";
        prepare(self.0.conn, sql)?.execute(params![digest.as_bytes()])?;
        Ok(true)
    }
}

fn read_medium(row: &Row<'_>) -> Result<StoredMedium> {
    let thumbnail: Option<[u8; 32]> = row
        .get(7)
        .map_err(|err| Error::corrupt("media.thumbnail", err))?;
    let size: i64 = row.get(1)?;
    Ok(StoredMedium {
        digest: digest(row, 0)?,
        size: u64::try_from(size).map_err(|err| Error::corrupt("media.size", err))?,
        mime: row.get(2)?,
        width: row.get(3)?,
        height: row.get(4)?,
        seconds: row.get(5)?,
        animated: row.get(6)?,
        thumbnail: thumbnail.map(Digest::new),
        created_at: Timestamp::from_millis(row.get(8)?),
        used_at: Timestamp::from_millis(row.get(9)?),
    })
}

fn read_upload(row: &Row<'_>) -> Result<Upload> {
    Ok(Upload {
        id: UploadId::from_bytes(id_bytes(row, 0, "uploads.id")?),
        digest: digest(row, 1)?,
        name: row.get(2)?,
        file_name: row.get(3)?,
        made_by: row.get(4)?,
        owner: id_bytes_opt(row, 5, "uploads.owner")?.map(UserId::from_bytes),
        created_at: Timestamp::from_millis(row.get(6)?),
        expires_at: Timestamp::from_millis(row.get(7)?),
    })
}

fn digest(row: &Row<'_>, column: usize) -> Result<Digest> {
    let bytes: [u8; 32] = row
        .get(column)
        .map_err(|err| Error::corrupt("media.digest", err))?;
    Ok(Digest::new(bytes))
}

#[cfg(test)]
mod tests;

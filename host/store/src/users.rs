//! Users, with the hashes of their passwords.

use rusqlite::{Row, params};
use warbler_domain::page::{Page, PageRequest};
use warbler_domain::{Role, Timestamp, User, UserId};

use crate::rows::{collect, first, id_bytes, parsed, parsed_opt, prepare};
use crate::{Reader, Result, Writer};

const COLUMNS: &str = "number, id, name, email, first_name, last_name, role, disabled_at,
                       created_at, changed_at, password";

/// A user who wants to log in, and what its password hashes to.
#[derive(Clone)]
pub struct WithPassword {
    /// The user.
    pub user: User,
    /// The hash, as PHC text.
    pub hash: String,
}

/// Reading half.
pub struct Users<'a>(&'a Reader<'a>);

/// Writing half.
pub struct UsersMut<'a>(&'a Writer<'a>);

impl<'a> Reader<'a> {
    /// Users.
    pub fn users(&'a self) -> Users<'a> {
        Users(self)
    }
}

impl<'a> Writer<'a> {
    /// Users, to change.
    pub fn users_mut(&'a self) -> UsersMut<'a> {
        UsersMut(self)
    }
}

impl Users<'_> {
    /// One user.
    pub fn get(&self, id: UserId) -> Result<Option<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
        first(
            &mut prepare(self.0.conn, &sql)?,
            params![id.as_bytes()],
            read,
        )
    }

    /// The user with this number.
    pub fn numbered(&self, number: i64) -> Result<Option<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE number = ?1");
        first(&mut prepare(self.0.conn, &sql)?, params![number], read)
    }

    /// The user of this name, in any case.
    pub fn by_name(&self, name: &str) -> Result<Option<User>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
        first(&mut prepare(self.0.conn, &sql)?, params![name], read)
    }

    /// The user of this name or e-mail address, in any case, with its password's hash.
    pub fn by_login(&self, login: &str) -> Result<Option<WithPassword>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE name = ?1 OR email = ?1");
        let mut statement = prepare(self.0.conn, &sql)?;
        first(&mut statement, params![login], with_password)
    }

    /// One user, with its password's hash.
    pub fn with_password(&self, id: UserId) -> Result<Option<WithPassword>> {
        let sql = format!("SELECT {COLUMNS} FROM users WHERE id = ?1");
        let mut statement = prepare(self.0.conn, &sql)?;
        first(&mut statement, params![id.as_bytes()], with_password)
    }

    /// The newest first.
    pub fn list(&self, page: PageRequest) -> Result<Page<User>> {
        let sql =
            format!("SELECT {COLUMNS} FROM users WHERE number < ?1 ORDER BY number DESC LIMIT ?2");
        let before = page.after().map_or(i64::MAX, |cursor| cursor.0);
        let mut statement = prepare(self.0.conn, &sql)?;
        let users = collect(&mut statement, params![before, page.limit() + 1], read)?;
        let rows = users.into_iter().map(|user| (user.number, user)).collect();
        Ok(Page::of_rows(rows, page.limit()))
    }
}

impl UsersMut<'_> {
    /// Adds a user, whose number is given here; nothing when its name or address is taken.
    pub fn insert(&self, user: &User, hash: &str) -> Result<Option<User>> {
        let sql = "INSERT INTO users (id, name, email, first_name, last_name, role, password,
                                      disabled_at, created_at, changed_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT DO NOTHING";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            user.id.as_bytes(),
            user.name.as_str(),
            user.email.as_ref().map(|email| email.as_str()),
            user.first_name,
            user.last_name,
            user.role.as_str(),
            hash,
            user.disabled_at.map(Timestamp::as_millis),
            user.created_at.as_millis(),
            user.changed_at.as_millis(),
        ])?;
        Ok((changed > 0).then(|| User {
            number: self.0.conn.last_insert_rowid(),
            ..user.clone()
        }))
    }

    /// Writes everything of a user but its password; `false` when its name or address is taken.
    pub fn update(&self, user: &User) -> Result<bool> {
        let sql = "UPDATE OR IGNORE users
                   SET name = ?2, email = ?3, first_name = ?4, last_name = ?5, role = ?6,
                       disabled_at = ?7, changed_at = ?8
                   WHERE id = ?1";
        let changed = prepare(self.0.conn, sql)?.execute(params![
            user.id.as_bytes(),
            user.name.as_str(),
            user.email.as_ref().map(|email| email.as_str()),
            user.first_name,
            user.last_name,
            user.role.as_str(),
            user.disabled_at.map(Timestamp::as_millis),
            user.changed_at.as_millis(),
        ])?;
        Ok(changed > 0)
    }

    /// Puts another password's hash in place.
    pub fn set_password(&self, id: UserId, hash: &str, at: Timestamp) -> Result<()> {
        let sql = "UPDATE users SET password = ?2, changed_at = ?3 WHERE id = ?1";
        prepare(self.0.conn, sql)?.execute(params![id.as_bytes(), hash, at.as_millis()])?;
        Ok(())
    }

    /// Deletes a user; `false` when it is gone already.
    pub fn delete(&self, id: UserId) -> Result<bool> {
        for sql in [
            "DELETE FROM deliveries WHERE webhook IN (SELECT id FROM webhooks WHERE owner = ?1)",
            "DELETE FROM webhooks WHERE owner = ?1",
            "DELETE FROM rules WHERE owner = ?1",
        ] {
            prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])?;
        }
        let sql = "DELETE FROM users WHERE id = ?1";
        Ok(prepare(self.0.conn, sql)?.execute(params![id.as_bytes()])? > 0)
    }
}

fn with_password(row: &Row<'_>) -> Result<WithPassword> {
    Ok(WithPassword {
        user: read(row)?,
        hash: row.get(10)?,
    })
}

fn read(row: &Row<'_>) -> Result<User> {
    let disabled_at: Option<i64> = row.get(7)?;
    Ok(User {
        number: row.get(0)?,
        id: UserId::from_bytes(id_bytes(row, 1, "users.id")?),
        name: parsed(row, 2, "users.name")?,
        email: parsed_opt(row, 3, "users.email")?,
        first_name: row.get(4)?,
        last_name: row.get(5)?,
        role: parsed::<Role>(row, 6, "users.role")?,
        disabled_at: disabled_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.get(8)?),
        changed_at: Timestamp::from_millis(row.get(9)?),
    })
}

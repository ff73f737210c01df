//! `warbler key …` and `warbler user …`: what can be asked for.

use clap::{Args, Subcommand};

use super::Reach;

/// API keys of a running host.
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: KeyVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyVerb {
    /// All keys, without their secrets
    #[command(after_help = "Example:\n  warbler key list --json")]
    List,
    /// Make a key; it is shown once
    #[command(
        after_help = "Example:\n  warbler key create n8n --scope send --session shop\n  warbler key create nightly --scope read --expires 2027-01-01T00:00:00Z"
    )]
    Create {
        /// What it is called
        name: String,
        /// What it may do, each holding those before: read, send, manage, admin; may be repeated
        #[arg(long = "scope", value_name = "SCOPE", default_value = "send")]
        scopes: Vec<String>,
        /// A session it is for, by name or id; may be repeated; without it, all
        #[arg(long = "session", value_name = "SESSION")]
        sessions: Vec<String>,
        /// The user it acts for, by name or id
        #[arg(long, value_name = "USER")]
        owner: Option<String>,
        /// The dialect it is good in, such as hub, instead of the native API
        #[arg(long, value_name = "DIALECT")]
        dialect: Option<String>,
        /// Until when it is good, such as 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// End a key, at once and for good
    #[command(after_help = "Example:\n  warbler key revoke 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")]
    Revoke {
        /// Its id; `warbler key list` shows it
        id: String,
    },
}

/// Users of a running host.
#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: UserVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserVerb {
    /// All users
    #[command(after_help = "Example:\n  warbler user list")]
    List,
    /// Make a user; the password is asked for, or read from stdin
    #[command(
        after_help = "Example:\n  warbler user add ada --email ada@example.com\n  warbler user add root --admin < password.txt"
    )]
    Add {
        /// What it logs in as
        name: String,
        /// Its e-mail address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Make it an admin, who may do everything
        #[arg(long)]
        admin: bool,
    },
    /// Put another password in place; all logins of the user end
    #[command(
        after_help = "Example:\n  warbler user password ada\n  warbler user password ada < password.txt"
    )]
    Password {
        /// The user, by name or id
        name: String,
    },
    /// Refuse a user, with all its logins and keys, until it is enabled again
    #[command(after_help = "Example:\n  warbler user disable ada")]
    Disable {
        /// The user, by name or id
        name: String,
    },
    /// Let a user log in again
    #[command(after_help = "Example:\n  warbler user enable ada")]
    Enable {
        /// The user, by name or id
        name: String,
    },
    /// Delete a user with its logins and keys; its sessions stay
    #[command(
        after_help = "Example:\n  warbler user delete ada\n  warbler user delete ada --sessions-to bob"
    )]
    Delete {
        /// The user, by name or id
        name: String,
        /// The user to whom its sessions go; without one they are nobody's
        #[arg(long, value_name = "USER")]
        sessions_to: Option<String>,
    },
}

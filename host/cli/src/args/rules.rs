//! `warbler rules …`.

use clap::{Args, Subcommand};

use super::Reach;

/// Rules of a running host.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: RulesVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RulesVerb {
    /// All rules made by request, in their order; those of files are in `extensions list`
    #[command(after_help = "Example:\n  warbler rules list --session shop")]
    List {
        /// Only those that concern this session
        #[arg(long)]
        session: Option<String>,
    },
    /// Which rule would be used for a message, and what the others lack; nothing is sent
    #[command(
        after_help = "Example:\n  warbler rules test 'what is the price?' --session shop --from +15550100"
    )]
    Test {
        /// The text of the message
        text: Option<String>,
        /// The session that would receive it
        #[arg(long)]
        session: String,
        /// Its kind: text, image, video, voice, document, sticker, location, contacts, poll, …
        #[arg(long, default_value = "text")]
        kind: String,
        /// Who writes
        #[arg(long, value_name = "NUMBER")]
        from: Option<String>,
        /// What they are called
        #[arg(long)]
        name: Option<String>,
        /// In which chat, such as a group
        #[arg(long, value_name = "CHAT")]
        chat: Option<String>,
        /// When, such as 2026-05-04T10:00:00Z; now, when absent
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// The chats that rules leave to a human, and until when
    #[command(after_help = "Example:\n  warbler rules handovers --session shop")]
    Handovers {
        /// The session
        #[arg(long)]
        session: String,
    },
    /// Give a chat that was left to a human back to the rules before its time
    #[command(after_help = "Example:\n  warbler rules resume +15550100 --session shop")]
    Resume {
        /// The chat: a number or JID
        chat: String,
        /// The session
        #[arg(long)]
        session: String,
    },
    /// Switch a rule on
    #[command(after_help = "Example:\n  warbler rules enable 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a")]
    Enable {
        /// Its id
        id: String,
    },
    /// Switch a rule off
    #[command(
        after_help = "Example:\n  warbler rules disable 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Disable {
        /// Its id
        id: String,
    },
}

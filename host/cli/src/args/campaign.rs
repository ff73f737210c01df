//! `warbler campaign …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Reach;

/// Campaigns of a running host.
#[derive(Debug, Args)]
pub(crate) struct Campaign {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: CampaignVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CampaignVerb {
    /// All campaigns and how far they are
    #[command(after_help = "Example:\n  warbler campaign list --json")]
    List,
    /// Make a draft from a CSV file of recipients; start it next
    #[command(
        after_help = "Example:\n  warbler campaign create people.csv --session shop --text \"Hi {{Name}}!\"\n\nThe first row names the columns, one of them `number`. Nothing is sent before `warbler campaign start`."
    )]
    Create(NewCampaign),
    /// Begin to send
    #[command(
        after_help = "Example:\n  warbler campaign start 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Start {
        /// The campaign's id
        id: String,
    },
    /// Rest: what is under way arrives, nothing else goes out
    #[command(
        after_help = "Example:\n  warbler campaign pause 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Pause {
        /// The campaign's id
        id: String,
    },
    /// Go on after a pause
    #[command(
        after_help = "Example:\n  warbler campaign resume 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Resume {
        /// The campaign's id
        id: String,
    },
    /// Draw a campaign's progress until it is over
    #[command(
        after_help = "Example:\n  warbler campaign watch 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Watch {
        /// The campaign's id
        id: String,
    },
}

/// A campaign to make.
#[derive(Debug, Args)]
pub(crate) struct NewCampaign {
    /// The recipients, as CSV
    pub(crate) file: PathBuf,
    /// A session that sends; may be repeated, they take turns
    #[arg(long = "session", value_name = "NAME", required = true)]
    pub(crate) sessions: Vec<String>,
    /// What is sent: a text with {{Name}} and other columns, and choices such as {Hi|Hello}
    #[arg(long)]
    pub(crate) text: String,
    /// What it is called; the file's name when left out
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The column with the number, where its name does not say so
    #[arg(long, value_name = "COLUMN")]
    pub(crate) number_column: Option<String>,
    /// The column with the name, where its name does not say so
    #[arg(long, value_name = "COLUMN")]
    pub(crate) name_column: Option<String>,
    /// The extension that writes each message of that text
    #[arg(long, value_name = "EXTENSION")]
    pub(crate) template: Option<String>,
    /// The pause between two messages, in milliseconds [default: 3000]
    #[arg(long, value_name = "MILLIS")]
    pub(crate) delay: Option<u64>,
    /// Leave rows out that cannot be used, rather than refuse the file
    #[arg(long)]
    pub(crate) skip_bad: bool,
}

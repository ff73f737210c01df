//! `warbler webhook …`.

use clap::{Args, Subcommand};

use super::Reach;

/// Webhooks of a running host.
#[derive(Debug, Args)]
pub(crate) struct Webhook {
    #[command(flatten)]
    pub(crate) reach: Reach,
    #[command(subcommand)]
    pub(crate) verb: WebhookVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookVerb {
    /// All webhooks, and how they do
    #[command(after_help = "Example:\n  warbler webhook list --json")]
    List,
    /// Send events to a URL; prints the secret that signs them, this once
    #[command(
        after_help = "Example:\n  warbler webhook add https://crm.example.com/hook --event 'message.*' --session shop\n  warbler webhook add https://crm.example.com/hook --header X-Team=sales"
    )]
    Add(NewWebhook),
    /// Send a trial to a webhook, on or off, and say what came of it
    #[command(
        after_help = "Example:\n  warbler webhook test 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a\n\nExit codes: 0 it arrived, 1 it did not."
    )]
    Test {
        /// Its id
        id: String,
    },
    /// What is on its way to a webhook and what became of it, the newest first
    #[command(
        after_help = "Example:\n  warbler webhook deliveries 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a --state dead"
    )]
    Deliveries {
        /// Its id
        id: String,
        /// Only those in this state: waiting, delivered, dropped or dead
        #[arg(long)]
        state: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
        limit: u32,
    },
    /// Make a delivery again, or all that were given up
    #[command(
        after_help = "Example:\n  warbler webhook replay 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a\n  warbler webhook replay 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a 0192f0c1-9a12-7d40-b1c2-d3e4f5061728"
    )]
    Replay {
        /// Its id
        id: String,
        /// One delivery instead of all dead ones
        delivery: Option<String>,
    },
    /// Take a webhook's deliveries in one state away
    #[command(
        after_help = "Example:\n  warbler webhook clear 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a --state dead"
    )]
    Clear {
        /// Its id
        id: String,
        /// Which: waiting, delivered, dropped or dead
        #[arg(long)]
        state: String,
    },
    /// Switch a webhook on; what waits is sent
    #[command(
        after_help = "Example:\n  warbler webhook enable 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Enable {
        /// Its id
        id: String,
    },
    /// Switch a webhook off; what comes is kept
    #[command(
        after_help = "Example:\n  warbler webhook disable 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Disable {
        /// Its id
        id: String,
    },
    /// Give a webhook a new secret and print it; the old one signs nothing more
    #[command(
        after_help = "Example:\n  warbler webhook secret 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Secret {
        /// Its id
        id: String,
    },
    /// Take a webhook away, with everything that is on its way there
    #[command(
        after_help = "Example:\n  warbler webhook remove 0192f0c1-7d3e-7cc0-9a4b-0f1e2d3c4b5a"
    )]
    Remove {
        /// Its id
        id: String,
    },
}

/// A webhook to set up.
#[derive(Debug, Args)]
pub(crate) struct NewWebhook {
    /// Where events are sent to
    #[arg(value_name = "URL")]
    pub(crate) address: String,
    /// Which events: a kind, or what it begins with such as `message.*`; may be repeated
    #[arg(long = "event", value_name = "KIND", default_value = "*")]
    pub(crate) events: Vec<String>,
    /// The session whose events it gets; all of yours when left out
    #[arg(long, value_name = "NAME")]
    pub(crate) session: Option<String>,
    /// A header of every request; may be repeated
    #[arg(long = "header", value_name = "NAME=VALUE")]
    pub(crate) headers: Vec<String>,
    /// Set it up without sending anything yet
    #[arg(long)]
    pub(crate) disabled: bool,
}

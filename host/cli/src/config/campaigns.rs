//! `[campaigns]`: how campaigns treat who does not want them.

use serde::Deserialize;
use warbler_app::campaigns::CampaignSettings;

/// How campaigns treat who does not want them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Campaigns {
    opt_out_words: Vec<String>,
    opt_out_reply: String,
    opt_in_words: Vec<String>,
    opt_in_reply: String,
}

impl Campaigns {
    /// What the core is told.
    pub fn settings(&self) -> CampaignSettings {
        CampaignSettings {
            opt_out_words: self.opt_out_words.clone(),
            opt_out_reply: self.opt_out_reply.clone(),
            opt_in_words: self.opt_in_words.clone(),
            opt_in_reply: self.opt_in_reply.clone(),
        }
    }
}

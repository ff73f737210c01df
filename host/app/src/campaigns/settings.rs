//! How campaigns treat who does not want them.

/// How campaigns treat who does not want them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignSettings {
    /// The words by which people say that they want no more; alone in a message, in any case.
    pub opt_out_words: Vec<String>,
    /// What they are answered, once; nothing when empty.
    pub opt_out_reply: String,
}

impl Default for CampaignSettings {
    fn default() -> Self {
        Self {
            opt_out_words: ["stop", "unsubscribe"].map(str::to_owned).to_vec(),
            opt_out_reply: String::new(),
        }
    }
}

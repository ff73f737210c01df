//! How campaigns treat who does not want them.

/// How campaigns treat who does not want them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignSettings {
    /// The words by which people say that they want no more; alone in a message, in any case.
    pub opt_out_words: Vec<String>,
    /// What they are answered, once; nothing when empty.
    pub opt_out_reply: String,
    /// The words by which those people say that they want campaigns again.
    pub opt_in_words: Vec<String>,
    /// What they are answered then; nothing when empty.
    pub opt_in_reply: String,
}

impl Default for CampaignSettings {
    fn default() -> Self {
        Self {
            opt_out_words: ["stop", "unsubscribe"].map(str::to_owned).to_vec(),
            opt_out_reply: String::new(),
            opt_in_words: vec!["start".to_owned()],
            opt_in_reply: String::new(),
        }
    }
}

//! The operator's secrets that one extension may read.

use std::collections::BTreeMap;
use std::sync::Arc;

use warbler_domain::Secret;

/// Secrets shorter than this are not looked for in logs: they would hide every other word.
const MIN_HIDDEN: usize = 4;

/// Secrets by name. Clones share them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets(Option<Arc<BTreeMap<String, Secret>>>);

impl Secrets {
    /// Those of `all` that are granted.
    pub(crate) fn granted(all: &BTreeMap<String, Secret>, names: &[String]) -> Self {
        let granted: BTreeMap<_, _> = names
            .iter()
            .filter_map(|name| Some((name.clone(), all.get(name)?.clone())))
            .collect();
        Self((!granted.is_empty()).then(|| Arc::new(granted)))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Secret> {
        self.0.as_ref()?.get(name)
    }

    /// `text` with `***` in place of every secret.
    pub(crate) fn hidden_in(&self, mut text: String) -> String {
        for secret in self.0.iter().flat_map(|secrets| secrets.values()) {
            let secret = secret.expose();
            if secret.len() >= MIN_HIDDEN && text.contains(secret) {
                text = text.replace(secret, "***");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_granted_is_there_and_it_is_hidden() {
        let all = BTreeMap::from([
            ("token".to_owned(), Secret::new("s3cr3t")),
            ("other".to_owned(), Secret::new("hidden")),
        ]);
        let secrets = Secrets::granted(&all, &["token".to_owned(), "missing".to_owned()]);
        assert_eq!(secrets.get("token").map(Secret::expose), Some("s3cr3t"));
        assert!(secrets.get("other").is_none());
        let line = secrets.hidden_in("a s3cr3t and s3cr3t, hidden".to_owned());
        assert_eq!(line, "a *** and ***, hidden");
    }
}

//! The files a plugin begins with, inside this binary.

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// What a template's file is called that must not be hidden here.
const IGNORED: (&str, &str) = ("gitignore", ".gitignore");

/// A plugin's name in the forms its files need.
pub(in crate::command) struct Names<'a> {
    pub(in crate::command) name: &'a str,
    pub(in crate::command) hook: &'a str,
}

impl Names<'_> {
    fn put_into(&self, text: &str) -> String {
        let snake: String = self
            .name
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        text.replace("{{name}}", self.name)
            .replace("{{snake}}", &snake)
            .replace("{{hook}}", self.hook)
    }
}

/// Whether there is a beginning in this language.
pub(super) fn has(language: &str) -> bool {
    let prefix = format!("{language}/");
    TEMPLATES.iter().any(|(path, _)| path.starts_with(&prefix))
}

/// Every file of a new script: its path, and what is in it.
pub(in crate::command) fn of_script(names: &Names<'_>) -> Vec<(String, Vec<u8>)> {
    templates("rhai", names)
}

/// Every file of a new plugin: its path, and what is in it.
pub(super) fn of(language: &str, names: &Names<'_>) -> Vec<(String, Vec<u8>)> {
    let mut files = templates(language, names);
    let contract = CONTRACT
        .iter()
        .map(|(path, bytes)| (format!("wit/{path}"), bytes.to_vec()));
    files.extend(contract);
    files
}

fn templates(language: &str, names: &Names<'_>) -> Vec<(String, Vec<u8>)> {
    let parts = [
        format!("{language}/all/"),
        format!("{language}/{}/", names.hook),
    ];
    let mut files = Vec::new();
    for (path, bytes) in TEMPLATES {
        let mut inner = parts
            .iter()
            .filter_map(|part| path.strip_prefix(part.as_str()));
        let Some(inner) = inner.next() else { continue };
        let bytes = match std::str::from_utf8(bytes) {
            Ok(text) => names.put_into(text).into_bytes(),
            Err(_) => bytes.to_vec(),
        };
        files.push((names.put_into(&visible(inner)), bytes));
    }
    files
}

fn visible(path: &str) -> String {
    let (hidden, name) = IGNORED;
    match path.strip_suffix(hidden) {
        Some(dir) if dir.is_empty() || dir.ends_with('/') => format!("{dir}{name}"),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, of};

    #[test]
    fn a_script_begins_with_itself_and_a_fixture() {
        for hook in ["event", "template", "webhook"] {
            let names = Names {
                name: "greeter",
                hook,
            };
            let files: Vec<String> = super::of_script(&names)
                .into_iter()
                .map(|(path, _)| path)
                .collect();
            assert_eq!(files, ["greeter.fixtures/first.toml", "greeter.rhai"]);
        }
    }

    #[test]
    fn a_beginning_has_its_hooks_files_and_the_contract() {
        let names = Names {
            name: "my-shop",
            hook: "webhook",
        };
        let files = of("rust", &names);
        let has = |path: &str| files.iter().any(|(name, _)| name == path);
        for path in [
            "Cargo.toml",
            ".gitignore",
            "README.md",
            "plugin.toml",
            "src/lib.rs",
            "wit/world.wit",
        ] {
            assert!(has(path), "{path} is missing");
        }
        assert!(!files.iter().any(|(name, _)| name.starts_with("event/")));
        assert!(
            !files
                .iter()
                .any(|(_, bytes)| bytes.windows(6).any(|part| part == b"{{name"))
        );
    }
}

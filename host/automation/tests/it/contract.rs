//! What was published of the contract stays as it was: compiled plugins rely on it.
//!
//! `wit/published/` holds every published version. Compared with the newest one, `wit/` may have more
//! interfaces, functions, types and imports of a world; what was there is word for word the same,
//! comments aside. Whatever is added takes a new version.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};

use crate::stage::root;

/// The items of a package: `interface kv` → its declarations, each without comments and spaces.
#[derive(Debug, Default, PartialEq)]
struct Contract {
    version: String,
    blocks: BTreeMap<String, BTreeSet<String>>,
}

/// What a change means to plugins that are compiled.
#[derive(Debug, Default, PartialEq)]
struct Changes {
    additive: Vec<String>,
    breaking: Vec<String>,
}

impl Contract {
    fn read(folder: &Path) -> Result<Self> {
        let mut contract = Self::default();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "wit") {
                contract.add(&std::fs::read_to_string(&path)?)?;
            }
        }
        Ok(contract)
    }

    fn add(&mut self, text: &str) -> Result<()> {
        let code: String = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or_default())
            .flat_map(|line| line.split_whitespace().chain([" "]))
            .collect::<Vec<_>>()
            .join(" ");
        let code = code.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut rest = code.as_str();
        if let Some((package, after)) = rest.split_once(';') {
            let version = package.split_once('@').context("a version")?.1;
            self.version = version.trim().to_owned();
            rest = after;
        }
        while let Some((head, after)) = rest.split_once('{') {
            let (body, after) = block(after).context("braces that match")?;
            self.blocks
                .insert(head.trim().to_owned(), declarations(body));
            rest = after;
        }
        Ok(())
    }

    /// What `self` changed since `before`.
    fn since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        for (name, old) in &before.blocks {
            let Some(new) = self.blocks.get(name) else {
                changes.breaking.push(format!("{name} is gone"));
                continue;
            };
            // What a world imports may be said by including another world.
            let (inherited, old) = (self.inherited(new), before.inherited(old));
            for gone in old.difference(&inherited) {
                changes.breaking.push(format!("{name}: `{gone}`"));
            }
            for added in inherited.difference(&old) {
                let list = if added.starts_with("export ") {
                    &mut changes.breaking
                } else {
                    &mut changes.additive
                };
                list.push(format!("{name}: `{added}`"));
            }
        }
        for name in self.blocks.keys() {
            if !before.blocks.contains_key(name) {
                changes.additive.push(name.clone());
            }
        }
        changes
    }

    fn inherited(&self, items: &BTreeSet<String>) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for item in items {
            match item.strip_prefix("include ") {
                Some(world) => {
                    let included = self.blocks.get(&format!("world {world}"));
                    all.extend(included.into_iter().flatten().cloned());
                }
                None => {
                    all.insert(item.clone());
                }
            }
        }
        all
    }
}

/// What stands before the brace that ends a block, and after it.
fn block(text: &str) -> Option<(&str, &str)> {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
    }
    None
}

/// The declarations of a block: what ends in `;`, or in a block of its own.
fn declarations(body: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let (mut current, mut depth) = (String::new(), 0);
    for c in body.chars() {
        depth += match c {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if c != ';' || depth > 0 {
            current.push(c);
        }
        // `use types.{refusal};` has braces and still ends in a semicolon.
        let ends = depth == 0 && (c == ';' || (c == '}' && !current.trim().starts_with("use ")));
        if ends && !current.trim().is_empty() {
            all.insert(current.trim().to_owned());
            current.clear();
        }
    }
    all
}

fn newest_published() -> Result<Contract> {
    let folder = root().join("wit/published");
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        versions.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let number = |version: &String| -> Vec<u32> {
        version
            .split('.')
            .filter_map(|part| part.parse().ok())
            .collect()
    };
    versions.sort_by_key(number);
    let newest = versions.last().context("a published version")?;
    let contract = Contract::read(&folder.join(newest))?;
    assert_eq!(contract.version, *newest, "the folder names its version");
    Ok(contract)
}

#[test]
fn nothing_that_was_published_has_changed() -> Result<()> {
    let (published, present) = (newest_published()?, Contract::read(&root().join("wit"))?);
    let changes = present.since(&published);
    assert_eq!(
        changes.breaking,
        Vec::<String>::new(),
        "plugins compiled against {} would break; add new interfaces and functions instead",
        published.version
    );
    assert_eq!(
        present.version != published.version,
        !changes.additive.is_empty(),
        "what is added takes a new version, and a new version is published with what it adds: {:#?}",
        changes.additive
    );
    Ok(())
}

#[test]
fn changes_are_told_apart() -> Result<()> {
    let mut before = Contract::default();
    before.add(
        "package a:b@0.1.0; interface x { use t.{r}; record p { a: u8, } f: func(); } world w { import x; }",
    )?;
    let after = |text: &str| -> Result<Changes> {
        let mut contract = Contract::default();
        contract.add(&format!("package a:b@0.1.1; {text}"))?;
        Ok(contract.since(&before))
    };
    let same =
        "interface x { use t.{r}; /// doc\n record p { a: u8, } f: func(); } world w { import x; }";
    assert_eq!(after(same)?, Changes::default());
    let added = "interface x { use t.{r}; record p { a: u8, } f: func(); g: func(); } \
                 interface y { } world w { import x; import y; }";
    let changes = after(added)?;
    assert_eq!(
        (changes.additive.len(), changes.breaking.len()),
        (3, 0),
        "{changes:?}"
    );
    let field =
        "interface x { use t.{r}; record p { a: u8, b: u8, } f: func(); } world w { import x; }";
    assert_eq!(
        after(field)?.breaking,
        ["interface x: `record p { a: u8, }`"]
    );
    let gone = "interface x { use t.{r}; record p { a: u8, } } world w { import x; export x; }";
    assert_eq!(
        after(gone)?.breaking,
        ["interface x: `f: func()`", "world w: `export x`"]
    );
    Ok(())
}

//! The shape of the project itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use warbler_domain::Dialect;
use warbler_tests::{Documented, project_root};

/// Which of our crates each crate may use.
const LADDER: [(&str, &[&str]); 8] = [
    ("domain", &[]),
    ("store", &["domain"]),
    ("app", &["domain", "store"]),
    ("whatsapp", &["domain", "store", "app"]),
    ("automation", &["domain", "store", "app"]),
    ("simulator", &["domain"]),
    ("api", &["domain", "store", "app"]),
    (
        "cli",
        &[
            "domain",
            "store",
            "app",
            "whatsapp",
            "automation",
            "simulator",
            "api",
        ],
    ),
];

/// What may lie at the top, beside dot-files and licences.
const TOP: [&str; 9] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "host",
    "plugins",
    "wit",
    "scripts",
    "examples",
    "tests",
];

#[test]
fn a_crate_uses_only_crates_above_it() -> Result<()> {
    for (name, allowed) in LADDER {
        let manifest =
            std::fs::read_to_string(project_root()?.join("host").join(name).join("Cargo.toml"))?;
        let manifest: toml::Table = manifest.parse()?;
        let dependencies = manifest["dependencies"]
            .as_table()
            .context("dependencies")?;
        for dependency in dependencies
            .keys()
            .filter_map(|name| name.strip_prefix("warbler-"))
        {
            assert!(
                allowed.contains(&dependency),
                "{name} must not use {dependency}"
            );
        }
    }
    Ok(())
}

#[test]
fn the_top_level_holds_what_it_should_and_nothing_else() -> Result<()> {
    for entry in std::fs::read_dir(project_root()?)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let known =
            TOP.contains(&name.as_str()) || name.starts_with('.') || name.starts_with("LICENSE-");
        assert!(
            known || name == "target",
            "{name} does not belong at the top"
        );
    }
    Ok(())
}

#[test]
fn engine_types_are_named_only_by_the_driver_and_the_simulator() -> Result<()> {
    let engines = ["whatsapp_rust", "wacore", "waproto", "wa_rs"];
    for (path, text) in sources("host")? {
        let inside = ["host/whatsapp", "host/simulator"]
            .iter()
            .any(|dir| path.starts_with(dir));
        if inside {
            continue;
        }
        for engine in engines {
            let named = text.lines().any(|line| {
                let code = line.split("//").next().unwrap_or_default();
                code.contains(&format!("{engine}::")) || code.contains(&format!("use {engine}"))
            });
            assert!(!named, "{} names {engine}", path.display());
        }
    }
    Ok(())
}

#[test]
fn sql_is_written_only_in_the_store() -> Result<()> {
    for (path, text) in sources("host")? {
        let speaks_sql = text.contains("rusqlite");
        assert!(
            !speaks_sql || path.starts_with("host/store"),
            "{} uses rusqlite",
            path.display()
        );
    }
    Ok(())
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() -> Result<()> {
    for root in ["host", "tests"] {
        for (path, text) in sources(root)? {
            let lines = text.lines().count();
            assert!(lines <= 600, "{} has {lines} lines", path.display());
        }
    }
    Ok(())
}

#[test]
fn every_documented_endpoint_has_a_test_of_its_success() -> Result<()> {
    let tests: String = sources("tests/it")?
        .into_iter()
        .filter(|(path, _)| path.to_string_lossy().contains("dialect_"))
        .flat_map(|(_, text)| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .collect();
    for dialect in Dialect::ALL {
        for endpoint in Documented::of(dialect.as_str())?.endpoints()? {
            let kept = format!("kept(\"{}\"", endpoint.id);
            assert!(tests.contains(&kept), "no test keeps {}", endpoint.id);
        }
    }
    Ok(())
}

/// What is written down with an endpoint is asked by `dialects.rs`: without a credential, by whoever
/// may, and by somebody else.
#[test]
fn every_documented_endpoint_says_whom_it_refuses_and_what() -> Result<()> {
    for dialect in Dialect::ALL {
        for endpoint in Documented::of(dialect.as_str())?.endpoints()? {
            assert!(!endpoint.asks.is_empty(), "{} is never asked", endpoint.id);
            let asks = endpoint.asks.iter();
            let may_be_wrong = endpoint.path.contains('{')
                || asks
                    .clone()
                    .any(|ask| ask.body.is_some() || ask.form.is_some());
            assert!(
                endpoint.refusal.is_some() || !may_be_wrong,
                "nothing says how {} refuses what is wrong",
                endpoint.id
            );
            for part in endpoint.path.split('/').filter(|part| part.contains('{')) {
                let names_one = asks.clone().any(|ask| !ask.names().is_empty());
                assert!(
                    names_one,
                    "nobody asks {} for somebody else's {part}",
                    endpoint.id
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_documented_endpoint_is_explained() -> Result<()> {
    let page = std::fs::read_to_string(project_root()?.join("host/docs/dialects.md"))?;
    for dialect in Dialect::ALL {
        for endpoint in Documented::of(dialect.as_str())?.endpoints()? {
            let row = format!("`{} {}`", endpoint.method, endpoint.path);
            assert!(page.contains(&row), "dialects.md does not explain {row}");
        }
    }
    Ok(())
}

#[test]
fn dialects_cost_about_thirty_lines_for_each_endpoint_all_told() -> Result<()> {
    let files = sources("host/api/src/dialect")?;
    let (mut lines, mut endpoints) = (0, 0);
    for dialect in Dialect::ALL {
        let own = Path::new("host/api/src/dialect").join(dialect.as_str());
        let own = files
            .iter()
            .filter(|(path, _)| path.with_extension("").starts_with(&own));
        let code = own.flat_map(|(_, text)| text.lines().map(str::trim));
        lines += code
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count();
        endpoints += Documented::of(dialect.as_str())?.endpoints()?.len();
    }
    let each = lines as f64 / endpoints as f64;
    assert!((20.0..34.0).contains(&each), "{each:.1} for each endpoint");
    Ok(())
}

#[test]
fn no_test_is_ignored() -> Result<()> {
    let unwanted = [["#[ig", "nore"].concat(), ["#[should_", "panic"].concat()];
    for root in ["host", "tests"] {
        for (path, text) in sources(root)? {
            for word in &unwanted {
                assert!(
                    !text.contains(word.as_str()),
                    "{} has {word}",
                    path.display()
                );
            }
        }
    }
    Ok(())
}

#[test]
fn every_dependency_says_what_it_is_for() -> Result<()> {
    let manifest = std::fs::read_to_string(project_root()?.join("Cargo.toml"))?;
    let table = manifest
        .split("[workspace.dependencies]")
        .nth(1)
        .context("the table")?;
    let table = table.split("\n[").next().unwrap_or_default();
    let silent: BTreeSet<&str> = table
        .lines()
        .filter(|line| {
            line.contains(" = ") && !line.starts_with('#') && !line.starts_with("warbler-")
        })
        .filter(|line| !line.contains("# "))
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
    Ok(())
}

/// All Rust files below a folder of the project, by their path in it.
fn sources(folder: &str) -> Result<Vec<(PathBuf, String)>> {
    let root = project_root()?;
    let mut found = Vec::new();
    collect(&root, &root.join(folder), &mut found)?;
    assert!(!found.is_empty(), "nothing below {folder}");
    Ok(found)
}

fn collect(root: &Path, dir: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                collect(root, &path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            found.push((path.strip_prefix(root)?.to_owned(), text));
        }
    }
    Ok(())
}

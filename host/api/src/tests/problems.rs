//! The table of problems is whole, and `host/docs/problems.md` is that table.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, ensure};

use crate::native;
use crate::native::openapi::{known_problems, problems as problem_table};

/// Set it to write the page anew.
const WRITE: &str = "WARBLER_WRITE_DOCS";

#[test]
fn every_code_of_a_route_says_what_it_means_and_what_to_do() {
    let table = problem_table(&native::routes());
    let bare: Vec<&str> = table
        .iter()
        .filter(|[_, _, meaning, remedy]| meaning.is_empty() || remedy.is_empty())
        .map(|[code, ..]| code.as_str())
        .collect();
    assert!(bare.is_empty(), "add to docs/problems.rs: {bare:?}");
}

#[test]
fn no_code_is_explained_twice_or_in_vain() {
    let table = problem_table(&native::routes());
    let used: BTreeSet<&str> = table.iter().map(|[code, ..]| code.as_str()).collect();
    let known: Vec<&str> = known_problems().collect();
    let sorted: BTreeSet<&str> = known.iter().copied().collect();
    assert!(
        known.iter().copied().eq(sorted.iter().copied()),
        "the order of the alphabet"
    );
    let vain: Vec<_> = sorted.difference(&used).collect();
    assert!(vain.is_empty(), "no route refuses with these: {vain:?}");
}

#[test]
fn the_page_of_problems_is_the_table() -> anyhow::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("host/")?;
    let path = root.join("docs/problems.md");
    let mut page = String::from(
        "# Problems\n\nEvery refusal of the API is `application/problem+json` (RFC 9457) with a stable `code`. This page is\n\
         written by a test from the routes and `host/api/src/native/docs/problems.rs`: run\n\
         `WARBLER_WRITE_DOCS=1 cargo test -p warbler-api problems` after a change.\n\n\
         | code | status | what it means | what to do |\n|---|---|---|---|\n",
    );
    for [code, status, meaning, remedy] in problem_table(&native::routes()) {
        page.push_str(&format!("| `{code}` | {status} | {meaning} | {remedy} |\n"));
    }
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &page)?;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    ensure!(
        written == page,
        "{} is not up to date; {WRITE}=1 writes it",
        path.display()
    );
    Ok(())
}

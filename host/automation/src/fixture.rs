//! Fixtures: cases that say what an extension is given and what must come of it.
//!
//! A fixture is a TOML file in the folder `fixtures/` beside a `plugin.toml`, or in
//! `NAME.fixtures/` beside the script `NAME.rhai`. It is run on the engines that run events, under
//! the same limits, with everything from outside in its own hands: the clock, random numbers, the
//! key-value space, the answers to requests. [`Workshop`] is what the commands for authors use;
//! a host runs the same before it lets a new version take over.
//!
//! Invariant: a fixture reaches nothing but what it says, and comes to the same every time.

mod bench;
mod bless;
mod case;
mod difference;
mod effect;
mod event;
mod folder;
mod keys;
mod kv;
mod message;
mod rehearsal;
mod run;
mod stage;
mod workshop;

use std::path::{Path, PathBuf};

use toml::de::DeTable;
use warbler_domain::extension::Hook;

use case::{Case, Expectation};

use crate::fault::{Fault, Position};

pub use bench::{Bench, Times};
pub use difference::Difference;
pub use message::{TrialAnswer, TrialMessage, Tried};
pub use run::Report;
pub use workshop::{Candidate, Workshop, WorkshopError};

pub(crate) use folder::{FixtureText, folder_of, read_all};
pub(crate) use rehearsal::Rehearsal;
pub(crate) use run::prove;
pub(crate) use stage::Subject;

/// Most fixtures of one extension.
pub const MAX_FIXTURES: usize = 64;
/// Largest fixture, in bytes.
pub const MAX_FIXTURE: usize = 256 * 1024;

/// One case.
#[derive(Debug, Clone)]
pub struct Fixture {
    name: String,
    path: PathBuf,
    source: String,
    case: Case,
    /// Where `[expect]` stands.
    line: Option<u32>,
}

impl Fixture {
    /// Reads the text of a fixture.
    pub(crate) fn parse(path: &Path, source: &str) -> Result<Self, Fault> {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let wrong = |message: &str, span: Option<std::ops::Range<usize>>| {
            let fault = Fault::new("fixture", message);
            let fault = match span {
                Some(span) => fault.at(source, Position::of_offset(source, span.start)),
                None => fault,
            };
            fault.in_file(path)
        };
        let table = DeTable::parse(source).map_err(|error| wrong(error.message(), error.span()))?;
        keys::check(source, table.get_ref()).map_err(|fault| fault.in_file(path))?;
        let expect = table
            .get_ref()
            .iter()
            .find(|(key, _)| key.get_ref() == "expect");
        let line = expect.map(|(key, _)| Position::of_offset(source, key.span().start).line);
        let case: Case =
            toml::from_str(source).map_err(|error| wrong(error.message(), error.span()))?;
        Ok(Self {
            name: name.into_owned(),
            path: path.to_owned(),
            source: source.to_owned(),
            case,
            line,
        })
    }

    /// Its file's name without `.toml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The hook it calls.
    pub fn hook(&self) -> Hook {
        self.case.hook
    }

    /// The text of the file with what `report` found as what is expected; nothing when it says so
    /// already.
    pub fn blessed(&self, report: &Report) -> Option<String> {
        if report.passed() {
            return None;
        }
        let got = report.happened()?;
        bless::bless(&self.source, self.case.expect.as_ref(), got)
    }

    fn expected(&self) -> Option<&Expectation> {
        self.case.expect.as_ref()
    }
}

//! The last version of each extension that worked, on disk.
//!
//! Beside `<kind>-<name>.json`, which says what the version consists of, lies its code under the
//! code's digest. A restart that finds a broken file loads this version instead. Files are
//! written aside and renamed, so a crash leaves the old version or the new one.

use std::collections::HashSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use warbler_domain::extension::ExtensionKind;
use warbler_domain::{ExtensionName, Generation};

use super::sources::{ModuleText, Package};

/// The folder of last-good versions. Its methods block.
#[derive(Debug, Clone)]
pub(crate) struct LastGood {
    dir: PathBuf,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    kind: ExtensionKind,
    name: ExtensionName,
    /// SHA-256 of the code, and its file's name.
    code: String,
    manifest: Option<String>,
    code_path: PathBuf,
    /// What a script imports.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    modules: Vec<ModuleText>,
    /// A newer version that failed on its first events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Generation>,
}

impl LastGood {
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self {
            dir: dir.to_owned(),
        })
    }

    /// Keeps `package` as what last worked; what it takes the place of is kept beside it, if that
    /// is `proven` or there is nothing better.
    pub(crate) fn save(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: &Package,
        proven: bool,
    ) -> io::Result<()> {
        let (now, before) = (self.index_path(kind, name), self.before_path(kind, name));
        if (proven || !before.exists())
            && self
                .load(kind, name)
                .is_some_and(|kept| kept.generation() != package.generation())
        {
            fs::rename(&now, &before)?;
        }
        let code = HEXLOWER.encode(&Sha256::digest(&package.code));
        let index = Index {
            kind,
            name: name.clone(),
            manifest: package.manifest.clone(),
            code_path: package.code_path.clone(),
            modules: package.modules.to_vec(),
            refused: None,
            code,
        };
        let code_path = self.code_path(&index.code);
        if !code_path.exists() {
            self.write(&code_path, &package.code)?;
        }
        self.write(
            &self.index_path(kind, name),
            &serde_json::to_vec_pretty(&index)?,
        )?;
        self.sweep()
    }

    /// The version that last worked, if it is there and whole.
    pub(crate) fn load(&self, kind: ExtensionKind, name: &ExtensionName) -> Option<Package> {
        self.package(self.index(&self.index_path(kind, name))?)
    }

    /// The version before that, if it is there and whole.
    pub(crate) fn load_before(&self, kind: ExtensionKind, name: &ExtensionName) -> Option<Package> {
        self.package(self.index(&self.before_path(kind, name))?)
    }

    /// The version that failed on its first events, and whose place the last-good one took again.
    pub(crate) fn refused(&self, kind: ExtensionKind, name: &ExtensionName) -> Option<Generation> {
        self.index(&self.index_path(kind, name))?.refused
    }

    /// Puts the version before in the place of the one that is kept, which has failed; whether
    /// there was one.
    pub(crate) fn go_back(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        refused: &Generation,
    ) -> io::Result<bool> {
        let before = self.before_path(kind, name);
        let Some(mut index) = self.index(&before) else {
            return Ok(false);
        };
        index.refused = Some(refused.clone());
        let text = serde_json::to_vec_pretty(&index)?;
        self.write(&self.index_path(kind, name), &text)?;
        fs::remove_file(before)?;
        self.sweep()?;
        Ok(true)
    }

    fn package(&self, index: Index) -> Option<Package> {
        let code = fs::read(self.code_path(&index.code)).ok()?;
        let whole = HEXLOWER.encode(&Sha256::digest(&code)) == index.code;
        whole.then_some(Package {
            manifest: index.manifest,
            code,
            code_path: index.code_path,
            modules: index.modules.into(),
            fixtures: Vec::new(),
        })
    }

    /// Whether the version that last worked has this code.
    pub(crate) fn has_code(
        &self,
        kind: ExtensionKind,
        name: &ExtensionName,
        package: &Package,
    ) -> bool {
        let index = self.index(&self.index_path(kind, name));
        index.is_some_and(|index| {
            index.code == HEXLOWER.encode(&Sha256::digest(&package.code))
                && index.modules == *package.modules
        })
    }

    /// Forgets an extension that is gone.
    pub(crate) fn remove(&self, kind: ExtensionKind, name: &ExtensionName) -> io::Result<()> {
        // Most have no version before.
        fs::remove_file(self.before_path(kind, name)).ok();
        match fs::remove_file(self.index_path(kind, name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => self.sweep(),
        }
    }

    /// Takes away code that no extension names.
    fn sweep(&self) -> io::Result<()> {
        let paths: Vec<PathBuf> = fs::read_dir(&self.dir)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        let named: HashSet<PathBuf> = paths
            .iter()
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == "json")
            })
            .filter_map(|path| Some(self.code_path(&self.index(path)?.code)))
            .collect();
        for path in paths {
            let is_code = path
                .extension()
                .is_some_and(|extension| extension == "code");
            if is_code && !named.contains(&path) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn index(&self, path: &Path) -> Option<Index> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    fn index_path(&self, kind: ExtensionKind, name: &ExtensionName) -> PathBuf {
        self.dir.join(format!("{}-{name}.json", word(kind)))
    }

    /// No name ends so: `~` is not in names.
    fn before_path(&self, kind: ExtensionKind, name: &ExtensionName) -> PathBuf {
        self.dir.join(format!("{}-{name}~before.json", word(kind)))
    }

    fn code_path(&self, digest: &str) -> PathBuf {
        self.dir.join(format!("{digest}.code"))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let aside = path.with_added_extension("tmp");
        let mut file = fs::File::create(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(aside, path)
    }
}

fn word(kind: ExtensionKind) -> &'static str {
    match kind {
        ExtensionKind::Plugin => "plugin",
        ExtensionKind::Script => "script",
        // They are kept in the database.
        ExtensionKind::Rules => "rules",
    }
}

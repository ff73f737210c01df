//! What is in the folders: one look, each file read once.
//!
//! Names of editors' temporary files and hidden files are not seen. A file that has not changed
//! since the last look, by size and time, is hashed again only while it is small: some mounts
//! change content without a new time.

mod modules;

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use sha2::{Digest, Sha256};
use warbler_domain::extension::ExtensionKind;
use warbler_domain::{ExtensionName, Generation};

use super::MAX_EXTENSIONS;
use crate::fault::Fault;
use crate::fixture::{FixtureText, folder_of, read_all};
use crate::limits::Limits;
use crate::manifest::{MAX_MANIFEST, parse_manifest};

pub(crate) use modules::ModuleText;

/// Files up to this size are hashed at every look.
const ALWAYS_HASHED: u64 = 1024 * 1024;

/// The files of one extension, as they were read.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// The text of `plugin.toml`, or of the settings beside a script.
    pub(crate) manifest: Option<String>,
    /// The component or the script.
    pub(crate) code: Vec<u8>,
    /// Where the code was.
    pub(crate) code_path: PathBuf,
    /// What a script may import, in the order of their names.
    pub(crate) modules: Arc<[ModuleText]>,
    /// The cases that a new version has to pass; none of a version that ran before.
    pub(crate) fixtures: Vec<FixtureText>,
}

impl Package {
    /// The digest of all its files.
    pub(crate) fn generation(&self) -> Generation {
        let mut sha = Sha256::new();
        let manifest = self.manifest.as_deref().unwrap_or_default();
        let own = [manifest.as_bytes(), self.code.as_slice()];
        let modules = self.modules.iter();
        let modules = modules.flat_map(|one| [one.name.as_bytes(), one.text.as_bytes()]);
        for part in own.into_iter().chain(modules) {
            sha.update((part.len() as u64).to_le_bytes());
            sha.update(part);
        }
        Generation::of_digest(&sha.finalize().into())
    }

    /// What tells this reading of the files from others: the generation, and its fixtures.
    pub(crate) fn edition(&self) -> Generation {
        let generation = self.generation();
        if self.fixtures.is_empty() {
            return generation;
        }
        let mut sha = Sha256::new();
        sha.update(generation.as_str());
        for fixture in &self.fixtures {
            for part in [
                fixture.path.as_os_str().as_encoded_bytes(),
                fixture.text.as_bytes(),
            ] {
                sha.update((part.len() as u64).to_le_bytes());
                sha.update(part);
            }
        }
        Generation::of_digest(&sha.finalize().into())
    }
}

/// One extension found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kind: ExtensionKind,
    pub(crate) name: ExtensionName,
    /// Its folder or file; what makes it the same extension at the next look.
    pub(crate) path: PathBuf,
    pub(crate) content: Content,
}

/// What was read of an extension.
#[derive(Debug)]
pub(crate) enum Content {
    /// The same as at the last look.
    Unchanged,
    /// Its files.
    Read(Package),
    /// Something that cannot be loaded; the generation tells repetitions apart from news.
    Unusable(Generation, Fault),
}

/// The result of a look.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    pub(crate) found: Vec<Found>,
    /// Folders to watch.
    pub(crate) folders: Vec<PathBuf>,
    /// Folders that could not be read, so that nothing in them counts as deleted.
    pub(crate) unreadable: Vec<PathBuf>,
}

/// Size and time of an extension's files, in a fixed order.
type Stamp = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// Looks at the folders; remembers sizes and times between looks.
pub(crate) struct Scanner {
    plugin_dirs: Vec<PathBuf>,
    script_dirs: Vec<PathBuf>,
    limits: Limits,
    stamps: HashMap<PathBuf, Stamp>,
}

impl Scanner {
    pub(crate) fn new(
        plugin_dirs: Vec<PathBuf>,
        script_dirs: Vec<PathBuf>,
        limits: Limits,
    ) -> Self {
        Self {
            plugin_dirs,
            script_dirs,
            limits,
            stamps: HashMap::new(),
        }
    }

    /// Reads what is there. Blocks.
    pub(crate) fn scan(&mut self) -> Scan {
        let mut scan = Scan::default();
        for dir in self.plugin_dirs.clone() {
            // A folder may be a plugin itself.
            if dir.join("plugin.toml").is_file() {
                self.plugin(&dir, &mut scan);
                continue;
            }
            for path in entries(&dir, &mut scan) {
                self.plugin(&path, &mut scan);
            }
        }
        for dir in self.script_dirs.clone() {
            for path in entries(&dir, &mut scan) {
                if is_script(&path) {
                    self.script(&path, &mut scan);
                }
            }
        }
        if scan.found.len() > MAX_EXTENSIONS {
            tracing::warn!("More than {MAX_EXTENSIONS} extensions; the last ones are ignored");
            scan.found.truncate(MAX_EXTENSIONS);
        }
        self.stamps
            .retain(|path, _| scan.found.iter().any(|found| found.path == *path));
        scan
    }

    /// Reads the one extension at `path`, if there is one. Blocks.
    pub(crate) fn one(&mut self, path: &Path) -> Option<Found> {
        let mut scan = Scan::default();
        if is_script(path) {
            self.script(path, &mut scan);
        } else {
            self.plugin(path, &mut scan);
        }
        scan.found.pop()
    }

    /// Reads this extension at the next look, whether it has changed or not.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.stamps.remove(path);
    }

    fn plugin(&mut self, path: &Path, scan: &mut Scan) {
        if path.is_dir() {
            let manifest = path.join("plugin.toml");
            if manifest.is_file() {
                scan.folders.push(path.to_owned());
                watch_fixtures(path, scan);
                let content = self.read(path, std::slice::from_ref(&manifest), |scanner| {
                    with_fixtures(scanner.plugin_folder(path, &manifest)?, path)
                });
                scan.found.extend(found(
                    ExtensionKind::Plugin,
                    path,
                    path.file_name(),
                    content,
                ));
            }
        } else if has_extension(path, "wasm") && path.is_file() {
            let max = self.limits.plugin.component;
            watch_fixtures(path, scan);
            let content = self.read(path, &[path.to_owned()], |_| {
                let code = read(path, max)?;
                with_fixtures((package(None, code, path), vec![]), path)
            });
            scan.found.extend(found(
                ExtensionKind::Plugin,
                path,
                path.file_stem(),
                content,
            ));
        }
    }

    fn script(&mut self, path: &Path, scan: &mut Scan) {
        watch_fixtures(path, scan);
        let own_folder = modules::folder_of(path);
        if own_folder.is_dir() {
            scan.folders.push(own_folder);
        }
        let max = self.limits.script.source;
        let content = self.read(path, &[path.to_owned()], |_| {
            let code = read(path, max)?;
            let settings = modules::settings_of(path)?;
            let mut package = package(settings, code, path);
            let read = modules::read_all(path, max.saturating_sub(package.code.len()))?;
            let mut files: Vec<PathBuf> = read.iter().map(|one| one.path.clone()).collect();
            files.extend(
                package
                    .manifest
                    .as_ref()
                    .map(|_| path.with_extension("toml")),
            );
            package.modules = read.into();
            with_fixtures((package, files), path)
        });
        scan.found.extend(found(
            ExtensionKind::Script,
            path,
            path.file_stem(),
            content,
        ));
    }

    /// A folder's manifest and the component it names, and the path of that.
    fn plugin_folder(
        &self,
        folder: &Path,
        manifest: &Path,
    ) -> Result<(Package, Vec<PathBuf>), Unusable> {
        let bytes = read(manifest, MAX_MANIFEST)?;
        let unusable = |fault: Fault| Unusable(digest(&bytes), Box::new(fault.in_file(manifest)));
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| unusable(Fault::new("manifest", "plugin.toml is not UTF-8 text")))?;
        let parsed = parse_manifest(text).map_err(unusable)?;
        let component = parsed.component.unwrap_or_else(|| {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            format!("{name}.wasm")
        });
        let code_path = folder.join(component);
        let code = read(&code_path, self.limits.plugin.component)
            .map_err(|Unusable(generation, fault)| Unusable(both(&generation, &bytes), fault))?;
        Ok((
            package(Some(text.to_owned()), code, &code_path),
            vec![code_path],
        ))
    }

    /// Reads an extension unless it is large and looks as it did; `first` are the files known
    /// before reading.
    fn read(
        &mut self,
        path: &Path,
        first: &[PathBuf],
        read: impl FnOnce(&Self) -> Result<(Package, Vec<PathBuf>), Unusable>,
    ) -> Content {
        if let Some(stamp) = self.stamps.get(path) {
            let size: u64 = stamp.iter().map(|(_, size, _)| size).sum();
            let same = stamp_of(stamp.iter().map(|(path, ..)| path)).as_ref() == Some(stamp);
            if same && size > ALWAYS_HASHED {
                return Content::Unchanged;
            }
        }
        // Taken before reading: a change in between makes the next look read again.
        let before = stamp_of(first.iter());
        match read(self) {
            Ok((package, more)) => {
                let stamp = before.and_then(|mut stamp| {
                    stamp.extend(stamp_of(more.iter())?);
                    Some(stamp)
                });
                match stamp {
                    Some(stamp) => self.stamps.insert(path.to_owned(), stamp),
                    None => self.stamps.remove(path),
                };
                Content::Read(package)
            }
            Err(Unusable(generation, fault)) => {
                self.stamps.remove(path);
                Content::Unusable(generation, *fault)
            }
        }
    }
}

/// What cannot be loaded.
struct Unusable(Generation, Box<Fault>);

/// The folder of the fixtures beside `path` is watched, if it is there.
fn watch_fixtures(path: &Path, scan: &mut Scan) {
    let folder = folder_of(path);
    if folder.is_dir() {
        scan.folders.push(folder);
    }
}

/// The visible entries of a folder, in order of their names.
fn entries(dir: &Path, scan: &mut Scan) -> Vec<PathBuf> {
    let read = fs::read_dir(dir).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
    match read {
        Ok(entries) => {
            scan.folders.push(dir.to_owned());
            let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
            paths.retain(|path| !is_temporary(path));
            paths.sort();
            paths
        }
        Err(error) => {
            if error.kind() != std::io::ErrorKind::NotFound {
                scan.unreadable.push(dir.to_owned());
            }
            Vec::new()
        }
    }
}

/// Whether a name is one that editors and copying programs use on the way.
pub(crate) fn is_temporary(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return true;
    };
    let endings = [
        "~",
        ".tmp",
        ".temp",
        ".swp",
        ".swx",
        ".part",
        ".partial",
        ".crdownload",
        ".bak",
        ".orig",
    ];
    name.starts_with(['.', '#', '~']) || endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether there is a script at `path`; `.d.rhai` tells editors what functions there are.
pub(crate) fn is_script(path: &Path) -> bool {
    let is_definition = path
        .file_stem()
        .is_some_and(|stem| has_extension(Path::new(stem), "d"));
    has_extension(path, "rhai") && !is_definition && path.is_file()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// `None` only for a name that cannot even be shown.
fn found(
    kind: ExtensionKind,
    path: &Path,
    stem: Option<&std::ffi::OsStr>,
    content: Content,
) -> Option<Found> {
    let stem = stem.unwrap_or_default().to_string_lossy();
    let path = path.to_owned();
    let (name, content) = match stem.parse::<ExtensionName>() {
        Ok(name) => (name, content),
        Err(error) => {
            let fault = Fault::new("name", error.to_string()).in_file(&path);
            let content = Content::Unusable(digest(stem.as_bytes()), fault);
            (legible(&stem).parse().ok()?, content)
        }
    };
    Some(Found {
        kind,
        name,
        path,
        content,
    })
}

/// A name to show for a file whose name cannot be one.
fn legible(stem: &str) -> String {
    let plain: String = stem
        .chars()
        .take(48)
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    format!("x{plain}")
}

fn package(manifest: Option<String>, code: Vec<u8>, code_path: &Path) -> Package {
    Package {
        manifest,
        code,
        code_path: code_path.to_owned(),
        modules: Arc::new([]),
        fixtures: Vec::new(),
    }
}

/// The same with the fixtures beside the extension at `path`, and what to look at to see them
/// change.
fn with_fixtures(
    (mut package, mut files): (Package, Vec<PathBuf>),
    path: &Path,
) -> Result<(Package, Vec<PathBuf>), Unusable> {
    let folder = folder_of(path);
    package.fixtures = read_all(&folder).map_err(|fault| {
        let told = format!("{}{:?}", fault.message, fault.file);
        Unusable(
            both(&package.generation(), told.as_bytes()),
            Box::new(fault),
        )
    })?;
    files.extend(package.fixtures.iter().map(|fixture| fixture.path.clone()));
    // A folder changes when files come and go; one that is missing comes into the one above.
    let above = folder.parent().unwrap_or(path);
    let seen = if folder.is_dir() {
        folder.as_path()
    } else {
        above
    };
    files.push(seen.to_owned());
    Ok((package, files))
}

fn read(path: &Path, max: usize) -> Result<Vec<u8>, Unusable> {
    let unusable = |code, message: String| {
        Unusable(
            digest(message.as_bytes()),
            Box::new(Fault::new(code, message).in_file(path)),
        )
    };
    let file = fs::File::open(path)
        .map_err(|error| unusable("unreadable", format!("cannot be read: {error}")))?;
    let mut bytes = Vec::new();
    file.take(max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unusable("unreadable", format!("cannot be read: {error}")))?;
    if bytes.len() > max {
        return Err(unusable("too-large", format!("more than {max} bytes")));
    }
    Ok(bytes)
}

fn stamp_of<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Option<Stamp> {
    paths
        .map(|path| {
            let meta: Metadata = fs::metadata(path).ok()?;
            Some((path.clone(), meta.len(), meta.modified().ok()))
        })
        .collect()
}

fn digest(bytes: &[u8]) -> Generation {
    Generation::of_digest(&Sha256::digest(bytes).into())
}

fn both(generation: &Generation, bytes: &[u8]) -> Generation {
    digest(&[generation.as_str().as_bytes(), bytes].concat())
}

//! Puts the beginnings of plugins (`templates/`) and the contract (`wit/`) into the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let mut out = String::new();
    for (name, root) in [
        ("TEMPLATES", here.join("templates")),
        ("CONTRACT", here.join("../../wit")),
    ] {
        println!("cargo::rerun-if-changed={}", root.display());
        let mut files = Vec::new();
        collect(&root, &root, &mut files)?;
        files.sort();
        writeln!(out, "pub(super) const {name}: &[(&str, &[u8])] = &[")
            .map_err(io::Error::other)?;
        for (relative, path) in files {
            writeln!(out, "    ({relative:?}, include_bytes!({path:?})),")
                .map_err(io::Error::other)?;
        }
        out.push_str("];\n");
    }
    let target = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(target.join("embedded.rs"), out)
}

/// Every file below `dir`, by its path from `root` with `/` between its parts.
fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, String)>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        // Older versions of the contract are for the host's tests.
        if path.is_dir() && !path.ends_with("wit/published") {
            println!("cargo::rerun-if-changed={}", path.display());
            collect(root, &path, files)?;
        } else if path.is_file() {
            let relative = path.strip_prefix(root).map_err(io::Error::other)?;
            let parts: Vec<_> = relative
                .components()
                .map(|part| part.as_os_str().to_string_lossy().into_owned())
                .collect();
            let absolute = fs::canonicalize(&path)?;
            files.push((parts.join("/"), absolute.display().to_string()));
        }
    }
    Ok(())
}

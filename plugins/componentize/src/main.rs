//! `componentize <module.wasm> <component.wasm>`: wraps a core module, which carries its world in
//! a custom section, into a component.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

fn main() -> Result<()> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [module, component] = paths.as_slice() else {
        bail!("usage: componentize <module.wasm> <component.wasm>");
    };
    let core =
        std::fs::read(module).with_context(|| format!("cannot read {}", module.display()))?;
    let bytes = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .context("the module does not carry a world that wit-component understands")?
        .encode()
        .context("the module cannot become a component")?;
    std::fs::write(component, bytes)
        .with_context(|| format!("cannot write {}", component.display()))
}

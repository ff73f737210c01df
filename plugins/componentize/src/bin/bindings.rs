//! `bindings <wit folder> <world> <folder>`: writes what a plugin in C needs to speak the contract,
//! `warbler.h`, `warbler.c` and `warbler_component_type.o`.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [wit, world, folder] = arguments.as_slice() else {
        bail!("usage: bindings <wit folder> <world> <folder>");
    };
    let mut contract = Resolve::default();
    let (package, _) = contract.push_path(wit)?;
    let world = contract.select_world(&[package], Some(world))?;
    let options = wit_bindgen_c::Opts {
        rename_world: Some("warbler".to_owned()),
        ..Default::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut contract, world, &mut files)?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for (name, bytes) in files.iter() {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

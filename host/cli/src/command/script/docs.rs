//! `warbler script docs`: the functions of scripts, as the engine of this binary has them.

use warbler_automation::reference;

use crate::failure::Failure;
use crate::terminal::Screen;

/// Prints the reference, or the definitions for editors.
pub(super) fn run(definitions: bool, screen: Screen) -> Result<(), Failure> {
    let text = if definitions {
        reference::definitions()
    } else {
        reference::markdown()
    };
    screen.line(text.trim_matches('\n'))?;
    Ok(())
}

//! `warbler extensions …`: what plugins and scripts a running host has.

mod grants;
mod replay;

use crate::args::{Extensions, ExtensionsVerb};
use crate::client::{Client, ExtensionView, Items};
use crate::config::Environment;
use crate::failure::Failure;
use crate::terminal::{Screen, columns, plain};

/// Longest error line shown.
const MAX_LINE: usize = 300;

/// Asks the host and prints its answer.
pub(super) async fn run(
    args: Extensions,
    environment: &Environment,
    screen: Screen,
) -> Result<(), Failure> {
    let client = Client::new(&args.reach, environment)?;
    match args.verb {
        ExtensionsVerb::List if args.reach.json => {
            Ok(screen.line(client.get_json(&["extensions"]).await?)?)
        }
        ExtensionsVerb::List => {
            let list: Items<ExtensionView> = client.get(&["extensions"]).await?;
            show(&list.items, screen)
        }
        ExtensionsVerb::Replay {
            name,
            events,
            event,
        } => {
            let body = match event {
                Some(id) => serde_json::json!({ "event": id }),
                None => serde_json::json!({ "events": events }),
            };
            replay::run(&client, &name, body, args.reach.json, screen).await
        }
        ExtensionsVerb::Usage { name } => {
            grants::usage(&client, &name, args.reach.json, screen).await
        }
        ExtensionsVerb::Grants { name } => {
            grants::show(&client, &name, args.reach.json, screen).await
        }
        ExtensionsVerb::Grant { name, grants } => {
            grants::give(&client, &name, &grants, args.reach.json, screen).await
        }
    }
}

fn show(extensions: &[ExtensionView], screen: Screen) -> Result<(), Failure> {
    if extensions.is_empty() {
        screen.line(
            "No extensions. Put a script into one of the host's script folders, and it runs.",
        )?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = extensions
        .iter()
        .map(|extension| {
            vec![
                extension.order.to_string(),
                extension.name.clone(),
                extension.kind.clone(),
                extension.state.clone(),
                extension
                    .generation
                    .clone()
                    .unwrap_or_else(|| "-".to_owned()),
                extension.path.clone().unwrap_or_default(),
            ]
        })
        .collect();
    for line in columns(
        screen,
        &["ORDER", "NAME", "KIND", "STATE", "GENERATION", "PATH"],
        &rows,
    ) {
        screen.line(line)?;
    }
    for extension in extensions {
        let Some(fault) = &extension.last_error else {
            continue;
        };
        let place = fault.file.as_deref().map_or_else(String::new, |file| {
            match (fault.line, fault.column) {
                (Some(line), Some(column)) => format!(" at {file}:{line}:{column}"),
                (Some(line), None) => format!(" at {file}:{line}"),
                _ => format!(" in {file}"),
            }
        });
        screen.line("")?;
        let head = format!("{}: {}{place}", extension.name, fault.code);
        screen.line(screen.bad(plain(&head, MAX_LINE)))?;
        screen.line(format!("  {}", plain(&fault.message, MAX_LINE)))?;
        for line in fault
            .excerpt
            .iter()
            .flat_map(|excerpt| excerpt.lines())
            .take(6)
        {
            screen.line(screen.faint(format!("  {}", plain(line, MAX_LINE))))?;
        }
        if let Some(event) = &fault.event {
            let how = format!("  see: warbler events explain {}", plain(event, MAX_LINE));
            screen.line(screen.faint(how))?;
        }
    }
    Ok(())
}

//! The header of a script: comment lines at its top such as `// order: 20`.
//!
//! Known keys are `order`, `send`, `http`, `secrets`, `history`, `rate`, `kv`, `events`, `sessions`,
//! `chats`, `text`, `own` and `config.NAME`; lists are separated by commas. Every other comment is a
//! comment.

use warbler_domain::extension::OperatorGrants;

use super::Manifest;
use super::words::{
    chat_filter, event_pattern, history_scope, kv_space, origin, secret_name, send_scope,
};
use crate::fault::{Fault, Position};

/// Reads the header lines of a script.
pub(crate) fn parse_header(source: &str) -> Result<Manifest, Fault> {
    let mut manifest = Manifest::default();
    for (index, line) in source.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() {
            continue;
        }
        let Some(comment) = line.strip_prefix("//") else {
            break;
        };
        let Some((key, value)) = comment.split_once(':') else {
            continue;
        };
        apply(&mut manifest, key.trim(), value.trim()).map_err(|message| {
            let line = u32::try_from(index + 1).unwrap_or(u32::MAX);
            Fault::new("manifest", message).at(source, Position { line, column: None })
        })?;
    }
    Ok(manifest)
}

fn apply(manifest: &mut Manifest, key: &str, value: &str) -> Result<(), String> {
    let filter = &mut manifest.filter;
    match key {
        "order" => {
            manifest.order = value
                .parse()
                .map_err(|_| "`order` is a whole number".to_owned())?
        }
        "send" => manifest.asked.send = send_scope(value)?,
        "kv" => manifest.kv = kv_space(value)?,
        "http" => manifest.asked.http = list(value, origin)?,
        "history" => manifest.asked.history = history_scope(value)?,
        "rate" => manifest.asked.rate = Some(rate(value)?),
        "secrets" => manifest.asked.secrets = list(value, secret_name)?,
        "events" => filter.events = list(value, event_pattern)?,
        "sessions" => {
            filter.sessions = list(value, |text| {
                text.parse().map_err(|error| format!("{error}"))
            })?;
            manifest.asked.sessions =
                Some(filter.sessions.clone()).filter(|names| !names.is_empty());
        }
        "chats" => filter.chats = list(value, chat_filter)?,
        "text" => filter.text = list(value, |text| Ok(text.to_lowercase()))?,
        "own" => {
            filter.own = value
                .parse()
                .map_err(|_| "`own` is true or false".to_owned())?
        }
        _ => {
            if let Some(name) = key.strip_prefix("config.") {
                manifest.configure(name, value)?;
            }
        }
    }
    Ok(())
}

fn rate(text: &str) -> Result<u32, String> {
    let most = OperatorGrants::MAX_RATE;
    let rate = text.parse().ok();
    rate.filter(|rate| (1..=most).contains(rate))
        .ok_or_else(|| format!("`rate` is a number of messages a minute, 1 to {most}"))
}

fn list<T>(value: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    value
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(parse)
        .collect()
}

#[cfg(test)]
mod tests {
    use warbler_domain::extension::SendScope;

    use super::*;

    #[test]
    fn header_lines_set_what_a_manifest_sets() {
        let manifest = parse_header(
            "// Opening hours: what to say.\n\n// order: 20\n// send: any\n// events: message.received, message.edited\nfn f() {}\n// order: 5\n",
        );
        let manifest = manifest.unwrap_or_default();
        assert_eq!(manifest.order, 20);
        assert_eq!(manifest.asked.send, SendScope::Any);
        assert_eq!(
            manifest.filter.events,
            ["message.received", "message.edited"]
        );
    }

    #[test]
    fn settings_beside_a_script_go_over_those_of_its_header() {
        let header = "// config.city: Berlin\n// config.seats: 4\n// config.days: [\"Mon\"]\n// config.note: it's \"x\n";
        let manifest = parse_header(header).unwrap_or_default();
        assert_eq!(
            manifest.config,
            r#"{"city":"Berlin","seats":4,"days":["Mon"],"note":"it's \"x"}"#
        );
        let script = std::path::Path::new("shop.rhai");
        let set = manifest.with_settings("city = \"Rome\"\n", script);
        assert_eq!(
            set.map(|manifest| manifest.config).unwrap_or_default(),
            r#"{"city":"Rome","seats":4,"days":["Mon"],"note":"it's \"x"}"#
        );
        let fault = parse_header("")
            .unwrap_or_default()
            .with_settings("a = \nb = 1", script);
        let fault = fault.err().unwrap_or_else(|| Fault::new("none", ""));
        assert_eq!(
            (fault.code, fault.file.as_deref()),
            ("manifest", Some("shop.toml"))
        );
    }

    #[test]
    fn a_header_value_that_cannot_be_read_is_a_fault_with_its_line() {
        let fault = parse_header("// a\n// order: first\n").err();
        assert_eq!(fault.and_then(|fault| fault.at).map(|at| at.line), Some(2));
    }
}

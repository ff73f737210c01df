use std::time::Duration;

use warbler_domain::extension::SendScope;

use super::{Config, ConfigError, DEFAULT, Environment};

fn refusal(text: &str) -> String {
    match Config::parse(text, "warbler.toml") {
        Ok(_) => "accepted".to_owned(),
        Err(err) => err.to_string(),
    }
}

#[test]
fn the_documented_defaults_are_those_of_the_core() -> Result<(), ConfigError> {
    let config = Config::parse("", "nothing")?;
    let (here, core) = (config.settings(), warbler_app::Settings::default());
    assert_eq!(format!("{here:?}"), format!("{core:?}"));
    assert!(config.server.listen.ip().is_loopback());
    assert_eq!(config.access.admin_key, None);
    Ok(())
}

#[test]
fn the_default_file_can_be_used_as_a_configuration() -> Result<(), ConfigError> {
    Config::parse(DEFAULT, "config.default.toml").map(drop)
}

#[test]
fn the_example_configuration_is_accepted() -> Result<(), ConfigError> {
    let example = include_str!("../../../../examples/warbler.toml");
    Config::parse(example, "examples/warbler.toml").map(drop)
}

#[test]
fn a_file_changes_only_what_it_holds() -> Result<(), ConfigError> {
    let config = Config::parse(
        "[sessions]\nsilence = \"2m\"\n[extensions.grants.news]\nsend = \"any\"\n",
        "warbler.toml",
    )?;
    assert_eq!(config.sessions.silence.duration(), Duration::from_secs(120));
    assert_eq!(config.sessions.connecting_at_once, 16);
    let grants: Vec<_> = config.extensions.grants.into_iter().collect();
    assert!(
        matches!(grants.as_slice(), [(name, grants)] if name.as_str() == "news" && grants.send == Some(SendScope::Any))
    );
    Ok(())
}

#[test]
fn an_unknown_setting_is_refused_with_its_name_and_the_nearest_known_one() {
    for (text, expected) in [
        (
            "[server]\nlistn = \"x\"",
            "warbler.toml has the unknown setting `server.listn`; did you mean `server.listen`?",
        ),
        (
            "listen = \"127.0.0.1:1\"",
            "warbler.toml has the unknown setting `listen`; did you mean `server.listen`?",
        ),
        (
            "[extensions.grants.news]\nquicksilver = []",
            "warbler.toml has the unknown setting `extensions.grants.news.quicksilver`",
        ),
        (
            "[zebra]\ncrossing = 1",
            "warbler.toml has the unknown setting `zebra`",
        ),
    ] {
        assert_eq!(refusal(text), expected);
    }
}

#[test]
fn a_value_that_does_not_fit_is_refused_with_its_place() {
    let text = refusal("[sessions]\nsilence = \"20 days\"");
    assert!(
        text.contains("warbler.toml: [sessions]") && text.contains("`20 days` is not a duration"),
        "{text}"
    );
    let text = refusal("[server]\nlisten = \"here\"");
    assert!(
        text.contains("[server]") && text.contains("listen"),
        "{text}"
    );
    let text = refusal("[server\n");
    assert!(text.contains("line 1"), "{text}");
}

#[test]
fn what_may_be_reached_is_read_and_checked() -> Result<(), ConfigError> {
    let text = "[network]\noutbound_allow = [\"files.lan\", \"*.corp.example\", \"10.0.0.0/8\"]";
    let config = Config::parse(text, "warbler.toml")?;
    let allowed = format!("{:?}", config.settings().outbound);
    assert_eq!(allowed, r#"["files.lan", "*.corp.example", "10.0.0.0/8"]"#);
    let text = refusal("[network]\noutbound_allow = [\"http://x\"]");
    assert!(
        text.contains("[network]") && text.contains("`http://x` is not a name"),
        "{text}"
    );
    Ok(())
}

#[test]
fn the_dialects_are_served_as_documented_unless_the_file_says_otherwise() -> Result<(), ConfigError>
{
    let options = Config::parse("", "nothing")?.dialects.options();
    let expected = warbler_api::DialectOptions {
        root: Some(warbler_domain::Dialect::Gateway),
        ..warbler_api::DialectOptions::default()
    };
    assert_eq!(options, expected);
    let text = "[dialects]\nroot = \"hub\"\ndocumented_unsafe = [\"hub.global-cleanup\"]\n\
                [dialects.hub]\nprefix = \"\"\nlisten = \"127.0.0.1:5001\"\n";
    let options = Config::parse(text, "warbler.toml")?.dialects.options();
    assert_eq!(options.root, Some(warbler_domain::Dialect::Hub));
    assert_eq!(options.documented_unsafe.len(), 1);
    let mount = options.mounts.get(&warbler_domain::Dialect::Hub);
    let mount = mount.map(|mount| (mount.prefix.clone(), mount.listen.map(|at| at.port())));
    assert_eq!(mount, Some((None, Some(5001))));
    for (text, expected) in [
        ("[dialects]\nroot = \"hubb\"", "`hubb` is not a dialect"),
        (
            "[dialects]\ndocumented_unsafe = [\"all\"]",
            "`all` is no documented unsafe behaviour",
        ),
        ("[dialects]\nregistration = \"maybe\"", "not `maybe`"),
        ("[dialects.hub]\nprefix = \"hub\"", "`hub` is not a prefix"),
        (
            "[dialects.pub]\nprefix = \"/x\"",
            "unknown setting `dialects.pub`",
        ),
    ] {
        let text = refusal(text);
        assert!(text.contains(expected), "{text}");
    }
    Ok(())
}

#[test]
fn the_environment_overrides_the_file() -> Result<(), ConfigError> {
    let environment = Environment::of(|name| match name {
        "WARBLER_LISTEN" => Some("127.0.0.1:4000".to_owned()),
        "WARBLER_ADMIN_KEY" => Some("a-key-of-my-own-choice-42".to_owned()),
        "WARBLER_LOG" => Some(String::new()),
        _ => None,
    });
    let config = Config::load(None, &environment)?;
    assert_eq!(config.server.listen.port(), 4000);
    assert_eq!(config.log.filter, "info");
    assert!(config.access.admin_key.is_some());
    Ok(())
}

#[test]
fn a_master_key_is_long_and_comes_from_the_environment_too() -> Result<(), ConfigError> {
    let with = |key: &'static str| {
        let environment =
            Environment::of(|name| (name == "WARBLER_MASTER_KEY").then(|| key.to_owned()));
        Config::load(None, &environment)
    };
    let key = "a-master-key-of-at-least-32-characters";
    let master = with(key)?.settings().access.master_key;
    assert!(master.is_some_and(|master| master.expose() == key));
    let refused = with("a-short-master-key").map_or_else(|err| err.to_string(), |_| String::new());
    assert!(
        refused.contains("WARBLER_MASTER_KEY") && refused.contains("at least 32"),
        "{refused}"
    );
    Ok(())
}

#[test]
fn a_secret_is_never_printed() -> Result<(), ConfigError> {
    let key = "a-key-of-my-own-choice-42";
    let config = Config::parse(&format!("[access]\nadmin_key = \"{key}\""), "warbler.toml")?;
    let printed = format!("{config:?}");
    assert!(printed.contains("***") && !printed.contains(key));
    let text = refusal("[access]\nadmin_key = \"hunter2\"");
    assert!(
        text.contains("at least 24") && !text.contains("hunter2"),
        "{text}"
    );
    Ok(())
}

#[test]
fn history_is_taken_over_only_when_somebody_says_how_much() -> Result<(), ConfigError> {
    assert!(
        !Config::parse("", "nothing")?
            .sessions
            .history()
            .wants_some()
    );
    let config = Config::parse("[sessions]\nhistory_days = 30\n", "warbler.toml")?;
    let history = config.sessions.history();
    assert_eq!((history.days, history.messages), (30, 10_000));
    let wrong = refusal("[sessions]\nhistory_days = -1\n");
    assert!(
        wrong.starts_with("warbler.toml: [sessions]"),
        "not a number of days: {wrong}"
    );
    Ok(())
}

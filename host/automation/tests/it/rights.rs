//! Grants that bound what an extension has anyway: to whom, for which sessions, how often; and
//! grants that are given while the host runs.

use anyhow::Result;
use warbler_app::hook::Extensions;
use warbler_automation::RegistryConfig;
use warbler_domain::extension::{ExtensionState, OperatorGrants, SendScope};
use warbler_domain::session::Called;
use warbler_domain::{Clock, EventBody, SessionName, SystemClock, UserId};

use crate::stage::{Stage, code, replies};

const SENDING: &str =
    "// send: any\nfn on_message(message) { send(message.text, \"hello\"); reply(\"sent\"); }";

async fn stage_with(grants: OperatorGrants) -> Result<Stage> {
    let name = "a".parse()?;
    Stage::start_with(|config: &mut RegistryConfig| {
        config.grants.insert(name, grants);
    })
    .await
}

fn to_contacts() -> OperatorGrants {
    OperatorGrants {
        send: Some(SendScope::Contacts),
        ..OperatorGrants::default()
    }
}

#[tokio::test]
async fn contacts_are_those_in_the_address_book_and_those_with_a_chat() -> Result<()> {
    let stage = stage_with(to_contacts()).await?;
    stage.put("scripts/a.rhai", SENDING)?;
    stage.registry.rescan().await;

    let outcome = stage.says("a", "+15550199").await?;
    assert_eq!(code(&outcome), "script-error");
    let message = outcome.fault.map(|fault| fault.message).unwrap_or_default();
    assert!(message.starts_with("not-granted: "), "{message}");
    assert!(message.contains("send = \"any\""), "{message}");
    assert!(
        message.contains("warbler extensions grant a send=any"),
        "{message}"
    );
    assert_eq!(outcome.cost.denials, 1);

    let session = stage.session;
    stage
        .store
        .write(move |tx| {
            let jid = "15550199@s.whatsapp.net"
                .parse()
                .map_err(|_| warbler_store::Error::Closed)?;
            tx.contacts_mut()
                .save_name(session, &jid, "Grace", SystemClock.now())
        })
        .await?;
    assert_eq!(replies(&stage.says("a", "+15550199").await?), ["sent"]);

    assert_eq!(code(&stage.says("a", "+15550198").await?), "script-error");
    let EventBody::Message { message } = stage.message("earlier")?.body else {
        anyhow::bail!("a message");
    };
    let mut message = *message;
    message.chat = "15550198@s.whatsapp.net".parse()?;
    stage
        .store
        .write(move |tx| tx.messages_mut().insert(&message))
        .await?;
    assert_eq!(replies(&stage.says("a", "+15550198").await?), ["sent"]);
    Ok(())
}

#[tokio::test]
async fn a_plugin_asks_the_same_as_a_script() -> Result<()> {
    let name = "granted".parse()?;
    let stage = Stage::start_with(|config| {
        config.grants.insert(name, to_contacts());
    })
    .await?;
    stage.put_guest_with("granted", "[capabilities]\nsend = \"any\"\n")?;
    stage.registry.rescan().await;
    let outcome = stage.says("granted", "thello").await?;
    assert_eq!(
        replies(&outcome).first(),
        Some(&"not-granted"),
        "{outcome:?}"
    );
    Ok(())
}

#[tokio::test]
async fn sessions_that_are_not_granted_are_not_seen() -> Result<()> {
    let stage = stage_with(OperatorGrants {
        sessions: Some(vec!["support".parse()?]),
        ..OperatorGrants::default()
    })
    .await?;
    stage.put(
        "scripts/a.rhai",
        "fn on_message(message) { reply(\"hello\"); }",
    )?;
    stage.put(
        "scripts/b.rhai",
        "// sessions: support\nfn on_message(message) { reply(\"hello\"); }",
    )?;
    stage.registry.rescan().await;
    assert_eq!(replies(&stage.says("a", "x").await?), [""; 0]);
    let event = stage.message("x")?;
    let (shop, support): (SessionName, SessionName) = ("shop".parse()?, "support".parse()?);
    let called = |name| Called {
        id: stage.session,
        name,
        owner: None,
    };
    let why = stage.hook("a")?.why_not(&event, called(&shop));
    let why = why.unwrap_or_default();
    assert!(why.contains("add \"shop\" to `sessions`"), "{why}");
    assert!(why.contains("[extensions.grants.\"a\"]"), "{why}");
    let why = stage.hook("b")?.why_not(&event, called(&shop));
    assert_eq!(
        why.as_deref(),
        Some("its filter `sessions` does not name \"shop\"")
    );
    assert_eq!(stage.hook("a")?.why_not(&event, called(&support)), None);
    // A user does not come under a grant by calling a session so.
    let mut of_a_user = called(&support);
    of_a_user.owner = Some(UserId::from_bytes([1; 16]));
    let why = stage.hook("a")?.why_not(&event, of_a_user);
    let (why, id) = (why.unwrap_or_default(), stage.session);
    assert!(
        why.contains(&format!("add \"{id}\" to `sessions`")),
        "{why}"
    );
    Ok(())
}

#[tokio::test]
async fn a_rate_bounds_the_messages_of_all_calls_together() -> Result<()> {
    let stage = stage_with(OperatorGrants {
        rate: Some(3),
        ..OperatorGrants::default()
    })
    .await?;
    let source =
        "fn on_message(message) { reply(\"a\"); if message.text == \"fail\" { throw \"no\"; } }";
    stage.put("scripts/a.rhai", source)?;
    stage.registry.rescan().await;
    assert_eq!(code(&stage.says("a", "fail").await?), "script-error");
    for _ in 0..3 {
        assert_eq!(replies(&stage.says("a", "x").await?), ["a"]);
    }
    let outcome = stage.says("a", "x").await?;
    let message = outcome.fault.map(|fault| fault.message).unwrap_or_default();
    assert!(message.starts_with("rate-limited: 3 messages"), "{message}");
    assert!(message.contains("rate = 6"), "{message}");

    // A new version does not begin anew.
    stage.put("scripts/a.rhai", format!("// new\n{source}"))?;
    stage.registry.rescan().await;
    assert_eq!(code(&stage.says("a", "x").await?), "script-error");
    let later = crate::stage::WEDNESDAY_MORNING.plus(std::time::Duration::from_secs(60));
    assert_eq!(replies(&stage.says_at("a", "x", later).await?), ["a"]);
    Ok(())
}

#[tokio::test]
async fn an_update_that_waits_for_a_grant_is_loaded_when_it_is_given() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put(
        "scripts/a.rhai",
        "fn on_message(message) { reply(\"old\"); }",
    )?;
    stage.registry.rescan().await;
    stage.put("scripts/a.rhai", SENDING)?;
    stage.registry.rescan().await;
    assert_eq!(stage.fault("a")?.code, "needs-grant");
    assert!(
        stage
            .fault("a")?
            .message
            .contains("warbler extensions grant a send=any")
    );
    assert_eq!(stage.status("a")?.asked.send, SendScope::Any);

    let any = OperatorGrants {
        send: Some(SendScope::Any),
        ..OperatorGrants::default()
    };
    stage.registry.grant(&"a".parse()?, any).await;
    assert_eq!(stage.status("a")?.state, ExtensionState::Active);
    assert_eq!(replies(&stage.says("a", "+15550199").await?), ["sent"]);

    // What is taken back no longer holds, and the version stays.
    stage
        .registry
        .grant(&"a".parse()?, OperatorGrants::default())
        .await;
    assert_eq!(stage.status("a")?.withheld.send, SendScope::Any);
    assert_eq!(code(&stage.says("a", "+15550199").await?), "script-error");
    Ok(())
}

#[tokio::test]
async fn what_runs_in_place_of_a_broken_file_loses_its_grants_too() -> Result<()> {
    let stage = Stage::start().await?;
    let any = OperatorGrants {
        send: Some(SendScope::Any),
        ..OperatorGrants::default()
    };
    stage.put("scripts/a.rhai", SENDING)?;
    stage.registry.grant(&"a".parse()?, any).await;
    stage.put("scripts/a.rhai", "fn on_message(")?;
    stage.registry.rescan().await;
    assert_eq!(replies(&stage.says("a", "+15550199").await?), ["sent"]);
    stage
        .registry
        .grant(&"a".parse()?, OperatorGrants::default())
        .await;
    assert_eq!(stage.status("a")?.state, ExtensionState::LastGood);
    assert_eq!(code(&stage.says("a", "+15550199").await?), "script-error");
    Ok(())
}

#[tokio::test]
async fn the_configuration_goes_over_what_is_granted_at_runtime() -> Result<()> {
    let stage = stage_with(OperatorGrants {
        send: Some(SendScope::ReplyOnly),
        ..OperatorGrants::default()
    })
    .await?;
    stage.put("scripts/a.rhai", SENDING)?;
    stage.registry.rescan().await;
    let granted = OperatorGrants {
        send: Some(SendScope::Any),
        rate: Some(5),
        ..OperatorGrants::default()
    };
    stage.registry.grant(&"a".parse()?, granted).await;
    let status = stage.status("a")?;
    assert_eq!(status.grants.send, SendScope::ReplyOnly);
    assert_eq!(status.grants.rate, Some(5));
    Ok(())
}

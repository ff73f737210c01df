//! What extensions may do beyond the default: asked for, granted, and both.

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use warbler_app::fetch::{Fetcher, Outbound};
use warbler_automation::RegistryConfig;
use warbler_domain::extension::{ExtensionState, Grants, HistoryScope, SendScope};
use warbler_domain::{EventBody, Secret};

use crate::stage::{Stage, code, replies};

const ASKING: &str = r#"
[capabilities]
send = "any"
http = ["http://127.0.0.1:PORT", "http://localhost:PORT"]
secrets = ["crm_token", "unset"]
history = "any"
"#;

fn asking(port: u16) -> String {
    ASKING.replace("PORT", &port.to_string())
}

fn everything(port: u16) -> Result<Grants> {
    Ok(Grants {
        send: SendScope::Any,
        http: vec![
            format!("http://127.0.0.1:{port}").parse()?,
            format!("http://localhost:{port}").parse()?,
        ],
        secrets: vec!["crm_token".to_owned(), "unset".to_owned()],
        history: HistoryScope::Any,
        ..Grants::default()
    })
}

/// A stage on which `granted` is granted everything, and this may be reached.
async fn stage(port: u16, reachable: &[&str]) -> Result<Stage> {
    let grants = everything(port)?;
    let reachable: Vec<String> = reachable.iter().map(|name| (*name).to_owned()).collect();
    let fetcher = Fetcher::new(Outbound::try_from(reachable)?)?;
    let name = "granted".parse()?;
    Stage::start_with(move |config: &mut RegistryConfig| {
        config.fetcher = Some(fetcher);
        config.grants.insert(name, grants.into());
        config
            .secrets
            .insert("crm_token".to_owned(), Secret::new("s3cr3t-token"));
    })
    .await
}

/// A server that answers every request with `hello` and notes how many there were.
async fn server() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                let answer =
                    b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                socket.write_all(answer).await.ok();
            }
        }
    });
    Ok(port)
}

#[tokio::test]
async fn nothing_is_granted_by_default_and_each_refusal_names_the_line_to_add() -> Result<()> {
    let stage = Stage::start().await?;
    stage.put_guest_with("granted", &asking(80))?;
    stage.registry.rescan().await;

    let status = stage.status("granted")?;
    assert!(status.grants.is_default());
    assert_eq!(status.withheld, everything(80)?);
    for (said, line) in [
        ("thello", "send = \"any\""),
        ("fhttp://127.0.0.1/x", "http = [\"http://127.0.0.1\"]"),
        (
            "fhttps://api.example.com:8443/x",
            "http = [\"https://api.example.com:8443\"]",
        ),
        ("scrm_token", "secrets = [\"crm_token\"]"),
        ("h", "history = \"chat\""),
    ] {
        let outcome = stage.says("granted", said).await?;
        let heard = replies(&outcome);
        assert_eq!(
            heard.first(),
            Some(&"not-granted"),
            "{said}: {:?}",
            outcome.fault
        );
        let message = heard.get(1).copied().unwrap_or_default();
        assert!(message.contains(line), "{message}");
        assert!(
            message.contains("[extensions.grants.\"granted\"]"),
            "{message}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_is_granted_is_done_and_secrets_do_not_show_in_the_log() -> Result<()> {
    let port = server().await?;
    let stage = stage(port, &["127.0.0.1"]).await?;
    stage.put_guest_with("granted", &asking(port))?;
    stage.registry.rescan().await;

    assert!(stage.status("granted")?.withheld.is_default());
    let outcome = stage.says("granted", "thello").await?;
    assert_eq!(outcome.actions.len(), 1);
    let outcome = stage
        .says("granted", &format!("fhttp://127.0.0.1:{port}/x"))
        .await?;
    assert_eq!(replies(&outcome), ["hello"], "{:?}", outcome.fault);
    let outcome = stage.says("granted", "scrm_token").await?;
    assert_eq!(replies(&outcome), ["s3cr3t-token"]);
    let logged: Vec<_> = outcome
        .logs
        .iter()
        .map(|line| line.message.as_str())
        .collect();
    assert_eq!(logged, ["***"]);
    let outcome = stage.says("granted", "sunset").await?;
    assert_eq!(replies(&outcome).first(), Some(&"not-set"));
    Ok(())
}

#[tokio::test]
async fn what_is_not_public_is_not_reached_whatever_is_granted() -> Result<()> {
    let port = server().await?;
    let stage = stage(port, &[]).await?;
    stage.put_guest_with("granted", &asking(port))?;
    stage.registry.rescan().await;

    // By its address, and by a name that stands for it.
    for url in [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
    ] {
        let outcome = stage.says("granted", &format!("f{url}")).await?;
        let heard = replies(&outcome);
        assert_eq!(heard.first(), Some(&"not-public"), "{heard:?}");
        assert!(
            heard
                .get(1)
                .is_some_and(|message| message.contains("outbound_allow"))
        );
    }
    // Other spellings of an origin that is granted are other origins.
    for url in [
        format!("http://127.1:{port}@example.com/"),
        format!("http://2130706433.example.com:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        "file:///etc/passwd".to_owned(),
    ] {
        let outcome = stage.says("granted", &format!("f{url}")).await?;
        let heard = replies(&outcome)
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned();
        assert!(
            ["not-granted", "bad-url"].contains(&heard.as_str()),
            "{url}: {heard}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_machines_keep_for_themselves_is_not_reached_by_any_spelling() -> Result<()> {
    let origins = [
        "http://169.254.169.254",
        "http://[::ffff:a9fe:a9fe]",
        "http://[fd00:ec2::254]",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://[::1]",
        "http://metadata.google.internal",
    ];
    let granted = Grants {
        http: origins
            .iter()
            .map(|origin| origin.parse())
            .collect::<Result<_, _>>()?,
        ..Grants::default()
    };
    let asking = format!("[capabilities]\n{}\n", granted.lines().join("\n"));
    let fetcher = Fetcher::new(Outbound::default())?;
    let name = "granted".parse()?;
    let stage = Stage::start_with(move |config| {
        config.fetcher = Some(fetcher);
        config.grants.insert(name, granted.into());
    })
    .await?;
    stage.put_guest_with("granted", &asking)?;
    stage.registry.rescan().await;
    for origin in origins {
        let outcome = stage.says("granted", &format!("f{origin}/latest")).await?;
        let heard = replies(&outcome)
            .first()
            .copied()
            .unwrap_or_default()
            .to_owned();
        // A name that nobody here can look up is not reached either.
        let refused = ["not-public", "unreachable"];
        assert!(refused.contains(&heard.as_str()), "{origin}: {heard}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut request = [0; 4096];
            if socket.read(&mut request).await.is_ok() {
                let answer = format!(
                    "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/secret\r\ncontent-length: 5\r\nconnection: close\r\n\r\nmoved"
                );
                socket.write_all(answer.as_bytes()).await.ok();
            }
        }
    });
    let stage = stage(port, &["127.0.0.1"]).await?;
    stage.put_guest_with("granted", &asking(port))?;
    stage.registry.rescan().await;
    let outcome = stage
        .says("granted", &format!("fhttp://127.0.0.1:{port}/x"))
        .await?;
    assert_eq!(replies(&outcome), ["moved"], "{:?}", outcome.fault);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(outcome.cost.fetches, 1);
    Ok(())
}

#[tokio::test]
async fn stored_messages_can_be_read_where_that_is_granted() -> Result<()> {
    let stage = stage(80, &[]).await?;
    stage.put_guest_with("granted", &asking(80))?;
    stage.registry.rescan().await;
    let event = stage.message("earlier")?;
    let EventBody::Message { message } = event.body else {
        anyhow::bail!("a message");
    };
    stage
        .store
        .write(move |tx| tx.messages_mut().insert(&message))
        .await?;
    assert_eq!(replies(&stage.says("granted", "h").await?), ["1"]);
    let other = stage.says("granted", "h+15550199").await?;
    assert_eq!(replies(&other), ["0"], "{:?}", other.fault);
    Ok(())
}

#[tokio::test]
async fn an_update_that_asks_for_more_waits_while_the_version_before_it_runs() -> Result<()> {
    let mut stage = Stage::start().await?;
    stage.put(
        "scripts/a.rhai",
        "fn on_message(message) { reply(\"old\"); }",
    )?;
    stage.registry.rescan().await;
    let greedy = "// secrets: crm_token\nfn on_message(message) { reply(\"new\"); }";
    stage.put("scripts/a.rhai", greedy)?;
    stage.registry.rescan().await;

    for _ in 0..2 {
        assert_eq!(stage.status("a")?.state, ExtensionState::LastGood);
        let fault = stage.fault("a")?;
        assert_eq!(fault.code, "needs-grant");
        assert!(
            fault.message.contains("[extensions.grants.\"a\"]"),
            "{}",
            fault.message
        );
        assert!(
            fault.message.contains("secrets = [\"crm_token\"]"),
            "{}",
            fault.message
        );
        assert_eq!(replies(&stage.says("a", "x").await?), ["old"]);
        stage = stage.restart().await?;
    }
    let granted = Grants {
        secrets: vec!["crm_token".to_owned()],
        ..Grants::default()
    };
    let name = "a".parse()?;
    let stage = stage
        .restart_with(|config| {
            config.grants.insert(name, granted.into());
        })
        .await?;
    assert_eq!(replies(&stage.says("a", "x").await?), ["new"]);
    assert_eq!(stage.status("a")?.state, ExtensionState::Active);
    Ok(())
}

#[tokio::test]
async fn more_memory_is_had_by_those_who_ask_and_are_granted() -> Result<()> {
    let grants = Grants {
        memory: Some(64),
        ..Grants::default()
    };
    let name = "memory".parse()?;
    let stage = Stage::start_with(|config| {
        config.grants.insert(name, grants.into());
    })
    .await?;
    stage.put_guest_with("memory", "[capabilities]\nmemory = 128\n")?;
    stage.registry.rescan().await;
    let outcome = stage.says("memory", "x").await?;
    assert_eq!(code(&outcome), "memory");
    let message = outcome.fault.map(|fault| fault.message);
    assert_eq!(message.as_deref(), Some("more than 64 MiB of memory"));
    Ok(())
}

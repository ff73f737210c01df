//! Commands that ask a running host, as its users run them.

use std::process::{Command, Output};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_tests::{KEY, TestHost, eventually, quick_settings};

use crate::webhooks::receiver::{OK, Receiver};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// What a command has printed, and how it ended.
struct Told {
    text: String,
    code: Option<i32>,
}

/// Runs the binary with these arguments, on `host`.
async fn warbler(host: &TestHost, args: &[&str]) -> Result<Told> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_host-under-test"));
    command
        .args(args)
        .args(["--url", host.api().base()])
        .env("WARBLER_KEY", KEY)
        .env_remove("WARBLER_LOG");
    // The host answers on this thread meanwhile.
    let output: Output = tokio::task::spawn_blocking(move || command.output()).await??;
    let out = String::from_utf8_lossy(&output.stdout);
    Ok(Told {
        text: format!("{out}{}", String::from_utf8_lossy(&output.stderr)),
        code: output.status.code(),
    })
}

/// The same, and it ends well.
async fn done(host: &TestHost, args: &[&str]) -> Result<String> {
    let told = warbler(host, args).await?;
    ensure!(told.code == Some(0), "{args:?}: {}", told.text);
    Ok(told.text)
}

/// The same, and it prints JSON.
async fn data(host: &TestHost, args: &[&str]) -> Result<Value> {
    let mut args = args.to_vec();
    args.push("--json");
    Ok(serde_json::from_str(&done(host, &args).await?)?)
}

#[tokio::test]
async fn rules_are_listed_tried_and_switched() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let none = done(&host, &["rules", "list"]).await?;
    ensure!(none.contains("No rules."), "{none}");
    let prices = json!({
        "name": "prices", "when": [{ "contains": "price" }], "then": [{ "reply": "$10, {{name}}" }],
    });
    let made = host.api().post("/v1/rules", prices).await?.expect(201)?;
    let id = made.text_at("/id")?.to_owned();
    let listed = done(&host, &["rules", "list", "--session", "shop"]).await?;
    ensure!(
        listed.contains("prices") && listed.contains(&id),
        "{listed}"
    );

    let about = ["--session", "shop", "--from", ADA, "--name", "Ada"];
    let mut asked = vec!["rules", "test", "what is the price?"];
    asked.extend(about);
    let tried = done(&host, &asked).await?;
    ensure!(
        tried.contains("✓ prices") && tried.contains("$10, Ada"),
        "{tried}"
    );
    let off = done(&host, &["rules", "disable", &id]).await?;
    ensure!(off.contains("Rule \"prices\" is off."), "{off}");
    let tried = data(&host, &asked).await?;
    assert_eq!(tried["used"], json!([]));
    assert_eq!(tried["rules"][0]["whyNot"], "it is switched off");
    done(&host, &["rules", "enable", &id]).await?;
    assert_eq!(data(&host, &asked).await?["used"], json!(["prices"]));

    let missing = warbler(&host, &["rules", "enable", &id.replace('0', "1")]).await?;
    assert_eq!(missing.code, Some(4), "{}", missing.text);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_chat_that_is_left_to_a_human_is_shown_and_given_back() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let human = json!({
        "name": "human", "when": [{ "hasWord": "human" }],
        "then": [{ "reply": "One moment." }, { "handOver": { "for": "2h" } }],
    });
    host.api().post("/v1/rules", human).await?.expect(201)?;
    let none = done(&host, &["rules", "handovers", "--session", "shop"]).await?;
    ensure!(none.contains("No chat"), "{none}");
    ada.says(OWNER, "a human please").await?;
    warbler_tests::hears_text(&ada, "One moment.").await?;
    eventually("it is shown", || async {
        let shown = done(&host, &["rules", "handovers", "--session", "shop"]).await?;
        Ok(shown.contains("15550100").then_some(()))
    })
    .await?;
    let back = done(&host, &["rules", "resume", ADA, "--session", "shop"]).await?;
    ensure!(back.contains("again"), "{back}");
    ada.says(OWNER, "human!").await?;
    warbler_tests::hears_text(&ada, "One moment.").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_webhook_is_set_up_tried_and_taken_away() -> Result<()> {
    let mut settings = quick_settings();
    settings.outbound = vec!["127.0.0.1".to_owned()].try_into()?;
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let receiver = Receiver::start(|_| OK).await?;
    let url = receiver.url();
    let none = done(&host, &["webhook", "list"]).await?;
    ensure!(none.contains("No webhooks."), "{none}");
    let add = [
        "webhook",
        "add",
        &url,
        "--event",
        "message.received",
        "--session",
        "shop",
        "--header",
        "X-Team=sales",
    ];
    let made = data(&host, &add).await?;
    let id = made["webhook"]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let id = id.as_str();
    ensure!(
        made["secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("whsec_")),
        "{made}"
    );
    let listed = done(&host, &["webhook", "list"]).await?;
    ensure!(
        listed.contains(id) && listed.contains("message.received"),
        "{listed}"
    );
    let tried = done(&host, &["webhook", "test", id]).await?;
    ensure!(tried.contains("It arrived: status 200."), "{tried}");
    assert_eq!(receiver.hears(1).await?[0].header("x-team"), "sales");

    host.person(ADA, "Ada")?.says(OWNER, "hello").await?;
    let delivered = ["webhook", "deliveries", id, "--state", "delivered"];
    let delivery = eventually("it is delivered", || async {
        let page = data(&host, &delivered).await?;
        Ok(page["items"][0]["id"].as_str().map(str::to_owned))
    })
    .await?;
    let shown = done(&host, &delivered).await?;
    ensure!(
        shown.contains("status 200") && shown.contains(&delivery),
        "{shown}"
    );
    done(&host, &["webhook", "replay", id, &delivery]).await?;
    assert_eq!(receiver.hears(3).await?[2].text(), "hello");
    let all = data(&host, &["webhook", "replay", id]).await?;
    assert_eq!(all, json!({ "replayed": 0 }));

    let off = done(&host, &["webhook", "disable", id]).await?;
    ensure!(off.contains("is off."), "{off}");
    done(&host, &["webhook", "enable", id]).await?;
    let renewed = done(&host, &["webhook", "secret", id]).await?;
    ensure!(renewed.contains("whsec_"), "{renewed}");
    done(&host, &["webhook", "clear", id, "--state", "dead"]).await?;
    done(&host, &["webhook", "remove", id]).await?;
    let gone = warbler(&host, &["webhook", "test", id]).await?;
    assert_eq!(gone.code, Some(4), "{}", gone.text);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_trial_that_does_not_arrive_says_why_and_fails() -> Result<()> {
    let host = TestHost::start().await?;
    let add = ["webhook", "add", "https://127.0.0.1:1/hook", "--disabled"];
    let made = data(&host, &add).await?;
    assert_eq!(made["webhook"]["enabled"], false);
    let id = made["webhook"]["id"].as_str().unwrap_or_default();
    let tried = warbler(&host, &["webhook", "test", id]).await?;
    assert_eq!(tried.code, Some(1));
    ensure!(tried.text.contains("it did not arrive"), "{}", tried.text);
    let wrong = warbler(
        &host,
        &["webhook", "add", "https://example.com", "--header", "x"],
    )
    .await?;
    assert_eq!(wrong.code, Some(2), "{}", wrong.text);
    host.stop().await;
    Ok(())
}

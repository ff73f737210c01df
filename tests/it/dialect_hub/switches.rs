//! What of the dialect `hub` is closed, what opens it, and what is changed whole or not at all.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_api::Switch;
use warbler_domain::{Clock as _, Dialect, ManualClock, SystemClock};
use warbler_tests::{Answer, TestHost};

use super::{Account, PASSWORD, host, kept, refused, serve};

#[tokio::test]
async fn cleaning_up_leaves_what_is_somebody_elses_unless_that_is_open() -> Result<()> {
    for (open, cleaned, left) in [(false, 1, 1), (true, 2, 0)] {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let given = Arc::clone(&clock);
        let host = TestHost::start_as(move |options| {
            serve(options, false);
            options.clock = Arc::clone(&given) as Arc<_>;
            if open {
                let switches = &mut options.dialects.documented_unsafe;
                switches.insert(Switch::HubGlobalCleanup);
            }
        })
        .await?;
        let bob = idle(&host, "bob").await?;
        idle(&host, "ada").await?;
        let clean = |hours: u32| {
            let path = format!("/session/cleanup?hours={hours}");
            let headers = [("x-api-key", bob.as_str())];
            let api = host
                .dialect_url(Dialect::Hub)
                .map(|url| host.api().at(&url));
            async move { api?.call("POST", &path, &headers, None).await }
        };
        let early = clean(0).await?;
        assert_eq!(count(&early), Some(0), "nothing is idle for an hour yet");
        clock.advance(Duration::from_secs(2 * 3600));
        assert_eq!(count(&clean(3).await?), Some(0));
        let now = clean(1).await?;
        kept("hub.cleanup-sessions", &now)?;
        assert_eq!(count(&now), Some(cleaned), "open: {open}");
        let sessions = host.api().get("/v1/sessions").await?.expect(200)?;
        let items = sessions.body["items"].as_array().context("items")?;
        assert_eq!(items.len(), left);
        host.stop().await;
    }
    Ok(())
}

/// Somebody with a session that was never started; the key of the dialect.
async fn idle(host: &TestHost, name: &str) -> Result<String> {
    let user = json!({ "name": name, "password": PASSWORD });
    host.api().post("/v1/users", user).await?.expect(201)?;
    let key = |dialect: Value| json!({ "name": name, "owner": name, "scopes": ["manage"], "dialect": dialect });
    let native = host.api().post("/v1/keys", key(Value::Null)).await?;
    let native = native.expect(201)?.text_at("/secret")?.to_owned();
    let session = json!({ "name": format!("{name}s") });
    let own = host.api().with_key(&native);
    own.post("/v1/sessions", session).await?.expect(201)?;
    let made = host.api().post("/v1/keys", key(json!("hub"))).await?;
    Ok(made.expect(201)?.text_at("/secret")?.to_owned())
}

fn count(answer: &Answer) -> Option<u64> {
    answer.body["data"]["cleanedCount"].as_u64()
}

#[tokio::test]
async fn an_address_that_is_taken_leaves_the_password_as_it_was() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada@example.com").await?;
    Account::register(&host, "bob@example.com").await?;
    let change = json!({ "email": "bob@example.com", "password": "another horse battery" });
    let tried = ada.ask("PUT", "/user/profile", Some(change)).await?;
    refused(&tried, 400)?;
    for (password, status) in [(PASSWORD, 200), ("another horse battery", 401)] {
        let body = json!({ "email": "ada@example.com", "password": password });
        let begun = ada.api.call("POST", "/auth/login", &[], Some(body)).await?;
        assert_eq!(begun.status, status, "{}", begun.body);
    }
    let shown = ada.ask("GET", "/user/profile", None).await?;
    assert_eq!(
        shown.text_at("/data/email")?,
        "ada@example.com",
        "nor has the login ended"
    );
    host.stop().await;
    Ok(())
}

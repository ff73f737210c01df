//! What callers call things: the same name is free for every user, but for that of a session.

use anyhow::{Result, ensure};
use serde_json::json;
use warbler_tests::TestHost;

use super::{add_user, logged_in, session};

#[tokio::test]
async fn what_one_user_calls_something_says_nothing_to_another() -> Result<()> {
    let host = TestHost::start().await?;
    let mut ids = Vec::new();
    for name in ["ada", "bob"] {
        add_user(&host, name).await?;
        let api = logged_in(&host, name).await?;
        // Without a name it gets one that nobody else can want.
        let made = api.post("/v1/sessions", json!({})).await?.expect(201)?;
        let own = made.text_at("/name")?.to_owned();
        let rule = json!({ "name": "prices", "then": [{ "reply": "from $10" }] });
        let campaign = json!({
            "name": "Spring", "sessions": [own], "message": { "text": "Hi" },
            "recipients": [{ "to": "+15550100" }],
        });
        let schedule = json!({
            "name": "Morning", "session": own, "to": "+15550100",
            "message": { "text": "Hi" }, "cron": "0 9 * * mon-fri",
        });
        let webhook = json!({
            "url": "https://example.com/hook", "session": own, "events": ["message.*"],
        });
        let no = json!({ "to": "+15550100", "reason": "by phone" });
        for (index, (path, body)) in [
            ("/v1/rules", rule),
            ("/v1/campaigns", campaign),
            ("/v1/schedules", schedule),
            ("/v1/webhooks", webhook),
            ("/v1/suppressions", no),
        ]
        .into_iter()
        .enumerate()
        {
            let key = format!("key-{index}");
            let made = api.post_once(path, &key, body).await?.expect(201)?;
            ids.push(made.body);
        }
    }
    let (of_ada, of_bob) = ids.split_at(ids.len() / 2);
    for (one, other) in of_ada.iter().zip(of_bob) {
        ensure!(
            one.get("id").is_none_or(|id| other.get("id") != Some(id)),
            "{one}"
        );
    }
    // The one thing that is seen: a session of that name is there, and nothing about whose.
    let (ada, bob) = (
        logged_in(&host, "ada").await?,
        logged_in(&host, "bob").await?,
    );
    session(&ada, "shop").await?;
    let wanted = json!({ "name": "shop" });
    let own = ada.post("/v1/sessions", wanted.clone()).await?;
    let others = bob.post("/v1/sessions", wanted).await?;
    assert_eq!(others.refusal(), (409, "session_name_taken"));
    assert_eq!(own.body["detail"], others.body["detail"]);
    host.stop().await;
    Ok(())
}

//! What callers call things: the same name is free for every user.

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
        let id = session(&api, "shop").await?;
        let shown = api.get("/v1/sessions/shop").await?.expect(200)?;
        assert_eq!(shown.text_at("/id")?, id);
        let own = "shop";
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
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_name_means_a_session_of_ones_own_first() -> Result<()> {
    let host = TestHost::start().await?;
    let admin = host.api();
    let mut ids = Vec::new();
    for name in ["ada", "bob"] {
        add_user(&host, name).await?;
        ids.push(session(&logged_in(&host, name).await?, "shop").await?);
    }
    let several = admin.get("/v1/sessions/shop").await?;
    assert_eq!(several.refusal(), (404, "unknown_session"));
    assert!(several.text_at("/detail")?.contains("by its id"));

    let own = session(admin, "shop").await?;
    let shown = admin.get("/v1/sessions/shop").await?.expect(200)?;
    assert_eq!(shown.text_at("/id")?, own);
    let of_ada = format!("/v1/sessions/{}", ids[0]);
    let shown = admin.get(&of_ada).await?.expect(200)?;
    assert_eq!(shown.text_at("/name")?, "shop");
    let again = admin
        .post("/v1/sessions", json!({ "name": "shop" }))
        .await?;
    assert_eq!(again.refusal(), (409, "session_name_taken"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_changes_hands_never_takes_the_name_of_another() -> Result<()> {
    let host = TestHost::start().await?;
    let admin = host.api();
    add_user(&host, "ada").await?;
    let bob = add_user(&host, "bob").await?;
    let of_ada = session(&logged_in(&host, "ada").await?, "shop").await?;
    let of_bob = session(&logged_in(&host, "bob").await?, "shop").await?;
    let given = admin
        .put(
            &format!("/v1/sessions/{of_ada}/owner"),
            json!({ "owner": "bob" }),
        )
        .await?;
    assert_eq!(given.refusal(), (409, "session_name_taken"));

    let bob = bob.text_at("/id")?;
    let path = format!("/v1/users/{bob}?sessionsTo=ada");
    admin.delete(&path).await?.expect(204)?;
    let ada = logged_in(&host, "ada").await?;
    let kept = ada.get("/v1/sessions/shop").await?.expect(200)?;
    assert_eq!(kept.text_at("/id")?, of_ada);
    let inherited = ada
        .get(&format!("/v1/sessions/{of_bob}"))
        .await?
        .expect(200)?;
    let name = inherited.text_at("/name")?;
    ensure!(name.starts_with("shop-"), "{name}");
    let by_name = ada
        .get(&format!("/v1/sessions/{name}"))
        .await?
        .expect(200)?;
    assert_eq!(by_name.text_at("/id")?, of_bob);
    host.stop().await;
    Ok(())
}

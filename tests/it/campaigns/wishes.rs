//! Who does not want to be written to, and who does again.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::json;
use warbler_tests::{TestHost, eventually, hears_text, quick_settings};

use super::{AFTERNOON, OWNER, becomes, campaign, host_at, make, number, order, people, texts};

#[tokio::test]
async fn whoever_writes_start_is_written_to_again_unless_a_caller_said_no() -> Result<()> {
    let mut settings = quick_settings();
    settings.campaigns.opt_in_reply = "Welcome back.".to_owned();
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 2)?;
    let by_hand = json!({ "to": number(1), "reason": "by phone" });
    host.api()
        .post("/v1/suppressions", by_hand)
        .await?
        .expect(201)?;
    people[0].says(OWNER, "stop").await?;
    eventually("both are on the list", || async {
        let list = host.api().get("/v1/suppressions").await?.expect(200)?.body;
        Ok((list["items"].as_array().map(Vec::len) == Some(2)).then_some(()))
    })
    .await?;
    for person in &people {
        person.says(OWNER, "START!").await?;
    }
    hears_text(&people[0], "Welcome back.").await?;
    let list = host.api().get("/v1/suppressions").await?.expect(200)?.body;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list["items"][0]["reason"], "by phone");
    let path = make(&host, campaign("News", 2)).await?;
    order(&host, &path, "start").await?;
    let done = becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    });
    assert_eq!(done.await?["counts"]["suppressed"], 1);
    hears_text(&people[0], "News").await?;
    // Whoever was not on the list is not welcomed.
    people[0].says(OWNER, "start").await?;
    let path = make(&host, campaign("More", 1)).await?;
    order(&host, &path, "start").await?;
    hears_text(&people[0], "More").await?;
    assert_eq!(texts(&people[0]), ["Welcome back.", "News", "More"]);
    ensure!(texts(&people[1]).is_empty(), "{:?}", texts(&people[1]));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn broadcasts_and_schedules_leave_out_who_does_not_want_them() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 2)?;
    let no = json!({ "to": number(0), "reason": "by phone" });
    host.api().post("/v1/suppressions", no).await?.expect(201)?;
    let mut paths = Vec::new();
    for index in 0..2 {
        let new = json!({
            "session": "shop", "to": number(index), "message": { "text": "on time" },
            "cron": "*/10 * * * *",
        });
        let made = host.api().post("/v1/schedules", new).await?.expect(201)?;
        paths.push(format!("/v1/schedules/{}", made.text_at("/id")?));
    }
    clock.advance(Duration::from_secs(201));
    let body = json!({
        "session": "shop", "recipients": [number(0), number(1)], "message": { "text": "to all" },
    });
    let made = host.api().post("/v1/broadcasts", body).await?.expect(201)?;
    let path = format!("/v1/broadcasts/{}", made.text_at("/id")?);
    // Somebody who is left out costs nobody a pause.
    hears_text(&people[1], "to all").await?;
    let hears = async |text: &str| {
        let heard = || async {
            clock.advance(Duration::from_secs(1));
            Ok(texts(&people[1]).contains(&text.to_owned()).then_some(()))
        };
        eventually(text, heard).await
    };
    let log = becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    });
    assert_eq!(log.await?["counts"]["suppressed"], 1);
    // Anything that happens to schedules makes the host look at its clock.
    let far = json!({
        "session": "shop", "to": number(1), "message": { "text": "far" }, "at": "2030-12-24T18:00:00Z",
    });
    host.api().post("/v1/schedules", far).await?.expect(201)?;
    hears("on time").await?;
    let left_out = eventually("it was left out", || async {
        let shown = host.api().get(&paths[0]).await?.expect(200)?.body;
        Ok((shown["runs"][0]["code"] == "suppressed").then_some(shown))
    });
    assert_eq!(left_out.await?["runCount"], 0);
    ensure!(texts(&people[0]).is_empty(), "{:?}", texts(&people[0]));
    host.stop().await;
    Ok(())
}

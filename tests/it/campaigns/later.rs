//! Messages for later.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use warbler_tests::{eventually, hears_text};

use super::{AFTERNOON, OWNER, host_at, texts};

const ADA: &str = "+15550100";

#[tokio::test]
async fn a_message_for_later_goes_out_at_its_time_and_again_and_again() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let once = json!({
        "session": "shop", "to": ADA, "message": { "text": "once" },
        "zone": "Europe/Berlin", "at": "2030-03-17T19:00:00",
    });
    let made = host.api().post("/v1/schedules", once).await?.expect(201)?;
    assert_eq!(made.body["next"], json!(["2030-03-17T18:00:00.000Z"]));
    let often = json!({
        "session": "shop", "to": ADA, "message": { "text": "often" },
        "zone": "UTC", "cron": "*/10 * * * *",
    });
    let often = host.api().post("/v1/schedules", often).await?.expect(201)?;
    assert_eq!(often.body["next"][0], "2030-03-17T17:50:00.000Z");
    let path = format!("/v1/schedules/{}", often.text_at("/id")?);
    clock.advance(Duration::from_secs(201));
    // Anything that happens to schedules makes the host look at its clock.
    let far = json!({
        "session": "shop", "to": ADA, "message": { "text": "far" }, "at": "2030-12-24T18:00:00Z",
    });
    host.api()
        .post("/v1/schedules", far.clone())
        .await?
        .expect(201)?;
    hears_text(&ada, "often").await?;
    let shown = eventually("it ran", || async {
        let shown = host.api().get(&path).await?.expect(200)?.body;
        Ok((shown["runCount"] == 1).then_some(shown))
    });
    let shown = shown.await?;
    assert_eq!(shown["next"][0], "2030-03-17T18:00:00.000Z");
    host.api()
        .order(&format!("{path}/cancel"))
        .await?
        .expect(200)?;
    let again = host.api().order(&format!("{path}/cancel")).await?;
    assert_eq!(again.refusal(), (409, "schedule_not_active"));
    clock.advance(Duration::from_secs(601));
    host.api().post("/v1/schedules", far).await?.expect(201)?;
    hears_text(&ada, "once").await?;
    assert_eq!(texts(&ada), ["often", "once"]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_missed_run_is_made_up_for_once_or_left_out() -> Result<()> {
    let (mut host, clock) = host_at(AFTERNOON).await?;
    let ada = host.person(ADA, "Ada")?;
    let schedule = |text: &str, missed: &str| {
        json!({
            "session": "shop", "to": ADA, "message": { "text": text },
            "cron": "0 * * * *", "missed": missed,
        })
    };
    let mut paths = Vec::new();
    host.connected_session("shop", OWNER).await?;
    for (text, missed) in [("made up", "run"), ("left out", "skip")] {
        let made = host
            .api()
            .post("/v1/schedules", schedule(text, missed))
            .await?;
        paths.push(format!(
            "/v1/schedules/{}",
            made.expect(201)?.text_at("/id")?
        ));
    }
    let time = std::sync::Arc::clone(&clock);
    host.while_stopped(async move {
        time.advance(Duration::from_secs(5 * 3600 + 1800));
        Ok(())
    })
    .await?;
    hears_text(&ada, "made up").await?;
    let skipped = eventually("it was left out", || async {
        let shown = host.api().get(&paths[1]).await?.expect(200)?.body;
        Ok((shown["runs"][0]["code"] == "missed").then_some(shown))
    });
    assert_eq!(skipped.await?["runCount"], 0);
    assert_eq!(texts(&ada), ["made up"]);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_can_never_run_is_refused() -> Result<()> {
    let (host, _) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let cases = [
        (json!({ "at": "2001-01-01T00:00:00" }), "bad_schedule_time"),
        (json!({ "at": "soon" }), "bad_schedule_time"),
        (json!({}), "bad_schedule_time"),
        (
            json!({ "at": "2030-12-24T18:00:00", "cron": "* * * * *" }),
            "bad_schedule_time",
        ),
        (json!({ "cron": "61 * * * *" }), "bad_cron"),
        (json!({ "cron": "0 0 31 feb *" }), "bad_cron"),
        (
            json!({ "cron": "0 0 * * *", "until": "2030-03-17T18:00:00Z" }),
            "schedule_never_runs",
        ),
        (
            json!({ "cron": "0 0 * * *", "zone": "Europe/Atlantis" }),
            "bad_time_zone",
        ),
    ];
    for (extra, code) in cases {
        let mut body = json!({ "session": "shop", "to": ADA, "message": { "text": "x" } });
        for (name, value) in extra.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let refused = host.api().post("/v1/schedules", body).await?;
        assert_eq!(refused.refusal(), (400, code), "{}", refused.body);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_schedule_rests_goes_on_and_is_changed() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    let api = host.api();
    let new = json!({
        "session": "shop", "to": ADA, "message": { "text": "tick" }, "cron": "*/10 * * * *",
    });
    let made = api.post("/v1/schedules", new).await?.expect(201)?;
    let path = format!("/v1/schedules/{}", made.text_at("/id")?);
    let order = async |what: &str| api.order(&format!("{path}/{what}")).await;
    assert_eq!(
        order("resume").await?.refusal(),
        (409, "schedule_not_paused")
    );
    let paused = order("pause").await?.expect(200)?.body;
    assert_eq!(
        (&paused["state"], &paused["next"]),
        (&json!("paused"), &json!([]))
    );
    assert_eq!(
        order("pause").await?.refusal(),
        (409, "schedule_not_active")
    );
    // 17:56:41, with the run of 17:50 left out.
    clock.advance(Duration::from_secs(601));
    let listed = api.get("/v1/schedules?state=paused").await?.expect(200)?;
    assert_eq!(listed.body["items"][0]["runCount"], 0);
    let resumed = order("resume").await?.expect(200)?.body;
    assert_eq!(resumed["next"][0], "2030-03-17T18:00:00.000Z");

    let change = json!({ "message": { "text": "tock" }, "name": "clock" });
    let changed = api.patch(&path, change).await?.expect(200)?.body;
    assert_eq!(
        (&changed["name"], &changed["text"], &changed["next"][0]),
        (
            &json!("clock"),
            &json!("tock"),
            &json!("2030-03-17T18:00:00.000Z")
        )
    );
    let change = json!({ "cron": "58 18 * * *", "zone": "Europe/Berlin", "name": null });
    let changed = api.patch(&path, change).await?.expect(200)?.body;
    assert_eq!(changed["next"][0], "2030-03-17T17:58:00.000Z");
    assert_eq!(changed.get("name"), None);
    for (change, code) in [
        (json!({ "at": "2001-01-01T00:00:00Z" }), "bad_schedule_time"),
        (
            json!({ "until": "2031-01-01T00:00:00Z" }),
            "bad_schedule_time",
        ),
        (json!({ "cron": "61 * * * *" }), "bad_cron"),
        (json!({ "message": { "text": "" } }), "empty_text"),
        (json!({ "to": "nobody" }), "bad_recipient"),
    ] {
        let refused = api.patch(&path, change).await?;
        assert_eq!(refused.refusal(), (400, code), "{}", refused.body);
    }
    clock.advance(Duration::from_secs(120));
    // Anything that happens to schedules makes the host look at its clock.
    api.patch(&path, json!({ "missed": "skip" }))
        .await?
        .expect(200)?;
    hears_text(&ada, "tock").await?;
    eventually("it ran", || async {
        let shown = api.get(&path).await?.expect(200)?.body;
        Ok(
            (shown["runCount"] == 1 && shown["next"][0] == "2030-03-18T17:58:00.000Z")
                .then_some(()),
        )
    })
    .await?;
    order("cancel").await?.expect(200)?;
    let over = api.patch(&path, json!({ "name": "x" })).await?;
    assert_eq!(over.refusal(), (409, "schedule_not_active"));
    assert_eq!(texts(&ada), ["tock"]);
    host.stop().await;
    Ok(())
}

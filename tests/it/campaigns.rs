//! Campaigns, broadcasts, schedules, and who does not want them.

mod crash;
mod later;
mod lists;
mod scripts;
mod steps;
mod wishes;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_domain::{ManualClock, Timestamp};
use warbler_simulator::Person;
use warbler_tests::{PATIENCE, TestHost, eventually, hears_text, quick_settings};

const OWNER: &str = "+15550001";
const SECOND: &str = "+15550002";
/// 2030-03-17T17:46:40Z.
const AFTERNOON: Timestamp = Timestamp::from_millis(1_900_000_000_000);

/// A number of a series.
fn number(index: usize) -> String {
    format!("+1556{index:05}")
}

/// People with the numbers of a series.
fn people(host: &TestHost, count: usize) -> Result<Vec<Person>> {
    let indices = 0..count;
    indices
        .map(|index| host.person(&number(index), &format!("Person {index}")))
        .collect()
}

/// A campaign to people of a series, that pauses for no time.
fn campaign(text: &str, count: usize) -> Value {
    let recipients: Vec<Value> = (0..count)
        .map(|index| json!({ "to": number(index), "name": format!("P{index}") }))
        .collect();
    json!({
        "name": "Menu", "sessions": ["shop"], "message": { "text": text },
        "recipients": recipients, "rules": { "delayMillis": 0 },
    })
}

/// Makes a campaign; its path.
async fn make(host: &TestHost, body: Value) -> Result<String> {
    let made = host.api().post("/v1/campaigns", body).await?.expect(201)?;
    Ok(format!("/v1/campaigns/{}", made.text_at("/id")?))
}

async fn order(host: &TestHost, path: &str, what: &str) -> Result<Value> {
    let answer = host.api().order(&format!("{path}/{what}")).await?;
    Ok(answer.expect(200)?.body)
}

/// Waits until the condition holds for a campaign.
async fn becomes(
    host: &TestHost,
    path: &str,
    what: &str,
    condition: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let found = eventually(what, || async {
        let shown = host.api().get(path).await?.expect(200)?.body;
        Ok(condition(&shown).then_some(shown))
    });
    let found = found.await;
    match found {
        Ok(found) => Ok(found),
        Err(err) => {
            let shown = host.api().get(path).await?.body;
            Err(err.context(shown.to_string()))
        }
    }
}

/// The texts a person has heard.
fn texts(person: &Person) -> Vec<String> {
    let heard = person.heard();
    heard.iter().map(|heard| heard.text().to_owned()).collect()
}

async fn host_at(start: Timestamp) -> Result<(TestHost, Arc<ManualClock>)> {
    let clock = Arc::new(ManualClock::new(start));
    let time = Arc::clone(&clock);
    let host = TestHost::start_as(move |options| {
        options.clock = Arc::clone(&time) as _;
        options.settings = quick_settings();
    });
    Ok((host.await?, clock))
}

#[tokio::test]
async fn a_campaign_reaches_everybody_once_and_counts_what_became_of_it() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let people = people(&host, 4)?;
    let mut body = campaign("{Hi|Hello} {{Name}}, {{ city.or(\"friend\") }}!", 5);
    body["recipients"][0]["fields"] = json!({ "city": "London" });
    let path = make(&host, body).await?;
    let draft = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(draft["state"], "draft");
    assert_eq!(draft["counts"]["planned"], 5);
    order(&host, &path, "start").await?;
    let done = becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed" && one["counts"]["delivered"] == 4
    });
    let done = done.await?;
    // The fifth number belongs to nobody.
    assert_eq!(done["counts"]["invalid"], 1);
    assert_eq!(done["counts"]["reached"], 4);
    for (index, person) in people.iter().enumerate() {
        let heard = texts(person);
        let end = if index == 0 { "London" } else { "friend" };
        let expected = [
            format!("Hi P{index}, {end}!"),
            format!("Hello P{index}, {end}!"),
        ];
        ensure!(
            heard.len() == 1 && heard.iter().all(|text| expected.contains(text)),
            "{heard:?}"
        );
    }
    let heard = people[0].heard();
    people[0].reads(heard.first().context("a message")?);
    becomes(&host, &path, "it was read", |one| {
        one["counts"]["read"] == 1
    })
    .await?;
    let invalid = host
        .api()
        .get(&format!("{path}/recipients?state=invalid"))
        .await?;
    let invalid = invalid.expect(200)?.body;
    assert_eq!(invalid["items"][0]["code"], "not_on_whatsapp");
    let events = shop.events("campaign.status").await?;
    let states: Vec<_> = events
        .iter()
        .map(|event| &event["campaign"]["state"])
        .collect();
    ensure!(states.contains(&&json!("completed")), "{states:?}");
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_pause_takes_effect_at_once_and_what_people_send_goes_first() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let people = people(&host, 6)?;
    let ada = host.person("+15550100", "Ada")?;
    let mut body = campaign("Hi", 6);
    body["rules"] = json!({ "delayMillis": 600_000, "jitterPercent": 0, "checkNumbers": false });
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    hears_text(&people[0], "Hi").await?;
    // The next one of the campaign waits for its pause; this does not.
    shop.says("+15550100", "by hand").await?;
    hears_text(&ada, "by hand").await?;
    let paused = order(&host, &path, "pause").await?;
    assert_eq!(paused["state"], "paused");
    assert_eq!(paused["counts"]["planned"], 5);
    let wrong = host.api().order(&format!("{path}/pause")).await?;
    assert_eq!(wrong.refusal(), (409, "campaign_wrong_state"));
    let faster = json!({ "rules": { "delayMillis": 0 } });
    let started = host.api().patch(&path, faster).await?;
    assert_eq!(started.refusal(), (409, "campaign_wrong_state"));
    let cancelled = order(&host, &path, "cancel").await?;
    assert_eq!(cancelled["counts"]["cancelled"], 5);
    let copy = host
        .api()
        .post(&format!("{path}/clone"), json!({}))
        .await?
        .expect(201)?;
    assert_eq!(copy.body["counts"]["planned"], 6);
    let copy = format!("/v1/campaigns/{}", copy.text_at("/id")?);
    host.api()
        .patch(&copy, json!({ "rules": { "delayMillis": 0 } }))
        .await?
        .expect(200)?;
    order(&host, &copy, "start").await?;
    for person in people.iter().skip(1) {
        assert_eq!(person.hears_within(PATIENCE).await?.text(), "Hi");
    }
    host.api().delete(&copy).await?.expect(204)?;
    host.api().get(&copy).await?.expect(404)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_waits_in_the_outbox_is_taken_back_by_a_pause_and_sent_after_it() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let people = people(&host, 3)?;
    drop(shop);
    let sending = "/v1/sessions/shop/sending";
    let gap = json!({ "gapMillis": 600_000 });
    host.api().put(sending, gap).await?.expect(200)?;
    let mut body = campaign("Hi", 3);
    body["rules"] = json!({ "delayMillis": 0, "checkNumbers": false });
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    becomes(&host, &path, "one is sent and one waits", |one| {
        one["counts"]["planned"] == 1 && one["counts"]["queued"] == 1
    })
    .await?;
    let paused = order(&host, &path, "pause").await?;
    assert_eq!(paused["counts"]["planned"], 2, "{paused}");
    host.api().delete(sending).await?.expect(200)?;
    order(&host, &path, "resume").await?;
    becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    })
    .await?;
    for person in &people {
        hears_text(person, "Hi").await?;
        assert_eq!(texts(person).len(), 1);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn several_sessions_take_turns() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.connected_session("second", SECOND).await?;
    let people = people(&host, 6)?;
    let mut body = campaign("Hi {{Name}}", 6);
    body["sessions"] = json!(["shop", "second"]);
    body["rules"] = json!({ "delayMillis": 20, "checkNumbers": false });
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    })
    .await?;
    let page = host
        .api()
        .get(&format!("{path}/recipients"))
        .await?
        .expect(200)?
        .body;
    let items = page["items"].as_array().context("items")?;
    let mut by: Vec<&str> = items
        .iter()
        .filter_map(|one| one["session"].as_str())
        .collect();
    by.sort_unstable();
    by.dedup();
    assert_eq!(by.len(), 2, "{page}");
    for person in &people {
        person.hears_within(PATIENCE).await?;
        assert_eq!(texts(person).len(), 1);
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn whoever_writes_stop_is_left_out_from_then_on() -> Result<()> {
    let mut settings = quick_settings();
    settings.campaigns.opt_out_reply = "You get no more of these.".to_owned();
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 2)?;
    let path = make(&host, campaign("First", 2)).await?;
    order(&host, &path, "start").await?;
    hears_text(&people[0], "First").await?;
    people[0].says(OWNER, " STOP. ").await?;
    hears_text(&people[0], "You get no more of these.").await?;
    let list = host.api().get("/v1/suppressions").await?.expect(200)?.body;
    assert_eq!(list["items"][0]["reason"], "opt-out", "{list}");
    let path = make(&host, campaign("Second", 2)).await?;
    order(&host, &path, "start").await?;
    let done = becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    })
    .await?;
    assert_eq!(done["counts"]["suppressed"], 1);
    hears_text(&people[1], "Second").await?;
    ensure!(!texts(&people[0]).contains(&"Second".to_owned()));
    let who = number(0);
    host.api()
        .delete(&format!("/v1/suppressions/{who}"))
        .await?
        .expect(204)?;
    let gone = host
        .api()
        .delete(&format!("/v1/suppressions/{who}"))
        .await?;
    assert_eq!(gone.refusal(), (404, "unknown_suppression"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_hour_and_a_night_hold_a_campaign_back() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 3)?;
    let mut body = campaign("Hi", 3);
    body["rules"] = json!({
        "delayMillis": 0, "perHour": 2, "checkNumbers": false,
        "quiet": { "from": "18:00", "to": "20:00", "zone": "UTC" },
    });
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    becomes(&host, &path, "two were sent", |one| {
        one["counts"]["delivered"] == 2 && one["counts"]["planned"] == 1
    })
    .await?;
    // Twenty to seven: the hour is over, the quiet hours are not.
    clock.advance(Duration::from_secs(3700));
    host.api().get("/readyz").await?.expect(200)?;
    let held = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(held["counts"]["planned"], 1);
    clock.advance(Duration::from_secs(2 * 3600));
    order(&host, &path, "pause").await?;
    order(&host, &path, "resume").await?;
    becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    })
    .await?;
    hears_text(&people[2], "Hi").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_extension_writes_each_message_and_its_faults_are_the_recipients() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 2)?;
    let unknown = {
        let mut body = campaign("x", 1);
        body["template"] = json!("nobody");
        host.api().post("/v1/campaigns", body).await?
    };
    assert_eq!(unknown.refusal(), (400, "unknown_template_extension"));
    host.put_plugin("campaign-template").await?;
    let mut body = campaign("Dear {{name}} of {{city}}", 2);
    body["template"] = json!("campaign-template");
    body["recipients"][0]["fields"] = json!({ "city": "London" });
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    let through = |one: &Value| one["state"] == "completed";
    let done = becomes(&host, &path, "it is through", through).await?;
    assert_eq!(done["counts"]["failed"], 1, "{done}");
    hears_text(&people[0], "Dear P0 of London").await?;
    let failed = host
        .api()
        .get(&format!("{path}/recipients?state=failed"))
        .await?;
    let failed = failed.expect(200)?.body;
    assert_eq!(failed["items"][0]["code"], "guest-error", "{failed}");
    let again = order(&host, &path, "retry").await?;
    assert_eq!(again["run"], 2);
    let done = becomes(&host, &path, "it is through", through).await?;
    assert_eq!(done["counts"]["failed"], 1);
    assert_eq!((texts(&people[0]).len(), texts(&people[1]).len()), (1, 0));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_trial_shows_how_it_looks_and_a_start_can_wait_for_its_time() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 1)?;
    let ada = host.person("+15550100", "Ada")?;
    let mut body = campaign("Hi {{Name}}", 1);
    body["startAt"] = json!("2030-03-17T18:46:40Z");
    let path = make(&host, body).await?;
    let to = json!({ "to": "+15550100" });
    host.api()
        .post(&format!("{path}/test"), to)
        .await?
        .expect(202)?;
    hears_text(&ada, "Hi P0").await?;
    let waiting = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(waiting["state"], "scheduled");
    assert_eq!(texts(&people[0]).len(), 0);
    clock.advance(Duration::from_secs(3601));
    // Anything that happens to campaigns makes the host look at its clock.
    make(&host, campaign("other", 1)).await?;
    hears_text(&people[0], "Hi P0").await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_broadcast_is_sent_in_the_background_and_has_a_log() -> Result<()> {
    let (host, clock) = host_at(AFTERNOON).await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 2)?;
    let body = json!({
        "session": "shop", "recipients": [number(0), number(1)],
        "message": { "text": "We are {closed} today." }, "delayMillis": 5000,
    });
    let made = host.api().post("/v1/broadcasts", body).await?.expect(201)?;
    assert_eq!(made.body["state"], "running");
    let path = format!("/v1/broadcasts/{}", made.text_at("/id")?);
    hears_text(&people[0], "We are {closed} today.").await?;
    clock.advance(Duration::from_secs(8));
    hears_text(&people[1], "We are {closed} today.").await?;
    becomes(&host, &path, "it is through", |one| {
        one["state"] == "completed"
    })
    .await?;
    let log = host
        .api()
        .get(&format!("{path}/recipients"))
        .await?
        .expect(200)?
        .body;
    assert_eq!(log["items"].as_array().map(Vec::len), Some(2));
    let campaigns = host.api().get("/v1/campaigns").await?.expect(200)?.body;
    assert_eq!(campaigns["items"], json!([]));
    host.stop().await;
    Ok(())
}

//! Campaigns in the dialect `gateway`.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_domain::{Content, Timestamp};
use warbler_tests::{KEY, TestHost, eventually, hears_text};

use super::{CUSTOMER, Client, PHONE, SESSION, host, kept, refused};

fn campaign(content: &str, recipients: &Value) -> Value {
    json!({
        "name": "Marketing Campaign Q1",
        "sessionId": SESSION,
        "message": { "type": "text", "content": content },
        "recipients": recipients,
        "settings": { "delayBetweenMessages": 0 },
    })
}

/// Makes a campaign; its path.
async fn make(client: &Client, body: Value) -> Result<String> {
    let made = client.ask("POST", "/api/v1/campaigns", Some(body)).await?;
    kept("gateway.create-campaign", &made)?;
    let id = made.text_at("/campaign/id")?;
    assert!(id.starts_with("campaign_"), "{id}");
    Ok(format!("/api/v1/campaigns/{id}"))
}

/// Waits until the campaign of this path has a status.
async fn becomes(client: &Client, path: &str, status: &str) -> Result<Value> {
    let id = path.rsplit('/').next().context("an id")?;
    eventually(&format!("the campaign is {status}"), || async {
        let list = client.ask("GET", "/api/v1/campaigns", None).await?;
        kept("gateway.list-campaigns", &list)?;
        let rows = list.body.as_array().context("rows")?;
        let found = rows.iter().find(|row| row["id"] == id);
        Ok(found.filter(|row| row["status"] == status).cloned())
    })
    .await
}

async fn order(client: &Client, path: &str, what: &str) -> Result<warbler_tests::Answer> {
    client.ask("POST", &format!("{path}/{what}"), None).await
}

#[tokio::test]
async fn a_campaign_is_made_sent_copied_exported_and_deleted() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let long = "x".repeat(4000);
    let recipients = json!([
        { "number": CUSTOMER, "name": "Ada", "jobTitle": "CEO", "companyName": "ABC Corp", "vip": true },
        { "number": "+15550101", "name": "=1+1", "jobTitle": null, "companyName": long },
    ]);
    // It becomes too long for whoever has a long company.
    let many = Content::MAX_TEXT / 4000 + 1;
    let text = format!(
        "Hi {{{{Name}}}}, {{{{JobTitle}}}} of {}",
        "{{Company}}".repeat(many)
    );
    host.person("+15550101", "Grace")?;
    let path = make(&client, campaign(&text, &recipients)).await?;
    let draft = becomes(&client, &path, "draft").await?;
    assert_eq!(draft["recipientCount"], 2);
    assert_eq!(draft["createdBy"], SESSION);
    refused(&order(&client, &path, "pause").await?, 409)?;
    refused(&order(&client, &path, "retry").await?, 409)?;
    kept(
        "gateway.send-campaign",
        &order(&client, &path, "send").await?,
    )?;
    let done = becomes(&client, &path, "completed").await?;
    assert_eq!(
        done["statistics"],
        json!({ "sent": 1, "failed": 1, "total": 2 })
    );
    hears_text(
        &customer,
        &format!("Hi Ada, CEO of {}", "ABC Corp".repeat(many)),
    )
    .await?;

    let results = client.ask("GET", &format!("{path}/export"), None).await?;
    kept("gateway.export-campaign", &results)?;
    let disposition = results.header("content-disposition");
    assert!(
        disposition.contains("campaign_results.csv"),
        "{disposition}"
    );
    let lines = String::from_utf8(results.bytes)?;
    let mut lines = lines.lines();
    let header = "number,name,jobTitle,companyName,vip,status,sentAt,error";
    assert_eq!(lines.next(), Some(header));
    let ada = lines.next().context("a row")?;
    assert!(ada.starts_with("15550100,Ada,CEO,ABC Corp,true,"), "{ada}");
    let grace = lines.next().context("a row")?;
    assert!(grace.starts_with("15550101,'=1+1,,x") && grace.contains(",failed,"));

    kept(
        "gateway.retry-campaign",
        &order(&client, &path, "retry").await?,
    )?;
    becomes(&client, &path, "completed").await?;
    let copied = order(&client, &path, "clone").await?;
    kept("gateway.clone-campaign", &copied)?;
    let copy = &copied.body["campaign"];
    assert_eq!(
        (&copy["status"], &copy["statistics"]["sent"]),
        (&json!("draft"), &json!(0))
    );
    assert_ne!(
        Some(copied.text_at("/campaign/id")?),
        path.rsplit('/').next()
    );
    kept(
        "gateway.delete-campaign",
        &client.ask("DELETE", &path, None).await?,
    )?;
    refused(&client.ask("DELETE", &path, None).await?, 404)?;
    refused(&order(&client, &path, "clone").await?, 404)?;
    refused(
        &client.ask("GET", &format!("{path}/export"), None).await?,
        404,
    )?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_campaign_rests_goes_on_and_waits_for_its_time() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    host.person("+15550101", "Grace")?;
    let recipients = json!([{ "number": CUSTOMER }, { "number": "+15550101" }]);
    let mut body = campaign("Hello", &recipients);
    body["settings"]["delayBetweenMessages"] = json!(3_000_000);
    let path = make(&client, body).await?;
    kept(
        "gateway.send-campaign",
        &order(&client, &path, "send").await?,
    )?;
    hears_text(&customer, "Hello").await?;
    kept(
        "gateway.pause-campaign",
        &order(&client, &path, "pause").await?,
    )?;
    let paused = becomes(&client, &path, "paused").await?;
    refused(&order(&client, &path, "send").await?, 409)?;
    kept(
        "gateway.resume-campaign",
        &order(&client, &path, "resume").await?,
    )?;
    becomes(&client, &path, "sending").await?;
    kept(
        "gateway.delete-campaign",
        &client.ask("DELETE", &path, None).await?,
    )?;

    let mut body = campaign("Hello", &recipients);
    let made: Timestamp = serde_json::from_value(paused["createdAt"].clone())?;
    body["scheduledAt"] = json!(made.plus(Duration::from_secs(3600)));
    let path = make(&client, body.clone()).await?;
    becomes(&client, &path, "scheduled").await?;
    body["scheduledAt"] = json!("2024-02-01T10:00:00Z");
    let past = client.ask("POST", "/api/v1/campaigns", Some(body)).await?;
    refused(&past, 400)?;
    for wrong in [
        campaign("Hello", &json!([])),
        campaign("Hello", &json!([{ "number": "nobody" }])),
        campaign("", &recipients),
        json!({ "name": "x" }),
    ] {
        let tried = client.ask("POST", "/api/v1/campaigns", Some(wrong)).await?;
        refused(&tried, 400)?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn recipients_are_previewed_from_the_file_of_the_template() -> Result<()> {
    let host = host().await?;
    let client = Client::create(&host, SESSION).await?;
    let template = client.ask("GET", "/api/v1/campaigns/csv-template", None);
    let template = template.await?;
    kept("gateway.campaign-csv-template", &template)?;
    let disposition = template.header("content-disposition");
    assert!(disposition.contains("whatsapp_campaign_template.csv"));
    let path = "/api/v1/campaigns/preview-csv";
    let shown = client.upload(path, "people.csv", &template.bytes).await?;
    kept("gateway.campaign-preview-csv", &shown)?;
    assert_eq!(shown.body["errors"], json!([]));
    assert_eq!(shown.body["recipients"].as_array().map(Vec::len), Some(2));
    let file = b"number,name\n+15550123,Ada\nnobody,Eve\n";
    let shown = client.upload(path, "people.csv", file).await?;
    kept("gateway.campaign-preview-csv", &shown)?;
    assert_eq!(shown.body["errors"][0]["row"], 3);
    let ada = json!({ "number": "+15550123", "name": "Ada", "jobTitle": "", "companyName": "" });
    assert_eq!(shown.body["recipients"], json!([ada]));
    refused(&client.upload(path, "people.csv", b"").await?, 400)?;
    assert_no_campaign(&client).await?;
    host.stop().await;
    Ok(())
}

async fn assert_no_campaign(client: &Client) -> Result<()> {
    let list = client.ask("GET", "/api/v1/campaigns", None).await?;
    assert_eq!(list.body, json!([]), "nothing is stored");
    Ok(())
}

#[tokio::test]
async fn a_campaign_is_there_for_its_session_and_for_the_master_key() -> Result<()> {
    let host: TestHost = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let other = Client::linked(&host, "other", "+15550124").await?;
    let recipients = json!([{ "number": CUSTOMER }]);
    let path = make(&client, campaign("Hello", &recipients)).await?;
    assert_no_campaign(&other).await?;
    for what in ["send", "pause", "resume", "retry", "clone"] {
        refused(&order(&other, &path, what).await?, 404)?;
    }
    refused(
        &other.ask("GET", &format!("{path}/export"), None).await?,
        404,
    )?;
    refused(&other.ask("DELETE", &path, None).await?, 404)?;
    let tried = other.ask(
        "POST",
        "/api/v1/campaigns",
        Some(campaign("Hello", &recipients)),
    );
    refused(&tried.await?, 403)?;
    let headers = [("x-master-key", KEY)];
    let all = client
        .api
        .call("GET", "/api/v1/campaigns", &headers, None)
        .await?;
    kept("gateway.list-campaigns", &all)?;
    assert_eq!(all.body.as_array().map(Vec::len), Some(1));
    host.stop().await;
    Ok(())
}

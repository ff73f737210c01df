//! Lists of recipients: what is wrong with them is told, and nothing half-made remains.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_tests::TestHost;

use super::{campaign, make, number};

async fn host() -> Result<TestHost> {
    let host = TestHost::start().await?;
    let body = json!({ "name": "shop" });
    host.api().post("/v1/sessions", body).await?.expect(201)?;
    Ok(host)
}

async fn none_was_made(host: &TestHost) -> Result<()> {
    let list = host.api().get("/v1/campaigns").await?.expect(200)?.body;
    ensure!(list["items"] == json!([]), "{list}");
    Ok(())
}

#[tokio::test]
async fn a_list_with_bad_rows_is_refused_row_by_row_and_nothing_is_stored() -> Result<()> {
    let host = host().await?;
    let mut body = campaign("Hi", 1);
    body["recipients"] = json!([
        { "to": "+15550100" }, { "to": "12" }, { "to": "15550100@c.us" }, { "to": "" },
    ]);
    let refused = host.api().post("/v1/campaigns", body.clone()).await?;
    assert_eq!(refused.refusal(), (400, "bad_recipients"));
    let codes: Vec<_> = refused.body["rows"]
        .as_array()
        .context("rows")?
        .iter()
        .map(|row| (row["row"].as_u64(), row["code"].as_str()))
        .collect();
    assert_eq!(
        codes,
        [
            (Some(2), Some("bad_number")),
            (Some(3), Some("duplicate")),
            (Some(4), Some("missing_number"))
        ]
    );
    none_was_made(&host).await?;
    body["skipBad"] = json!(true);
    let path = make(&host, body).await?;
    let made = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(made["counts"]["total"], 1);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn bad_templates_and_rules_are_refused_and_nothing_is_stored() -> Result<()> {
    let host = host().await?;
    let with = |name: &str, value: Value| {
        let mut body = campaign("Hi", 1);
        body[name] = value;
        body
    };
    let cases = [
        (
            with("message", json!({ "text": "Hi {{ name.shout() }}" })),
            400,
            "bad_template",
        ),
        (
            with("message", json!({ "text": "{{ nick.or(\"x\") }}" })),
            400,
            "bad_template",
        ),
        (with("message", json!({ "text": "" })), 400, "empty_text"),
        (with("message", json!({})), 400, "no_content"),
        (
            with(
                "message",
                json!({ "text": "a", "poll": { "question": "q", "options": ["a", "b"] } }),
            ),
            400,
            "several_contents",
        ),
        (with("name", json!("  ")), 400, "bad_campaign_name"),
        (with("sessions", json!([])), 400, "bad_campaign_sessions"),
        (with("sessions", json!(["nobody"])), 404, "unknown_session"),
        (
            with("rules", json!({ "delayMillis": 99_999_999 })),
            400,
            "bad_campaign_rules",
        ),
        (
            with(
                "rules",
                json!({ "quiet": { "from": "25:00", "to": "01:00", "zone": "UTC" } }),
            ),
            400,
            "bad_campaign_rules",
        ),
        (
            with("startAt", json!("2001-01-01T00:00:00Z")),
            400,
            "bad_campaign_start",
        ),
    ];
    for (body, status, code) in cases {
        let refused = host.api().post("/v1/campaigns", body).await?;
        assert_eq!(refused.refusal(), (status, code), "{}", refused.body);
    }
    none_was_made(&host).await?;
    let mut empty = campaign("Hi", 0);
    empty["recipients"] = json!([]);
    let path = make(&host, empty).await?;
    let start = host.api().order(&format!("{path}/start")).await?;
    assert_eq!(start.refusal(), (400, "no_recipients"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_is_looked_at_without_storing_and_then_taken() -> Result<()> {
    let host = host().await?;
    let file = "Phone;Name;Company\n+15550100;Zoë;Ümläut\nnobody;Bob;\n";
    let preview = host
        .api()
        .upload("/v1/campaigns/preview", file.as_bytes().to_vec())
        .await?
        .expect(200)?
        .body;
    assert_eq!(preview["good"], 1);
    assert_eq!(preview["recipients"][0]["fields"]["companyName"], "Ümläut");
    assert_eq!(preview["errors"][0]["row"], 3);
    assert_eq!(preview["errors"][0]["column"], "Phone");
    none_was_made(&host).await?;
    let form = |campaign: Value, file: &str| {
        let text = format!(
            "--x\r\ncontent-disposition: form-data; name=\"campaign\"\r\n\r\n{campaign}\r\n\
             --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n{file}\r\n--x--\r\n"
        );
        text.into_bytes()
    };
    let mut body = campaign("Hi {{Company}}", 0);
    body.as_object_mut().context("a body")?.remove("recipients");
    let kind = "multipart/form-data; boundary=x";
    let send = |bytes: Vec<u8>| host.api().post_as(kind, "/v1/campaigns", bytes);
    let refused = send(form(body.clone(), file)).await?;
    assert_eq!(refused.refusal(), (400, "bad_recipients"));
    none_was_made(&host).await?;
    let workbook = send(form(body.clone(), "PK\u{3}\u{4}")).await?;
    assert_eq!(workbook.refusal(), (400, "csv_not_text"));
    none_was_made(&host).await?;
    body["skipBad"] = json!(true);
    let made = send(form(body, file)).await?.expect(201)?;
    assert_eq!(made.body["counts"]["total"], 1);
    assert_eq!(made.body["columns"], json!(["companyName"]));
    let path = format!("/v1/campaigns/{}", made.text_at("/id")?);
    let list = json!({ "recipients": [{ "to": number(1) }, { "to": number(2) }] });
    let replaced = host
        .api()
        .put(&format!("{path}/recipients"), list)
        .await?
        .expect(200)?;
    assert_eq!(replaced.body["counts"]["total"], 2);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn another_users_campaign_does_not_exist() -> Result<()> {
    let host = host().await?;
    let path = make(&host, campaign("Hi", 1)).await?;
    let body = json!({ "name": "other" });
    host.api().post("/v1/sessions", body).await?.expect(201)?;
    let key = json!({ "name": "k", "scopes": ["manage"], "sessions": ["other"] });
    let key = host.api().post("/v1/keys", key).await?.expect(201)?;
    let other = host.api().with_key(key.text_at("/secret")?);
    assert_eq!(other.get(&path).await?.refusal(), (404, "unknown_campaign"));
    let start = other.order(&format!("{path}/start")).await?;
    assert_eq!(start.refusal(), (404, "unknown_campaign"));
    assert_eq!(
        other.get("/v1/campaigns").await?.expect(200)?.body["items"],
        json!([])
    );
    let foreign = other.post("/v1/campaigns", campaign("Hi", 1)).await?;
    assert_eq!(foreign.refusal(), (404, "unknown_session"));
    host.stop().await;
    Ok(())
}

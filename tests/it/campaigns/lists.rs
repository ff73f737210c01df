//! Lists of recipients: what is wrong with them is told, and nothing half-made remains.

use anyhow::{Context, Result, ensure};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use warbler_domain::page::Cursor;
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

#[tokio::test]
async fn the_columns_of_a_file_can_be_named_with_the_campaign() -> Result<()> {
    let host = host().await?;
    let file = "Kontakt;Anrede;Ort\n+15550100;Zoë;Bern\n+15550101;Bob;Rom\n";
    let part = |name: &str, text: &str| {
        format!("--x\r\ncontent-disposition: form-data; {name}\r\n\r\n{text}\r\n")
    };
    let mut body = campaign("Hi {{Name}} in {{Ort}}", 0);
    body.as_object_mut().context("a body")?.remove("recipients");
    body["columns"] = json!({ "number": "kontakt", "name": "Anrede" });
    let campaign = part("name=\"campaign\"", &body.to_string());
    let list = part("name=\"file\"; filename=\"people.csv\"", file);
    let kind = "multipart/form-data; boundary=x";
    let send = |form: String| host.api().post_as(kind, "/v1/campaigns", form.into_bytes());
    let late = send(format!("{list}{campaign}--x--\r\n")).await?;
    assert_eq!(late.refusal().0, 400, "{}", late.body);
    none_was_made(&host).await?;
    let made = send(format!("{campaign}{list}--x--\r\n"))
        .await?
        .expect(201)?;
    assert_eq!(made.body["counts"]["total"], 2);
    let path = format!("/v1/campaigns/{}/recipients", made.text_at("/id")?);
    let people = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(
        (
            &people["items"][1]["name"],
            &people["items"][1]["fields"]["Ort"]
        ),
        (&json!("Bob"), &json!("Rom"))
    );
    let refused = host.api().post("/v1/campaigns", body).await?;
    assert_eq!(refused.refusal(), (400, "no_file"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_long_list_is_stored_while_others_write_and_replaced_and_copied_whole() -> Result<()> {
    const MANY: usize = 5_000;
    let host = host().await?;
    let made = make(&host, campaign("Hi", MANY));
    let sessions = async {
        for index in 0..10 {
            let body = json!({ "name": format!("other-{index}") });
            host.api().post("/v1/sessions", body).await?.expect(201)?;
        }
        anyhow::Ok(())
    };
    let (path, others) = tokio::join!(made, sessions);
    others?;
    let path = path?;
    let shown = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(shown["counts"]["planned"], MANY);
    let copy = host.api().post(&format!("{path}/clone"), json!({})).await?;
    let copy = format!("/v1/campaigns/{}", copy.expect(201)?.text_at("/id")?);
    let shown = host.api().get(&copy).await?.expect(200)?.body;
    assert_eq!(shown["counts"]["planned"], MANY);
    let last = host
        .api()
        .get(&format!(
            "{copy}/recipients?limit=1&cursor={}",
            Cursor(MANY as i64 - 1)
        ))
        .await?
        .expect(200)?;
    assert_eq!(last.body["items"][0]["name"], format!("P{}", MANY - 1));
    let other = json!({ "recipients": [{ "to": number(1) }] });
    let list = format!("{path}/recipients");
    let replaced = host.api().put(&list, other).await?.expect(200)?;
    assert_eq!(replaced.body["counts"]["total"], 1);
    host.api().delete(&copy).await?.expect(204)?;
    host.stop().await;
    Ok(())
}

/// A form with a campaign and a file.
fn form(campaign: &Value, file: &[u8]) -> Vec<u8> {
    let head = format!(
        "--x\r\ncontent-disposition: form-data; name=\"campaign\"\r\n\r\n{campaign}\r\n\
         --x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\r\n"
    );
    [head.as_bytes(), file, b"\r\n--x--\r\n"].concat()
}

const FORM: &str = "multipart/form-data; boundary=x";

#[tokio::test]
async fn files_that_are_no_lists_are_refused_everywhere_and_leave_nothing_behind() -> Result<()> {
    let host = host().await?;
    let mut body = campaign("Hi", 0);
    body.as_object_mut().context("a body")?.remove("recipients");
    let draft = make(&host, campaign("Hi", 2)).await?;
    let list = format!("{draft}/recipients");
    let audit = async || anyhow::Ok(host.api().get("/v1/audit").await?.expect(200)?.body);
    let before = audit().await?;
    let wide = format!("number{}\n", ",a".repeat(300));
    let tall = [b"number,note\n15550100,\"".to_vec(), vec![b'x'; 300 * 1024]].concat();
    let many = [b"number\n".to_vec(), b"15550100\n".repeat(100_001)].concat();
    let files: [(&[u8], &str); 12] = [
        (b"", "csv_empty"),
        (b" \r\n\r\n", "csv_empty"),
        (b"\xef\xbb\xbf", "csv_empty"),
        (b"\xff\xfe", "csv_empty"),
        (b"PK\x03\x04rest of a workbook", "csv_not_text"),
        (b"number,name\n1555\x00,Ada\n", "csv_not_text"),
        (b"name,city\nAda,London\n", "csv_bad_header"),
        (b"15550100;Ada\n15550101;Bob\n", "csv_bad_header"),
        (
            b"number,name\n15550100,\"Ada\n15550101,Bob\n",
            "csv_open_quote",
        ),
        (wide.as_bytes(), "csv_bad_header"),
        (&tall, "csv_row_too_long"),
        (&many, "too_many_recipients"),
    ];
    for (file, code) in files {
        let shown = String::from_utf8_lossy(file.get(..40).unwrap_or(file)).into_owned();
        let api = host.api();
        let preview = api.upload("/v1/campaigns/preview", file.to_vec()).await?;
        assert_eq!(preview.refusal(), (400, code), "{shown}");
        let made = api
            .post_as(FORM, "/v1/campaigns", form(&body, file))
            .await?;
        assert_eq!(made.refusal(), (400, code), "{shown}");
        let put = api.put_as("text/csv", &list, file.to_vec()).await?;
        assert_eq!(put.refusal(), (400, code), "{shown}");
    }
    // Of a file that is read in part, since rows of it are bad, nothing is taken either.
    let bad = b"number;name\n15550100;=1+1\n15550101;Ada\n1.5E+10;Bob\n15550102;\"a;b\";c\n";
    let put = host.api().put_as("text/csv", &list, bad.to_vec()).await?;
    assert_eq!(put.refusal(), (400, "bad_recipients"));
    let rows = put.body["rows"].as_array().context("rows")?.iter();
    let codes: Vec<_> = rows.map(|row| (&row["row"], &row["code"])).collect();
    assert_eq!(
        json!(codes),
        json!([[2, "formula"], [4, "rounded_number"], [5, "too_many_cells"]])
    );
    let shown = host.api().get(&draft).await?.expect(200)?.body;
    assert_eq!(shown["counts"]["planned"], 2, "{shown}");
    let all = host.api().get("/v1/campaigns").await?.expect(200)?.body;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "{all}");
    assert_eq!(audit().await?, before);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_file_beyond_the_limit_is_refused_while_it_comes_and_leaves_nothing_behind() -> Result<()>
{
    let host = host().await?;
    // No length is announced; a gibibyte would follow.
    let row = [
        b"15550100,".to_vec(),
        vec![b'x'; 128 * 1024],
        b"\n".to_vec(),
    ]
    .concat();
    let endless = futures_util::stream::iter(0..8 * 1024_u32).map(move |index| {
        let piece = if index == 0 {
            b"number,note\n".to_vec()
        } else {
            row.clone()
        };
        Ok::<_, std::io::Error>(piece)
    });
    let body = reqwest::Body::wrap_stream(endless);
    let sent = host.api().post_raw("/v1/campaigns/preview", body).await;
    // A client that goes on writing may see the end of the connection before the answer.
    if let Ok(refused) = sent {
        assert_eq!(refused.refusal(), (413, "csv_too_large"));
    }
    none_was_made(&host).await?;
    host.api().get("/readyz").await?.expect(200)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_text_that_cannot_be_written_for_a_row_is_told_for_that_row() -> Result<()> {
    let host = host().await?;
    let mut body = campaign("{{Company}}", 4);
    body["recipients"][0]["fields"] = json!({ "company": "Ltd" });
    body["recipients"][2]["fields"] = json!({ "company": "x" });
    let refused = host.api().post("/v1/campaigns", body.clone()).await?;
    assert_eq!(refused.refusal(), (400, "bad_recipients"));
    let rows = refused.body["rows"].as_array().context("rows")?.iter();
    let codes: Vec<_> = rows.map(|row| (&row["row"], &row["code"])).collect();
    assert_eq!(json!(codes), json!([[2, "empty_text"], [4, "empty_text"]]));
    ensure!(
        refused.body["rows"][0]["message"]
            .as_str()
            .is_some_and(|said| said.contains("name.or(")),
        "{}",
        refused.body
    );
    none_was_made(&host).await?;
    body["skipBad"] = json!(true);
    let path = make(&host, body.clone()).await?;
    let made = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(made["counts"]["total"], 2);
    // The same when the text, or the list, changes later.
    let list = format!("{path}/recipients");
    let other = json!({ "recipients": [
        { "to": number(8) }, { "to": number(9), "fields": { "company": "x" } },
    ] });
    let put = host.api().put(&list, other).await?;
    assert_eq!(put.refusal(), (400, "bad_recipients"));
    let name = json!({ "message": { "text": "{{nick.or(\"\")}}{{company}}" } });
    let change = host.api().patch(&path, name).await?;
    assert_eq!(change.refusal(), (400, "bad_template"), "there is no nick");
    let long = json!({ "message": { "text": "{{company}}".repeat(2_000) } });
    let path = {
        let mut body = campaign("Hi", 2);
        body["recipients"][1]["fields"] = json!({ "company": "x".repeat(4_000) });
        make(&host, body).await?
    };
    let change = host.api().patch(&path, long).await?;
    assert_eq!(change.refusal(), (400, "bad_recipients"), "{}", change.body);
    let codes: Vec<_> = change.body["rows"]
        .as_array()
        .context("rows")?
        .iter()
        .map(|row| (&row["row"], &row["code"]))
        .collect();
    assert_eq!(
        json!(codes),
        json!([[1, "empty_text"], [2, "text_too_long"]])
    );
    let shown = host.api().get(&path).await?.expect(200)?.body;
    assert_eq!(shown["text"], "Hi", "{shown}");
    host.stop().await;
    Ok(())
}

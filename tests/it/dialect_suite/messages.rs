//! Messages in the dialect `suite`: sending, uploads, history and counts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_simulator::HeardContent;
use warbler_tests::{Answer, PATIENCE, TestHost, eventually, hears_text};

use super::{Account, PHONE, host, kept, refused, serve};
use crate::media::PNG;
use crate::media::servers::{reaching_this_machine, serving};

const CUSTOMER: &str = "+15550100";
const TO: &str = "15550100";
/// Enough of each kind of file to be told from its content.
const MP4: &[u8] = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom";
const MP3: &[u8] = b"ID3\x03\0\0\0\0\0\0and so on";
const PDF: &[u8] = b"%PDF-1.4 and so on";

/// A form with one file.
async fn upload(ada: &Account, name: &str, file: &[u8]) -> Result<Answer> {
    let mut body = format!(
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--b--\r\n");
    let kind = "multipart/form-data; boundary=b";
    let api = ada.api.with_key(&ada.token);
    api.post_as(kind, "/api/messages/upload", body).await
}

#[tokio::test]
async fn every_kind_of_message_is_accepted_and_heard() -> Result<()> {
    let settings = reaching_this_machine()?;
    let host = TestHost::start_as(move |options| {
        options.settings = settings.clone();
        serve(options, false);
    })
    .await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let customer = host.person(CUSTOMER, "Grace")?;
    let send = |what: &'static str, more: Value| {
        let mut body = json!({ "sessionId": id, "to": TO });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let ada = &ada;
        async move {
            let path = format!("/api/messages/send/{what}");
            ada.keyed("POST", &path, Some(body)).await
        }
    };
    let sent = send("text", json!({ "text": "Hello 👋" })).await?;
    kept("suite.send-text", &sent)?;
    assert_eq!(sent.text_at("/to")?, TO);
    hears_text(&customer, "Hello 👋").await?;

    let picture = upload(&ada, "menu.png", PNG).await?;
    kept("suite.upload", &picture)?;
    let url = picture.text_at("/data/url")?;
    let more = json!({ "imageUrl": url, "caption": "Look" });
    kept("suite.send-image", &send("image", more).await?)?;
    let heard = customer.hears_within(PATIENCE).await?;
    ensure!(
        matches!(heard.content, HeardContent::Image { .. }),
        "{heard:?}"
    );
    let data = data_encoding::BASE64.encode(PNG);
    for text in [data.clone(), format!("data:image/png;base64,{data}")] {
        kept(
            "suite.send-image",
            &send("image", json!({ "imageBase64": text })).await?,
        )?;
        let heard = customer.hears_within(PATIENCE).await?;
        ensure!(
            matches!(heard.content, HeardContent::Image { .. }),
            "{heard:?}"
        );
    }
    let url = format!("http://{}/a.pdf", serving(PDF).await?);
    let more = json!({ "documentUrl": url, "filename": "report.pdf" });
    kept("suite.send-document", &send("document", more).await?)?;
    let heard = customer.hears_within(PATIENCE).await?;
    let HeardContent::Document { file_name, .. } = heard.content else {
        anyhow::bail!("not a document: {:?}", heard.content);
    };
    assert_eq!(file_name.as_deref(), Some("report.pdf"));
    let film = upload(&ada, "a.mp4", MP4).await?;
    let more = json!({ "videoUrl": film.text_at("/data/url")? });
    kept("suite.send-video", &send("video", more).await?)?;
    customer.hears_within(PATIENCE).await?;
    let sound = upload(&ada, "a.mp3", MP3).await?;
    let more = json!({ "audioUrl": sound.text_at("/data/url")? });
    kept("suite.send-audio", &send("audio", more).await?)?;
    customer.hears_within(PATIENCE).await?;
    let more = json!({ "latitude": 52.52, "longitude": 13.4, "name": "Berlin" });
    kept("suite.send-location", &send("location", more).await?)?;
    customer.hears_within(PATIENCE).await?;
    let card = json!({
        "fullName": "Ada Lovelace", "organization": "Example", "phoneNumber": "+15550101",
        "email": "ada@example.com",
    });
    kept(
        "suite.send-contact",
        &send("contact", json!({ "contact": card })).await?,
    )?;
    customer.hears_within(PATIENCE).await?;

    for (what, more) in [
        ("image", json!({})),
        ("image", json!({ "imageUrl": "not a url" })),
        ("image", json!({ "imageUrl": "http://10.0.0.1/x.png" })),
        ("video", json!({ "videoBase64": data })),
        ("location", json!({ "latitude": 91, "longitude": 0 })),
        ("text", json!({ "text": "" })),
    ] {
        refused(&send(what, more).await?, 400, "VALIDATION_ERROR")?;
    }
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_upload_is_held_to_the_document_and_served_to_who_knows_its_name() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let made = upload(&ada, "menu.png", PNG).await?;
    kept("suite.upload", &made)?;
    assert_eq!(made.text_at("/data/originalname")?, "menu.png");
    let path = format!("/uploads/{}", made.text_at("/data/filename")?);
    let served = ada.api.call("GET", &path, &[], None).await?;
    kept("suite.get-upload", &served)?;
    assert_eq!(
        (
            served.bytes.as_slice(),
            served.header("x-content-type-options")
        ),
        (PNG, "nosniff")
    );
    refused(
        &upload(&ada, "a.txt", b"plain text").await?,
        400,
        "VALIDATION_ERROR",
    )?;
    refused(&upload(&ada, "a.png", b"").await?, 400, "VALIDATION_ERROR")?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn bulk_messages_have_their_variables_and_each_its_result() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let customer = host.person(CUSTOMER, "Grace")?;
    let body = json!({ "sessionId": id, "messages": [
        { "to": TO, "text": "Hello {{name}}! {{other}}", "variables": { "name": "Grace" } },
        { "to": "nobody", "text": "hi" },
    ] });
    let path = "/api/messages/send/bulk";
    let sent = ada.keyed("POST", path, Some(body)).await?.expect(200)?;
    hears_text(&customer, "Hello Grace! {{other}}").await?;
    let results = &sent.body["results"];
    assert_eq!(
        (&results[0]["success"], &results[1]["success"]),
        (&json!(true), &json!(false))
    );
    assert!(results[1]["error"].is_string(), "{results}");
    assert_eq!(
        sent.body["summary"],
        json!({ "total": 2, "successful": 1, "failed": 1 })
    );
    let body = json!({ "sessionId": id, "messages": [{ "to": TO, "text": "{a|b}" }] });
    let sent = ada.keyed("POST", path, Some(body)).await?;
    kept("suite.send-bulk", &sent)?;
    hears_text(&customer, "{a|b}").await?;
    let none = json!({ "sessionId": id, "messages": [] });
    refused(
        &ada.keyed("POST", path, Some(none)).await?,
        400,
        "VALIDATION_ERROR",
    )?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_history_is_shown_by_pages_and_filters_and_counted() -> Result<()> {
    let host = host().await?;
    let ada = Account::register(&host, "ada_l").await?;
    let id = ada.links(&host.person(PHONE, "Ada")?).await?;
    let customer = host.person(CUSTOMER, "Grace")?;
    for text in ["one", "two", "three"] {
        let body = json!({ "sessionId": id, "to": TO, "text": text });
        let path = "/api/messages/send/text";
        ada.keyed("POST", path, Some(body)).await?.expect(200)?;
        hears_text(&customer, text).await?;
    }
    customer.says(PHONE, "four").await?;
    let path = |query: &str| format!("/api/messages/history/{id}{query}");
    let all = eventually("all four are delivered", || async {
        let shown = ada.keyed("GET", &path(""), None).await?.expect(200)?;
        let delivered = shown.body.to_string().matches("delivered").count();
        Ok((shown.body["total"] == 4 && delivered == 3).then_some(shown))
    })
    .await?;
    kept("suite.message-history", &all)?;
    let newest = &all.body["messages"][0];
    assert_eq!(
        (&newest["text"], &newest["from"]),
        (&json!("four"), &json!(TO))
    );
    assert_eq!(
        (&newest["to"], &newest["status"]),
        (&json!("me"), &json!("received"))
    );
    for (query, texts) in [
        ("?limit=2&offset=1", vec!["three", "two"]),
        ("?offset=3", vec!["one"]),
        ("?from=me&limit=1", vec!["three"]),
        ("?from=%2B15550100", vec!["four"]),
        ("?to=15550100", vec!["three", "two", "one"]),
        ("?to=me", vec!["four"]),
        ("?type=image", vec![]),
        ("?type=text&endDate=2020-01-01", vec![]),
        ("?startDate=2020-01-01T00:00:00Z&limit=1", vec!["four"]),
    ] {
        let shown = ada.keyed("GET", &path(query), None).await?.expect(200)?;
        let messages = shown.body["messages"].as_array().into_iter().flatten();
        let found: Vec<&str> = messages.filter_map(|one| one["text"].as_str()).collect();
        assert_eq!(found, texts, "{query}");
    }
    for bad in [
        "?type=song",
        "?startDate=soon",
        "?from=nobody",
        "?limit=many",
    ] {
        let shown = ada.keyed("GET", &path(bad), None).await?;
        ensure!(shown.status == 400, "{bad}: {}", shown.body);
    }
    let stats = ada
        .keyed("GET", &format!("/api/messages/stats/{id}"), None)
        .await?;
    kept("suite.message-stats", &stats)?;
    let counted = &stats.body["stats"];
    assert_eq!(
        (&counted["total"], &counted["sent"]),
        (&json!(4), &json!(3))
    );
    assert_eq!(counted["byType"]["text"], 4);
    assert_eq!(counted["byStatus"]["delivered"], 3);
    host.stop().await;
    Ok(())
}

//! Messages and their media.

use data_encoding::BASE64;
use http::StatusCode;
use serde_json::{Value, json};
use warbler_domain::Content;
use warbler_domain::media::{Media, MediaKind, MediaSource};

use super::harness::{IMAGE, MEDIA_KEY, TestApi};

const MESSAGES: &str = "/v1/sessions/shop/messages";

#[tokio::test]
async fn a_text_is_accepted_and_found() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let sent = api
        .call(
            "POST",
            MESSAGES,
            Some(json!({ "to": "+1 555 0123", "text": "Good morning!" })),
        )
        .await?;
    assert_eq!(sent.status, StatusCode::ACCEPTED);
    assert_eq!(
        sent.shape()?,
        json!({
            "id": "<id>", "session": "<id>", "whatsappId": "<whatsapp id>", "chat": "15550123@s.whatsapp.net",
            "sender": "15550100@s.whatsapp.net", "senderAlt": "98765@lid", "direction": "outbound",
            "timestamp": "<time>", "status": "queued", "type": "text", "text": "Good morning!",
        })
    );
    let found = api.get(sent.header("location")).await?;
    assert_eq!(
        (found.status, &found.json()?["id"]),
        (StatusCode::OK, &sent.json()?["id"])
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_quotes_and_a_reaction_names_the_message() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("QUESTION1", Content::text("Until when?"))
        .await?;
    let to = "15550123@c.us";
    let answer = json!({ "to": to, "text": "Six.", "quote": "QUESTION1" });
    let answer = api.call("POST", MESSAGES, Some(answer)).await?;
    let quoted = json!({ "message": "QUESTION1", "sender": "15550123@s.whatsapp.net", "text": "Until when?" });
    assert_eq!(
        (answer.status, &answer.json()?["quoted"]),
        (StatusCode::ACCEPTED, &quoted)
    );
    let reaction = json!({ "to": to, "reaction": { "message": "QUESTION1", "emoji": "👍" } });
    let reaction = api.call("POST", MESSAGES, Some(reaction)).await?.json()?;
    let shown =
        json!({ "message": "QUESTION1", "sender": "15550123@s.whatsapp.net", "emoji": "👍" });
    assert_eq!(
        (&reaction["type"], &reaction["reaction"]),
        (&json!("reaction"), &shown)
    );
    let nothing = json!({ "to": to, "reaction": { "message": "QUESTION2", "emoji": "👍" } });
    let nothing = api.call("POST", MESSAGES, Some(nothing)).await?;
    assert_eq!(nothing.problem()?, (404, "unknown_target".to_owned()));
    Ok(())
}

#[tokio::test]
async fn an_image_is_sent_from_base64_and_from_a_data_url() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let plain = BASE64.encode(IMAGE);
    for data in [
        plain.clone(),
        plain.trim_end_matches('=').to_owned(),
        format!("data:image/png;base64,{plain}"),
    ] {
        let body = json!({ "to": "+15550123", "image": { "data": data, "caption": "Look" } });
        let sent = api.call("POST", MESSAGES, Some(body)).await?;
        let message = sent.json()?;
        let id = message["id"].as_str().unwrap_or_default();
        let media = json!({
            "kind": "image", "mime": "image/png", "size": IMAGE.len(), "caption": "Look",
            "url": format!("/v1/messages/{id}/media"),
        });
        assert_eq!(
            (sent.status, &message["media"]),
            (StatusCode::ACCEPTED, &media)
        );
        let bytes = api
            .get(message["media"]["url"].as_str().unwrap_or_default())
            .await?;
        assert_eq!(
            (bytes.status, bytes.bytes.as_ref()),
            (StatusCode::OK, IMAGE)
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_says_nothing_or_too_much_is_refused_clearly() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let image = json!({ "data": BASE64.encode(b"just words") });
    for (body, code, field) in [
        (json!({ "to": "+15550123" }), "no_content", None),
        (
            json!({ "to": "+15550123", "text": "a", "image": image }),
            "several_contents",
            None,
        ),
        (
            json!({ "to": "+15550123", "text": "  " }),
            "empty_text",
            None,
        ),
        (
            json!({ "to": "+15550123", "image": image }),
            "media_wrong_type",
            None,
        ),
        (
            json!({ "to": "nobody", "text": "a" }),
            "bad_recipient",
            Some("to"),
        ),
        (
            json!({ "to": "+15550123", "text": "a", "quote": "" }),
            "bad_message_id",
            Some("quote"),
        ),
        (
            json!({ "to": "+15550123", "text": 7 }),
            "invalid_body",
            Some("text"),
        ),
        (json!({ "text": "a" }), "invalid_body", None),
        (
            json!({ "to": "+15550123", "image": { "data": "%%" } }),
            "bad_media_data",
            None,
        ),
        (
            json!({ "to": "+15550123", "image": { "caption": "no file" } }),
            "bad_media_source",
            Some("image"),
        ),
        (
            json!({ "to": "+15550123", "image": { "url": "ftp://example.com/a.png" } }),
            "url_scheme",
            Some("image.url"),
        ),
        (
            json!({ "to": "+15550123", "voice": { "data": "AAAA", "caption": "hm" } }),
            "caption_not_possible",
            None,
        ),
        (
            json!({ "to": "+15550123", "text": "@all", "mentions": { "everybody": true } }),
            "everybody_needs_group",
            None,
        ),
        (
            json!({ "to": "+15550123", "text": "no link", "preview": { "url": "https://example.com", "title": "x" } }),
            "bad_preview",
            None,
        ),
        (
            json!({ "to": "+15550123", "location": { "latitude": 91.0, "longitude": 0.0 } }),
            "bad_location",
            Some("location.latitude"),
        ),
        (
            json!({ "to": "+15550123", "contacts": [{ "name": "Ada" }] }),
            "bad_contact_card",
            Some("contacts[0]"),
        ),
        (
            json!({ "to": "+15550123", "poll": { "question": "Tea?", "options": ["yes"] } }),
            "bad_poll",
            Some("poll"),
        ),
        (
            json!({ "to": "+15550123", "text": "a", "sendAt": "2020-01-01T00:00:00Z" }),
            "send_at_past",
            None,
        ),
        (
            json!({ "to": "+15550123", "text": "a", "sendAt": "2999-01-01T00:00:00Z" }),
            "send_at_too_far",
            None,
        ),
        (
            json!({ "to": "+15550123", "text": "a", "sendAt": "soon" }),
            "invalid_body",
            Some("sendAt"),
        ),
        (
            json!({ "to": "+15550123", "text": "a", "audience": ["+15550124"] }),
            "audience_needs_status",
            None,
        ),
        (
            json!({ "to": "status@broadcast", "text": "a", "audience": [] }),
            "no_audience",
            None,
        ),
        (
            json!({ "to": "123@newsletter", "text": "a" }),
            "not_writable",
            None,
        ),
        (
            json!({ "to": "+15550123", "body": "a" }),
            "unknown_field",
            Some("body"),
        ),
        (
            json!({ "to": "+15550123", "image": { "data": "", "path": "x" } }),
            "unknown_field",
            Some("image.path"),
        ),
    ] {
        let answer = api.call("POST", MESSAGES, Some(body.clone())).await?;
        assert_eq!(answer.problem()?, (400, code.to_owned()), "{body}");
        assert_eq!(
            answer.json()?.get("field").and_then(Value::as_str),
            field,
            "{body}: {:?}",
            answer.json()?
        );
    }
    let unpaired = api
        .call("POST", "/v1/sessions", Some(json!({ "name": "new" })))
        .await?;
    assert_eq!(unpaired.status, StatusCode::CREATED);
    let body = json!({ "to": "+15550123", "text": "a" });
    let unpaired = api
        .call("POST", "/v1/sessions/new/messages", Some(body))
        .await?;
    assert_eq!(unpaired.problem()?, (409, "not_paired".to_owned()));
    Ok(())
}

#[tokio::test]
async fn messages_are_listed_by_chat_and_page() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    for (to, text) in [
        ("+15550123", "one"),
        ("+15550124", "else"),
        ("+15550123", "two"),
        ("+15550123", "three"),
    ] {
        let sent = api
            .call("POST", MESSAGES, Some(json!({ "to": to, "text": text })))
            .await?;
        assert_eq!(sent.status, StatusCode::ACCEPTED);
    }
    let texts = |page: &Value| {
        let items = page["items"].as_array().into_iter().flatten();
        items
            .map(|item| item["text"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let first = api
        .get(&format!("{MESSAGES}?chat=%2B15550123&limit=2"))
        .await?
        .json()?;
    assert_eq!(texts(&first), ["three", "two"]);
    let cursor = first["next"].as_str().unwrap_or_default();
    let last = api
        .get(&format!(
            "{MESSAGES}?chat=%2B15550123&limit=2&cursor={cursor}"
        ))
        .await?
        .json()?;
    assert_eq!(
        (texts(&last), &last["next"]),
        (vec!["one".to_owned()], &Value::Null)
    );
    for (query, code) in [
        ("limit=many", "invalid_query"),
        ("cursor=nowhere", "invalid_query"),
        ("page=2", "invalid_query"),
        ("chat=nobody", "bad_recipient"),
    ] {
        let answer = api.get(&format!("{MESSAGES}?{query}")).await?;
        assert_eq!(answer.problem()?, (400, code.to_owned()), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn where_a_medium_is_and_the_key_to_it_never_leave() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let source = MediaSource::Remote {
        locator: MEDIA_KEY.to_owned(),
    };
    let media = Media::new(MediaKind::Image, "image/png", 17, source);
    let event = api
        .customer_writes("PICTURE1", Content::Media(media))
        .await?;
    let messages = api.get(MESSAGES).await?;
    let events = api.get("/v1/events").await?;
    let trace = api.get(&format!("/v1/events/{}/trace", event.id)).await?;
    for answer in [&messages, &events, &trace] {
        let text = String::from_utf8(answer.bytes.to_vec())?;
        assert!(
            text.contains("\"type\":\"image\"")
                && !text.contains(MEDIA_KEY)
                && !text.contains("locator"),
            "{text}"
        );
    }
    let id = event
        .message()
        .map(|message| message.id.to_string())
        .unwrap_or_default();
    let bytes = api.get(&format!("/v1/messages/{id}/media")).await?;
    assert_eq!(
        (bytes.status, bytes.bytes.as_ref()),
        (StatusCode::OK, IMAGE)
    );
    let headers = [
        "content-type",
        "content-disposition",
        "x-content-type-options",
        "content-security-policy",
    ];
    let disposition = format!("inline; filename=\"{id}.png\"");
    let expected = [
        "image/png",
        &disposition,
        "nosniff",
        "sandbox; default-src 'none'",
    ];
    assert_eq!(headers.map(|name| bytes.header(name)), expected);
    Ok(())
}

#[tokio::test]
async fn a_medium_that_lies_about_its_type_is_only_a_download() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let source = MediaSource::Remote {
        locator: "a page".to_owned(),
    };
    let media = Media::new(MediaKind::Image, "text/html", 9, source);
    let event = api.customer_writes("PAGE1", Content::Media(media)).await?;
    let id = event
        .message()
        .map(|message| message.id.to_string())
        .unwrap_or_default();
    let bytes = api.get(&format!("/v1/messages/{id}/media")).await?;
    assert_eq!(bytes.header("content-type"), "application/octet-stream");
    assert_eq!(
        bytes.header("content-disposition"),
        format!("attachment; filename=\"{id}.txt\"")
    );

    let text = api.customer_writes("TEXT1", Content::text("hello")).await?;
    let id = text
        .message()
        .map(|message| message.id.to_string())
        .unwrap_or_default();
    let none = api.get(&format!("/v1/messages/{id}/media")).await?;
    assert_eq!(none.problem()?, (404, "no_media".to_owned()));
    Ok(())
}

//! Chats, history, people, settings and counts as clients see them.

use http::StatusCode;
use serde_json::{Value, json};
use warbler_app::driver::{History, Inbound, InboundMessage};
use warbler_domain::contact::Contact;
use warbler_domain::poll::Poll;
use warbler_domain::{Content, Direction, Timestamp};

use super::harness::TestApi;

const CHATS: &str = "/v1/sessions/shop/chats";
const ADA: &str = "/v1/sessions/shop/chats/+15550123";

#[tokio::test]
async fn a_chat_is_listed_with_its_name_and_what_is_unread() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("good morning"))
        .await?;
    let chats = api.get(CHATS).await?.json()?;
    let chat = &chats["items"][0];
    assert_eq!(
        (&chat["jid"], &chat["name"], &chat["unread"], &chat["group"]),
        (
            &json!("15550123@s.whatsapp.net"),
            &json!("Ada"),
            &json!(1),
            &json!(false)
        )
    );
    let alone = api.get(ADA).await?.json()?;
    for field in ["jid", "name", "unread", "group", "archived", "pinned"] {
        assert_eq!(alone[field], chat[field], "{field}");
    }
    assert_eq!(alone["newest"]["text"], "good morning");
    for (query, found) in [
        ("unread=true", 1),
        ("unread=false", 0),
        ("kind=group", 0),
        ("kind=person&name=ad", 1),
        ("name=nobody", 0),
        ("archived=true", 0),
    ] {
        let chats = api.get(&format!("{CHATS}?{query}")).await?.json()?;
        assert_eq!(
            chats["items"].as_array().map(Vec::len),
            Some(found),
            "{query}"
        );
    }
    let unknown = api.get("/v1/sessions/shop/chats/+15559999").await?;
    assert_eq!(unknown.problem()?, (404, "unknown_chat".to_owned()));
    Ok(())
}

#[tokio::test]
async fn history_shows_messages_with_what_was_said_about_them() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let poll = Content::Poll(Poll::new("Tea?", ["yes", "no"], 1)?);
    api.customer_writes("POLL1", poll).await?;
    api.customer_writes("TEXT1", Content::text("we open at nine"))
        .await?;
    let edit = Content::Edit {
        target: "TEXT1".parse()?,
        text: "we open at ten".to_owned(),
    };
    api.customer_writes("EDIT1", edit).await?;
    let reaction = Content::Reaction {
        target: "TEXT1".parse()?,
        target_sender: "15550123@c.us".parse()?,
        emoji: "👍".to_owned(),
    };
    api.customer_writes("REACT1", reaction).await?;
    let vote = Content::PollVote {
        target: "POLL1".parse()?,
        target_sender: "15550123@c.us".parse()?,
        chosen: vec![sha256("yes")],
        options: Vec::new(),
    };
    let event = api.customer_writes("VOTE1", vote).await?;
    let options = event.message().map(|message| message.content.clone());
    assert!(
        matches!(options, Some(Content::PollVote { options, .. }) if options == ["yes"]),
        "the event names the chosen options"
    );
    let page = api
        .get(&format!("{ADA}/messages?direction=inbound"))
        .await?
        .json()?;
    let items = page["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(items.len(), 2, "{page}");
    let text = items.iter().find(|item| item["type"] == "text").cloned();
    let text = text.unwrap_or_default();
    assert_eq!(text["text"], "we open at ten");
    assert!(text["editedAt"].is_string() && text["revokedAt"].is_null());
    assert_eq!(text["reactions"][0]["emoji"], "👍");
    assert_eq!(text["reactions"][0]["count"], 1);
    let poll = items.iter().find(|item| item["type"] == "poll").cloned();
    let poll = poll.unwrap_or_default();
    assert_eq!(
        poll["results"][0],
        json!({ "option": "yes", "count": 1, "by": ["15550123@s.whatsapp.net"] })
    );
    Ok(())
}

fn sha256(text: &str) -> warbler_domain::media::Digest {
    use sha2::Digest as _;
    warbler_domain::media::Digest::new(sha2::Sha256::digest(text).into())
}

#[tokio::test]
async fn words_are_found_as_soon_as_they_were_written() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("What is the price?"))
        .await?;
    let api = &api;
    let found = |path: String| async move {
        let page = api.get(&path).await?.json()?;
        anyhow::Ok(page["items"].as_array().map_or(0, Vec::len))
    };
    let all = "/v1/sessions/shop/history";
    assert_eq!(found(format!("{all}?text=PRI")).await?, 1);
    assert_eq!(found(format!("{all}?text=price%20nothing")).await?, 0);
    assert_eq!(
        found(format!("{all}?text=price&chat=%2B15550123")).await?,
        1
    );
    assert_eq!(
        found(format!("{all}?text=price&chat=%2B15550124")).await?,
        0
    );
    assert_eq!(found(format!("{all}?text=price&type=image")).await?, 0);
    assert_eq!(
        found(format!("{ADA}/messages?text=%22price%22%20*")).await?,
        1
    );
    for (query, code) in [
        ("text=%3F%21", "bad_search"),
        ("type=letter", "bad_type"),
        ("since=yesterday", "bad_time"),
        ("from=nobody", "bad_recipient"),
        ("direction=up", "invalid_query"),
        ("page=2", "invalid_query"),
    ] {
        let answer = api.get(&format!("{all}?{query}")).await?;
        assert_eq!(answer.problem()?, (400, code.to_owned()), "{query}");
    }
    Ok(())
}

#[tokio::test]
async fn what_the_engine_cannot_is_said_so() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("hello")).await?;
    let session = "/v1/sessions/shop";
    let ask = |method: &'static str, path: String, body: Option<Value>| {
        let api = &api;
        async move {
            let answer = api.call(method, &path, body).await?;
            assert_eq!(
                answer.problem()?,
                (409, "engine_cannot".to_owned()),
                "{path}"
            );
            anyhow::Ok(())
        }
    };
    ask("POST", format!("{ADA}/read"), Some(json!({}))).await?;
    ask(
        "POST",
        format!("{ADA}/state"),
        Some(json!({ "state": "composing" })),
    )
    .await?;
    ask("PATCH", ADA.to_owned(), Some(json!({ "archived": true }))).await?;
    ask("DELETE", format!("{ADA}?onAccount=true"), None).await?;
    ask("GET", format!("{session}/blocked"), None).await?;
    ask("GET", format!("{session}/groups"), None).await?;
    let numbers = json!({ "numbers": ["+15550123"] });
    ask("POST", format!("{session}/contacts/check"), Some(numbers)).await?;
    ask("GET", format!("{session}/contacts/+15550123/profile"), None).await?;
    let unread = api.get(ADA).await?.json()?;
    assert_eq!(unread["unread"], 1, "nothing was marked");
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_not_connected_asks_the_network_nothing() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let made = api
        .call("POST", "/v1/sessions", Some(json!({ "name": "shop" })))
        .await?;
    assert_eq!(made.status, StatusCode::CREATED);
    let body = Some(json!({ "state": "paused" }));
    let answer = api.call("POST", &format!("{ADA}/state"), body).await?;
    assert_eq!(answer.problem()?, (503, "session_not_connected".to_owned()));
    let groups = api.get("/v1/sessions/shop/groups").await?;
    assert_eq!(groups.json()?, json!({ "items": [], "next": null }));
    Ok(())
}

#[tokio::test]
async fn a_chat_deleted_here_is_gone_with_its_messages() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("forget me"))
        .await?;
    let deleted = api.call("DELETE", ADA, None).await?;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(api.get(ADA).await?.problem()?.0, 404);
    let found = api.get("/v1/sessions/shop/history?text=forget").await?;
    assert_eq!(found.json()?["items"], json!([]));
    Ok(())
}

#[tokio::test]
async fn bad_requests_about_chats_and_people_are_refused_by_field() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let session = "/v1/sessions/shop";
    for (method, path, body, code) in [
        (
            "POST",
            format!("{ADA}/state"),
            json!({ "state": "dancing" }),
            "invalid_body",
        ),
        ("PATCH", ADA.to_owned(), json!({}), "no_change"),
        (
            "PATCH",
            ADA.to_owned(),
            json!({ "colour": "red" }),
            "unknown_field",
        ),
        (
            "POST",
            format!("{ADA}/read"),
            json!({ "upTo": "" }),
            "bad_message_id",
        ),
        (
            "POST",
            format!("{session}/chats/nobody/read"),
            json!({}),
            "invalid_path",
        ),
        (
            "POST",
            format!("{session}/contacts/check"),
            json!({ "numbers": [] }),
            "bad_number_count",
        ),
        (
            "POST",
            format!("{session}/contacts/check"),
            json!({ "numbers": ["x"] }),
            "bad_phone_number",
        ),
        (
            "POST",
            format!("{session}/groups"),
            json!({ "subject": "", "members": [] }),
            "bad_subject",
        ),
        (
            "POST",
            format!("{session}/groups"),
            json!({ "subject": "a", "members": ["1@g.us"] }),
            "not_a_person",
        ),
        (
            "PATCH",
            format!("{session}/groups/+15550123"),
            json!({ "locked": true }),
            "not_a_group",
        ),
        (
            "POST",
            format!("{session}/invites/join"),
            json!({ "invite": "no" }),
            "bad_invite",
        ),
        (
            "PATCH",
            format!("{session}/profile"),
            json!({ "name": "" }),
            "bad_name",
        ),
        (
            "PUT",
            format!("{session}/profile/picture"),
            json!({}),
            "no_picture_given",
        ),
        (
            "PUT",
            format!("{session}/profile/picture"),
            json!({ "data": "AAAA" }),
            "media_wrong_type",
        ),
        (
            "PUT",
            format!("{session}/settings"),
            json!({ "rejectedCallText": " " }),
            "bad_text",
        ),
    ] {
        let answer = api.call(method, &path, Some(body.clone())).await?;
        assert_eq!(answer.problem()?, (400, code.to_owned()), "{path} {body}");
    }
    Ok(())
}

#[tokio::test]
async fn settings_are_kept() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let path = "/v1/sessions/shop/settings";
    assert_eq!(
        api.get(path).await?.json()?,
        json!({ "autoRejectCalls": false })
    );
    let settings = json!({ "description": "Sales", "autoRejectCalls": true, "rejectedCallText": "Please write." });
    let set = api.call("PUT", path, Some(settings.clone())).await?;
    assert_eq!(
        (set.status, set.json()?),
        (StatusCode::OK, settings.clone())
    );
    assert_eq!(api.get(path).await?.json()?, settings);
    Ok(())
}

#[tokio::test]
async fn messages_are_counted() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("hello")).await?;
    let body = json!({ "to": "+15550123", "text": "hello" });
    api.call("POST", "/v1/sessions/shop/messages", Some(body))
        .await?;
    let stats = api.get("/v1/sessions/shop/stats").await?.json()?;
    assert_eq!(
        (&stats["inbound"], &stats["byStatus"]["received"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(stats["hours"].as_array().map(Vec::len), Some(25));
    assert_eq!(stats["byType24h"], json!({ "text": 1 }));
    // What the customer wrote is from long ago, by its own time.
    assert_eq!(stats["byStatus24h"], json!({ "queued": 1 }));
    let all = api.get("/v1/stats").await?.json()?;
    assert_eq!(all["inbound"], 1);
    Ok(())
}

#[tokio::test]
async fn people_are_known_by_the_names_they_show() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    api.customer_writes("IN1", Content::text("hello")).await?;
    let contact = api
        .get("/v1/sessions/shop/contacts/+15550123")
        .await?
        .json()?;
    assert_eq!(
        (&contact["pushName"], &contact["phone"]),
        (&json!("Ada"), &json!("+15550123"))
    );
    let listed = api
        .get("/v1/sessions/shop/contacts?name=ADA")
        .await?
        .json()?;
    assert_eq!(listed["items"], json!([contact]));
    let unknown = api.get("/v1/sessions/shop/contacts/+15559999").await?;
    assert_eq!(unknown.problem()?, (404, "unknown_contact".to_owned()));
    Ok(())
}

/// A text somebody wrote at this second of 2023.
fn wrote(from: &str, whatsapp_id: &str, second: i64, text: &str) -> anyhow::Result<InboundMessage> {
    Ok(InboundMessage {
        whatsapp_id: whatsapp_id.parse()?,
        chat: from.parse()?,
        chat_alt: None,
        sender: from.parse()?,
        sender_alt: None,
        sender_name: None,
        direction: Direction::Inbound,
        timestamp: Timestamp::from_millis(1_700_000_000_000 + second * 1000),
        content: Content::text(text),
        quoted: None,
        forwarded: 0,
    })
}

#[tokio::test]
async fn what_the_phone_remembers_is_history_and_no_event() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    api.connected_session("shop").await?;
    let ada = "15550123@s.whatsapp.net";
    let past = History {
        messages: vec![
            wrote(ada, "OLD2", 2, "second")?,
            wrote(ada, "OLD1", 1, "first")?,
            wrote(ada, "OLD1", 1, "first")?,
        ],
        contacts: vec![Contact {
            jid: ada.parse()?,
            alt: Some("98700@lid".parse()?),
            name: Some("Ada from work".to_owned()),
            push_name: None,
            saved_name: None,
            seen_at: Timestamp::from_millis(1_700_000_000_000),
        }],
        groups: vec![("120363000000000001@g.us".parse()?, "Friends".to_owned())],
    };
    let told = || Inbound::History(Box::new(past.clone()));
    api.network_tells(vec![told()]).await?;
    api.network_tells(vec![told()]).await?;
    let chat = api.get(ADA).await?.json()?;
    assert_eq!(
        (&chat["name"], &chat["unread"], &chat["alt"]),
        (&json!("Ada from work"), &json!(0), &json!("98700@lid"))
    );
    let texts = |page: Value| -> Vec<String> {
        let items = page["items"].as_array().cloned().unwrap_or_default();
        let texts = items.iter().filter_map(|item| item["text"].as_str());
        texts.map(str::to_owned).collect()
    };
    let history = format!("{ADA}/messages?direction=inbound");
    let page = api.get(&history).await?.json()?;
    assert_eq!(texts(page), ["second", "first"]);
    let events = api.get("/v1/events?kind=message.received").await?.json()?;
    assert_eq!(events["items"], json!([]));
    // Whoever is known by number is found under it, whichever address a message names.
    let hidden = wrote("98700@lid", "NEW1", 3, "third")?;
    api.network_tells(vec![Inbound::Message(hidden)]).await?;
    let page = api.get(&history).await?.json()?;
    assert_eq!(texts(page), ["third", "second", "first"]);
    let by_lid = api.get("/v1/sessions/shop/chats/98700@lid").await?.json()?;
    assert_eq!(by_lid["jid"], ada);
    Ok(())
}

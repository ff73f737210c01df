//! Messages in the dialect `gateway`.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use warbler_api::Switch;
use warbler_domain::Dialect;
use warbler_simulator::HeardContent;
use warbler_tests::{KEY, PATIENCE, eventually, hears_text};

use super::{CUSTOMER, Client, PHONE, SESSION, TO, form, host, host_with, kept, refused};
use crate::media::PNG;
use crate::media::servers::serving;

fn text(body: &str) -> Value {
    json!({ "recipient_type": "individual", "to": TO, "type": "text", "text": { "body": body } })
}

#[tokio::test]
async fn one_message_and_many_are_sent_in_their_order() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let path = format!("/api/v1/messages?sessionId={SESSION}");
    let sent = client.ask("POST", &path, Some(text("Hello!"))).await?;
    kept("gateway.send-messages", &sent)?;
    assert_eq!(sent.body["to"], TO);
    hears_text(&customer, "Hello!").await?;

    let picture = format!("http://{}/picture.png", serving(PNG).await?);
    let batch = json!([
        text("first"),
        { "recipient_type": "individual", "to": "nobody", "type": "text", "text": { "body": "x" } },
        { "recipient_type": "individual", "to": TO, "type": "video", "video": {} },
        { "recipient_type": "individual", "to": TO, "type": "image",
          "image": { "link": picture, "caption": "a picture" } },
        { "recipient_type": "individual", "to": TO, "type": "document", "document": {
            "link": picture, "mimetype": "application/pdf", "filename": "offer.pdf" } },
    ]);
    let sent = client.ask("POST", &path, Some(batch)).await?.expect(200)?;
    assert_eq!(sent.body["status"], "success");
    let results = sent.body["results"].as_array().context("results")?;
    let outcomes: Vec<_> = results.iter().map(|row| row["status"].as_str()).collect();
    let (good, bad) = (Some("success"), Some("error"));
    assert_eq!(outcomes, [good, bad, bad, good, good]);
    assert_eq!(results[1]["to"], "nobody");
    assert!(
        results[2]["message"]
            .as_str()
            .is_some_and(|text| text.contains("video"))
    );
    hears_text(&customer, "first").await?;
    let heard = customer.hears_within(PATIENCE).await?;
    assert!(
        matches!(heard.content, HeardContent::Image { .. }),
        "{heard:?}"
    );
    let heard = customer.hears_within(PATIENCE).await?;
    let HeardContent::Document { file_name, .. } = heard.content else {
        anyhow::bail!("not a document: {:?}", heard.content);
    };
    assert_eq!(file_name.as_deref(), Some("offer.pdf"));

    for wrong in [
        json!([]),
        json!("text"),
        json!({ "to": TO, "type": "text", "text": { "body": "x" } }),
        json!({ "recipient_type": "group", "to": format!("{TO}@s.whatsapp.net"), "type": "text",
                "text": { "body": "x" } }),
        json!({ "recipient_type": "individual", "to": TO, "type": "image",
                "image": { "link": picture, "id": "x.png" } }),
        json!({ "recipient_type": "individual", "to": TO, "type": "image",
                "image": { "link": "http://10.0.0.1/x.png" } }),
        json!({ "recipient_type": "individual", "to": TO, "type": "document",
                "document": { "link": picture } }),
    ] {
        let tried = client.ask("POST", &path, Some(wrong.clone())).await?;
        refused(&tried, 400).with_context(|| wrong.to_string())?;
    }
    let tried = client.ask("POST", "/api/v1/messages", Some(text("x")));
    refused(&tried.await?, 400)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_message_is_taken_back_by_whoever_sent_it() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, SESSION, PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let path = format!("/api/v1/messages?sessionId={SESSION}");
    let sent = client.ask("POST", &path, Some(text("oops"))).await?;
    let id = sent.text_at("/messageId")?;
    hears_text(&customer, "oops").await?;
    let jid = format!("{TO}@s.whatsapp.net");
    let body = |id: &str| json!({ "sessionId": SESSION, "remoteJid": jid, "messageId": id });
    // It is on its way until the network has said that it has it.
    eventually("it can be taken back", || async {
        let deleted = client
            .ask("DELETE", "/api/v1/message", Some(body(id)))
            .await?;
        Ok((deleted.status != 409).then_some(deleted))
    })
    .await
    .and_then(|deleted| kept("gateway.delete-message", &deleted))?;
    let heard = customer.hears_within(PATIENCE).await?;
    assert!(
        matches!(heard.content, HeardContent::Revoke { .. }),
        "{heard:?}"
    );

    let theirs = customer.says(PHONE, "mine").await?;
    for id in ["3EB0D8E8D8F9A7B6", theirs.as_str()] {
        let tried = client
            .ask("DELETE", "/api/v1/message", Some(body(id)))
            .await?;
        refused(&tried, 404)?;
    }
    let missing = json!({ "sessionId": SESSION, "remoteJid": jid });
    refused(
        &client
            .ask("DELETE", "/api/v1/message", Some(missing))
            .await?,
        400,
    )?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_session_that_was_never_linked_sends_nothing() -> Result<()> {
    let host = host().await?;
    let client = Client::create(&host, SESSION).await?;
    let path = format!("/api/v1/messages?sessionId={SESSION}");
    refused(&client.ask("POST", &path, Some(text("x"))).await?, 503)?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn old_clients_send_with_a_token() -> Result<()> {
    let host = host().await?;
    let client = Client::linked(&host, "putra", PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let body = json!({ "sessionId": "putra", "number": TO, "message": "legacy" });
    let sent = client.ask("POST", "/api/send-message", Some(body.clone()));
    kept("gateway.legacy-send-message", &sent.await?)?;
    hears_text(&customer, "legacy").await?;
    let bearer = format!("Bearer {}", client.token);
    let (kind, fields) = form(&[("phone", TO), ("message", "a form")], None);
    let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
    let sent = client
        .api
        .call_with("POST", "/api/message", &headers, fields);
    kept("gateway.legacy-form-message", &sent.await?)?;
    hears_text(&customer, "a form").await?;
    let kind = "application/x-www-form-urlencoded";
    let headers = [("x-master-key", KEY), ("content-type", kind)];
    let fields = format!("phone=%2B{TO}&message=plain+form&sessionId=putra");
    let sent = client
        .api
        .call_with("POST", "/api/message", &headers, fields);
    kept("gateway.legacy-form-message", &sent.await?)?;
    hears_text(&customer, "plain form").await?;

    let none = client
        .api
        .call("POST", "/api/send-message", &[], Some(body))
        .await?;
    refused(&none, 401)?;
    let (kind, fields) = form(&[("phone", TO), ("message", "a form")], None);
    let headers = [("content-type", kind)];
    let none = client
        .api
        .call_with("POST", "/api/message", &headers, fields);
    refused(&none.await?, 401)?;
    let (kind, fields) = form(&[("phone", TO)], None);
    let headers = [("authorization", bearer.as_str()), ("content-type", kind)];
    let none = client
        .api
        .call_with("POST", "/api/message", &headers, fields);
    refused(&none.await?, 400)?;
    let body = json!({ "sessionId": "putra", "number": "nobody", "message": "x" });
    refused(
        &client.ask("POST", "/api/send-message", Some(body)).await?,
        400,
    )?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn old_clients_send_without_one_where_the_operator_opens_it() -> Result<()> {
    let host = host_with(|options| {
        let open = &mut options.dialects.documented_unsafe;
        open.insert(Switch::GatewayLegacyNoAuth);
    })
    .await?;
    let client = Client::linked(&host, "putra", PHONE).await?;
    let customer = host.person(CUSTOMER, "Ada")?;
    let body = json!({ "number": TO, "message": "for everybody" });
    let sent = client
        .api
        .call("POST", "/api/send-message", &[], Some(body))
        .await?;
    kept("gateway.legacy-send-message", &sent)?;
    hears_text(&customer, "for everybody").await?;
    // Sessions of other APIs stay theirs.
    host.connected_session("shop", "+15550124").await?;
    let body = json!({ "sessionId": "shop", "number": TO, "message": "x" });
    let other = client
        .api
        .call("POST", "/api/send-message", &[], Some(body))
        .await?;
    refused(&other, 404)?;
    let rooted = host.api().at(&host.dialect_url(Dialect::Gateway)?);
    let headers = [("authorization", "Bearer nonsense")];
    let body = json!({ "number": TO, "message": "x" });
    let wrong = rooted
        .call("POST", "/api/send-message", &headers, Some(body))
        .await?;
    refused(&wrong, 401)?;
    host.stop().await;
    Ok(())
}

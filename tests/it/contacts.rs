//! People over the simulated network: names, numbers, profiles, blocking, the own profile.

use anyhow::Result;
use serde_json::json;
use warbler_tests::{TestHost, eventually};

const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";
const CONTACTS: &str = "/v1/sessions/shop/contacts";

/// A PNG of one pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[tokio::test]
async fn people_are_known_by_the_name_they_show() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    shop.has_received("hello").await?;
    let path = format!("{CONTACTS}/{ADA}");
    let contact = host.api().get(&path).await?.expect(200)?;
    assert_eq!(contact.body["pushName"], "Ada");
    ada.renames_self("Ada Lovelace");
    ada.says(OWNER, "my name is new").await?;
    shop.has_received("my name is new").await?;
    let contact = host.api().get(&path).await?.expect(200)?;
    assert_eq!(contact.body["pushName"], "Ada Lovelace");
    let chat = format!("/v1/sessions/shop/chats/{ADA}");
    assert_eq!(
        host.api().get(&chat).await?.expect(200)?.body["name"],
        "Ada Lovelace"
    );
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn numbers_are_checked() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    host.person(ADA, "Ada")?;
    let body = json!({ "numbers": [ADA, "+15559999", ADA] });
    let path = format!("{CONTACTS}/check");
    let checked = host.api().post(&path, body.clone()).await?.expect(200)?;
    let items = checked.body["items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let there: Vec<_> = items
        .iter()
        .map(|item| item["onWhatsapp"] == true)
        .collect();
    assert_eq!(there, [true, false, true], "{}", checked.body);
    assert_eq!(
        items.first().map(|item| &item["jid"]),
        Some(&json!("15550100@s.whatsapp.net"))
    );
    // The answers are kept, so the network need not be there.
    host.api()
        .order("/v1/sessions/shop/stop")
        .await?
        .expect(200)?;
    let again = host.api().post(&path, body).await?.expect(200)?;
    assert_eq!(again.body, checked.body);
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_profile_and_a_picture_are_looked_at() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.sets_about("Mathematician").await?;
    let profile = format!("{CONTACTS}/{ADA}/profile");
    let profile = host.api().get(&profile).await?.expect(200)?;
    assert_eq!(
        (&profile.body["about"], &profile.body["phone"]),
        (&json!("Mathematician"), &json!(ADA))
    );
    let picture = format!("{CONTACTS}/{ADA}/picture");
    assert_eq!(
        host.api().get(&picture).await?.refusal(),
        (404, "no_picture")
    );
    ada.sets_picture(b"\xff\xd8\xff a picture").await?;
    let shown = host.api().get(&picture).await?.expect(200)?;
    assert!(!shown.text_at("/id")?.is_empty() && shown.text_at("/url")?.starts_with("http"));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_is_blocked_is_listed_and_let_go() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let ada = host.person(ADA, "Ada")?;
    ada.says(OWNER, "hello").await?;
    shop.has_received("hello").await?;
    let blocked = "/v1/sessions/shop/blocked";
    let one = format!("{blocked}/{ADA}");
    host.api().put(&one, json!({})).await?.expect(204)?;
    let listed = host.api().get(blocked).await?.expect(200)?;
    assert_eq!(
        listed.body["items"],
        json!([{ "jid": "15550100@s.whatsapp.net" }])
    );
    host.api().delete(&one).await?.expect(204)?;
    let listed = host.api().get(blocked).await?.expect(200)?;
    assert_eq!(listed.body["items"], json!([]));
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_own_profile_is_changed() -> Result<()> {
    let host = TestHost::start().await?;
    let shop = host.connected_session("shop", OWNER).await?;
    let profile = "/v1/sessions/shop/profile";
    let body = json!({ "about": "Open from 9 to 6" });
    host.api().patch(profile, body).await?.expect(204)?;
    assert_eq!(shop.owner().about(), "Open from 9 to 6");
    let picture = json!({ "data": PIXEL });
    host.api()
        .put(&format!("{profile}/picture"), picture)
        .await?
        .expect(204)?;
    let taken = eventually("the picture is shown", || async {
        Ok(shop.owner().picture())
    })
    .await?;
    assert!(taken.starts_with(b"\xff\xd8\xff"), "it is a JPEG");
    let shown = host.api().get(profile).await?.expect(200)?;
    assert_eq!(shown.body["about"], "Open from 9 to 6");
    assert!(shown.body["picture"]["id"].is_string());
    host.api()
        .delete(&format!("{profile}/picture"))
        .await?
        .expect(204)?;
    assert_eq!(shop.owner().picture(), None);
    host.stop().await;
    Ok(())
}

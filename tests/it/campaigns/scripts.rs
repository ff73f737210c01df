//! Campaigns whose messages are written by scripts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_tests::{TestHost, hears_text};

use super::{OWNER, becomes, campaign, make, order, people, texts};

const WRITER: &str = r#"// A greeting by the city.
fn render(recipient) {
    if recipient.fields.city == "Atlantis" { throw "there is no Atlantis"; }
    `Hi ${recipient.name}, see you in ${recipient.fields.city}! ${fill("{Bye|Bye} {{name}}", #{ name: recipient.name })}`
}
"#;

#[tokio::test]
async fn a_script_writes_each_message_and_what_it_throws_is_told_of_the_recipient() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let people = people(&host, 3)?;
    host.put_script("by_city", WRITER).await?;
    let mut body = campaign("not looked at", 3);
    body["template"] = json!("by_city");
    for (index, city) in ["Rome", "Atlantis", "Oslo"].into_iter().enumerate() {
        body["recipients"][index]["fields"] = json!({ "city": city });
    }
    let path = make(&host, body).await?;
    order(&host, &path, "start").await?;
    let through = |one: &Value| one["state"] == "completed";
    let done = becomes(&host, &path, "it is through", through).await?;
    assert_eq!(done["counts"]["failed"], 1, "{done}");
    hears_text(&people[0], "Hi P0, see you in Rome! Bye P0").await?;
    hears_text(&people[2], "Hi P2, see you in Oslo! Bye P2").await?;
    ensure!(texts(&people[1]).is_empty(), "nothing is sent half-written");
    let failed = host
        .api()
        .get(&format!("{path}/recipients?state=failed"))
        .await?
        .expect(200)?
        .body;
    assert_eq!(failed["items"][0]["code"], "script-error", "{failed}");
    ensure!(
        failed["items"][0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("there is no Atlantis")),
        "{failed}"
    );

    // Corrected, it is retried for those it failed for.
    host.put_script(
        "by_city",
        &WRITER.replace("== \"Atlantis\"", "== \"El Dorado\""),
    )
    .await?;
    order(&host, &path, "retry").await?;
    hears_text(&people[1], "Hi P1, see you in Atlantis! Bye P1").await?;
    host.stop().await;
    Ok(())
}

//! Very many rules.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use warbler_domain::{Clock as _, Random, Rule, RuleId, RuleSpec, SystemClock};
use warbler_store::{Store, StoreOptions};
use warbler_tests::TestHost;

use super::{ADA, OWNER, answer_to};

#[tokio::test]
async fn ten_thousand_rules_answer_and_one_more_is_refused() -> Result<()> {
    let mut host = TestHost::start().await?;
    host.connected_session("shop", OWNER).await?;
    let path = host.data().join(warbler_cli::host::DATABASE);
    host.while_stopped(fill(path)).await?;
    host.is_connected("shop").await?;
    let ada = host.person(ADA, "Ada")?;
    assert_eq!(
        answer_to(&ada, "tell me about product 9876x").await?,
        "product 9876 costs $76"
    );
    let seen = super::tried(
        &host,
        json!({ "session": "shop", "text": "of product 17x?" }),
    )
    .await?;
    assert_eq!(seen["used"], json!(["product 17"]));
    assert_eq!(seen["rules"].as_array().map(Vec::len), Some(10_000));
    let more = json!({ "name": "one more", "then": ["stop"] });
    let refused = host.api().post("/v1/rules", more).await?;
    assert_eq!(refused.refusal(), (409, "too_many_rules"));
    host.stop().await;
    Ok(())
}

/// Puts as many rules as there may be into a database.
async fn fill(path: std::path::PathBuf) -> Result<()> {
    let store = Store::open(&StoreOptions::new(path))?;
    let (random, now) = (Random::seeded(9), SystemClock.now());
    let mut rules = Vec::new();
    for number in 0..Rule::MOST {
        let spec = json!({
            "name": format!("product {number}"),
            "when": [{ "containsAny": [format!("product {number}x"), format!("item {number}x")] }],
            "then": [{ "reply": format!("product {number} costs ${}", number % 100) }],
        });
        let spec: RuleSpec = serde_json::from_value(spec).context("a rule")?;
        rules.push(Rule {
            id: RuleId::new(now, &random),
            owner: None,
            session: None,
            enabled: true,
            spec,
            created_at: now,
            updated_at: now,
        });
    }
    ensure!(rules.len() == Rule::MOST, "all of them");
    let written = store.write(move |tx| {
        for rule in &rules {
            tx.rules_mut().put(rule)?;
        }
        Ok::<_, warbler_store::Error>(())
    });
    written.await?;
    store.close().await;
    Ok(())
}

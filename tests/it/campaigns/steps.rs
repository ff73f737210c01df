//! Steps that move thousands of recipients on: taken at once, carried out a part at a time, by the
//! next host if this one is killed.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use warbler_simulator::{Network, NetworkOptions};
use warbler_tests::{Answer, HostProcess, eventually, hears_text, link, reaches_state};

use super::{OWNER, campaign, number};

const MANY: usize = 3_000;

/// A host in a process of its own, with a session.
struct Shop {
    host: HostProcess,
    network: Network,
    _dir: tempfile::TempDir,
}

impl Shop {
    async fn open() -> Result<Self> {
        let network = Network::start(NetworkOptions::default()).await?;
        let dir = tempfile::tempdir()?;
        // Nobody's text can be written but that of the first.
        let writer = "fn render(recipient) {\n    if recipient.name != \"P0\" { throw \"no\"; }\n    \
                      \"Hi \" + recipient.name\n}\n";
        std::fs::create_dir_all(dir.path().join("scripts"))?;
        std::fs::write(dir.path().join("scripts/writer.rhai"), writer)?;
        let binary = env!("CARGO_BIN_EXE_host-under-test");
        let host = HostProcess::start(binary, dir.path(), &network).await?;
        let owner = network.person(OWNER, "Owner")?;
        link(host.api(), "shop", &owner).await?;
        Ok(Self {
            host,
            network,
            _dir: dir,
        })
    }

    async fn make(&self, body: Value) -> Result<String> {
        let made = self.host.api().post("/v1/campaigns", body).await?;
        Ok(format!(
            "/v1/campaigns/{}",
            made.expect(201)?.text_at("/id")?
        ))
    }

    async fn order(&self, path: &str, what: &str) -> Result<Answer> {
        self.host.api().order(&format!("{path}/{what}")).await
    }

    async fn shown(&self, path: &str) -> Result<Value> {
        Ok(self.host.api().get(path).await?.expect(200)?.body)
    }

    /// Waits until a campaign is through with so many failures.
    async fn is_through(&self, path: &str, run: u64, failed: usize) -> Result<Value> {
        let through = eventually("it is through", || async {
            let shown = self.shown(path).await?;
            let through = shown["state"] == "completed"
                && shown["run"] == run
                && shown["counts"]["failed"] == failed
                && shown["counts"]["delivered"] == 1;
            Ok(through.then_some(shown))
        });
        through.await.with_context(|| self.host.log())
    }
}

#[tokio::test]
async fn many_who_are_left_out_are_so_at_once_and_after_a_crash() -> Result<()> {
    let mut shop = Shop::open().await?;
    let path = shop.make(campaign("Hi", MANY)).await?;
    let cancelled = shop.order(&path, "cancel").await?.expect(200)?.body;
    // Most of them are still to be written; nobody sees that.
    shop.host.kill()?;
    ensure!(cancelled["state"] == "cancelled", "{cancelled}");
    assert_eq!(cancelled["counts"]["cancelled"], MANY);
    shop.host.start_again().await?;
    let shown = shop.shown(&path).await?;
    assert_eq!(
        (
            &shown["state"],
            &shown["counts"]["cancelled"],
            &shown["counts"]["planned"]
        ),
        (&json!("cancelled"), &json!(MANY), &json!(0))
    );
    let list = format!("{path}/recipients");
    let page = shop
        .shown(&format!("{list}?state=cancelled&limit=200"))
        .await?;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(200));
    let page = shop.shown(&format!("{list}?state=planned")).await?;
    assert_eq!(page["items"], json!([]));
    let export = shop.host.api().text(&format!("{path}/export.csv")).await?;
    let left_out = export.lines().filter(|line| line.contains(",cancelled"));
    assert_eq!(left_out.count(), MANY);
    // None of them is taken up again.
    let retry = shop.order(&path, "retry").await?;
    assert_eq!(retry.refusal(), (409, "campaign_nothing_failed"));
    shop.host.kill()?;
    shop.network.stop().await;
    Ok(())
}

#[tokio::test]
async fn many_for_whom_it_failed_are_tried_once_more_though_the_host_is_killed() -> Result<()> {
    let mut shop = Shop::open().await?;
    let first = shop.network.person(&number(0), "P0")?;
    let mut body = campaign("x", MANY);
    body["template"] = json!("writer");
    body["rules"] = json!({ "delayMillis": 0, "checkNumbers": false });
    let path = shop.make(body).await?;
    shop.order(&path, "start").await?.expect(200)?;
    shop.is_through(&path, 1, MANY - 1).await?;
    let again = shop.order(&path, "retry").await?.expect(200)?.body;
    shop.host.kill()?;
    assert_eq!(
        (
            &again["state"],
            &again["counts"]["failed"],
            &again["counts"]["planned"]
        ),
        (&json!("running"), &json!(0), &json!(MANY - 1))
    );
    shop.host.start_again().await?;
    reaches_state(shop.host.api(), "shop", "connected").await?;
    let shown = shop.shown(&path).await?;
    ensure!(
        shown["run"] == 2 && shown["counts"]["total"] == MANY,
        "{shown}"
    );
    shop.is_through(&path, 2, MANY - 1).await?;
    hears_text(&first, "Hi P0").await?;
    ensure!(first.heard().len() == 1, "{:?}", first.heard());
    // What is cancelled in the middle of it stays as it is then.
    shop.order(&path, "retry").await?.expect(200)?;
    let cancelled = shop.order(&path, "cancel").await?.expect(200)?.body;
    let counts = &cancelled["counts"];
    assert_eq!(
        (&cancelled["state"], &counts["planned"]),
        (&json!("cancelled"), &json!(0))
    );
    let of = |name: &str| counts[name].as_u64().unwrap_or_default();
    assert_eq!(of("failed") + of("cancelled"), MANY as u64 - 1, "{counts}");
    shop.host.kill()?;
    shop.network.stop().await;
    Ok(())
}

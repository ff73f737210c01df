//! Lists of recipients: how long one of 100,000 is looked at, and made a campaign.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use warbler_app::campaigns::csv::{CsvReader, Mapping};
use warbler_tests::TestHost;

use crate::resident;

const ROWS: usize = 100_000;
const RUNS: usize = 5;
/// How long others are looked at behind a step, which is carried out by then.
const AFTER: Duration = Duration::from_secs(5);

/// A list as a shop has it: number, name, company, city and a note.
fn list() -> String {
    let mut text = "number,name,company,city,note\n".to_owned();
    for row in 0..ROWS {
        text.push_str(&format!(
            "+1555{row:07},Person {row},\"Company {row}, Ltd\",London,ordered {} times\n",
            row % 17
        ));
    }
    text
}

/// How long a file is looked at, and how much memory its recipients take.
pub(crate) fn preview() -> Result<()> {
    let file = list();
    let mut best = Duration::MAX;
    let before = resident()?;
    let mut kept = None;
    for _ in 0..RUNS {
        drop(kept.take());
        let begun = Instant::now();
        let mut reader = CsvReader::new(Mapping::default());
        for piece in file.as_bytes().chunks(64 * 1024) {
            reader.push(piece)?;
        }
        kept = Some(reader.finish()?);
        best = best.min(begun.elapsed());
    }
    let after = resident()?;
    let good = kept.map_or(0, |list| list.good.len());
    let seconds = best.as_secs_f64();
    println!(
        "csv: {good} recipients of {:.1} MB in {:.0} ms ({:.0} MB/s), {:.0} MB of memory",
        file.len() as f64 / 1e6,
        seconds * 1e3,
        file.len() as f64 / 1e6 / seconds,
        after.saturating_sub(before) as f64 / 1e3
    );
    Ok(())
}

/// How long it takes to make a campaign of a file, over the API, and what others notice of it; the
/// same of steps that move all its recipients on.
pub(crate) async fn planning() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", "+15550001").await?;
    let size = database(&host)?;
    let before = resident()?;
    let (path, planned) = planned(&host, json!({ "text": "Hi {{Name}} of {{Company}}" })).await?;
    println!(
        "plan: {ROWS} recipients in {:.2} s, {:.0} MB more memory at most, {:.0} MB more on disk; \
         another write waited {:.0} ms at most",
        planned.took.as_secs_f64(),
        planned.peak.saturating_sub(before) as f64 / 1e3,
        database(&host)?.saturating_sub(size) as f64 / 1e6,
        planned.longest.as_secs_f64() * 1e3
    );
    step(&host, &path, "cancel").await?;
    // Of another one nobody's text can be written.
    host.put_script("writer", "fn render(recipient) { throw \"no\"; }")
        .await?;
    let (path, _) = self::planned(&host, json!({ "text": "x", "template": "writer" })).await?;
    host.api()
        .order(&format!("{path}/start"))
        .await?
        .expect(200)?;
    loop {
        let shown = host.api().get(&path).await?.expect(200)?.body;
        if shown["state"] == "completed" {
            break;
        }
        tokio::time::sleep(AFTER / 10).await;
    }
    step(&host, &path, "retry").await?;
    host.stop().await;
    Ok(())
}

/// Plans a campaign for the whole list; its path, and what others noticed.
async fn planned(host: &TestHost, message: Value) -> Result<(String, Noticed)> {
    let mut body = json!({
        "name": "All", "sessions": ["shop"], "message": { "text": message["text"] },
        "rules": { "delayMillis": 0, "checkNumbers": false },
    });
    if let Some(body) = body.as_object_mut()
        && message["template"].is_string()
    {
        body.insert("template".to_owned(), message["template"].clone());
    }
    let made = host.api().post("/v1/campaigns", body).await?.expect(201)?;
    let path = format!("/v1/campaigns/{}", made.text_at("/id")?);
    let (api, recipients) = (host.api().clone(), format!("{path}/recipients"));
    let file = list().into_bytes();
    let planning = async move {
        let planned = api
            .put_as("text/csv", &recipients, file)
            .await?
            .expect(200)?;
        let total = planned.body["counts"]["total"].as_u64();
        ensure!(total == Some(ROWS as u64), "{}", planned.body);
        Ok(())
    };
    Ok((path, noticed(host, planning).await?))
}

/// Takes a step with a campaign, and looks at others while it is carried out.
async fn step(host: &TestHost, path: &str, what: &'static str) -> Result<()> {
    let (api, order) = (host.api().clone(), format!("{path}/{what}"));
    let (told, answered) = tokio::sync::oneshot::channel();
    let stepping = async move {
        let begun = Instant::now();
        api.order(&order).await?.expect(200)?;
        // Whoever waits for it is gone only when this has failed.
        told.send(begun.elapsed()).ok();
        tokio::time::sleep(AFTER).await;
        Ok(())
    };
    let noticed = noticed(host, stepping).await?;
    println!(
        "{what}: {ROWS} recipients, answered after {:.0} ms; another write waited {:.0} ms at most",
        answered.await?.as_secs_f64() * 1e3,
        noticed.longest.as_secs_f64() * 1e3
    );
    Ok(())
}

/// What others notice of some work.
struct Noticed {
    took: Duration,
    /// The longest that one of them waited for a write.
    longest: Duration,
    /// The most memory meanwhile, in KiB.
    peak: u64,
}

/// Does some work while others write.
async fn noticed(
    host: &TestHost,
    work: impl Future<Output = Result<()>> + Send + 'static,
) -> Result<Noticed> {
    let begun = Instant::now();
    let work = tokio::spawn(work);
    let (mut longest, mut peak) = (Duration::ZERO, resident()?);
    let note = json!({ "to": "+15550999", "reason": "" });
    while !work.is_finished() {
        let asked = Instant::now();
        host.api()
            .post("/v1/suppressions", note.clone())
            .await?
            .expect(201)?;
        longest = longest.max(asked.elapsed());
        peak = peak.max(resident()?);
    }
    work.await??;
    Ok(Noticed {
        took: begun.elapsed(),
        longest,
        peak,
    })
}

/// The bytes of the database and its log.
fn database(host: &TestHost) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(host.data())? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().contains(".db") {
            bytes += entry.metadata()?.len();
        }
    }
    Ok(bytes)
}

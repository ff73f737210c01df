//! Lists of recipients: how long one of 100,000 is looked at, and made a campaign.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use warbler_app::campaigns::csv::{CsvReader, Mapping};
use warbler_tests::TestHost;

use crate::resident;

const ROWS: usize = 100_000;
const RUNS: usize = 5;

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

/// How long it takes to make a campaign of a file, over the API, and what others notice of it.
pub(crate) async fn planning() -> Result<()> {
    let host = TestHost::start().await?;
    let body = json!({ "name": "shop" });
    host.api().post("/v1/sessions", body).await?.expect(201)?;
    let body = json!({
        "name": "All", "sessions": ["shop"], "message": { "text": "Hi {{Name}} of {{Company}}" },
    });
    let made = host.api().post("/v1/campaigns", body).await?.expect(201)?;
    let path = format!("/v1/campaigns/{}", made.text_at("/id")?);
    let file = list().into_bytes();
    let size = database(&host)?;
    let before = resident()?;
    let api = host.api().clone();
    let list = format!("{path}/recipients");
    let begun = Instant::now();
    let planning = tokio::spawn(async move { api.put_as("text/csv", &list, file).await });
    // What others wait for a write meanwhile.
    let mut longest = Duration::ZERO;
    let mut peak = before;
    let note = json!({ "to": "+15550999", "reason": "" });
    while !planning.is_finished() {
        let asked = Instant::now();
        host.api()
            .post("/v1/suppressions", note.clone())
            .await?
            .expect(201)?;
        longest = longest.max(asked.elapsed());
        peak = peak.max(resident()?);
    }
    let planned = planning.await??.expect(200)?;
    let took = begun.elapsed();
    let total = planned.body["counts"]["total"].as_u64().context("counts")?;
    println!(
        "plan: {total} recipients in {:.2} s, {:.0} MB more memory at most, {:.0} MB more on disk; \
         another write waited {:.0} ms at most",
        took.as_secs_f64(),
        peak.saturating_sub(before) as f64 / 1e3,
        database(&host)?.saturating_sub(size) as f64 / 1e6,
        longest.as_secs_f64() * 1e3
    );
    host.stop().await;
    Ok(())
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

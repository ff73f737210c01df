//! A campaign's progress, drawn as it comes.
//!
//! The host tells how far a campaign is in `campaign.status` events; what is drawn is drawn over on a
//! terminal and printed line by line elsewhere. Receipts come after the end, so the last word is
//! asked for.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::{CampaignView, Counts, Out, read};
use crate::failure::Failure;
use crate::signals::asked_to_end;
use crate::terminal::{Screen, plain};

/// Width of the bar, in characters.
const BAR: usize = 40;
/// Longest time without a look at the host itself.
const LOOK: Duration = Duration::from_secs(5);

/// An event, as far as it is about a campaign.
#[derive(Deserialize)]
struct Told {
    campaign: Option<CampaignView>,
}

/// Draws until the campaign is over.
pub(super) async fn run(out: &Out, id: &str) -> Result<(), Failure> {
    let mut stream = out.client.events().await?;
    let mut view = look(out, id).await?;
    let begun = (Instant::now(), view.counts);
    let mut lines = draw(out, &view, begun, 0)?;
    while !is_over(&view.state) {
        let next = tokio::select! {
            next = stream.next() => next?,
            () = tokio::time::sleep(LOOK) => {
                view = look(out, id).await?;
                lines = draw(out, &view, begun, lines)?;
                continue;
            }
            asked = asked_to_end() => return Ok(asked?),
        };
        let Some(sent) = next else {
            return Err(Failure::failed(
                "the host has ended the stream; it is stopping",
            ));
        };
        if sent.kind != "campaign.status" {
            continue;
        }
        let told: Option<Told> = serde_json::from_str(&sent.data).ok();
        if let Some(told) = told
            .and_then(|told| told.campaign)
            .filter(|one| one.id == id)
        {
            view = told;
            lines = draw(out, &view, begun, lines)?;
        }
    }
    Ok(())
}

async fn look(out: &Out, id: &str) -> Result<CampaignView, Failure> {
    read(&out.client.get_json(&["campaigns", id]).await?)
}

fn is_over(state: &str) -> bool {
    matches!(state, "completed" | "cancelled" | "failed")
}

/// Draws where a campaign is over what was drawn; how many lines that are.
fn draw(
    out: &Out,
    view: &CampaignView,
    begun: (Instant, Counts),
    lines: usize,
) -> Result<usize, Failure> {
    if out.json {
        let counts = view.counts;
        out.screen.line(serde_json::json!({
            "id": view.id, "state": view.state, "total": counts.total, "reached": counts.reached,
            "planned": counts.planned, "queued": counts.queued, "delivered": counts.delivered,
            "read": counts.read, "failed": counts.failed, "invalid": counts.invalid,
            "suppressed": counts.suppressed,
        }))?;
        return Ok(0);
    }
    out.screen.take_back(lines)?;
    let drawn = drawing(view, begun.0.elapsed(), begun.1, out.screen);
    for line in &drawn {
        out.screen.line(line)?;
    }
    Ok(drawn.len())
}

fn drawing(view: &CampaignView, since: Duration, at_first: Counts, screen: Screen) -> Vec<String> {
    let counts = view.counts;
    let dealt = counts.total.saturating_sub(counts.planned + counts.queued);
    let before = at_first
        .total
        .saturating_sub(at_first.planned + at_first.queued);
    let rate = dealt.saturating_sub(before) as f64 / since.as_secs_f64().max(0.001);
    let left = counts.planned + counts.queued;
    let eta = match view.state.as_str() {
        "running" if rate > 0.0 => format!(", {} left", clock(left as f64 / rate)),
        _ => String::new(),
    };
    let reason = view
        .reason
        .as_deref()
        .map_or_else(String::new, |reason| format!(": {}", plain(reason, 100)));
    let filled = (dealt as usize * BAR)
        .checked_div(counts.total as usize)
        .unwrap_or(0);
    let filled = filled.min(BAR);
    vec![
        format!(
            "{}  {}{reason}",
            screen.strong(plain(&view.name, 60)),
            screen.accent(&view.state)
        ),
        format!(
            "{}{} {dealt}/{}  {rate:.1}/s{eta}",
            screen.good("█".repeat(filled)),
            screen.faint("░".repeat(BAR - filled)),
            counts.total
        ),
        format!(
            "planned {}  queued {}  reached {} (delivered {}, read {})  failed {}  invalid {}  suppressed {}",
            counts.planned,
            counts.queued,
            counts.reached,
            counts.delivered,
            counts.read,
            counts.failed,
            counts.invalid,
            counts.suppressed
        ),
    ]
}

/// A time as hours, minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds.min(359_999.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;

    #[test]
    fn a_campaign_is_drawn_with_its_bar_rate_and_rest() {
        let view = CampaignView {
            id: "x".to_owned(),
            name: "Menu".to_owned(),
            state: "running".to_owned(),
            reason: None,
            counts: Counts {
                total: 100,
                planned: 49,
                queued: 1,
                reached: 48,
                invalid: 2,
                ..Counts::default()
            },
        };
        let first = Counts {
            total: 100,
            planned: 100,
            ..Counts::default()
        };
        let screen = Screen::of_process(&Environment::default());
        let lines = drawing(&view, Duration::from_secs(10), first, screen);
        assert!(lines[1].contains("50/100  5.0/s, 0:10 left"), "{lines:?}");
        assert_eq!(lines[1].matches('█').count(), BAR / 2);
        assert!(lines[2].contains("invalid 2"), "{lines:?}");
    }
}

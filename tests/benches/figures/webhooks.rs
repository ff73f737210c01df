//! Deliveries to a fast receiver in a second, and what a dead one beside it costs.
//!
//! Deliveries are made and given up first, since the receiver refuses them; what is measured is how
//! fast they arrive when all are replayed together. Host and receiver share one process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warbler_app::Settings;
use warbler_app::webhooks::WebhookSettings;
use warbler_tests::{TestHost, eventually, quick_settings};

/// Deliveries; the host replays 10,000 at once.
const DELIVERIES: usize = 9_000;
/// Events that one message makes.
const EACH: usize = 30;
const OWNER: &str = "+15550001";
const ADA: &str = "+15550100";

/// Deliveries per second to a fast receiver, alone and beside one that never answers.
pub(crate) async fn deliveries_per_second() -> Result<()> {
    let alone = run(false).await?;
    let beside = run(true).await?;
    println!(
        "webhooks: {alone:.0} deliveries/s to a fast receiver, {beside:.0}/s beside one that never answers ({:+.1} %)",
        (beside / alone - 1.0) * 100.0
    );
    Ok(())
}

async fn run(with_dead: bool) -> Result<f64> {
    let moment = Duration::from_millis(1);
    let settings = Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        loop_guard: 0,
        webhooks: WebhookSettings {
            tried_for: moment,
            first_rest: moment,
            longest_rest: moment,
            ..WebhookSettings::default()
        },
        ..quick_settings()
    };
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let script = format!(
        "fn on_message(message) {{ for n in 0..{EACH} {{ emit(\"custom.tick\", #{{ n: n }}); }} }}"
    );
    host.put_script("ticks", &script).await?;
    let receiver = Arc::new(Receiver::default());
    let url = serve(Arc::clone(&receiver)).await?;
    let path = webhook(&host, &url).await?;
    let ada = host.person(ADA, "Ada")?;
    for n in 0..DELIVERIES / EACH {
        ada.says(OWNER, &format!("go {n}")).await?;
    }
    let mut known = 0;
    while known < DELIVERIES {
        // How long all of them take says nothing; that no more come would.
        known = eventually("more are given up", || async {
            let webhook = host.api().get(&path).await?.expect(200)?.body;
            let dead = webhook["dead"].as_u64().unwrap_or_default() as usize;
            Ok((dead > known).then_some(dead))
        })
        .await?;
    }
    // Bound, and never accepted from.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    if with_dead {
        webhook(&host, &format!("http://{}/", silent.local_addr()?)).await?;
        ada.says(OWNER, "and the dead one").await?;
    }
    receiver.open.store(true, Ordering::Release);
    let began = Instant::now();
    host.api()
        .order(&format!("{path}/replay"))
        .await?
        .expect(202)?;
    eventually("all arrive", || async {
        let heard = receiver.heard.load(Ordering::Acquire);
        Ok((heard >= DELIVERIES).then_some(()))
    })
    .await?;
    let rate = DELIVERIES as f64 / began.elapsed().as_secs_f64();
    let more = if with_dead { EACH } else { 0 };
    let heard = receiver.heard.load(Ordering::Acquire);
    ensure!(heard <= DELIVERIES + more, "{heard} arrived");
    host.stop().await;
    Ok(rate)
}

async fn webhook(host: &TestHost, url: &str) -> Result<String> {
    let new = json!({ "url": url, "events": ["custom.tick"] });
    let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
    Ok(format!("/v1/webhooks/{}", made.text_at("/webhook/id")?))
}

/// A receiver that answers at once.
#[derive(Default)]
struct Receiver {
    /// Whether it takes anything.
    open: AtomicBool,
    /// What it has taken.
    heard: AtomicUsize,
}

async fn serve(receiver: Arc<Receiver>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let receiver = Arc::clone(&receiver);
            // A host that has nothing more to say hangs up.
            tokio::spawn(async move { drop(answer(stream, &receiver).await) });
        }
    });
    Ok(url)
}

async fn answer(mut stream: TcpStream, receiver: &Receiver) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::with_capacity(4096);
    loop {
        while !is_whole(&received) {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        }
        received.clear();
        let status = if receiver.open.load(Ordering::Acquire) {
            receiver.heard.fetch_add(1, Ordering::AcqRel);
            "204 No Content"
        } else {
            "503 Service Unavailable"
        };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Whether a request is there to its end; one waits for its answer before the next.
fn is_whole(received: &[u8]) -> bool {
    let Some(head) = received.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let text = String::from_utf8_lossy(received.get(..head).unwrap_or_default());
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let wanted = name.eq_ignore_ascii_case("content-length");
        wanted.then(|| value.trim().parse::<usize>().ok()).flatten()
    });
    received.len() >= head + 4 + length.unwrap_or(0)
}

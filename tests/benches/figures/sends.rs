//! Sends by request: how many are accepted in a second, each durable before its answer.
//!
//! The session is stopped meanwhile, so that what is measured is acceptance and not the sending.
//! The client writes ready-made bytes on kept connections, because it shares the processors.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use warbler_tests::{KEY, TestHost};

use crate::spread;

const CONNECTIONS: usize = 64;
const EACH: usize = 500;

/// Requests per second over 64 connections, and how long one takes.
pub(crate) async fn accepted_per_second() -> Result<()> {
    let host = TestHost::start().await?;
    host.connected_session("shop", "+15550001").await?;
    host.api()
        .post("/v1/sessions/shop/stop", serde_json::json!({}))
        .await?;
    let url = host.api().base().to_owned();
    let address = url.trim_start_matches("http://").to_owned();
    let began = Instant::now();
    let mut running = JoinSet::new();
    for number in 0..CONNECTIONS {
        let address = address.clone();
        running.spawn(async move { send_many(&address, number).await });
    }
    let mut answers = Vec::with_capacity(CONNECTIONS * EACH);
    while let Some(finished) = running.join_next().await {
        answers.extend(finished??);
    }
    let rate = answers.len() as f64 / began.elapsed().as_secs_f64();
    let answers = spread(answers);
    println!(
        "accepted sends: {rate:.0} requests/s over {CONNECTIONS} connections, median {:.1?}, p99 {:.1?}",
        answers.median, answers.p99
    );
    host.stop().await;
    Ok(())
}

async fn send_many(address: &str, number: usize) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut answers = Vec::with_capacity(EACH);
    let mut buffer = vec![0; 16 * 1024];
    for turn in 0..EACH {
        let body = format!(r#"{{"to":"+1666{number:07}","text":"message {turn}"}}"#);
        let request = format!(
            "POST /v1/sessions/shop/messages HTTP/1.1\r\nHost: {address}\r\nX-API-Key: {KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let asked = Instant::now();
        stream.write_all(request.as_bytes()).await?;
        read_answer(&mut stream, &mut buffer).await?;
        answers.push(asked.elapsed());
    }
    Ok(answers)
}

/// Reads one answer to its end; it must be a 202.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<()> {
    let mut have = 0;
    loop {
        let room = buffer.get_mut(have..).context("room for the answer")?;
        let read = stream.read(room).await?;
        ensure!(read > 0, "the host closed the connection");
        have += read;
        let text = std::str::from_utf8(buffer.get(..have).unwrap_or_default())?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        ensure!(head.starts_with("HTTP/1.1 202"), "{text}");
        let length: usize = head
            .lines()
            .find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let wanted = name.eq_ignore_ascii_case("content-length");
                wanted.then(|| value.trim().parse().ok()).flatten()
            })
            .context("a length")?;
        if body.len() >= length {
            return Ok(());
        }
    }
}

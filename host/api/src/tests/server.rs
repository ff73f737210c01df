//! The connections: over a real socket.

use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::harness::{KEY, TestApi};
use crate::server::{STALLED, serve};

/// Reads until what was read contains `mark`.
async fn read_until(stream: &mut TcpStream, mark: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut chunk = [0u8; 4096];
    while !text.contains(mark) {
        let size = tokio::time::timeout(Duration::from_secs(20), stream.read(&mut chunk)).await??;
        anyhow::ensure!(size > 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(
            chunk.get(..size).context("read too much")?,
        )?);
    }
    Ok(text)
}

#[tokio::test]
async fn a_stop_ends_streams_and_idle_connections() -> anyhow::Result<()> {
    let api = TestApi::start().await?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(serve(
        listener,
        api.router.clone(),
        api.stop.clone(),
        STALLED,
    ));

    let mut idle = TcpStream::connect(address).await?;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    let answer = read_until(&mut idle, "}").await?;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("x-content-type-options: nosniff"),
        "{answer}"
    );
    // The same connection answers again.
    idle.write_all(b"GET /v1/sessions HTTP/1.1\r\nhost: x\r\n\r\n")
        .await?;
    assert!(
        read_until(&mut idle, "missing_key")
            .await?
            .starts_with("HTTP/1.1 401")
    );

    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET /v1/events/stream HTTP/1.1\r\nhost: x\r\nx-api-key: {KEY}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    assert!(
        read_until(&mut stream, "\r\n\r\n")
            .await?
            .contains("text/event-stream")
    );

    api.stop.cancel();
    tokio::time::timeout(Duration::from_secs(20), server).await???;
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    assert!(rest.ends_with(b"0\r\n\r\n"), "the stream ends in order");
    assert_eq!(idle.read_to_end(&mut rest).await?, 0);
    assert!(TcpStream::connect(address).await.is_err());
    Ok(())
}

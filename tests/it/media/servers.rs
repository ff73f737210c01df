//! Web servers for the host to fetch from, good ones and bad ones.

use std::net::SocketAddr;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warbler_app::Settings;
use warbler_tests::quick_settings;

/// Settings under which test servers on this machine may be reached.
pub(crate) fn reaching_this_machine() -> Result<Settings> {
    Ok(Settings {
        outbound: vec!["127.0.0.1".to_owned()].try_into()?,
        ..quick_settings()
    })
}

/// A server that answers every request with what `answer` writes.
pub(crate) async fn server<F, W>(answer: F) -> Result<SocketAddr>
where
    F: Fn(TcpStream) -> W + Send + 'static,
    W: Future<Output = std::io::Result<()>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok() {
                // A client that has heard enough hangs up.
                drop(answer(stream).await);
            }
        }
    });
    Ok(address)
}

/// A server that answers every request with this head and body.
pub(crate) async fn saying(head: &str, body: &[u8]) -> Result<SocketAddr> {
    let answer = [head.as_bytes(), b"\r\nConnection: close\r\n\r\n", body].concat();
    server(move |mut stream| {
        let answer = answer.clone();
        async move { stream.write_all(&answer).await }
    })
    .await
}

/// A server of one file, at every path.
pub(crate) async fn serving(body: &[u8]) -> Result<SocketAddr> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}", body.len());
    saying(&head, body).await
}

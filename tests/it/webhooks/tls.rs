//! Receivers with which no safe connection can be made.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use warbler_tests::TestHost;

use super::receiver::{OK, Receiver};
use super::{ADA, OWNER, becomes, impatient, shown, webhook};

/// A certificate for 127.0.0.1 that nobody but itself has signed, made for this test.
const CERTIFICATE: &[u8] = include_bytes!("self-signed.der");
const KEY: &[u8] = include_bytes!("self-signed-key.der");

/// A port behind which a certificate is shown that nobody trusts; what came through it is counted in
/// `heard`.
fn untrusted(heard: Arc<std::sync::atomic::AtomicUsize>) -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let provider = rustls::crypto::ring::default_provider();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY.to_vec()));
    let config = rustls::ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE.to_vec())], key)?;
    let config = Arc::new(config);
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let Ok(connection) = rustls::ServerConnection::new(Arc::clone(&config)) else {
                return;
            };
            let mut stream = rustls::StreamOwned::new(connection, stream);
            // It ends with an error as soon as the certificate is seen.
            if stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {
                heard.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        }
    });
    Ok(port)
}

/// A port behind which something else is spoken.
fn another_language() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            // Whoever asks may be gone before the answer.
            drop(stream.read(&mut [0; 512]));
            drop(stream.write_all(b"220 mail.example.com ESMTP ready\r\n"));
        }
    });
    Ok(port)
}

#[tokio::test]
async fn what_cannot_be_sent_safely_is_kept_and_told_and_delays_nobody() -> Result<()> {
    let mut settings = impatient()?;
    settings.webhooks.tried_for = Duration::from_millis(500);
    let host = TestHost::start_with(settings).await?;
    host.connected_session("shop", OWNER).await?;
    let heard = Arc::<std::sync::atomic::AtomicUsize>::default();
    let good = Receiver::start(|_| OK).await?;
    // It speaks, but not TLS.
    let plain = Receiver::start(|_| OK).await?;
    let bad = [
        format!("https://127.0.0.1:{}/hook", untrusted(Arc::clone(&heard))?),
        format!("https://127.0.0.1:{}/hook", another_language()?),
        plain.secure_url(),
    ];
    let mut paths = Vec::new();
    for url in &bad {
        let new = json!({ "url": url, "events": ["message.received"] });
        let made = host.api().post("/v1/webhooks", new).await?.expect(201)?;
        paths.push(format!("/v1/webhooks/{}", made.text_at("/webhook/id")?));
    }
    let (good_path, _) = webhook(&host, &good).await?;
    host.person(ADA, "Ada")?.says(OWNER, "hello").await?;
    assert_eq!(good.hears(1).await?[0].text(), "hello");
    becomes(&host, &good_path, "it arrived", |one| one["delivered"] == 1).await?;
    for (path, url) in paths.iter().zip(&bad) {
        becomes(&host, path, "it is given up", |one| one["dead"] == 1).await?;
        let dead = shown(&host, &format!("{path}/deliveries?state=dead")).await?;
        let last = dead["items"][0]["attempts"]
            .as_array()
            .and_then(|all| all.last());
        let last = last.context("an attempt")?;
        let code = last["error"].as_str().unwrap_or_default();
        ensure!(
            ["url_unreachable", "url_timeout"].contains(&code),
            "{url}: {last}"
        );
    }
    assert_eq!(
        heard.load(std::sync::atomic::Ordering::SeqCst),
        0,
        "nothing was sent"
    );
    assert_eq!(plain.heard().len(), 0);
    host.stop().await;
    Ok(())
}

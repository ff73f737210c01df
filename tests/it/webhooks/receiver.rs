//! Receivers of webhooks, good ones and bad ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use warbler_tests::eventually;

/// What a receiver does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reply {
    /// Answers with this head, and an empty body.
    Head(&'static str),
    /// Says nothing for as long as it is asked.
    Silence,
    /// Hangs up.
    HangUp,
    /// Begins an answer, a byte at a time.
    Drip,
    /// Answers 200 and then a body without end.
    Endless,
    /// Speaks something that is no HTTP.
    Nonsense,
}

/// All is well.
pub(crate) const OK: Reply = Reply::Head("200 OK");

/// A request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Its method and path, as they came.
    pub(crate) asked: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Heard {
    pub(crate) fn json(&self) -> Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The text of the message it tells.
    pub(crate) fn text(&self) -> String {
        let json = self.json().unwrap_or_default();
        json["message"]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether its body was signed with `secret` as other APIs do.
    pub(crate) fn is_plainly_signed_with(&self, secret: &str) -> Result<bool> {
        let mac = hmac_sha256(secret.as_bytes(), &[&self.body]);
        let expected = data_encoding::HEXLOWER.encode(&mac);
        Ok(self.header("x-webhook-signature") == format!("sha256={expected}"))
    }

    /// Whether it was signed with `secret`, worked out from the specification alone.
    pub(crate) fn is_signed_with(&self, secret: &str) -> Result<bool> {
        let key = secret.strip_prefix("whsec_").context("a secret")?;
        let (id, time) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = [id.as_bytes(), b".", time.as_bytes(), b".", &self.body];
        let mac = hmac_sha256(&BASE64.decode(key.as_bytes())?, &signed);
        let expected = format!("v1,{}", BASE64.encode(&mac));
        Ok(self.header("webhook-signature") == expected)
    }
}

/// HMAC-SHA256 as RFC 2104 has it, of these parts one after the other. It shares nothing with what
/// the host signs with but the hash.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut inner = Sha256::new();
    inner.update(block.map(|byte| byte ^ 0x36));
    parts.iter().for_each(|part| inner.update(part));
    let mut outer = Sha256::new();
    outer.update(block.map(|byte| byte ^ 0x5c));
    outer.update(inner.finalize());
    outer.finalize().into()
}

#[test]
fn the_signature_is_worked_out_as_the_standard_has_it() {
    // The second and sixth case of RFC 4231.
    let jefe = hmac_sha256(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
    assert_eq!(
        data_encoding::HEXLOWER.encode(&jefe),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    let long = hmac_sha256(
        &[0xaa; 131],
        &[b"Test Using Larger Than Block-Size Key - Hash Key First"],
    );
    assert_eq!(
        data_encoding::HEXLOWER.encode(&long),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

/// A receiver on this machine.
pub(crate) struct Receiver {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Receiver {
    /// One that does with its `n`th request, from 0, what `reply` says.
    pub(crate) async fn start(
        reply: impl Fn(usize) -> Reply + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let noted = Arc::clone(&heard);
        let reply = Arc::new(reply);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (noted, reply) = (Arc::clone(&noted), Arc::clone(&reply));
                tokio::spawn(async move {
                    let note = |one: Heard| {
                        let mut all = noted.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(one);
                        all.len() - 1
                    };
                    // A host that has heard enough hangs up.
                    drop(serve(stream, note, &*reply).await);
                });
            }
        });
        Ok(Self { address, heard })
    }

    /// Its URL as one that speaks TLS would have it.
    pub(crate) fn secure_url(&self) -> String {
        format!("https://{}/hook", self.address)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook?token=secret", self.address)
    }

    pub(crate) fn heard(&self) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    /// The first requests, when there are so many.
    pub(crate) async fn hears(&self, many: usize) -> Result<Vec<Heard>> {
        eventually("the receiver hears of it", || async {
            let heard = self.heard();
            Ok((heard.len() >= many).then_some(heard))
        })
        .await
    }
}

async fn serve(
    mut stream: TcpStream,
    note: impl Fn(Heard) -> usize,
    reply: &(dyn Fn(usize) -> Reply + Send + Sync),
) -> Result<()> {
    loop {
        let mut received = Vec::new();
        let head = loop {
            if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(received.get(..head).unwrap_or_default()).into_owned();
        let (first, lines) = text.split_once("\r\n").unwrap_or_default();
        let asked = first.trim_end_matches(" HTTP/1.1").to_owned();
        let lines = lines.lines().filter_map(|line| line.split_once(": "));
        let headers: BTreeMap<String, String> = lines
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length: usize = headers
            .get("content-length")
            .and_then(|length| length.parse().ok())
            .unwrap_or(0);
        let mut body = received.split_off(head);
        while body.len() < length {
            if stream.read_buf(&mut body).await? == 0 {
                return Ok(());
            }
        }
        match reply(note(Heard {
            asked,
            headers,
            body,
        })) {
            Reply::Head(head) => {
                let answer = format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await?;
            }
            Reply::Silence => {
                // Until the other side gives up.
                stream.read_u8().await?;
            }
            Reply::HangUp => return Ok(()),
            Reply::Drip => {
                for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\nX-Slow: " {
                    stream.write_u8(*byte).await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                return Ok(());
            }
            Reply::Endless => {
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                    .await?;
                loop {
                    stream.write_all(&[b'x'; 4096]).await?;
                }
            }
            Reply::Nonsense => {
                stream.write_all(b"\x15\x03\x01\x00\x02\x02\x0a").await?;
                return Ok(());
            }
        }
    }
}

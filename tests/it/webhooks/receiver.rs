//! Receivers of webhooks, good ones and bad ones.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
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
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())?;
        mac.update(&self.body);
        let expected = data_encoding::HEXLOWER.encode(&mac.finalize().into_bytes());
        Ok(self.header("x-webhook-signature") == format!("sha256={expected}"))
    }

    /// Whether it was signed with `secret`, worked out from the specification alone.
    pub(crate) fn is_signed_with(&self, secret: &str) -> Result<bool> {
        let key = secret.strip_prefix("whsec_").context("a secret")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&BASE64.decode(key.as_bytes())?)?;
        mac.update(self.header("webhook-id").as_bytes());
        mac.update(b".");
        mac.update(self.header("webhook-timestamp").as_bytes());
        mac.update(b".");
        mac.update(&self.body);
        let expected = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
        Ok(self.header("webhook-signature") == expected)
    }
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
        let lines = text
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(": "));
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
        match reply(note(Heard { headers, body })) {
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

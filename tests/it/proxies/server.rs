//! A small proxy: HTTP with `CONNECT` and whole addresses, or SOCKS5, with a password.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, bail, ensure};
use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Who may use it.
pub(super) const USER: &str = "shop";
pub(super) const PASSWORD: &str = "p@ss word";

/// How it is spoken to.
#[derive(Clone, Copy)]
pub(super) enum Speaks {
    Http,
    Socks,
}

/// A proxy that runs until it is dropped.
pub(super) struct TestProxy {
    pub(super) address: SocketAddr,
    led: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl TestProxy {
    pub(super) async fn start(speaks: Speaks) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let led = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&led);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let led = Arc::clone(&counted);
                tokio::spawn(async move { serve(stream, speaks, &led).await });
            }
        });
        Ok(Self { address, led, task })
    }

    /// How many connections it has led on.
    pub(super) fn led(&self) -> usize {
        self.led.load(Ordering::Acquire)
    }
}

impl Drop for TestProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, speaks: Speaks, led: &AtomicUsize) -> Result<()> {
    let mut there = match speaks {
        Speaks::Http => http(&mut stream).await?,
        Speaks::Socks => socks(&mut stream).await?,
    };
    led.fetch_add(1, Ordering::AcqRel);
    copy_bidirectional(&mut stream, &mut there).await?;
    Ok(())
}

async fn http(stream: &mut TcpStream) -> Result<TcpStream> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let text = String::from_utf8(head)?;
    let login = BASE64.encode(format!("{USER}:{PASSWORD}").as_bytes());
    let login = format!("proxy-authorization: basic {login}").to_lowercase();
    if !text.lines().any(|line| line.to_lowercase() == login) {
        stream
            .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            .await?;
        bail!("a stranger");
    }
    let (method, rest) = text.split_once(' ').context("a method")?;
    let (target, _) = rest.split_once(' ').context("a target")?;
    if method == "CONNECT" {
        let there = TcpStream::connect(target).await?;
        stream
            .write_all(b"HTTP/1.1 200 Here you are\r\n\r\n")
            .await?;
        return Ok(there);
    }
    let target = target.strip_prefix("http://").context("a whole address")?;
    let place = target.split('/').next().unwrap_or_default();
    let mut there = TcpStream::connect(place).await?;
    there.write_all(text.as_bytes()).await?;
    Ok(there)
}

async fn socks(stream: &mut TcpStream) -> Result<TcpStream> {
    let [version, offered] = bytes::<2>(stream).await?;
    ensure!(version == 5, "another protocol");
    let mut methods = vec![0; usize::from(offered)];
    stream.read_exact(&mut methods).await?;
    ensure!(methods.contains(&2), "no password is offered");
    stream.write_all(&[5, 2]).await?;
    bytes::<1>(stream).await?;
    let user = part(stream).await?;
    let password = part(stream).await?;
    if (user.as_str(), password.as_str()) != (USER, PASSWORD) {
        stream.write_all(&[1, 1]).await?;
        bail!("a stranger");
    }
    stream.write_all(&[1, 0]).await?;
    let [_, command, _, kind] = bytes::<4>(stream).await?;
    ensure!(command == 1, "not to connect");
    let host = match kind {
        1 => std::net::Ipv4Addr::from(bytes::<4>(stream).await?).to_string(),
        3 => part(stream).await?,
        _ => bail!("an address nobody uses here"),
    };
    let port = u16::from_be_bytes(bytes::<2>(stream).await?);
    let there = TcpStream::connect((host.as_str(), port)).await?;
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).await?;
    Ok(there)
}

async fn bytes<const N: usize>(stream: &mut TcpStream) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn part(stream: &mut TcpStream) -> Result<String> {
    let [length] = bytes::<1>(stream).await?;
    let mut text = vec![0; usize::from(length)];
    stream.read_exact(&mut text).await?;
    Ok(String::from_utf8(text)?)
}

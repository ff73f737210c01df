//! Through a proxy to a server: HTTP's `CONNECT`, and SOCKS5.
//!
//! Names of servers are looked up by the proxy, so that nothing about them leaves this machine by
//! another way. What a proxy answers is bounded and never shown.

use data_encoding::BASE64;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use warbler_domain::proxy::{Proxy, ProxyKind, ProxyLogin};

/// Longest head of an answer to `CONNECT`.
const MAX_HEAD: usize = 8 * 1024;

/// Why a proxy led nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TunnelError {
    #[error("the proxy {0} could not be reached: {1}")]
    Unreachable(String, String),
    #[error("the proxy closed the connection")]
    Closed,
    #[error("the proxy does not speak the protocol of its address")]
    Protocol,
    #[error("the proxy wants another user or password")]
    Login,
    #[error("the proxy does not lead there: {0}")]
    Refused(String),
}

impl From<std::io::Error> for TunnelError {
    fn from(_: std::io::Error) -> Self {
        Self::Closed
    }
}

/// A connection to `host` and `port`, through `proxy`.
pub(crate) async fn connect(
    proxy: &Proxy,
    host: &str,
    port: u16,
) -> Result<TcpStream, TunnelError> {
    let unreachable =
        |err: std::io::Error| TunnelError::Unreachable(proxy.to_string(), err.to_string());
    let mut stream = TcpStream::connect((proxy.host.as_str(), proxy.port))
        .await
        .map_err(unreachable)?;
    stream.set_nodelay(true).map_err(unreachable)?;
    match proxy.kind {
        ProxyKind::Http => http(&mut stream, proxy.login.as_ref(), host, port).await?,
        ProxyKind::Socks5 => socks(&mut stream, proxy.login.as_ref(), host, port).await?,
    }
    Ok(stream)
}

async fn http(
    stream: &mut TcpStream,
    login: Option<&ProxyLogin>,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let login = login.map_or_else(String::new, |login| {
        let pair = format!("{}:{}", login.user, login.password.expose());
        let pair = BASE64.encode(pair.as_bytes());
        format!("Proxy-Authorization: Basic {pair}\r\n")
    });
    let asked = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n{login}\r\n");
    stream.write_all(asked.as_bytes()).await?;
    // Byte by byte: what follows the head is the server's.
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(TunnelError::Protocol);
        }
        head.push(stream.read_u8().await?);
    }
    let line = String::from_utf8_lossy(&head);
    let mut words = line.lines().next().unwrap_or_default().split(' ');
    let version = words.next().unwrap_or_default();
    let status: u16 = words
        .next()
        .filter(|_| version.starts_with("HTTP/1."))
        .and_then(|status| status.parse().ok())
        .ok_or(TunnelError::Protocol)?;
    match status {
        200..300 => Ok(()),
        407 => Err(TunnelError::Login),
        status => Err(TunnelError::Refused(format!("status {status}"))),
    }
}

const SOCKS: u8 = 5;
const NO_LOGIN: u8 = 0;
const BY_PASSWORD: u8 = 2;

async fn socks(
    stream: &mut TcpStream,
    login: Option<&ProxyLogin>,
    host: &str,
    port: u16,
) -> Result<(), TunnelError> {
    let offered: &[u8] = match login {
        Some(_) => &[SOCKS, 2, NO_LOGIN, BY_PASSWORD],
        None => &[SOCKS, 1, NO_LOGIN],
    };
    stream.write_all(offered).await?;
    match (answer(stream).await?, login) {
        ([SOCKS, NO_LOGIN], _) => {}
        ([SOCKS, BY_PASSWORD], Some(login)) => log_in(stream, login).await?,
        ([SOCKS, _], _) => return Err(TunnelError::Login),
        _ => return Err(TunnelError::Protocol),
    }
    let mut asked = vec![SOCKS, 1, 0];
    match host.parse() {
        Ok(std::net::IpAddr::V4(address)) => {
            asked.push(1);
            asked.extend(address.octets());
        }
        Ok(std::net::IpAddr::V6(address)) => {
            asked.push(4);
            asked.extend(address.octets());
        }
        Err(_) => {
            asked.push(3);
            part(&mut asked, host)?;
        }
    }
    asked.extend(port.to_be_bytes());
    stream.write_all(&asked).await?;
    let [version, reply] = answer(stream).await?;
    if version != SOCKS {
        return Err(TunnelError::Protocol);
    }
    if reply != 0 {
        return Err(TunnelError::Refused(meaning(reply)));
    }
    // Where the proxy connects from, which nobody needs.
    let [_, kind] = answer(stream).await?;
    let rest = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await?),
        _ => return Err(TunnelError::Protocol),
    };
    let mut bound = [0; 255 + 2];
    let bound = bound.get_mut(..rest + 2).ok_or(TunnelError::Protocol)?;
    stream.read_exact(bound).await?;
    Ok(())
}

async fn log_in(stream: &mut TcpStream, login: &ProxyLogin) -> Result<(), TunnelError> {
    let mut asked = vec![1];
    part(&mut asked, &login.user)?;
    part(&mut asked, login.password.expose())?;
    stream.write_all(&asked).await?;
    match answer(stream).await? {
        [_, 0] => Ok(()),
        _ => Err(TunnelError::Login),
    }
}

fn part(to: &mut Vec<u8>, text: &str) -> Result<(), TunnelError> {
    let length = u8::try_from(text.len()).map_err(|_| TunnelError::Protocol)?;
    to.push(length);
    to.extend(text.as_bytes());
    Ok(())
}

async fn answer(stream: &mut TcpStream) -> Result<[u8; 2], TunnelError> {
    let mut bytes = [0; 2];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}

fn meaning(reply: u8) -> String {
    match reply {
        2 => "it is not allowed".to_owned(),
        3 | 4 => "the server is not reachable".to_owned(),
        5 => "the server refuses the connection".to_owned(),
        6 => "the server is too far away".to_owned(),
        other => format!("code {other}"),
    }
}

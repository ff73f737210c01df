//! Peers that do not speak the protocol, and addresses the server does not take.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_websockets::{ClientBuilder, Message};
use warbler_simulator::{Network, NetworkOptions, StartError};

use super::support::{Engine, SOON};

#[tokio::test]
async fn only_loopback_addresses_are_taken() -> Result<()> {
    let everywhere: SocketAddr = "0.0.0.0:0".parse()?;
    let outside = NetworkOptions {
        listen: everywhere,
        ..NetworkOptions::default()
    };
    let refused = Network::start(outside).await;
    assert!(matches!(refused, Err(StartError::NotLoopback(address)) if address == everywhere));
    let outside = NetworkOptions {
        http_listen: everywhere,
        ..NetworkOptions::default()
    };
    let refused = Network::start(outside).await;
    assert!(matches!(refused, Err(StartError::NotLoopback(_))));
    Ok(())
}

#[tokio::test]
async fn whoever_does_not_speak_the_protocol_is_thrown_out() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let openings: [&[u8]; 5] = [
        b"hello there",
        b"WA\x06\x03\x00\x00\x05hello",
        b"WA\x06\x03\x00\x00\x00",
        b"ED\x00\x01\x00\x00\x02ab????",
        b"WA\x06\x03\x00\x00\x24\x12\x22\x0a\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ];
    for opening in openings {
        let url = network.websocket_url();
        let host = url
            .trim_start_matches("ws://")
            .split('/')
            .next()
            .context("no host")?
            .to_owned();
        let stream = TcpStream::connect(&host).await?;
        let (mut socket, _) = ClientBuilder::new().uri(&url)?.connect_on(stream).await?;
        socket.send(Message::binary(opening.to_vec())).await?;
        // The last opening is a fair first message; what follows it is not.
        socket.send(Message::binary(vec![0, 0, 1, 9])).await?;
        let closed = async { while let Some(Ok(_)) = socket.next().await {} };
        tokio::time::timeout(SOON, closed).await?;
    }
    let shop = network.person("+15550800", "Shop")?;
    Engine::linked(&network, &shop).await?.stops().await;
    network.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_stopped_network_closes_every_connection() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let shop = network.person("+15550801", "Shop")?;
    let engine = Engine::linked(&network, &shop).await?;
    let url = network.http_url();
    let host = url.trim_start_matches("http://").to_owned();
    network.stop().await;
    assert!(TcpStream::connect(&host).await.is_err());
    drop(engine);
    Ok(())
}

#[tokio::test]
async fn an_upload_must_be_named_by_its_digest() -> Result<()> {
    let network = Network::start(NetworkOptions::default()).await?;
    let url = network.http_url();
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
    let request = "POST /mms/image/AAAA HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                   content-length: 4\r\n\r\nbody";
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    tokio::time::timeout(Duration::from_secs(5), read).await??;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    network.stop().await;
    Ok(())
}

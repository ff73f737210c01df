//! The client against servers that misbehave, each on a port of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;

use anyhow::{Context, Result};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use warbler_domain::Refusal as _;

use super::*;

/// A server that reads a request, notes it, and answers with what `script` writes.
struct Server {
    address: SocketAddr,
    requests: mpsc::UnboundedReceiver<String>,
}

impl Server {
    async fn answering<F, W>(script: F) -> Result<Self>
    where
        F: Fn(String, TcpStream) -> W + Send + 'static,
        W: Future<Output = std::io::Result<()>> + Send,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (sender, requests) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let Ok(request) = head_of(&mut stream).await else {
                    continue;
                };
                if sender.send(request.clone()).is_err() {
                    return;
                }
                // A client that has heard enough hangs up.
                drop(script(request, stream).await);
            }
        });
        Ok(Self { address, requests })
    }

    /// A server with one answer to everything.
    async fn saying(answer: impl Into<String>) -> Result<Self> {
        let answer = answer.into();
        Self::answering(move |_, mut stream| {
            let answer = answer.clone();
            async move { stream.write_all(answer.as_bytes()).await }
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn heard(&mut self) -> Result<String> {
        self.requests.recv().await.context("a request")
    }
}

async fn head_of(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut chunk = [0; 1024];
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            break;
        }
        head.extend(chunk.iter().take(read));
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

fn ok(body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
}

fn redirect_to(location: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
}

/// A client that may reach these machines.
fn client(allowed: &[&str]) -> Result<Fetcher> {
    let allowed: Vec<_> = allowed.iter().map(|entry| (*entry).to_owned()).collect();
    Ok(Fetcher::new(allowed.try_into()?)?)
}

fn limits() -> FetchLimits {
    FetchLimits::new(1024, Duration::from_secs(10))
}

async fn get(client: &Fetcher, url: &str, limits: FetchLimits) -> Result<FetchAnswer, FetchError> {
    let request = FetchRequest::get(url.parse()?, limits);
    client.open(request).await?.success()?.whole().await
}

async fn refused(client: &Fetcher, url: &str, limits: FetchLimits) -> String {
    match get(client, url, limits).await {
        Ok(answer) => format!("{}", answer.status),
        Err(err) => format!("{}: {err}", err.code()),
    }
}

#[tokio::test]
async fn an_allowed_host_is_fetched_and_its_headers_are_ours() -> Result<()> {
    let mut server = Server::saying(ok("hello")).await?;
    let client = client(&["127.0.0.0/8"])?;
    let answer = get(&client, &server.url("/a?b=c"), limits()).await?;
    assert_eq!(&answer.body[..], b"hello");
    let heard = server.heard().await?.to_ascii_lowercase();
    assert!(heard.starts_with("get /a?b=c http/1.1"), "{heard}");
    assert!(heard.contains("user-agent: warbler/"), "{heard}");
    for unwanted in ["accept-encoding", "cookie", "referer"] {
        assert!(!heard.contains(unwanted), "{heard}");
    }
    Ok(())
}

#[tokio::test]
async fn a_private_address_is_refused_with_the_line_that_would_allow_it() -> Result<()> {
    let mut server = Server::saying(ok("secret")).await?;
    let client = client(&[])?;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "localhost",
    ] {
        let told = refused(
            &client,
            &format!("http://{host}:{port}/x?token=1"),
            limits(),
        )
        .await;
        assert!(told.starts_with("url_not_allowed: "), "{host}: {told}");
        assert!(told.contains("outbound_allow = ["), "{host}: {told}");
        assert!(!told.contains("token"), "{host}: {told}");
    }
    let metadata = refused(&client, "http://169.254.169.254/latest/meta-data", limits()).await;
    assert!(metadata.contains("metadata"), "{metadata}");
    assert!(server.requests.try_recv().is_err(), "nothing was sent");
    Ok(())
}

#[tokio::test]
async fn a_name_that_resolves_to_loopback_can_be_allowed_by_name() -> Result<()> {
    let server = Server::saying(ok("hello")).await?;
    let url = format!("http://localhost:{}/", server.address.port());
    assert!(get(&client(&["localhost"])?, &url, limits()).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn one_private_address_among_public_ones_refuses_the_name() -> Result<()> {
    let answers = [vec!["93.184.216.34".parse()?, "10.0.0.1".parse()?]];
    let client = Fetcher::looking_up(Outbound::default(), &Roots::System, scripted(answers))?;
    let told = refused(&client, "http://mixed.example/", limits()).await;
    assert!(
        told.starts_with("url_not_allowed: mixed.example is at 10.0.0.1"),
        "{told}"
    );
    Ok(())
}

fn scripted<const N: usize>(answers: [Vec<IpAddr>; N]) -> Lookup {
    Lookup::Scripted(Mutex::new(answers.into()))
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_checked_each_time() -> Result<()> {
    let server = Server::saying(ok("hello")).await?;
    // First an address that is allowed, then one that is not.
    let answers = [vec!["127.0.0.1".parse()?], vec!["10.0.0.1".parse()?]];
    let outbound: Outbound = vec!["127.0.0.1".to_owned()].try_into()?;
    let client = Fetcher::looking_up(outbound, &Roots::System, scripted(answers))?;
    let url = format!("http://rebinding.example:{}/", server.address.port());
    assert!(get(&client, &url, limits()).await.is_ok());
    let told = refused(&client, &url, limits()).await;
    assert!(told.starts_with("url_not_allowed"), "{told}");
    Ok(())
}

#[tokio::test]
async fn redirects_are_followed_and_each_is_checked() -> Result<()> {
    let last = Server::saying(ok("there")).await?;
    let first = Server::saying(redirect_to(&last.url("/b"))).await?;
    let client = client(&["127.0.0.1"])?;
    assert_eq!(
        &get(&client, &first.url("/a"), limits()).await?.body[..],
        b"there"
    );

    for (location, expected) in [
        ("http://10.0.0.1/", "url_not_allowed"),
        ("http://169.254.169.254/latest", "url_not_allowed"),
        ("http://127.0.0.2/", "url_not_allowed"),
        ("file:///etc/passwd", "url_scheme"),
        ("https://me:you@example.com/", "url_credentials"),
        ("http://[", "url_bad_redirect"),
    ] {
        let server = Server::saying(redirect_to(location)).await?;
        let told = refused(&client, &server.url("/"), limits()).await;
        assert!(told.starts_with(expected), "{location}: {told}");
    }
    Ok(())
}

#[tokio::test]
async fn a_redirect_without_end_is_given_up() -> Result<()> {
    let mut server = Server::saying(redirect_to("/again")).await?;
    let client = client(&["127.0.0.1"])?;
    let told = refused(&client, &server.url("/"), limits()).await;
    assert!(told.starts_with("url_too_many_redirects"), "{told}");
    let mut requests = 0;
    while server.requests.try_recv().is_ok() {
        requests += 1;
    }
    assert_eq!(requests, 6);
    let none = FetchLimits {
        redirects: 0,
        ..limits()
    };
    let request = FetchRequest::get(server.url("/").parse()?, none);
    assert_eq!(client.fetch(request).await?.status, 302);
    Ok(())
}

#[tokio::test]
async fn secrets_stay_at_the_origin_they_were_meant_for() -> Result<()> {
    let mut last = Server::saying(ok("there")).await?;
    let mut first = Server::saying(redirect_to(&last.url("/b"))).await?;
    let mut request = FetchRequest::get(first.url("/a").parse()?, limits());
    request.method = Method::POST;
    request.body = Bytes::from_static(b"body");
    for (name, value) in [
        ("authorization", "Bearer s3cret"),
        ("x-token", "s3cret"),
        ("accept", "image/*"),
        ("host", "evil"),
    ] {
        let name: HeaderName = name.parse()?;
        request
            .headers
            .insert(name, HeaderValue::from_static(value));
    }
    client(&["127.0.0.1"])?.fetch(request).await?;
    let heard = first.heard().await?.to_ascii_lowercase();
    assert!(
        heard.starts_with("post ") && heard.contains("s3cret") && !heard.contains("evil"),
        "{heard}"
    );
    let heard = last.heard().await?.to_ascii_lowercase();
    assert!(
        heard.starts_with("get /b") && heard.contains("accept: image/*"),
        "{heard}"
    );
    assert!(
        !heard.contains("s3cret") && !heard.contains(AUTHORIZATION.as_str()),
        "{heard}"
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_refused_before_and_while_it_comes() -> Result<()> {
    let client = client(&["127.0.0.1"])?;
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n";
    let server = Server::saying(huge).await?;
    let told = refused(&client, &server.url("/"), limits()).await;
    assert!(told.starts_with("url_too_large"), "{told}");

    let endless = Server::answering(|_, mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            .await?;
        loop {
            stream.write_all(&[b'x'; 512]).await?;
        }
    })
    .await?;
    let told = refused(&client, &endless.url("/"), limits()).await;
    assert!(told.starts_with("url_too_large"), "{told}");
    Ok(())
}

#[tokio::test]
async fn an_answer_in_drips_is_given_up() -> Result<()> {
    let client = client(&["127.0.0.1"])?;
    let dripping = Server::answering(|_, mut stream| async move {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            .await?;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            stream.write_all(b"x").await?;
        }
    })
    .await?;
    let pace = Pace {
        bytes: 1000,
        per: Duration::from_millis(200),
    };
    let told = refused(
        &client,
        &dripping.url("/"),
        FetchLimits { pace, ..limits() },
    )
    .await;
    assert!(told.contains("fewer than 1000 bytes"), "{told}");

    let whole = Duration::from_millis(200);
    let told = refused(
        &client,
        &dripping.url("/"),
        FetchLimits { whole, ..limits() },
    )
    .await;
    assert!(told.contains("did not end within 0.2 s"), "{told}");
    Ok(())
}

#[tokio::test]
async fn silence_is_given_up() -> Result<()> {
    let silent = Server::answering(|_, stream| async move {
        stream.readable().await?;
        std::future::pending().await
    })
    .await?;
    let whole = Duration::from_millis(100);
    let client = client(&["127.0.0.1"])?;
    let told = refused(&client, &silent.url("/"), FetchLimits { whole, ..limits() }).await;
    assert!(told.starts_with("url_timeout"), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_dead_url_says_why() -> Result<()> {
    let client = client(&["127.0.0.1"])?;
    let gone = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let told = refused(&client, &format!("http://{gone}/x"), limits()).await;
    assert!(
        told.starts_with("url_unreachable: 127.0.0.1 cannot be reached"),
        "{told}"
    );

    let missing = Server::saying("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await?;
    let told = refused(&client, &missing.url("/x"), limits()).await;
    assert_eq!(told, "url_status: 127.0.0.1 answered with status 404");

    let broken = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").await?;
    let told = refused(&client, &broken.url("/x"), limits()).await;
    assert!(told.starts_with("url_unreachable"), "{told}");

    let nobody = Fetcher::looking_up(Outbound::default(), &Roots::System, scripted([vec![]]))?;
    let told = refused(&nobody, "http://nobody.example/", limits()).await;
    assert!(told.starts_with("url_unreachable"), "{told}");
    Ok(())
}

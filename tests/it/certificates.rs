//! A network behind TLS, and who is trusted to have signed its certificate.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use warbler_app::fetch::Roots;
use warbler_cli::host::{HostOptions, NetworkChoice};
use warbler_tests::{TestHost, eventually, project_root};

const OWNER: &str = "+15550001";

fn file(name: &str) -> Result<PathBuf> {
    Ok(project_root()?.join("tests/data/tls").join(name))
}

/// TLS in front of the simulated network, which speaks none.
struct Terminator {
    address: SocketAddr,
    behind: Arc<OnceLock<SocketAddr>>,
    task: JoinHandle<()>,
}

impl Terminator {
    async fn start() -> Result<Self> {
        let chain =
            CertificateDer::pem_file_iter(file("server.pem")?)?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(file("server.key")?)?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let behind = Arc::<OnceLock<SocketAddr>>::default();
        let to = Arc::clone(&behind);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, to) = (acceptor.clone(), to.get().copied());
                tokio::spawn(async move {
                    let mut outside = acceptor.accept(stream).await?;
                    let mut inside = TcpStream::connect(to.context("the network")?).await?;
                    copy_bidirectional(&mut outside, &mut inside).await?;
                    anyhow::Ok(())
                });
            }
        });
        Ok(Self {
            address,
            behind,
            task,
        })
    }

    /// Puts itself between a host and its network.
    fn between(&self, options: &mut HostOptions) -> Result<()> {
        let NetworkChoice::Attached(network) = &options.network else {
            return Ok(());
        };
        let websocket: http::Uri = network.websocket_url().parse()?;
        let inside = websocket.authority().context("an address")?.as_str();
        // A restart says the same again.
        self.behind.set(inside.parse()?).ok();
        options.network = NetworkChoice::At {
            websocket_url: format!("wss://localhost:{}/ws/chat", self.address.port()).parse()?,
            media_base: network.http_url().parse()?,
        };
        Ok(())
    }
}

impl Drop for Terminator {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn behind_tls(roots: Roots) -> Result<TestHost> {
    let terminator = Arc::new(Terminator::start().await?);
    TestHost::start_as(move |options| {
        options.settings.tls_roots = roots.clone();
        // A host that is started anyhow shows what is wrong.
        drop(terminator.between(options));
    })
    .await
}

#[tokio::test]
async fn a_network_whose_certificate_a_root_of_the_file_has_signed_is_trusted() -> Result<()> {
    let host = behind_tls(Roots::File(file("root.pem")?)).await?;
    host.connected_session("shop", OWNER).await?;
    host.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_certificate_that_nobody_trusted_has_signed_keeps_the_session_away() -> Result<()> {
    let host = behind_tls(Roots::System).await?;
    let new = json!({ "name": "shop", "start": true });
    host.api().post("/v1/sessions", new).await?.expect(201)?;
    eventually("the session says why it does not connect", || async {
        let session = host.api().get("/v1/sessions/shop").await?.expect(200)?;
        let reason = session.body["reason"].as_str().unwrap_or_default();
        Ok(reason.contains("certificate").then_some(()))
    })
    .await?;
    host.stop().await;
    Ok(())
}

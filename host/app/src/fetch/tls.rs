//! TLS as this host uses it everywhere: the system's trusted roots, the `ring` provider, and no
//! process-wide default.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls_platform_verifier::BuilderVerifierExt;

/// A client configuration that verifies servers against the system's roots.
///
/// # Errors
/// When the system's roots cannot be read.
pub fn client_config() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    Ok(builder.with_platform_verifier()?.with_no_client_auth())
}

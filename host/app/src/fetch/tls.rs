//! TLS as this host uses it everywhere: the system's trusted roots or those of a file, the `ring`
//! provider, and no process-wide default.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

/// Whose signature under a server's certificate is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Roots {
    /// Whoever the system trusts.
    #[default]
    System,
    /// The certificates of a file in PEM, and nobody else.
    File(PathBuf),
}

/// Why TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The system's roots cannot be read, or TLS itself fails.
    #[error("TLS could not be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// The file of roots cannot be read, or is no PEM.
    #[error("the certificates in {} could not be read: {reason}", .file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file of roots holds none.
    #[error("{} holds no certificate; a file of roots is in PEM, one after the other", .0.display())]
    NoRoots(PathBuf),
}

/// A client configuration that verifies servers against `roots`.
///
/// # Errors
/// When the roots cannot be read.
pub fn client_config(roots: &Roots) -> Result<ClientConfig, TlsError> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let builder = match roots {
        Roots::System => builder.with_platform_verifier()?,
        Roots::File(file) => builder.with_root_certificates(read(file)?),
    };
    Ok(builder.with_no_client_auth())
}

fn read(file: &PathBuf) -> Result<RootCertStore, TlsError> {
    let failed = |reason: String| TlsError::File {
        file: file.clone(),
        reason,
    };
    let mut store = RootCertStore::empty();
    let found = CertificateDer::pem_file_iter(file).map_err(|err| failed(err.to_string()))?;
    for certificate in found {
        let certificate = certificate.map_err(|err| failed(err.to_string()))?;
        store
            .add(certificate)
            .map_err(|err| failed(err.to_string()))?;
    }
    match store.is_empty() {
        true => Err(TlsError::NoRoots(file.clone())),
        false => Ok(store),
    }
}

#[cfg(test)]
mod tests {
    use super::{Roots, TlsError, client_config};

    #[test]
    fn a_file_without_certificates_is_refused_by_name() -> anyhow::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        let roots = Roots::File(file.path().to_owned());
        let refused = client_config(&roots).map(drop);
        assert!(matches!(refused, Err(TlsError::NoRoots(path)) if path == file.path()));
        let missing = Roots::File("/nowhere/roots.pem".into());
        let refused = client_config(&missing).map(drop);
        assert!(matches!(refused, Err(TlsError::File { .. })));
        Ok(())
    }
}

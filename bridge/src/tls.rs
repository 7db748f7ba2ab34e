//! Builds what TLS needs, for the broker and for Postgres alike.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// How far the server's certificate is trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It must be signed by one of the authorities that the system knows, for the host's name.
    System,
    /// It must be signed by an authority in this PEM file, for the host's name.
    Authority(PathBuf),
    /// Any: the connection is encrypted, but to whom is not known. Only what `sslmode=prefer` and
    /// `sslmode=require` mean to every Postgres client.
    Anyone,
}

/// A certificate with which this client shows who it is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The PEM file of the certificate and those that link it to the authority.
    pub certificate: PathBuf,
    /// The PEM file of its private key.
    pub key: PathBuf,
}

/// What a TLS client needs for connections of one kind.
///
/// # Errors
/// A file that cannot be read or holds nothing of use.
pub fn client_config(trust: &Trust, identity: Option<&Identity>) -> Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .context("TLS 1.2 and 1.3 are not to be had")?;
    let builder = match trust {
        Trust::System => builder.with_root_certificates(system_authorities()?),
        Trust::Authority(file) => builder.with_root_certificates(authorities_of(file)?),
        Trust::Anyone => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AcceptAnyServer { provider })),
    };
    let Some(identity) = identity else {
        return Ok(builder.with_no_client_auth());
    };
    let certificates = certificates_of(&identity.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&identity.key)
        .with_context(|| format!("no private key in {}", identity.key.display()))?;
    builder
        .with_client_auth_cert(certificates, key)
        .with_context(|| {
            let (certificate, key) = (identity.certificate.display(), identity.key.display());
            format!("{certificate} and {key} are not a certificate and its key")
        })
}

fn system_authorities() -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() {
        bail!("the system has no certificate authorities: install ca-certificates or name a file");
    }
    Ok(store)
}

fn authorities_of(file: &Path) -> Result<RootCertStore> {
    let mut store = RootCertStore::empty();
    for certificate in certificates_of(file)? {
        store
            .add(certificate)
            .with_context(|| format!("{} holds no certificate authority", file.display()))?;
    }
    Ok(store)
}

fn certificates_of(file: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let problem = || format!("cannot read certificates from {}", file.display());
    let certificates = CertificateDer::pem_file_iter(file)
        .with_context(problem)?
        .collect::<Result<Vec<_>, _>>()
        .with_context(problem)?;
    if certificates.is_empty() {
        bail!("{} holds no PEM certificate", file.display());
    }
    Ok(certificates)
}

/// Checks that the server holds the key of the certificate it shows, not whose certificate it is.
#[derive(Debug)]
struct AcceptAnyServer {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AcceptAnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

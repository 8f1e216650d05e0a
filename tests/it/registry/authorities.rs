//! Authorities of the tests, and certificates of them.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Somebody who signs certificates.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("an authority has no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority of the tests");
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).expect("room");
        Self { issuer, folder }
    }

    /// Its certificate, as PEM.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// What a server of a name needs.
    pub(super) fn certify(&self, name: &str, has_expired: bool) -> rustls::ServerConfig {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        if has_expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = key();
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        config(certificate.der().clone(), &key)
    }

    /// What a server has whose certificate nobody but itself has signed.
    pub(super) fn self_signed(name: &str) -> rustls::ServerConfig {
        let key = key();
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        config(params.self_signed(&key).expect("a certificate").der().clone(), &key)
    }
}

/// A server whose certificate is that of an authority and its own.
pub(super) struct SelfSigned {
    certificate: rcgen::Certificate,
    key: KeyPair,
    folder: tempfile::TempDir,
}

impl SelfSigned {
    pub(super) fn new(name: &str, has_expired: bool) -> Self {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        if has_expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        let key = key();
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("self.pem"), certificate.pem()).expect("room");
        Self { certificate, key, folder }
    }

    /// The certificate, as PEM.
    pub(super) fn file(&self) -> PathBuf {
        self.folder.path().join("self.pem")
    }

    /// What the server needs.
    pub(super) fn server(&self) -> rustls::ServerConfig {
        config(self.certificate.der().clone(), &self.key)
    }

    /// What somebody has who knows the certificate, which everybody may.
    pub(super) fn server_with_another_key(&self) -> rustls::ServerConfig {
        let key = PrivateKeyDer::try_from(key().serialize_der()).expect("a key");
        let provider = rustls::crypto::ring::default_provider();
        let key = provider.key_provider.load_private_key(key).expect("a key");
        let certified = rustls::sign::CertifiedKey::new(vec![self.certificate.der().clone()], key);
        rustls::ServerConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .expect("versions that the provider has")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(certified)))
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> rustls::ServerConfig {
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions that the provider has")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a certificate and its key")
}

//! Whose certificates are believed: those that an authority has signed which this machine or the user trusts, and those that are trusted
//! themselves.
//!
//! Takes in files of certificates; gives out a connector for the client. What the usual commands make as a self-signed certificate
//! (`openssl req -x509`) is marked as an authority, which a server's certificate must not be. Where that very certificate was given as one to
//! trust, byte for byte, it says no more than that its key is right: its names and its time count as for any other.

use std::sync::Arc;
use std::{fmt, io};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
    StreamOwned,
};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use crate::registry::TransportFault;

/// Encrypts a connection where the address wants it.
#[derive(Clone, Debug)]
pub(super) struct Tls(Arc<ClientConfig>);

impl Tls {
    /// Believes what these certificates say.
    pub(super) fn trusting(certificates: Vec<CertificateDer<'static>>) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        // There is no verifier without any root.
        let by_authority = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build();
        let verifier = Verifier { by_authority: by_authority.ok(), certificates, provider: Arc::clone(&provider) };
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider has these versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        Self(Arc::new(config))
    }
}

#[derive(Debug)]
struct Verifier {
    by_authority: Option<Arc<WebPkiServerVerifier>>,
    /// What is trusted, authorities and others.
    certificates: Vec<CertificateDer<'static>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let by_authority = self.by_authority.as_ref().ok_or(CertificateError::UnknownIssuer)?;
        match by_authority.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            // Its time was looked at before (`check_issuer_independent_properties` of webpki); a test holds that.
            Err(rustls::Error::InvalidCertificate(error)) if is_authority(&error) && self.trusts(certificate) => {
                verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                Ok(ServerCertVerified::assertion())
            }
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl Verifier {
    fn trusts(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|trusted| trusted.as_ref() == certificate.as_ref())
    }
}

fn is_authority(error: &CertificateError) -> bool {
    webpki_error(error).is_some_and(|error| *error == webpki::Error::CaUsedAsEndEntity)
}

fn webpki_error(error: &CertificateError) -> Option<&webpki::Error> {
    match error {
        CertificateError::Other(other) => other.0.downcast_ref(),
        _ => None,
    }
}

/// What is wrong with a certificate, and what that is called.
pub(super) fn certificate_fault(error: &CertificateError) -> (TransportFault, String) {
    use CertificateError as Fault;
    let reason = match error {
        // Another key of an authority of the same name.
        Fault::UnknownIssuer | Fault::BadSignature => {
            return (TransportFault::Certificate, "it is signed by an unknown authority".to_owned());
        }
        error if is_authority(error) => {
            let reason = "it is the certificate of an authority (CA:TRUE), and is not trusted itself";
            return (TransportFault::AuthorityCertificate, reason.to_owned());
        }
        Fault::Expired | Fault::ExpiredContext { .. } => "it has expired".to_owned(),
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "it is not valid yet".to_owned(),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "it is for another name".to_owned(),
        Fault::Revoked => "it was revoked".to_owned(),
        other => match webpki_error(other) {
            Some(webpki::Error::UnsupportedCertVersion) => "it is older than version 3 of X.509".to_owned(),
            Some(error) => words(&format!("{error:?}")),
            None => words(&format!("{other:?}")),
        },
    };
    (TransportFault::BadCertificate, reason)
}

/// The name of a fault as words: `UnsupportedNameType` says what it says, and what stands behind it in brackets is for programmers.
fn words(name: &str) -> String {
    let name = name.split(['(', '{', ' ']).next().unwrap_or_default();
    let spaced = name.chars().flat_map(|character| {
        let space = character.is_uppercase().then_some(' ');
        space.into_iter().chain(character.to_lowercase())
    });
    format!("it is refused:{}", spaced.collect::<String>())
}

impl<In: Transport> Connector<In> for Tls {
    type Out = Either<In, TlsTransport>;

    fn connect(&self, details: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            return Ok(Some(Either::A(transport)));
        }
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ureq::Error::HostNotFound)?;
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name)?;
        let mut socket = TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let buffers = LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Some(Either::B(TlsTransport { buffers, stream: StreamOwned { conn: connection, sock: socket } })))
    }
}

/// An encrypted connection.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("TlsTransport").finish_non_exhaustive()
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        Ok(io::Write::write_all(&mut self.stream, &self.buffers.output()[..amount])?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = io::Read::read(&mut self.stream, self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_fault_is_told_in_the_words_of_a_library() {
        let other = |error: webpki::Error| CertificateError::Other(rustls::OtherError(Arc::new(error)));
        for (error, expected) in [
            (CertificateError::BadEncoding, "it is refused: bad encoding"),
            (other(webpki::Error::UnsupportedCertVersion), "it is older than version 3 of X.509"),
            (other(webpki::Error::InvalidSerialNumber), "it is refused: invalid serial number"),
            (
                other(webpki::Error::CaUsedAsEndEntity),
                "it is the certificate of an authority (CA:TRUE), and is not trusted itself",
            ),
        ] {
            assert_eq!(certificate_fault(&error).1, expected);
        }
    }
}

//! Whose word a function takes that an endpoint is the one it names.

use std::sync::Arc;

use aws_sdk_dynamodb::config::SharedHttpClient;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{ClientConfig, RootCertStore};

use super::connector;

/// The roots that AWS's own endpoints are signed with, in PEM; `infra/check_roots.py` says whether
/// they are all there.
const AMAZON: &str = include_str!("amazon-roots.pem");

/// Why there is no client that speaks TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A root certificate is not PEM.
    #[error("a root certificate is not PEM: {0}")]
    Pem(#[from] pem::Error),
    /// A root certificate is none, or TLS can't be set up.
    #[error("TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Root certificates.
#[derive(Debug, Clone, PartialEq)]
pub struct Roots {
    pem: Vec<String>,
    system: bool,
}

impl Roots {
    /// Amazon Trust Services, embedded: nothing is read from a disk.
    pub fn amazon() -> Self {
        Self { pem: vec![AMAZON.to_owned()], system: false }
    }

    /// Those of the machine.
    pub fn system() -> Self {
        Self { pem: Vec::new(), system: true }
    }

    /// Those that the endpoint of DynamoDB in `region` needs. Only the regions of the `aws`
    /// partition are known to be Amazon's own; an endpoint that was put in its place may be anybody's.
    pub(super) fn of(region: &str, endpoint: Option<&str>) -> Self {
        let is_in_aws = !region.starts_with("cn-") && region.split('-').count() == 3;
        if is_in_aws && endpoint.is_none() { Self::amazon() } else { Self::system() }
    }

    /// These and the one in `pem`.
    #[must_use]
    pub fn and(mut self, pem: &str) -> Self {
        self.pem.push(pem.to_owned());
        self
    }

    /// A client that speaks TLS with whom these vouch for.
    pub fn https(self) -> Result<SharedHttpClient, TlsError> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(self.store()?)
            .with_no_client_auth();
        Ok(connector::https(tls))
    }

    fn store(&self) -> Result<RootCertStore, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in
            self.pem.iter().flat_map(|pem| CertificateDer::pem_slice_iter(pem.as_bytes()))
        {
            store.add(certificate?)?;
        }
        if self.system {
            // What of them can't be read vouches for nothing.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Ok(store)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::Ipv4Addr;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{Credentials, Region};
    use aws_sdk_dynamodb::error::DisplayErrorContext;
    use hyper::Response;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::lambda::config;

    /// Makes a call to `localhost`, whose certificate is for `name`, and tells why it failed if it
    /// did. `roots` are those that are held to it, given the one that it is signed with.
    async fn call(name: &str, roots: impl FnOnce(&str) -> Roots) -> Result<(), String> {
        let (root, server) = certified(name);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let config = config(roots(&root).https().unwrap())
            .endpoint_url(format!("https://localhost:{}", listener.local_addr().unwrap().port()))
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"));
        let serving = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(server))));
        let answer = Client::from_conf(config.build()).list_tables().send().await;
        serving.abort();
        answer.map(drop).map_err(|error| DisplayErrorContext(error).to_string())
    }

    /// A root, in PEM, and a server whose certificate for `name` is signed with it.
    fn certified(name: &str) -> (String, ServerConfig) {
        let root_key = KeyPair::generate().unwrap();
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let pem = root.self_signed(&root_key).unwrap().pem();
        let issuer = Issuer::new(root, root_key);
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &issuer).unwrap().into();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        (pem, server.with_no_client_auth().with_single_cert(vec![leaf], key).unwrap())
    }

    async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            // Whoever does not trust the certificate says so itself.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let answer = service_fn(async |_| Ok::<_, Infallible>(Response::new("{}".to_owned())));
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
        }
    }

    #[tokio::test]
    async fn an_endpoint_that_a_root_vouches_for_is_called() {
        assert_eq!(call("localhost", |root| Roots::amazon().and(root)).await, Ok(()));
    }

    #[tokio::test]
    async fn an_endpoint_that_no_root_vouches_for_is_not_called() {
        let refused = call("localhost", |_| Roots::amazon()).await.unwrap_err();
        assert!(refused.contains("UnknownIssuer"), "{refused}");
    }

    #[tokio::test]
    async fn an_endpoint_with_a_certificate_for_another_name_is_not_called() {
        let refused = call("localhost.example.com", |root| Roots::amazon().and(root)).await;
        let refused = refused.unwrap_err();
        assert!(refused.contains("not valid for name"), "{refused}");
    }

    #[test]
    fn the_embedded_roots_make_a_client() {
        assert_eq!(Roots::amazon().store().unwrap().len(), 5);
        assert!(Roots::amazon().https().is_ok());
    }

    #[test]
    fn what_is_no_certificate_makes_none() {
        assert!(
            Roots::amazon()
                .and("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
                .https()
                .is_err()
        );
    }

    #[test]
    fn only_amazon_s_own_endpoints_are_held_to_amazon_s_roots() {
        for region in ["us-east-1", "eu-central-2", "ap-southeast-7", "mx-central-1"] {
            assert_eq!(Roots::of(region, None), Roots::amazon(), "{region}");
            assert_eq!(Roots::of(region, Some("https://dynamodb.example.com")), Roots::system());
        }
        let others = ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", ""];
        for region in others {
            assert_eq!(Roots::of(region, None), Roots::system(), "{region}");
        }
    }
}

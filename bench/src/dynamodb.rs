//! DynamoDB as a function meets it: over TLS, with a clock on what lies behind.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use muster_local::engine::Engine;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::Error;

/// The name that the certificate is for. A function looks it up, as it looks up DynamoDB's.
const HOST: &str = "localhost";

/// An endpoint over TLS before the embedded engine.
#[derive(Debug)]
pub struct DynamoDb {
    url: String,
    root: String,
    behind: Arc<Behind>,
    server: JoinHandle<()>,
}

impl Drop for DynamoDb {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The engine, and how long it has worked.
#[derive(Debug)]
struct Behind {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
    nanoseconds: AtomicU64,
}

impl DynamoDb {
    /// Opens a port before `engine`, with a certificate of a root made for it.
    pub async fn before(engine: &Engine) -> Result<Self, Error> {
        let refused = |error| Error::System("no port for the endpoint", error);
        let Identity { root, config } = identity()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused)?;
        let port = listener.local_addr().map_err(refused)?.port();
        let behind = Arc::new(Behind {
            authority: engine.endpoint().trim_start_matches("http://").to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            nanoseconds: AtomicU64::new(0),
        });
        let server = tokio::spawn(serve(listener, acceptor, Arc::clone(&behind)));
        Ok(Self { url: format!("https://{HOST}:{port}"), root, behind, server })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate that its own is signed with, in PEM.
    pub fn root(&self) -> &str {
        &self.root
    }

    /// How long the engine has worked since this was asked last: from having a request in full to
    /// having its answer.
    pub fn engine_time(&self) -> Duration {
        Duration::from_nanos(self.behind.nanoseconds.swap(0, Ordering::Relaxed))
    }
}

struct Identity {
    root: String,
    config: ServerConfig,
}

fn identity() -> Result<Identity, Error> {
    let failed = |error: rcgen::Error| Error::Certificate(error.to_string());
    let root_key = KeyPair::generate().map_err(failed)?;
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let certificate = root.self_signed(&root_key).map_err(failed)?;
    let issuer = Issuer::new(root, root_key);
    let key = KeyPair::generate().map_err(failed)?;
    let leaf = CertificateParams::new([HOST.to_owned()]).map_err(failed)?;
    let leaf: CertificateDer<'static> = leaf.signed_by(&key, &issuer).map_err(failed)?.into();
    let key = PrivateKeyDer::try_from(key.serialize_der())
        .map_err(|error| Error::Certificate(error.to_owned()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(vec![leaf], key))
        .map_err(|error| Error::Certificate(error.to_string()))?;
    // As DynamoDB does.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { root: certificate.pem(), config })
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, behind: Arc<Behind>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let (acceptor, behind) = (acceptor.clone(), Arc::clone(&behind));
        tokio::spawn(async move {
            // A function that does not trust the certificate says so itself.
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let answer = service_fn(move |request| Arc::clone(&behind).answer(request));
            let http = hyper::server::conn::http1::Builder::new();
            // The function ends, and the connection with it.
            let _ = http.serve_connection(TokioIo::new(stream), answer).await;
        });
    }
}

impl Behind {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, hyper::Error> {
        let (mut head, body) = request.into_parts();
        let body = Full::new(body.collect().await?.to_bytes());
        let began = Instant::now();
        let uri = Uri::builder().scheme("http").authority(self.authority.as_str());
        head.uri = uri.path_and_query("/").build().unwrap_or_default();
        let answer = match self.client.request(Request::from_parts(head, body)).await {
            Ok(answer) => {
                let (head, body) = answer.into_parts();
                Response::from_parts(head, Body::from(body.collect().await?.to_bytes()))
            }
            Err(_) => {
                let mut answer = Response::new(Body::empty());
                *answer.status_mut() = StatusCode::BAD_GATEWAY;
                answer
            }
        };
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
        Ok(answer)
    }
}

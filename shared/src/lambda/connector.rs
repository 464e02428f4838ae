//! HTTP as DynamoDB takes it, for the SDK: HTTP/1.1 over connections that are kept.
//!
//! The SDK's own client brings HTTP/2 along, which DynamoDB does not speak: see ADR 27.

use std::fmt;

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::connection::{CaptureSmithyConnection, ConnectionMetadata};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{
    CaptureConnection, Connect, HttpConnector as Tcp, capture_connection,
};
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;

/// A client that speaks plain HTTP, as an engine on this machine does.
pub fn http() -> SharedHttpClient {
    client(tcp())
}

/// A client that speaks TLS as `tls` says, and plain HTTP where the URL asks for it.
pub(super) fn https(tls: ClientConfig) -> SharedHttpClient {
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
    client(connector.enable_http1().wrap_connector(tcp()))
}

fn tcp() -> Tcp {
    let mut tcp = Tcp::new();
    tcp.enforce_http(false);
    // The end of a request does not wait until its beginning is acknowledged.
    tcp.set_nodelay(true);
    tcp
}

fn client(connect: impl Connect + Clone + Send + Sync + 'static) -> SharedHttpClient {
    let client = Client::builder(TokioExecutor::new()).build(connect);
    // One for all: the SDK asks for a connector for each set of timeouts that it meets.
    let connector = SharedHttpConnector::new(Http1(client));
    http_client_fn(move |_, _| connector.clone())
}

struct Http1<C>(Client<C, SdkBody>);

impl<C> fmt::Debug for Http1<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Http1")
    }
}

impl<C: Connect + Clone + Send + Sync + 'static> HttpConnector for Http1<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = self.0.clone();
        HttpConnectorFuture::new(async move {
            let mut request =
                request.try_into_http1x().map_err(|e| ConnectorError::user(e.into()))?;
            let connection = capture_connection(&mut request);
            if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
                capture.set_connection_retriever(move || Some(metadata(connection.clone())));
            }
            let answer = client.request(request).await.map_err(|e| ConnectorError::io(e.into()))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}

/// What the SDK gives a connection up by: after a 5xx, the next call takes another one.
fn metadata(connection: CaptureConnection) -> ConnectionMetadata {
    let give_up = move || {
        if let Some(connection) = connection.connection_metadata().as_ref() {
            connection.poison();
        }
    };
    ConnectionMetadata::builder().proxied(false).poison_fn(give_up).build()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::mem;
    use std::net::Ipv4Addr;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{Credentials, Region};
    use aws_sdk_dynamodb::types::AttributeValue;
    use http_body_util::BodyExt as _;
    use hyper::body::Incoming;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;
    use tokio::task::JoinSet;

    use super::*;
    use crate::lambda::config;

    /// Makes a call for each of the statuses that a server answers with, and tells over which
    /// connection each went. After each round, the server closes those that are open.
    async fn connections(rounds: &[&[u16]]) -> Vec<usize> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let config = config(http())
            .endpoint_url(format!("http://{}", listener.local_addr().unwrap()))
            .region(Region::from_static("local"))
            .credentials_provider(Credentials::new("local", "local", None, None, "local"));
        let server = Arc::new(Server { statuses: rounds.concat(), ..Server::default() });
        let serving = tokio::spawn(Arc::clone(&server).serve(listener));
        let client = Client::from_conf(config.build());
        for round in rounds {
            for status in *round {
                let key = AttributeValue::Bool(true);
                let call = client.get_item().table_name("table").key("pk", key);
                assert_eq!(call.send().await.is_ok(), *status == 200);
            }
            let mut open = mem::take(&mut *server.open.lock().unwrap());
            open.shutdown().await;
            // Idle for a moment, the client comes to see what was closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        serving.abort();
        server.used.lock().unwrap().clone()
    }

    #[derive(Default)]
    struct Server {
        statuses: Vec<u16>,
        used: Mutex<Vec<usize>>,
        open: Mutex<JoinSet<hyper::Result<()>>>,
    }

    impl Server {
        async fn serve(self: Arc<Self>, listener: TcpListener) {
            for connection in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let server = Arc::clone(&self);
                let answer =
                    service_fn(move |request| Arc::clone(&server).answer(request, connection));
                let http = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
                self.open.lock().unwrap().spawn(http);
            }
        }

        async fn answer(
            self: Arc<Self>,
            request: Request<Incoming>,
            connection: usize,
        ) -> Result<Response<String>, Infallible> {
            request.collect().await.unwrap();
            let mut used = self.used.lock().unwrap();
            let answer = Response::builder().status(self.statuses[used.len()]);
            used.push(connection);
            Ok(answer.body("{}".to_owned()).unwrap())
        }
    }

    #[tokio::test]
    async fn a_connection_is_kept() {
        assert_eq!(connections(&[&[200, 400, 200, 200]]).await, [0, 0, 0, 0]);
    }

    #[tokio::test]
    async fn a_connection_that_brought_a_server_error_is_given_up() {
        assert_eq!(connections(&[&[200, 500, 200, 503, 200]]).await, [0, 0, 1, 1, 2]);
    }

    #[tokio::test]
    async fn a_connection_that_the_server_closed_is_not_used_again() {
        assert_eq!(connections(&[&[200], &[200, 200]]).await, [0, 1, 1]);
    }
}

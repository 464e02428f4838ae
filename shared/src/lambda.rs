//! Around a handler in its function: configuration from the environment, the client, the log, and
//! the runtime's loop.

mod connector;
mod headers;
mod roots;
mod sigv4;

use std::convert::Infallible;
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Request, Service};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde_json::Value;

use crate::environment::{Environment, SignIn};
use crate::http::{Endpoint, event};
use crate::log::Log;
use crate::store::{Session, Store, WarmUp};

pub use connector::http;
pub use lambda_runtime::Error;
pub use roots::{Roots, TlsError};

use headers::FewHeaders;
use sigv4::SigV4;

/// How long one call to DynamoDB may take before it is given up and tried again.
const CALL_TIMEOUT: Duration = Duration::from_secs(2);
/// How long opening the first connection may take.
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(3);
/// What is left of a function's time when its work must end.
const MARGIN: Duration = Duration::from_secs(5);

/// Serves an endpoint until the runtime ends the process.
pub fn serve(endpoint: &'static Endpoint) -> Result<(), Error> {
    let place = Place::from_environment()?;
    let http = place.roots().https()?;
    serve_in(place, endpoint, http)
}

/// Serves an endpoint, and calls DynamoDB over `http`.
pub fn serve_over(endpoint: &'static Endpoint, http: SharedHttpClient) -> Result<(), Error> {
    serve_in(Place::from_environment()?, endpoint, http)
}

fn serve_in(
    place: Place,
    endpoint: &'static Endpoint,
    http: SharedHttpClient,
) -> Result<(), Error> {
    run(async {
        let store = place.store(http, endpoint.warm_up).await;
        lambda_runtime::run(handler(endpoint, store)).await
    })
}

/// What the runtime calls for each event of API Gateway.
pub fn handler(
    endpoint: &'static Endpoint,
    store: Store,
) -> impl Service<LambdaEvent<LambdaRequest>, Response = impl Serialize, Error = Infallible> {
    let answer = service_fn(move |request: Request| {
        let store = store.clone();
        async move { Ok::<_, Infallible>(endpoint.answer(&store, request).await) }
    });
    let adapter = Adapter::from(answer);
    service_fn(move |invocation: LambdaEvent<LambdaRequest>| {
        let request = event::made_good(invocation.payload);
        adapter.clone().call(LambdaEvent::new(request, invocation.context))
    })
}

/// Serves a handler of events that are no requests until the runtime ends the process. It is given
/// a session that ends shortly before the function's time does.
pub fn serve_events<F>(warm_up: WarmUp, handle: fn(Session, Value) -> F) -> Result<(), Error>
where
    F: Future<Output = Result<Value, crate::store::Error>>,
{
    let place = Place::from_environment()?;
    let http = place.roots().https()?;
    run(async move {
        let store = place.store(http, warm_up).await;
        let serve = service_fn(move |invocation: LambdaEvent<Value>| {
            let left = invocation.context.deadline().duration_since(now()).unwrap_or_default();
            let session = store.session(left.saturating_sub(MARGIN));
            async move { handle(session, invocation.payload).await.map_err(Error::from) }
        });
        lambda_runtime::run(serve).await
    })
}

#[expect(clippy::disallowed_methods, reason = "the runtime gives its deadline as a point in time")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

fn run(serve: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    start_log()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve)
}

/// Sends the log of this process to stdout, from where Lambda takes it.
pub fn start_log() -> Result<(), Error> {
    let since_epoch = || now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let log = Log::new(std::io::stdout(), std::env::var("STACK_NAME").ok(), since_epoch);
    Ok(tracing::subscriber::set_global_default(log)?)
}

/// Which table a function works on, where, and as whom.
struct Place {
    table: String,
    region: String,
    endpoint: Option<String>,
    credentials: Credentials,
    sign_in: Option<SignIn>,
}

impl Place {
    /// As Lambda and the template set it. It stays so as long as the process lives.
    fn from_environment() -> Result<Self, Error> {
        let required =
            |name: &str| std::env::var(name).map_err(|_| Error::from(format!("{name} is not set")));
        let optional = |name: &str| std::env::var(name).ok();
        Ok(Self {
            table: required("TABLE_NAME")?,
            region: required("AWS_REGION")?,
            endpoint: optional("AWS_ENDPOINT_URL"),
            credentials: Credentials::new(
                required("AWS_ACCESS_KEY_ID")?,
                required("AWS_SECRET_ACCESS_KEY")?,
                optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            sign_in: optional("ISSUER")
                .zip(optional("CLIENT_ID"))
                .map(|(issuer, client_id)| SignIn { issuer, client_id }),
        })
    }

    fn roots(&self) -> Roots {
        Roots::of(&self.region, self.endpoint.as_deref())
    }

    /// The store over the table, its connection open.
    async fn store(self, http: SharedHttpClient, warm_up: WarmUp) -> Store {
        let mut config =
            config(http).region(Region::new(self.region)).credentials_provider(self.credentials);
        config.set_endpoint_url(self.endpoint);
        let client = Client::from_conf(config.build());
        let environment = Environment { sign_in: self.sign_in, ..Environment::system() };
        let store = Store::new(client, self.table, environment);
        store.session(WARM_UP_TIMEOUT).warm_up(warm_up).await;
        store
    }
}

/// The client's configuration but for where it calls and as whom. The SDK retries nothing: the
/// store does.
pub fn config(http: SharedHttpClient) -> aws_sdk_dynamodb::config::Builder {
    aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::builder().operation_attempt_timeout(CALL_TIMEOUT).build())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .push_auth_scheme(SigV4::default())
        .interceptor(FewHeaders)
}

//! Functions called as API Gateway calls them, in this process, over a world of the test's own.

use lambda_http::Body;
use lambda_http::request::LambdaRequest;
use muster_shared::http::{Auth, Endpoint, event};
use muster_tests::wire::Sent;
use muster_tests::world::World;
use serde_json::{Map, Value, json};

use super::contract::{Exchange, contract};
use super::device::Device;

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: u16,
    pub(crate) headers: lambda_http::http::HeaderMap,
    /// The body; `null` if there is none.
    pub(crate) body: Value,
    /// What the function has sent to DynamoDB.
    pub(crate) sent: Vec<Sent>,
}

/// The endpoint of a function.
pub(crate) fn endpoint(name: &str) -> &'static Endpoint {
    let endpoint = muster_local::endpoints().iter().find(|endpoint| endpoint.name == name);
    endpoint.unwrap_or_else(|| panic!("no endpoint is called {name}"))
}

/// Lets an endpoint answer an event.
pub(crate) async fn answer(world: &World, endpoint: &Endpoint, event: &Value) -> Done {
    let event: LambdaRequest = serde_json::from_value(event.clone()).expect("an event");
    world.wire.journal();
    let response = endpoint.answer(&world.store, event::request(event)).await;
    let (head, body) = response.into_parts();
    let body = match body {
        Body::Text(text) => serde_json::from_str(&text).expect("JSON"),
        Body::Empty => Value::Null,
        other => panic!("no function answers with {other:?}"),
    };
    let sent = world.wire.journal();
    let operation = contract().operation(endpoint.method.as_str(), endpoint.path);
    let operation = operation.unwrap_or_else(|| panic!("{} is not documented", endpoint.name));
    let status = head.status.as_u16();
    let exchange = Exchange { sent: None, status, headers: &head.headers, answer: &body };
    contract().check(operation, &exchange);
    Done { status, headers: head.headers, body, sent }
}

/// A call that is put together by hand.
pub(crate) struct Invocation {
    endpoint: &'static Endpoint,
    path: Map<String, Value>,
    query: String,
    headers: Map<String, Value>,
    who: Option<String>,
    body: Option<String>,
}

impl Invocation {
    /// A call of a function, by the owner of the world's team.
    pub(crate) fn of(name: &str, world: &World) -> Self {
        let path = Map::from_iter([("team_id".to_owned(), world.team.to_string().into())]);
        let headers = json!({"host": "api.example.com", "content-type": "application/json"});
        let Value::Object(headers) = headers else { unreachable!() };
        let who = Some(world.owner.as_str().to_owned());
        Self { endpoint: endpoint(name), path, query: String::new(), headers, who, body: None }
    }

    /// By somebody else, or by nobody that an authorizer has verified.
    #[must_use]
    pub(crate) fn by(mut self, who: Option<&str>) -> Self {
        self.who = who.map(str::to_owned);
        self
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn without(mut self, header: &str) -> Self {
        self.headers.remove(header);
        self
    }

    /// With a device's proof for this very call, about the node that it has.
    #[must_use]
    pub(crate) fn by_device(self, device: &Device, world: &World, hostname: &str) -> Self {
        let url = format!("https://api.example.com{}", self.endpoint.path);
        let proof = device.proof_for(self.endpoint.method.as_str(), &url);
        let proof = proof.claim("iat", world.session().now().as_unix().into()).sign();
        self.header("dpop", &proof).query(&format!("team_id={}&hostname={hostname}", world.team))
    }

    /// The parameter of the path besides the team.
    #[must_use]
    pub(crate) fn at(mut self, name: &str, value: &str) -> Self {
        self.path.insert(name.to_owned(), value.into());
        self
    }

    #[must_use]
    pub(crate) fn query(mut self, query: &str) -> Self {
        query.clone_into(&mut self.query);
        self
    }

    #[must_use]
    pub(crate) fn body(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    pub(crate) async fn run(self, world: &World) -> Done {
        let Self { endpoint, path, query, headers, who, body } = self;
        let mut raw_path = endpoint.path.to_owned();
        for (name, value) in &path {
            raw_path = raw_path.replace(&format!("{{{name}}}"), value.as_str().unwrap_or_default());
        }
        let authorizer = match (endpoint.auth, who) {
            (Auth::Jwt, Some(who)) => {
                let claims =
                    json!({"sub": "1", "email": who, "email_verified": "true", "token_use": "id"});
                json!({"jwt": {"claims": claims, "scopes": null}})
            }
            (Auth::Jwt, None) | (Auth::Anyone | Auth::EnrollmentToken | Auth::DeviceKey, _) => {
                Value::Null
            }
        };
        let event = json!({
            "version": "2.0",
            "routeKey": format!("{} {}", endpoint.method, endpoint.path),
            "rawPath": raw_path,
            "rawQueryString": query,
            "headers": headers,
            "requestContext": {
                "accountId": "123456789012", "apiId": "api-id", "authorizer": authorizer,
                "domainName": "api.example.com", "domainPrefix": "api",
                "http": {
                    "method": endpoint.method.as_str(), "path": raw_path,
                    "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent",
                },
                "requestId": "id", "routeKey": "", "stage": "$default",
                "time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1_583_348_638_390_i64,
            },
            "pathParameters": path,
            "body": body,
            "isBase64Encoded": false,
        });
        answer(world, endpoint, &event).await
    }
}

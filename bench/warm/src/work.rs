//! The parts, done.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_smithy_async::time::StaticTimeSource;
use lambda_http::Service;
use lambda_http::request::LambdaRequest;
use lambda_runtime::{Context, LambdaEvent};
use muster_shared::domain::enrollment::Outcome;
use muster_shared::domain::plaintext::{Plaintext, TokenHash};
use muster_shared::domain::report::Report;
use muster_shared::domain::text::{Meta, Tag, Tags};
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::Policy;
use muster_shared::environment::{Clock, Entropy, Environment};
use muster_shared::http::views::NodeView;
use muster_shared::http::{Reply, event};
use muster_shared::lambda;
use muster_shared::store::{NewToken, Registered, Registration, Store};
use serde_json::{Value, json};

use crate::Error;
use crate::answers::Answers;
use crate::calls::Calls;
use crate::part::Part;
use crate::unsigned::unsigned;

const NOW: i64 = 1_900_000_000;
const EVENT: &str = include_str!("../../../tests/events/register-node.json");
const SAMPLE: &str = include_str!("../../../domain/src/plaintext.sample");
const HOSTNAME: &str = "web-1.example.com";

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(NOW)
    }
}

#[derive(Default)]
struct Sequence(AtomicU8);

impl Entropy for Sequence {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// What the parts are done with.
struct Bench {
    answers: Answers,
    client: Client,
    store: Store,
    event: String,
    plaintext: Plaintext,
    hash: TokenHash,
    registration: Registration,
    registered: Registered,
}

/// Does a part, `times` over.
pub(crate) fn run(part: &str, times: &str) -> Result<(), Error> {
    let part: Part = part.parse()?;
    let times: u32 = times.parse().map_err(|_| Error::Usage)?;
    lambda::start_log().map_err(Error::work)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(Error::work)?.block_on(async {
        let bench = Bench::set().await?;
        match part {
            Part::Bare => bench.bare(times),
            Part::Whole => bench.whole(times).await,
            Part::Event => bench.events(times),
            Part::Token => bench.token(times),
            Part::Sdk => bench.sdk(&bench.client, times).await,
            Part::Unsigned => bench.sdk(&unsigned(&bench.client), times).await,
            Part::Store => bench.store(times).await,
            Part::Reply => {
                bench.reply(times);
                Ok(())
            }
        }
    })
}

impl Bench {
    async fn set() -> Result<Self, Error> {
        let answers = Answers::default();
        let second = Duration::from_secs(NOW.unsigned_abs());
        let config = lambda::config(answers.client())
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new(
                "bench",
                "bench",
                Some("bench".into()),
                None,
                "bench",
            ))
            .time_source(StaticTimeSource::new(SystemTime::UNIX_EPOCH + second));
        let client = Client::from_conf(config.build());
        let entropy = Arc::new(Sequence::default());
        let environment = Environment { clock: Arc::new(Fixed), entropy, sign_in: None };
        let store = Store::new(client.clone(), "muster", environment);

        let owner = "owner@example.com".parse().map_err(Error::work)?;
        let name = "Example".parse().map_err(Error::work)?;
        let team = store.request().create_team(&owner, name).await.map_err(Error::work)?;
        let name = "Ansible Playbook".parse().map_err(Error::work)?;
        let token = NewToken { name, policy: Policy::default() };
        let made = store.request().create_token(team.id, &owner, token).await;
        let made = made.map_err(Error::work)?;
        let registration =
            Registration { plaintext: made.plaintext.clone(), report: report()?, key: None };
        let event = EVENT.replace(SAMPLE.trim(), &made.plaintext.expose());

        // The node as the event has it.
        let mut answer = lambda::handler(&register_node::ENDPOINT, store.clone());
        let invocation = LambdaEvent::new(request(&event)?, Context::default());
        answer.call(invocation).await.map_err(Error::work)?;
        let registered = store.request().register_node(&registration).await;
        let registered = registered.map_err(Error::work)?;
        answers.forget(&format!("NODE#{HOSTNAME}"));
        answers.fix();
        Ok(Self {
            answers,
            client,
            store,
            event,
            hash: made.plaintext.hash(),
            plaintext: made.plaintext,
            registration,
            registered,
        })
    }

    fn bare(&self, times: u32) -> Result<(), Error> {
        for _ in 0..times {
            let event: Value = serde_json::from_str(&self.event).map_err(Error::work)?;
            let answer = json!({ "message": "hello, world" });
            std::hint::black_box((event, serde_json::to_vec(&answer).map_err(Error::work)?));
        }
        Ok(())
    }

    async fn whole(&self, times: u32) -> Result<(), Error> {
        let mut answer = lambda::handler(&register_node::ENDPOINT, self.store.clone());
        for _ in 0..times {
            let invocation = LambdaEvent::new(request(&self.event)?, Context::default());
            let answer = answer.call(invocation).await.map_err(Error::work)?;
            let answer = serde_json::to_string(&answer).map_err(Error::work)?;
            if !answer.contains(r#""statusCode":201"#) {
                return Err(Error::work(answer));
            }
        }
        Ok(())
    }

    fn events(&self, times: u32) -> Result<(), Error> {
        for _ in 0..times {
            std::hint::black_box(event::request(request(&self.event)?));
        }
        Ok(())
    }

    fn token(&self, times: u32) -> Result<(), Error> {
        let text = self.plaintext.expose();
        for _ in 0..times {
            let plaintext: Plaintext = text.parse().map_err(Error::work)?;
            if !self.hash.matches(&plaintext) {
                return Err(Error::work("the token is not its own"));
            }
        }
        Ok(())
    }

    async fn sdk(&self, client: &Client, times: u32) -> Result<(), Error> {
        let calls = Calls::of(&self.answers)?;
        for _ in 0..times {
            calls.send(client).await?;
        }
        Ok(())
    }

    async fn store(&self, times: u32) -> Result<(), Error> {
        for _ in 0..times {
            let registered = self.store.request().register_node(&self.registration).await;
            if registered.map_err(Error::work)?.outcome != Outcome::Created {
                return Err(Error::work("the node was there"));
            }
        }
        Ok(())
    }

    fn reply(&self, times: u32) {
        for _ in 0..times {
            let view = NodeView::registered(&self.registered, Timestamp::from_unix(NOW));
            std::hint::black_box(Reply::created(&view).into_response());
        }
    }
}

fn request(event: &str) -> Result<LambdaRequest, Error> {
    serde_json::from_str(event).map_err(Error::work)
}

/// What the event says of the machine.
fn report() -> Result<Report, Error> {
    let tags = ["web", "prod"].map(str::parse).into_iter().collect::<Result<Vec<Tag>, _>>();
    let meta = json!({ "cpus": 4, "kernel": "6.1.0-18-amd64" });
    Ok(Report {
        name: Some("Web 1".parse().map_err(Error::work)?),
        ip_address: Some("192.0.2.10".parse().map_err(Error::work)?),
        kind: Some("server".parse().map_err(Error::work)?),
        tags: Some(tags.and_then(Tags::try_from).map_err(Error::work)?),
        meta: Some(Meta::try_from(meta).map_err(Error::work)?),
        ..Report::of(HOSTNAME.parse().map_err(Error::work)?)
    })
}

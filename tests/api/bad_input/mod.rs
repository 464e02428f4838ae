//! Bad input at every field of every call: refused, at the right place, and without a trace.

mod bodies;
mod members;
mod node_report;
mod nothing_given;
mod paths;
mod plaintexts;
mod queries;
mod token_policy;

use lambda_http::http::Method;
use muster_tests::table::Contents;
use serde_json::{Map, Value, json};

use crate::support::answer::Answer;
use crate::support::api::{Request, encoded};
use crate::support::service::Watched;
use crate::support::team::{Made, Team};

/// A team with a bit of everything.
struct Scene {
    service: Watched,
    team: Team,
    made: Made,
    member: String,
    before: Contents,
}

impl Scene {
    async fn set() -> Self {
        let service = Watched::start().await;
        let team = service.api.newcomer("owner").await.makes_a_team().await;
        let member = team.welcomes("member", "member").await.who.email;
        let made = team.token(json!({"max_uses": 9})).await;
        team.registers(&made, "web-1").await;
        team.token(json!({})).await;
        let before = service.contents().await;
        Self { service, team, made, member, before }
    }

    /// Sends a request that must come to nothing.
    async fn refused(&self, why: &str, request: &Request) -> Answer {
        let answer = request.send().await;
        assert!((400..500).contains(&answer.status), "{why}: {answer:?}");
        assert!(self.service.contents().await == self.before, "{why} has left something behind");
        answer
    }

    /// Sends a request that must be refused for what is at these places, and come to nothing.
    async fn invalid(&self, why: &str, request: &Request, at: &[&str]) {
        let answer = self.refused(why, request).await;
        assert_eq!(answer.status, 400, "{why}: {answer:?}");
        assert_eq!(answer.invalid_at(), at, "{why}: {answer:?}");
    }
}

/// A call that takes a body.
#[derive(Clone, Copy)]
struct Taking {
    name: &'static str,
    request: fn(&Scene) -> Request,
    /// A body that would do.
    good: fn(&Scene) -> Value,
}

const CREATE_TEAM: Taking = Taking {
    name: "create-team",
    request: |scene| scene.team.who.request(Method::POST, "/api/teams"),
    good: |_| json!({"name": "Example"}),
};
const ADD_MEMBER: Taking = Taking {
    name: "add-member",
    request: |scene| scene.team.request(Method::POST, "/members"),
    good: |_| json!({"email": "new@example.com", "role": "member"}),
};
const SET_ROLE: Taking = Taking {
    name: "set-role",
    request: |scene| {
        scene.team.request(Method::PATCH, &format!("/members/{}", encoded(&scene.member)))
    },
    good: |_| json!({"role": "admin"}),
};
const CREATE_TOKEN: Taking = Taking {
    name: "create-token",
    request: |scene| scene.team.request(Method::POST, "/registration-tokens"),
    good: |_| {
        json!({
            "name": "sample", "max_uses": 7, "expires_at": "2199-01-01T00:00:00Z",
            "allowed_kinds": ["server"],
        })
    },
};
const SELF_ENROLL: Taking = Taking {
    name: "self-enroll",
    request: |scene| scene.team.request(Method::POST, "/self-enroll"),
    good: |_| json!({"name": "laptop"}),
};
const REGISTER_NODE: Taking = Taking {
    name: "register-node",
    request: |scene| scene.service.api.request(Method::POST, "/api/register-node"),
    good: |scene| {
        json!({
            "token": scene.made.plaintext, "hostname": "web-2", "name": "Web 2",
            "ip_address": "192.0.2.2", "kind": "server", "group": "web", "tags": ["prod"],
            "meta": {"rack": 7}, "os": "Debian 12",
        })
    },
};

const TAKING: [Taking; 6] =
    [CREATE_TEAM, ADD_MEMBER, SET_ROLE, CREATE_TOKEN, SELF_ENROLL, REGISTER_NODE];

impl Taking {
    /// The call with a good body in which one field has another value.
    fn with(&self, scene: &Scene, field: &str, value: Value) -> Request {
        let mut body = self.fields(scene);
        body.insert(field.to_owned(), value);
        (self.request)(scene).json(&body.into())
    }

    /// The call with a good body that lacks one field.
    fn without(&self, scene: &Scene, field: &str) -> Request {
        let mut body = self.fields(scene);
        assert!(body.remove(field).is_some(), "{} has no {field}", self.name);
        (self.request)(scene).json(&body.into())
    }

    fn fields(&self, scene: &Scene) -> Map<String, Value> {
        match (self.good)(scene) {
            Value::Object(fields) => fields,
            _ => panic!("a body is an object"),
        }
    }

    /// Tries values that must be refused for the field.
    async fn refuses(&self, scene: &Scene, field: &str, values: Vec<Value>) {
        let at = format!("/{field}");
        for value in values {
            let why = format!("{}: {field} = {}", self.name, shown(&value));
            scene.invalid(&why, &self.with(scene, field, value), &[&at]).await;
        }
    }

    /// Tries lists that must be refused for their entry at `inside`.
    async fn refuses_inside(&self, scene: &Scene, field: &str, values: Vec<(Value, &str)>) {
        for (value, inside) in values {
            let why = format!("{}: {field} = {}", self.name, shown(&value));
            let at = format!("/{field}{inside}");
            scene.invalid(&why, &self.with(scene, field, value), &[&at]).await;
        }
    }

    /// Makes sure that the call goes through with this value: what is refused is refused for the
    /// value's own sake.
    async fn takes(&self, scene: &Scene, field: &str, value: Value) -> Answer {
        let shown = shown(&value);
        let answer = self.with(scene, field, value).send().await;
        assert!(answer.status < 300, "{}: {field} = {shown}: {answer:?}", self.name);
        answer
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    let short: String = text.chars().take(60).collect();
    if text.chars().count() > 60 { format!("{short}…") } else { short }
}

/// What is no text.
fn no_text() -> Vec<Value> {
    vec![
        json!(7),
        json!(-1),
        json!(0.5),
        json!(true),
        json!(false),
        json!([]),
        json!(["a"]),
        json!({}),
    ]
}

/// What is no short printable text of at most `longest` characters.
fn no_name(longest: usize) -> Vec<Value> {
    let mut values = no_text();
    for text in
        ["", " ", "\u{a0}\u{2003}", "a\nb", "a\tb", "a\u{0}b", "\u{0}", "a\u{7f}", "a\u{85}"]
    {
        values.push(text.into());
    }
    values.push("a".repeat(longest + 1).into());
    values.push("\u{1f4a9}".repeat(longest + 1).into());
    values.push("a".repeat(20_000).into());
    values
}

/// What is no kind and no group.
fn no_label() -> Vec<Value> {
    let mut values = no_text();
    let texts = [
        "", " ", "A", "Server", "-a", ".a", "_a", "a b", "a/b", "a#b", "a\u{0}", "\u{e4}", "a\n",
        "\u{ff41}", "../a", "a,b",
    ];
    values.extend(texts.map(Value::from));
    values.push("a".repeat(65).into());
    values
}

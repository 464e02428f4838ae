//! The calls that take a body, each with one that would do.

use lambda_http::http::Method;
use serde_json::{Map, Value, json};

use super::Scene;
use crate::support::answer::Answer;
use crate::support::api::{Request, encoded};

/// A call that takes a body.
#[derive(Clone, Copy)]
pub(super) struct Taking {
    pub(super) name: &'static str,
    pub(super) request: fn(&Scene) -> Request,
    /// A body that would do.
    pub(super) good: fn(&Scene) -> Value,
}

pub(super) const CREATE_TEAM: Taking = Taking {
    name: "create-team",
    request: |scene| scene.team.who.request(Method::POST, "/api/teams"),
    good: |_| json!({"name": "Example"}),
};
pub(super) const ADD_MEMBER: Taking = Taking {
    name: "add-member",
    request: |scene| scene.team.request(Method::POST, "/members"),
    good: |_| json!({"email": "new@example.com", "role": "member"}),
};
pub(super) const SET_ROLE: Taking = Taking {
    name: "set-role",
    request: |scene| {
        scene.team.request(Method::PATCH, &format!("/members/{}", encoded(&scene.member)))
    },
    good: |_| json!({"role": "admin"}),
};
pub(super) const CREATE_TOKEN: Taking = Taking {
    name: "create-token",
    request: |scene| scene.team.request(Method::POST, "/registration-tokens"),
    good: |_| {
        json!({
            "name": "sample", "max_uses": 7, "expires_at": "2199-01-01T00:00:00Z",
            "allowed_kinds": ["server"],
        })
    },
};
pub(super) const SELF_ENROLL: Taking = Taking {
    name: "self-enroll",
    request: |scene| scene.team.request(Method::POST, "/self-enroll"),
    good: |_| json!({"name": "laptop"}),
};
pub(super) const REGISTER_NODE: Taking = Taking {
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

pub(super) const TAKING: [Taking; 6] =
    [CREATE_TEAM, ADD_MEMBER, SET_ROLE, CREATE_TOKEN, SELF_ENROLL, REGISTER_NODE];

impl Taking {
    /// The call with a good body in which one field has another value.
    pub(super) fn with(&self, scene: &Scene, field: &str, value: Value) -> Request {
        let mut body = self.fields(scene);
        body.insert(field.to_owned(), value);
        (self.request)(scene).json(&body.into())
    }

    /// The call with a good body that lacks one field.
    pub(super) fn without(&self, scene: &Scene, field: &str) -> Request {
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
    pub(super) async fn refuses(&self, scene: &Scene, field: &str, values: Vec<Value>) {
        let at = format!("/{field}");
        for value in values {
            let why = format!("{}: {field} = {}", self.name, shown(&value));
            scene.invalid(&why, &self.with(scene, field, value), &[&at]).await;
        }
    }

    /// Tries lists that must be refused for their entry at `inside`.
    pub(super) async fn refuses_inside(
        &self,
        scene: &Scene,
        field: &str,
        values: Vec<(Value, &str)>,
    ) {
        for (value, inside) in values {
            let why = format!("{}: {field} = {}", self.name, shown(&value));
            let at = format!("/{field}{inside}");
            scene.invalid(&why, &self.with(scene, field, value), &[&at]).await;
        }
    }

    /// Makes sure that the call goes through with this value: what is refused is refused for the
    /// value's own sake.
    pub(super) async fn takes(&self, scene: &Scene, field: &str, value: Value) -> Answer {
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

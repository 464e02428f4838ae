//! Bad input at every field of every call: refused, at the right place, and without a trace.

mod bodies;
mod calls;
mod members;
mod node_report;
mod nothing_given;
mod paths;
mod plaintexts;
mod queries;
mod token_policy;
mod values;

use muster_tests::table::Contents;
use serde_json::json;

use crate::support::answer::Answer;
use crate::support::api::Request;
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

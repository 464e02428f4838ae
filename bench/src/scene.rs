//! A table with a team and a token, and the events of machines that register with it.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use muster_local::engine::{Engine, TABLE};
use muster_shared::domain::token::Policy;
use muster_shared::environment::Environment;
use muster_shared::store::NewToken;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::Error;
use crate::dynamodb::DynamoDb;

const EVENT: &str = include_str!("../../tests/events/register-node.json");
const PLAINTEXT: &str = include_str!("../../domain/src/plaintext.sample");

/// A table that functions can be started over.
pub struct Scene {
    /// The endpoint before the table.
    pub dynamodb: DynamoDb,
    plaintext: Zeroizing<String>,
    machines: AtomicUsize,
    _engine: Engine,
}

impl Scene {
    /// A table in memory, with one token that any number of machines may use.
    pub async fn set() -> Result<Self, Error> {
        let failed = |error: &dyn std::fmt::Display| Error::Scene(error.to_string());
        let engine = Engine::in_memory().await?;
        let session = engine.store(Environment::system()).request();
        let owner = "owner@example.com".parse().map_err(|error| failed(&error))?;
        let name = "Example".parse().map_err(|error| failed(&error))?;
        let team = session.create_team(&owner, name).await.map_err(|error| failed(&error))?;
        let name = "Ansible Playbook".parse().map_err(|error| failed(&error))?;
        let token = NewToken { name, policy: Policy::default() };
        let made = session.create_token(team.id, &owner, token).await;
        let plaintext = made.map_err(|error| failed(&error))?.plaintext.expose();
        let dynamodb = DynamoDb::before(&engine).await?;
        Ok(Self { dynamodb, plaintext, machines: AtomicUsize::new(1), _engine: engine })
    }

    /// What the environment of a function over this table has.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("TABLE_NAME", TABLE.to_owned()),
            ("STACK_NAME", TABLE.to_owned()),
            ("AWS_ENDPOINT_URL", self.dynamodb.url().to_owned()),
            ("BENCH_ROOT", self.dynamodb.root().to_owned()),
        ]
    }

    /// The sample event of register-node, from a machine that has not been there yet.
    pub fn registration(&self) -> Bytes {
        let machine = self.machines.fetch_add(1, Ordering::Relaxed);
        let event = EVENT.replace(PLAINTEXT.trim(), &self.plaintext);
        event.replace("web-1.example.com", &format!("web-{machine}.example.com")).into()
    }
}

/// Checks that a function of the API answered with `status`.
pub fn expect(answer: &[u8], status: u16) -> Result<(), Error> {
    let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
    if answer.get("statusCode").is_some_and(|is| *is == status) {
        Ok(())
    } else {
        Err(Error::Unexpected(answer.to_string()))
    }
}

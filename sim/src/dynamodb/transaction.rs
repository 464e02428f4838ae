//! Transactions in two phases, as in Idziorek et al., "Distributed Transactions at Scale in Amazon
//! DynamoDB", USENIX ATC 2023, listings 2 to 4.
//!
//! A coordinator asks each item's storage node to prepare. A node accepts if no other transaction
//! holds the item, the condition holds, and the item was not written at a later time than the
//! transaction's. If all accept, each is told to commit, and does so at a time of its own; else each
//! is told to let go. Until then the item refuses every other write.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::Shared;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::capacity::Kind;
use super::item::Key;
use super::{DynamoDb, Origin, Refused, Transaction, consumed, key_of, write_units};

/// How differently long the messages of one transaction take.
const SPREAD: f64 = 0.5;
/// How long it takes at most until a lost coordinator's transaction is carried on, mostly and now and
/// then. Not published.
const RECOVERY: Duration = Duration::from_secs(4);
const LONGEST_RECOVERY: Duration = Duration::from_secs(20);
/// How far the coordinators' clocks are apart.
const COORDINATOR_SKEW: Duration = Duration::from_micros(500);

/// A transaction that can be asked for again by its token.
#[derive(Debug, Clone)]
pub(super) struct Replay {
    request: u64,
    /// Tells all who wait for it, in order: a `watch` channel tells them in a random one.
    outcome: Shared<oneshot::Receiver<Result<Value, Refused>>>,
}

/// One action of a transaction.
struct Action {
    kind: ActionKind,
    key: Key,
    body: Value,
}

#[derive(Clone, Copy, PartialEq)]
enum ActionKind {
    Check,
    Put,
    Update,
    Delete,
}

impl Action {
    fn of(action: &Value) -> Result<Self, Refused> {
        let kinds = [
            ("ConditionCheck", ActionKind::Check),
            ("Put", ActionKind::Put),
            ("Update", ActionKind::Update),
            ("Delete", ActionKind::Delete),
        ];
        let found = kinds.into_iter().find_map(|(name, kind)| Some((action.get(name)?, kind)));
        let (body, kind) =
            found.ok_or_else(|| Refused::new(400, "ValidationException", "no action"))?;
        Ok(Self { kind, key: key_of(body)?, body: body.clone() })
    }

    /// Its condition, alone.
    fn check(&self) -> Option<Value> {
        let condition = self.body.get("ConditionExpression")?.as_str()?;
        let mut check = json!({
            "TableName": self.body.get("TableName"),
            "Key": { "pk": { "S": self.key.pk }, "sk": { "S": self.key.sk } },
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure":
                self.body.get("ReturnValuesOnConditionCheckFailure").cloned().unwrap_or_else(|| "NONE".into()),
        });
        self.give_names(&mut check, condition);
        Some(check)
    }

    /// The write that it commits, without its condition.
    fn write(&self) -> Option<(&'static str, Value)> {
        let mut write = json!({ "TableName": self.body.get("TableName") });
        let mut take = |name: &str| write[name] = self.body.get(name).cloned().unwrap_or_default();
        let operation = match self.kind {
            ActionKind::Check => return None,
            ActionKind::Put => {
                take("Item");
                "PutItem"
            }
            ActionKind::Delete => {
                take("Key");
                "DeleteItem"
            }
            ActionKind::Update => {
                take("Key");
                take("UpdateExpression");
                let update = self.body.get("UpdateExpression").and_then(Value::as_str);
                self.give_names(&mut write, update.unwrap_or_default());
                "UpdateItem"
            }
        };
        Some((operation, write))
    }

    /// Gives the names and values that an expression uses: the engine, like DynamoDB, takes no others.
    fn give_names(&self, request: &mut Value, expression: &str) {
        for maps in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
            let all = self.body.get(maps).and_then(Value::as_object);
            let used = all.into_iter().flatten().filter(|(name, _)| uses(expression, name));
            let used: Map<_, _> = used.map(|(name, value)| (name.clone(), value.clone())).collect();
            if !used.is_empty() {
                request[maps] = used.into();
            }
        }
    }
}

/// Whether a name stands in an expression as a whole.
fn uses(expression: &str, name: &str) -> bool {
    expression.match_indices(name).any(|(at, _)| {
        let after = expression.get(at + name.len()..).unwrap_or_default().chars().next();
        !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

impl DynamoDb {
    pub(super) async fn transact_write(
        &self,
        origin: Origin,
        request: Value,
    ) -> Result<Value, Refused> {
        let actions = request.get("TransactItems").and_then(Value::as_array);
        let actions: Vec<_> =
            actions.into_iter().flatten().map(Action::of).collect::<Result<_, _>>()?;
        let Some(token) = request.get("ClientRequestToken").and_then(Value::as_str) else {
            return self.coordinate(origin, "", &actions).await;
        };
        let mut hasher = DefaultHasher::new();
        request.to_string().hash(&mut hasher);
        let hash = hasher.finish();
        let there = self.state().replays.get(token).cloned();
        if let Some(replay) = there {
            if replay.request != hash {
                return Err(Refused::new(400, "IdempotentParameterMismatchException", "simulated"));
            }
            return replay.outcome.await.unwrap_or_else(|_| Err(Refused::internal()));
        }
        let (settle, outcome) = oneshot::channel();
        let outcome = outcome.shared();
        self.state().replays.insert(token.to_owned(), Replay { request: hash, outcome });
        let outcome = self.coordinate(origin, token, &actions).await;
        if outcome.is_err() {
            // Only what went through is answered again without being done.
            self.state().replays.remove(token);
        }
        let _ = settle.send(outcome.clone());
        outcome
    }

    /// The transaction coordinator.
    async fn coordinate(
        &self,
        origin: Origin,
        token: &str,
        actions: &[Action],
    ) -> Result<Value, Refused> {
        let number = {
            let mut state = self.state();
            state.used.transactions += 1;
            state.used.transactions
        };
        let skew = self.chance.time(Duration::ZERO, 2 * COORDINATOR_SKEW);
        let stamp = (self.now() + skew).as_nanos();
        let mut reasons = vec![json!({ "Code": "None" }); actions.len()];
        let mut failed = None;
        for (at, n) in self.messages(self.now(), actions.len()) {
            self.wait_until(at).await;
            if let (Some(action), Some(reason)) = (actions.get(n), reasons.get_mut(n)) {
                match self.prepare(number, stamp, action) {
                    Ok(()) => {}
                    Err(Unprepared::For(why)) => *reason = why,
                    Err(Unprepared::Unavailable(refused)) => failed = Some(refused),
                }
            }
        }
        let accepted = failed.is_none()
            && reasons.iter().all(|reason| reason.get("Code").is_some_and(|code| code == "None"));
        let transaction = Transaction { token: token.into(), decided: self.now() };
        let mut told = self.now() + self.message();
        if accepted {
            // The word to commit arrives after one message, and the commit itself takes another.
            told += self.message();
        }
        let mut messages = self.messages(told, actions.len());
        if accepted && self.weather.strikes(&self.chance, self.weather.coordinator_lost, self.now())
        {
            self.lose_coordinator(&mut messages);
        }
        if accepted && self.weather.strikes(&self.chance, self.weather.out_of_reach, self.now()) {
            self.miss_node(actions, &mut messages);
        }
        let mut units = 0.0;
        for (at, n) in messages {
            self.wait_until(at).await;
            let Some(action) = actions.get(n) else { continue };
            if accepted && failed.is_none() {
                match self.commit(origin, action, &transaction) {
                    Ok(used) => units += 2.0 * used,
                    // An update of what is not there, for want of a condition that asks for it: DynamoDB
                    // says so when it prepares. No item may stay held.
                    Err(refused) => failed = Some(refused),
                }
            }
            let mut state = self.state();
            let mark = state.marks.entry(action.key.clone()).or_default();
            if mark.ongoing == Some(number) {
                mark.ongoing = None;
                if accepted {
                    mark.stamp = mark.stamp.max(stamp);
                }
            }
        }
        match failed {
            Some(refused) => Err(refused),
            None if accepted => {
                self.state().used.committed += 1;
                Ok(json!({ "ConsumedCapacity": [consumed(units)] }))
            }
            None => Err(Refused::cancelled(reasons)),
        }
    }

    /// A third of the time that a transaction holds an item: its answer to the preparation, the word
    /// to commit, and the commit take one each.
    fn message(&self) -> Duration {
        self.chance.about(self.settings.window / 3, SPREAD)
    }

    /// When a message to each of so many nodes arrives, in that order.
    fn messages(&self, from: Duration, count: usize) -> Vec<(Duration, usize)> {
        let mut arrivals: Vec<_> = (0..count).map(|n| (from + self.message(), n)).collect();
        arrivals.sort_unstable();
        arrivals
    }

    /// The coordinator is lost before it has told all nodes: another one finds that out after a while,
    /// and tells the rest.
    fn lose_coordinator(&self, messages: &mut [(Duration, usize)]) {
        let often = if self.weather.restless { 1.0 } else { 0.3 };
        let longest = if self.chance.happens(often) { LONGEST_RECOVERY } else { RECOVERY };
        let late = self.chance.time(Duration::ZERO, longest);
        let told = self.chance.below(messages.len());
        messages.iter_mut().skip(told).for_each(|(at, _)| *at += late);
    }

    /// Where a node of a team is put, that storage node alone is out of reach for long.
    fn miss_node(&self, actions: &[Action], messages: &mut [(Duration, usize)]) {
        let is_node =
            |action: &Action| action.kind == ActionKind::Put && action.key.sk.starts_with("NODE#");
        let late = self.chance.time(RECOVERY, LONGEST_RECOVERY);
        for (at, n) in &mut *messages {
            if actions.get(*n).is_some_and(is_node) {
                *at += late;
            }
        }
        messages.sort_unstable();
    }

    /// A storage node's answer to a preparation.
    fn prepare(&self, transaction: u64, stamp: u128, action: &Action) -> Result<(), Unprepared> {
        let reason = |code: &str| Unprepared::For(json!({ "Code": code, "Message": "simulated" }));
        match self.admit(&action.key, Kind::Write) {
            Err(refused) if refused.status >= 500 => return Err(Unprepared::Unavailable(refused)),
            Err(_) => return Err(reason("ThrottlingError")),
            Ok(()) => {}
        }
        let units = self.units(action);
        self.charge(&action.key, Kind::Write, units);
        let mark = self.state().marks.get(&action.key).cloned().unwrap_or_default();
        if mark.ongoing.is_some() {
            return Err(reason("TransactionConflict"));
        }
        if let Some(check) = action.check() {
            self.engine.check(&check).map_err(Unprepared::For)?;
        }
        if stamp <= mark.stamp {
            return Err(reason("TransactionConflict"));
        }
        self.state().marks.entry(action.key.clone()).or_default().ongoing = Some(transaction);
        Ok(())
    }

    /// Applies one action of a transaction that all have accepted. Answers with its units.
    fn commit(
        &self,
        origin: Origin,
        action: &Action,
        transaction: &Transaction,
    ) -> Result<f64, Refused> {
        let units = self.units(action);
        if let Some((operation, write)) = action.write() {
            self.apply(origin, operation, &action.key, write, Some(transaction.clone()))?;
        }
        self.charge(&action.key, Kind::Write, units);
        Ok(units)
    }

    fn units(&self, action: &Action) -> f64 {
        match action.body.get("Item").and_then(Value::as_object) {
            Some(put) => write_units(Some(put)),
            None => write_units(self.state().items.get(&action.key).map(AsRef::as_ref)),
        }
    }
}

/// Why an item is not prepared.
enum Unprepared {
    /// A reason that stands in the cancellation.
    For(Value),
    /// The node does not answer.
    Unavailable(Refused),
}

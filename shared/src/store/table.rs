//! The table: every call to DynamoDB, what it cost, and what became of it.
//!
//! The SDK's own retries are off: the session and the use case know what may be sent again and what
//! has to be read first, within one deadline.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_get_items::TransactGetItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, CancellationReason, ConditionCheck, ConsumedCapacity, Delete, Get,
    KeysAndAttributes, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactGetItem, TransactWriteItem, Update,
};
use serde::Serialize;

use super::conditions::Condition;
use super::keys::{Key, PARTITION, Range, SORT, Sorts};

/// The attributes of an item.
pub(super) type Item = HashMap<String, AttributeValue>;

/// Attribute names that expressions may not spell out because DynamoDB reserves them.
const RESERVED_NAMES: [(&str, &str); 1] = [("#role", "role")];

/// What became of a call that did not succeed.
#[derive(Debug)]
pub(super) enum Failure {
    /// An answer that never came, or says nothing. It may have been applied.
    Unsettled,
    /// For want of capacity, or because a transaction has the item. It was not applied.
    Busy,
    /// The condition of a single write did not hold for the item as it is.
    Condition(Option<Item>),
    /// A transaction was cancelled, for one reason an action; nothing was applied.
    Cancelled(Vec<Reason>),
    /// It can't succeed: a mistake in the code, the table or the permissions.
    Broken(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

impl Failure {
    /// Whether nothing but what others are about, or a want of capacity, stood in the way.
    pub(super) fn is_contention(&self) -> bool {
        let is_passing =
            |reason: &Reason| matches!(reason, Reason::None | Reason::Conflict | Reason::Throttled);
        match self {
            Self::Busy => true,
            Self::Cancelled(reasons) => reasons.iter().all(is_passing),
            Self::Unsettled | Self::Condition(_) | Self::Broken(_) => false,
        }
    }
}

/// What an operator should read of a failure that nobody foresaw. Callers never see it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub(super) String);

impl Fault {
    /// What happened, for the log.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Why one action of a cancelled transaction did not go through, if it was at fault.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reason {
    /// It was not at fault.
    None,
    /// Its condition did not hold for the item as it is.
    Condition(Option<Item>),
    /// Another transaction has the item.
    Conflict,
    /// For want of capacity.
    Throttled,
    /// It can't succeed.
    Broken(String),
}

/// What a request has cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Cost {
    /// Calls to DynamoDB.
    pub calls: u32,
    /// Read capacity units.
    pub read_units: f64,
    /// Write capacity units.
    pub write_units: f64,
    /// Calls that another transaction on the same item has cancelled.
    pub conflicts: u32,
}

impl Cost {
    /// What has come on top of an earlier cost of the same session.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            calls: self.calls.saturating_sub(earlier.calls),
            read_units: self.read_units - earlier.read_units,
            write_units: self.write_units - earlier.write_units,
            conflicts: self.conflicts.saturating_sub(earlier.conflicts),
        }
    }
}

/// Adds up what a request costs.
#[derive(Debug, Default)]
pub(super) struct Meter {
    calls: AtomicU32,
    conflicts: AtomicU32,
    units: Mutex<(f64, f64)>,
    /// Why the last call that has to be tried again has to be.
    unsettled: Mutex<Option<String>>,
}

impl Meter {
    pub(super) fn cost(&self) -> Cost {
        let units = self.units.lock().map(|units| *units).unwrap_or_default();
        Cost {
            calls: self.calls.load(Ordering::Relaxed),
            read_units: units.0,
            write_units: units.1,
            conflicts: self.conflicts.load(Ordering::Relaxed),
        }
    }

    pub(super) fn unsettled(&self) -> Option<String> {
        self.unsettled.lock().ok()?.clone()
    }

    /// What became of a call that was answered with an error, or not at all.
    fn failed<E: ProvideErrorMetadata>(&self, error: &SdkError<E, HttpResponse>) -> Failure {
        let failure = classify(error);
        if let Failure::Unsettled | Failure::Busy = failure {
            let code = error.code().map(str::to_owned);
            if code.as_deref() == Some("TransactionConflictException") {
                self.conflict();
            }
            self.note(code.unwrap_or_else(|| unanswered(error).to_owned()));
        }
        failure
    }

    /// Why a transaction did not go through.
    fn cancelled(&self, reasons: &[CancellationReason]) -> Failure {
        if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
            self.conflict();
        }
        let reasons: Vec<_> = reasons.iter().map(Reason::of).collect();
        for (reason, why) in [
            (Reason::Conflict, "another transaction has an item"),
            (Reason::Throttled, "a transaction was throttled"),
        ] {
            if reasons.contains(&reason) {
                self.note(why.to_owned());
            }
        }
        Failure::Cancelled(reasons)
    }

    pub(super) fn note(&self, why: String) {
        if let Ok(mut last) = self.unsettled.lock() {
            *last = Some(why);
        }
    }

    fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
    }

    fn add<'a>(&self, read: bool, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let sum: f64 = consumed.into_iter().filter_map(|c| c.capacity_units).sum();
        if let Ok(mut units) = self.units.lock() {
            if read {
                units.0 += sum;
            } else {
                units.1 += sum;
            }
        }
    }
}

/// One write, to be sent alone or in a transaction.
#[derive(Debug, Clone)]
pub(super) struct Write {
    kind: Kind,
    key: Key,
    condition: Option<Condition>,
    values: HashMap<String, AttributeValue>,
}

#[derive(Debug, Clone)]
enum Kind {
    Put(Item),
    Update(&'static str),
    Delete,
    Check,
}

impl Write {
    /// Puts `entity` in place of whatever is there.
    pub(super) fn put<T: Serialize>(key: Key, entity: &T) -> Result<Self, Fault> {
        Ok(Self::put_item(key, to_item(entity)?))
    }

    /// Puts an entity with an attribute that is no part of it.
    pub(super) fn put_with<T: Serialize, V: Serialize>(
        key: Key,
        entity: &T,
        name: &str,
        value: V,
    ) -> Result<Self, Fault> {
        let mut item = to_item(entity)?;
        item.insert(name.to_owned(), to_value(name, value)?);
        Ok(Self::put_item(key, item))
    }

    fn put_item(key: Key, mut item: Item) -> Self {
        item.extend(key.attributes());
        Self::new(Kind::Put(item), key)
    }

    /// Whether it puts an item.
    pub(super) fn is_put(&self) -> bool {
        matches!(self.kind, Kind::Put(_))
    }

    /// Changes attributes.
    pub(super) fn update(key: Key, expression: &'static str) -> Self {
        Self::new(Kind::Update(expression), key)
    }

    /// Deletes the item.
    pub(super) fn delete(key: Key) -> Self {
        Self::new(Kind::Delete, key)
    }

    /// Holds a transaction to a condition on an item that it does not write.
    pub(super) fn check(key: Key, condition: Condition) -> Self {
        Self::new(Kind::Check, key).when(condition)
    }

    fn new(kind: Kind, key: Key) -> Self {
        Self { kind, key, condition: None, values: HashMap::new() }
    }

    /// Holds the write to a condition.
    pub(super) fn when(mut self, condition: Condition) -> Self {
        self.condition = Some(condition);
        self
    }

    /// Gives a value that an expression names.
    pub(super) fn value<T: Serialize>(mut self, name: &str, value: T) -> Result<Self, Fault> {
        self.values.insert(name.to_owned(), to_value(name, value)?);
        Ok(self)
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let update = match &self.kind {
            Kind::Update(expression) => expression,
            Kind::Put(_) | Kind::Delete | Kind::Check => "",
        };
        let used = |name: &str| {
            update.contains(name) || self.condition.is_some_and(|c| c.expression.contains(name))
        };
        let names: HashMap<_, _> = RESERVED_NAMES
            .iter()
            .filter(|(name, _)| used(name))
            .map(|(name, attribute)| ((*name).to_owned(), (*attribute).to_owned()))
            .collect();
        (!names.is_empty()).then_some(names)
    }
}

/// One page of a query.
pub(super) struct Page {
    pub(super) items: Vec<Item>,
    /// Where the next page begins, if there is one.
    pub(super) next: Option<Item>,
}

/// The table and its client.
#[derive(Clone)]
pub(super) struct Table {
    client: Client,
    name: String,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Table({})", self.name)
    }
}

impl Table {
    pub(super) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    pub(super) async fn get(&self, meter: &Meter, key: &Key) -> Result<Option<Item>, Failure> {
        meter.call();
        let output = self
            .client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(key.attributes()))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| meter.failed(&error))?;
        meter.add(true, &output.consumed_capacity);
        Ok(output.item)
    }

    /// Reads the items at `keys`, at most 100. The second of the pair has the keys that DynamoDB
    /// did not get to: what is there is unknown.
    pub(super) async fn batch_get(
        &self,
        meter: &Meter,
        keys: &[Key],
    ) -> Result<(Vec<Item>, Vec<Key>), Failure> {
        meter.call();
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(Key::attributes).collect()))
            .consistent_read(true)
            .build()
            .map_err(|error| Failure::Broken(Fault(error.to_string())))?;
        let output = self
            .client
            .batch_get_item()
            .request_items(&self.name, request)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| meter.failed(&error))?;
        meter.add(true, output.consumed_capacity.iter().flatten());
        let found = output.responses.into_iter().flatten().flat_map(|(_, items)| items).collect();
        let unread = output.unprocessed_keys.into_iter().flatten();
        let unread = unread.flat_map(|(_, request)| request.keys).filter_map(|key| Key::of(&key));
        Ok((found, unread.collect()))
    }

    /// Reads the items at `keys` as they are together: no transaction is seen by halves. In the
    /// order of the keys.
    pub(super) async fn transact_get(
        &self,
        meter: &Meter,
        keys: &[Key],
    ) -> Result<Vec<Option<Item>>, Failure> {
        meter.call();
        let gets = keys.iter().map(|key| {
            let get = Get::builder().table_name(&self.name).set_key(Some(key.attributes()));
            Ok(TransactGetItem::builder().get(get.build()?).build())
        });
        let gets = gets.collect::<Result<Vec<_>, BuildError>>();
        let gets = gets.map_err(|error| Failure::Broken(Fault(error.to_string())))?;
        let output = self
            .client
            .transact_get_items()
            .set_transact_items(Some(gets))
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| match &error {
                SdkError::ServiceError(service) => match service.err() {
                    TransactGetItemsError::TransactionCanceledException(cancelled) => {
                        meter.cancelled(cancelled.cancellation_reasons())
                    }
                    _ => meter.failed(&error),
                },
                _ => meter.failed(&error),
            })?;
        meter.add(true, output.consumed_capacity.iter().flatten());
        Ok(output.responses.into_iter().flatten().map(|response| response.item).collect())
    }

    pub(super) async fn query(
        &self,
        meter: &Meter,
        range: &Range,
        after: Option<Item>,
        limit: Option<i32>,
    ) -> Result<Page, Failure> {
        meter.call();
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression(format!("{PARTITION} = :partition"))
            .expression_attribute_values(":partition", AttributeValue::S(range.partition.clone()))
            .set_exclusive_start_key(after)
            .set_limit(limit)
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let text = |text: &str| AttributeValue::S(text.to_owned());
        query = match &range.sorts {
            Sorts::All => query,
            Sorts::Beginning(prefix) => query
                .key_condition_expression(format!(
                    "{PARTITION} = :partition AND begins_with({SORT}, :prefix)"
                ))
                .expression_attribute_values(":prefix", text(prefix)),
            Sorts::Between(from, to) => query
                .key_condition_expression(format!(
                    "{PARTITION} = :partition AND {SORT} BETWEEN :from AND :to"
                ))
                .expression_attribute_values(":from", text(from))
                .expression_attribute_values(":to", text(to)),
        };
        if !range.attributes.is_empty() {
            let alias = |n| format!("#{n}");
            let names = (0..range.attributes.len()).map(alias).collect::<Vec<_>>().join(", ");
            query = query.projection_expression(names);
            for (n, name) in range.attributes.iter().enumerate() {
                query = query.expression_attribute_names(alias(n), *name);
            }
        }
        let output = query.send().await.map_err(|error| meter.failed(&error))?;
        meter.add(true, &output.consumed_capacity);
        Ok(Page { items: output.items.unwrap_or_default(), next: output.last_evaluated_key })
    }

    /// Sends one write. The answer to an update is the item as it then is.
    pub(super) async fn write(&self, meter: &Meter, write: Write) -> Result<Option<Item>, Failure> {
        meter.call();
        let names = write.names();
        let condition = write.condition.map(|condition| condition.expression.to_owned());
        let values = (!write.values.is_empty()).then_some(write.values);
        let on_failure = condition.as_ref().map(|_| ReturnValuesOnConditionCheckFailure::AllOld);
        let (item, consumed) = match write.kind {
            Kind::Put(item) => {
                let request = self.client.put_item().table_name(&self.name).set_item(Some(item));
                let output = request
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| match &error {
                        SdkError::ServiceError(service) => match service.err() {
                            PutItemError::ConditionalCheckFailedException(failed) => {
                                Failure::Condition(failed.item.clone())
                            }
                            _ => meter.failed(&error),
                        },
                        _ => meter.failed(&error),
                    })?;
                (None, output.consumed_capacity)
            }
            Kind::Update(expression) => {
                let request = self.client.update_item().table_name(&self.name);
                let output = request
                    .set_key(Some(write.key.attributes()))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .return_values(ReturnValue::AllNew)
                    .return_consumed_capacity(ReturnConsumedCapacity::Total)
                    .send()
                    .await
                    .map_err(|error| match &error {
                        SdkError::ServiceError(service) => match service.err() {
                            UpdateItemError::ConditionalCheckFailedException(failed) => {
                                Failure::Condition(failed.item.clone())
                            }
                            _ => meter.failed(&error),
                        },
                        _ => meter.failed(&error),
                    })?;
                (output.attributes, output.consumed_capacity)
            }
            Kind::Delete | Kind::Check => {
                return Err(Failure::Broken(Fault(
                    "only a transaction deletes or checks".to_owned(),
                )));
            }
        };
        meter.add(false, &consumed);
        Ok(item)
    }

    /// Sends writes that go through together or not at all. `token` tells DynamoDB for ten minutes
    /// that it has done this very transaction already.
    pub(super) async fn transact(
        &self,
        meter: &Meter,
        writes: Vec<Write>,
        token: &str,
    ) -> Result<(), Failure> {
        meter.call();
        let items = writes
            .into_iter()
            .map(|write| self.transact_item(write))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| Failure::Broken(Fault(error.to_string())))?;
        let output = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await
            .map_err(|error| match &error {
                SdkError::ServiceError(service) => match service.err() {
                    TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                        meter.cancelled(cancelled.cancellation_reasons())
                    }
                    _ => meter.failed(&error),
                },
                _ => meter.failed(&error),
            })?;
        meter.add(false, output.consumed_capacity.iter().flatten());
        Ok(())
    }

    fn transact_item(&self, write: Write) -> Result<TransactWriteItem, BuildError> {
        let names = write.names();
        let condition = write.condition.map(|condition| condition.expression.to_owned());
        let values = (!write.values.is_empty()).then_some(write.values);
        let on_failure = condition.as_ref().map(|_| ReturnValuesOnConditionCheckFailure::AllOld);
        let key = write.key.attributes();
        let item = TransactWriteItem::builder();
        Ok(match write.kind {
            Kind::Put(attributes) => item.put(
                Put::builder()
                    .table_name(&self.name)
                    .set_item(Some(attributes))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
            Kind::Update(expression) => item.update(
                Update::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .update_expression(expression)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
            Kind::Delete => item.delete(
                Delete::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
            Kind::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(&self.name)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .set_return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
        }
        .build())
    }
}

/// Error codes of a call that was turned away, and may succeed later.
const BUSY_CODES: [&str; 5] = [
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionConflictException",
];

/// Error codes that don't tell whether the call was applied. It may succeed when it is sent again.
/// Nothing but the same is sent under a token; an engine that compares bytes may take it for another.
const UNSETTLED_CODES: [&str; 3] = [
    "IdempotentParameterMismatchException",
    "InternalServerError",
    "TransactionInProgressException",
];

/// What became of a call without an answer that can be read. A fixed text: an answer may hold items.
fn unanswered<E>(error: &SdkError<E, HttpResponse>) -> &'static str {
    match error {
        SdkError::TimeoutError(_) => "the call timed out",
        SdkError::DispatchFailure(_) => "the call was not carried",
        SdkError::ResponseError(_) => "the answer is not legible",
        _ => "an error without a code",
    }
}

fn classify<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Failure {
    match error {
        SdkError::TimeoutError(_) | SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
            Failure::Unsettled
        }
        SdkError::ServiceError(service) => {
            let code = service.err().code().unwrap_or("no code");
            let status = service.raw().status();
            if code == "ConditionalCheckFailedException" {
                Failure::Condition(None)
            } else if BUSY_CODES.contains(&code) {
                Failure::Busy
            } else if UNSETTLED_CODES.contains(&code)
                || status.is_server_error()
                || status.as_u16() == 429
            {
                Failure::Unsettled
            } else {
                let message = service.err().message().unwrap_or_default();
                Failure::Broken(Fault(format!("DynamoDB: {code}: {message}")))
            }
        }
        other => Failure::Broken(Fault(format!("DynamoDB: {other}"))),
    }
}

impl Reason {
    fn of(reason: &CancellationReason) -> Self {
        match reason.code().unwrap_or("None") {
            "None" => Self::None,
            "ConditionalCheckFailed" => Self::Condition(reason.item.clone()),
            "TransactionConflict" => Self::Conflict,
            "ThrottlingError" | "ProvisionedThroughputExceeded" => Self::Throttled,
            other => {
                let message = reason.message().unwrap_or_default();
                Self::Broken(format!("DynamoDB: {other}: {message}"))
            }
        }
    }
}

/// The attributes of an entity; what is `None` is absent.
fn to_item<T: Serialize>(entity: &T) -> Result<Item, Fault> {
    let item: Item = serde_dynamo::aws_sdk_dynamodb_1::to_item(entity)
        .map_err(|error| Fault(format!("is not an item: {error}")))?;
    match without_nulls(AttributeValue::M(item)) {
        AttributeValue::M(item) => Ok(item),
        _ => Err(Fault("is not an item".to_owned())),
    }
}

fn to_value<T: Serialize>(name: &str, value: T) -> Result<AttributeValue, Fault> {
    serde_dynamo::aws_sdk_dynamodb_1::to_attribute_value(value)
        .map(without_nulls)
        .map_err(|error| Fault(format!("{name} is not a value: {error}")))
}

/// Drops every `NULL`: conditions tell what is not set by its absence.
fn without_nulls(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::M(map) => AttributeValue::M(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

//! Reads: each item at a moment of its own, but for what a transaction reads.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::capacity::Kind;
use super::item::{self, Item, Key};
use super::{DynamoDb, Refused, consumed, key_of, read_units, with_units};

/// How long a read that is not consistent may lag behind.
const STALE: Duration = Duration::from_secs(1);

impl DynamoDb {
    pub(super) fn get(&self, request: &Value) -> Result<Value, Refused> {
        let key = key_of(request)?;
        let (item, units) = self.read(&key, is_consistent(request))?;
        let answer = item.map_or_else(|| json!({}), |item| json!({ "Item": item.as_ref() }));
        Ok(with_units(answer, units))
    }

    pub(super) async fn batch_get(&self, request: Value) -> Result<Value, Refused> {
        let tables = request.get("RequestItems").and_then(Value::as_object);
        let Some((table, wanted)) = tables.and_then(|tables| tables.iter().next()) else {
            return Err(Refused::new(400, "ValidationException", "no table"));
        };
        let keys = wanted.get("Keys").and_then(Value::as_array).cloned().unwrap_or_default();
        let (mut found, mut unread, mut units) = (Vec::new(), Vec::new(), 0.0);
        let mut refused = None;
        let mut order: Vec<_> = (0..keys.len()).collect();
        self.shuffle(&mut order);
        for n in order {
            let Some(wanted_key) = keys.get(n) else { continue };
            if self.settings.torn_queries && self.chance.happens(0.2) {
                tokio::time::sleep(self.chance.time(Duration::ZERO, Duration::from_millis(6)))
                    .await;
            }
            let key = wanted_key.as_object().and_then(Key::of).ok_or_else(Refused::internal)?;
            let left_out = self.weather.strikes(&self.chance, self.weather.unprocessed, self.now());
            let read = if left_out {
                Err(Refused::throttled())
            } else {
                self.read(&key, is_consistent(wanted))
            };
            match read {
                Ok((item, used)) => {
                    units += used;
                    found.extend(item.map(|item| Value::Object(item.as_ref().clone())));
                }
                Err(why) => {
                    refused = Some(why);
                    unread.push(wanted_key.clone());
                }
            }
        }
        // What is read of nothing is an error.
        if let Some(refused) = refused.filter(|_| unread.len() == keys.len()) {
            return Err(refused);
        }
        let mut rest = json!({});
        if !unread.is_empty() {
            rest[table] = wanted.clone();
            rest[table]["Keys"] = unread.into();
        }
        Ok(json!({
            "Responses": { table: found },
            "UnprocessedKeys": rest,
            "ConsumedCapacity": [consumed(units)],
        }))
    }

    pub(super) async fn query(&self, request: &Value) -> Result<Value, Refused> {
        let wanted = Wanted::of(request)?;
        let key = Key { pk: wanted.partition.to_owned(), sk: String::new() };
        let limit =
            request.get("Limit").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        let after = request.get("ExclusiveStartKey").and_then(Value::as_object).and_then(Key::of);
        let mut last = after.map(|after| after.sk);
        let mut items: Vec<Arc<Item>> = Vec::new();
        loop {
            self.admit(&key, Kind::Read)?;
            let left = limit.map(|limit| limit.saturating_sub(items.len()));
            let torn = self.settings.torn_queries.then(|| 1 + self.chance.below(12));
            let chunk = [left, torn].into_iter().flatten().min().unwrap_or(usize::MAX);
            let found = wanted.among(&self.state().items, last.as_deref(), chunk);
            let is_full = found.len() == chunk;
            last = found.last().filter(|_| is_full).map(|(sort, _)| sort.clone());
            items.extend(found.into_iter().map(|(_, item)| item));
            if last.is_none() || limit.is_some_and(|limit| items.len() >= limit) {
                break;
            }
            tokio::time::sleep(self.chance.time(Duration::ZERO, Duration::from_millis(3))).await;
        }
        let bytes = items.iter().map(|item| item::size(item)).sum();
        let consistent = is_consistent(request);
        let units = if consistent { read_units(bytes) } else { read_units(bytes) / 2.0 };
        self.charge(&key, Kind::Read, units);
        if !consistent {
            items = items.into_iter().filter_map(|item| self.aged_or_not(item)).collect();
        }
        let items: Vec<_> = items.iter().map(|item| wanted.of_item(item)).collect();
        let mut answer =
            json!({ "Count": items.len(), "ScannedCount": items.len(), "Items": items });
        if let Some(last) = last {
            answer["LastEvaluatedKey"] = json!({ "pk": { "S": key.pk }, "sk": { "S": last } });
        }
        Ok(with_units(answer, units))
    }

    /// Two rounds: every item is read, and then looked at again, and must not have changed nor be in
    /// a transaction either time.
    pub(super) async fn transact_get(&self, request: Value) -> Result<Value, Refused> {
        let gets = request.get("TransactItems").and_then(Value::as_array);
        let keys: Vec<_> = gets
            .into_iter()
            .flatten()
            .map(|get| key_of(get.get("Get").unwrap_or(&Value::Null)))
            .collect::<Result<_, _>>()?;
        let mut seen = Vec::new();
        let mut units = 0.0;
        let mut reasons = vec![json!({ "Code": "None" }); keys.len()];
        for round in 0..2 {
            for (n, key) in keys.iter().enumerate() {
                let (item, used) = self.read(key, true)?;
                units += used;
                let mark = self.state().marks.get(key).cloned().unwrap_or_default();
                let changed = seen.get(n).is_some_and(|(_, version)| *version != mark.version);
                if (mark.ongoing.is_some() || changed)
                    && let Some(reason) = reasons.get_mut(n)
                {
                    *reason = json!({ "Code": "TransactionConflict", "Message": "simulated" });
                }
                if round == 0 {
                    seen.push((item, mark.version));
                    tokio::time::sleep(self.chance.time(Duration::ZERO, Duration::from_millis(2)))
                        .await;
                }
            }
            self.hop().await;
        }
        if reasons.iter().any(|reason| reason.get("Code").is_some_and(|code| code != "None")) {
            return Err(Refused::cancelled(reasons));
        }
        let responses: Vec<_> = seen
            .into_iter()
            .map(|(item, _)| {
                item.map_or_else(|| json!({}), |item| json!({ "Item": item.as_ref() }))
            })
            .collect();
        Ok(json!({ "Responses": responses, "ConsumedCapacity": [consumed(units)] }))
    }

    /// Reads an item as it is now, or, if the read need not be consistent, as it was just before.
    fn read(&self, key: &Key, consistent: bool) -> Result<(Option<Arc<Item>>, f64), Refused> {
        self.admit(key, Kind::Read)?;
        let item = self.state().items.get(key).cloned();
        let units = read_units(item.as_deref().map_or(0, item::size));
        let units = if consistent { units } else { units / 2.0 };
        self.charge(key, Kind::Read, units);
        let lags = !consistent && self.chance.happens(0.5);
        Ok((if lags { self.aged(key, item) } else { item }, units))
    }

    /// The item as it was before its last change, if that was a moment ago.
    fn aged(&self, key: &Key, item: Option<Arc<Item>>) -> Option<Arc<Item>> {
        let now = self.now();
        let state = self.state();
        let mark = state.marks.get(key).filter(|mark| now.saturating_sub(mark.changed) < STALE);
        mark.map_or(item, |mark| mark.before.clone())
    }

    fn aged_or_not(&self, item: Arc<Item>) -> Option<Arc<Item>> {
        let key = Key::of(&item)?;
        if self.chance.happens(0.5) { self.aged(&key, Some(item)) } else { Some(item) }
    }

    fn shuffle(&self, order: &mut [usize]) {
        for n in (1..order.len()).rev() {
            order.swap(n, self.chance.below(n + 1));
        }
    }
}

/// What a query wants: which items of a partition, and what of each.
struct Wanted<'a> {
    partition: &'a str,
    /// The first sort key, and what the sort keys begin with, or the last one.
    from: &'a str,
    beginning: &'a str,
    to: Option<&'a str>,
    attributes: Option<Vec<&'a str>>,
}

impl<'a> Wanted<'a> {
    fn of(request: &'a Value) -> Result<Self, Refused> {
        let text = |pointer: &str| request.pointer(pointer).and_then(Value::as_str);
        let value = |name| text(&format!("/ExpressionAttributeValues/:{name}/S"));
        let names = |alias: &str| text(&format!("/ExpressionAttributeNames/{alias}"));
        let (beginning, between) = (value("prefix"), value("from").zip(value("to")));
        let expected = match (beginning, between) {
            (Some(_), _) => "pk = :partition AND begins_with(sk, :prefix)",
            (_, Some(_)) => "pk = :partition AND sk BETWEEN :from AND :to",
            _ => "pk = :partition",
        };
        let partition = value("partition").unwrap_or_default();
        if text("/KeyConditionExpression") != Some(expected) {
            return Err(Refused::new(400, "ValidationException", "a condition nobody knows"));
        }
        let attributes = text("/ProjectionExpression");
        Ok(Self {
            partition,
            from: beginning.or(between.map(|(from, _)| from)).unwrap_or_default(),
            beginning: beginning.unwrap_or_default(),
            to: between.map(|(_, to)| to),
            attributes: attributes.map(|list| list.split(", ").filter_map(names).collect()),
        })
    }

    /// At most so many items, after `after`, with their sort keys.
    fn among(
        &self,
        items: &BTreeMap<Key, Arc<Item>>,
        after: Option<&str>,
        at_most: usize,
    ) -> Vec<(String, Arc<Item>)> {
        let key = |sort: &str| Key { pk: self.partition.to_owned(), sk: sort.to_owned() };
        let start = match after {
            Some(after) if after >= self.from => Bound::Excluded(key(after)),
            _ => Bound::Included(key(self.from)),
        };
        let is_wanted = |key: &Key| {
            key.pk == self.partition
                && key.sk.starts_with(self.beginning)
                && self.to.is_none_or(|to| key.sk.as_str() <= to)
        };
        items
            .range((start, Bound::Unbounded))
            .take_while(|(key, _)| is_wanted(key))
            .take(at_most)
            .map(|(key, item)| (key.sk.clone(), Arc::clone(item)))
            .collect()
    }

    /// What of an item is wanted.
    fn of_item(&self, item: &Item) -> Value {
        let Some(attributes) = &self.attributes else { return Value::Object(item.clone()) };
        let wanted = attributes.iter().filter_map(|name| item.get_key_value(*name));
        wanted.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

fn is_consistent(request: &Value) -> bool {
    request.get("ConsistentRead").and_then(Value::as_bool).unwrap_or(false)
}

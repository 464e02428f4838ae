//! The simulated DynamoDB is what is published of DynamoDB.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all};
use muster_local::engine::TABLE;
use muster_sim::chance::Chance;
use muster_sim::clock::Time;
use muster_sim::dynamodb::{Change, DynamoDb, NEW_TABLE, PARTITION, Rate, Refused, Settings};
use muster_sim::weather::Weather;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

const WINDOW: Duration = Duration::from_millis(10);

fn dynamodb(table: Option<Rate>) -> (DynamoDb, mpsc::UnboundedReceiver<Arc<Change>>) {
    dynamodb_of(WINDOW, table)
}

fn dynamodb_of(
    window: Duration,
    table: Option<Rate>,
) -> (DynamoDb, mpsc::UnboundedReceiver<Arc<Change>>) {
    let settings = Settings { window, table, torn_queries: false };
    let (stream, changes) = mpsc::unbounded_channel();
    let weather = Arc::new(Weather::calm());
    let dynamodb = DynamoDb::new(Time::begin(), Chance::new(1), weather, settings, stream);
    (dynamodb.unwrap(), changes)
}

fn key(name: &str) -> Value {
    json!({ "pk": { "S": name }, "sk": { "S": "x" } })
}

fn put(name: &str, n: u32) -> Value {
    let mut item = key(name);
    item["n"] = json!({ "N": n.to_string() });
    json!({ "TableName": TABLE, "Item": item })
}

fn transaction(token: &str, names: &[&str], n: u32) -> Value {
    let puts: Vec<_> = names.iter().map(|name| json!({ "Put": put(name, n) })).collect();
    json!({ "TransactItems": puts, "ClientRequestToken": token })
}

async fn read(dynamodb: &DynamoDb, name: &str) -> Option<String> {
    let get = json!({ "TableName": TABLE, "Key": key(name), "ConsistentRead": true });
    let answer = dynamodb.call(0, "GetItem", get).await.unwrap();
    Some(answer.pointer("/Item/n/N")?.as_str()?.to_owned())
}

fn codes(refused: &Refused) -> Vec<&str> {
    let reasons = refused.body["CancellationReasons"].as_array().unwrap();
    reasons.iter().map(|reason| reason["Code"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_item_in_a_transaction_cancels_others_and_refuses_plain_writes() {
    let (dynamodb, _changes) = dynamodb(None);
    let first = dynamodb.call(1, "TransactWriteItems", transaction("1", &["a", "b"], 1));
    let others = async {
        tokio::time::sleep(Duration::from_millis(7)).await;
        let check = json!({ "ConditionCheck": {
            "TableName": TABLE, "Key": key("b"), "ConditionExpression": "attribute_not_exists(pk)",
        }});
        let second = json!({ "TransactItems": [{ "Put": put("c", 2) }, check] });
        let plain = dynamodb.call(3, "PutItem", put("a", 3));
        join(dynamodb.call(2, "TransactWriteItems", second), plain).await
    };
    let (first, (second, plain)) = join(first, others).await;
    assert!(first.is_ok());
    assert_eq!(codes(&second.unwrap_err()), ["None", "TransactionConflict"]);
    assert_eq!(plain.unwrap_err().code(), "TransactionConflictException");
    assert_eq!(read(&dynamodb, "a").await.as_deref(), Some("1"));
    assert_eq!(read(&dynamodb, "c").await, None);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_becomes_visible_item_by_item() {
    let (dynamodb, mut changes) = dynamodb(None);
    let mut times = Vec::new();
    for n in 0..10 {
        let request = transaction(&n.to_string(), &["a", "b", "c"], n);
        dynamodb.call(1, "TransactWriteItems", request).await.unwrap();
        times.extend((0..3).map(|_| changes.try_recv().unwrap().at));
    }
    times.dedup();
    assert!(times.len() > 15, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_transaction_asked_for_again_by_its_token_is_not_done_again() {
    let (dynamodb, _changes) = dynamodb(None);
    let once = transaction("token", &["a"], 1);
    dynamodb.call(1, "TransactWriteItems", once.clone()).await.unwrap();
    dynamodb.call(1, "PutItem", put("a", 2)).await.unwrap();
    dynamodb.call(1, "TransactWriteItems", once).await.unwrap();
    assert_eq!(read(&dynamodb, "a").await.as_deref(), Some("2"));
    let other = dynamodb.call(1, "TransactWriteItems", transaction("token", &["b"], 1)).await;
    assert_eq!(other.unwrap_err().code(), "IdempotentParameterMismatchException");
}

#[tokio::test(start_paused = true)]
async fn a_condition_that_does_not_hold_cancels_with_the_item_as_it_is() {
    let (dynamodb, _changes) = dynamodb(None);
    dynamodb.call(1, "PutItem", put("a", 1)).await.unwrap();
    let mut action = put("a", 2);
    action["ConditionExpression"] = "attribute_not_exists(pk)".into();
    action["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
    let request = json!({ "TransactItems": [{ "Put": put("b", 2) }, { "Put": action }] });
    let refused = dynamodb.call(1, "TransactWriteItems", request).await.unwrap_err();
    assert_eq!(codes(&refused), ["None", "ConditionalCheckFailed"]);
    assert_eq!(refused.body.pointer("/CancellationReasons/1/Item/n/N"), Some(&json!("1")));
    assert_eq!(read(&dynamodb, "b").await, None);
}

/// Transactions on one item in two seconds, of two clients that do nothing else.
async fn passed(window: Duration) -> u32 {
    let (dynamodb, _changes) = dynamodb_of(window, None);
    let began = Instant::now();
    let clients = (0..2).map(|client| {
        let dynamodb = &dynamodb;
        async move {
            let mut passed = 0;
            for n in 0.. {
                if began.elapsed() > Duration::from_secs(2) {
                    break;
                }
                let request = transaction(&format!("{client} {n}"), &["a"], n);
                let sent = dynamodb.call(1, "TransactWriteItems", request).await;
                passed += u32::from(sent.is_ok());
            }
            passed
        }
    });
    join_all(clients).await.into_iter().sum()
}

#[tokio::test(start_paused = true)]
async fn one_item_lets_one_transaction_through_in_a_window() {
    let (once, half) = (passed(WINDOW).await, passed(2 * WINDOW).await);
    assert!((80..=200).contains(&once), "{once} in 200 windows");
    assert!((40..=100).contains(&half), "{half} in 100 windows");
}

#[tokio::test(start_paused = true)]
async fn a_partition_takes_a_thousand_write_units_a_second_and_a_new_table_four_thousand() {
    for (table, partitions, rate) in
        [(None, 1, PARTITION.writes), (Some(NEW_TABLE), 16, NEW_TABLE.writes)]
    {
        let (dynamodb, _changes) = dynamodb(table);
        let began = Instant::now();
        let mut written = 0_u32;
        while began.elapsed() < Duration::from_secs(3) {
            let all = (0..400)
                .map(|n| dynamodb.call(1, "PutItem", put(&format!("p{}", n % partitions), n)));
            let answers = join_all(all).await;
            for answer in answers {
                match answer {
                    Ok(_) => written += 1,
                    Err(refused) => assert_eq!(refused.code(), "ThrottlingException"),
                }
            }
        }
        let expected = rate * (began.elapsed().as_secs_f64() + 1.0);
        let share = f64::from(written) / expected;
        assert!((0.9..=1.1).contains(&share), "{written} of {expected}");
    }
}

//! The policies of the functions against what the functions really send.

use std::collections::BTreeSet;

use muster_tests::wire::Sent;
use serde_json::Value;

use super::exercise::everything;
use super::template::{Function, Statement, functions};

/// An action as IAM knows it, and the partitions that the call is about.
type Action = (String, Vec<String>);

/// What IAM asks about a call. A transaction is no action of its own: each of its items is one.
fn actions(sent: &Sent) -> Vec<Action> {
    let body = &sent.body;
    match sent.operation.as_str() {
        "GetItem" | "UpdateItem" | "DeleteItem" | "PutItem" => {
            vec![(sent.operation.clone(), vec![partition(body)])]
        }
        "Query" => {
            let condition = body["KeyConditionExpression"].as_str().unwrap();
            let name = condition.strip_prefix("pk = ").unwrap().split(' ').next().unwrap();
            let value = &body["ExpressionAttributeValues"][name]["S"];
            vec![("Query".to_owned(), vec![value.as_str().unwrap().to_owned()])]
        }
        "BatchGetItem" => {
            let tables = body["RequestItems"].as_object().unwrap().values();
            let keys = tables.flat_map(|table| table["Keys"].as_array().unwrap());
            vec![("BatchGetItem".to_owned(), keys.map(key_partition).collect())]
        }
        "TransactWriteItems" | "TransactGetItems" => {
            let items = body["TransactItems"].as_array().unwrap().iter();
            items.flat_map(|item| item.as_object().unwrap()).map(transaction_item).collect()
        }
        other => panic!("{other} is no operation that a function has"),
    }
}

fn transaction_item((kind, item): (&String, &Value)) -> Action {
    let action = match kind.as_str() {
        "Get" => "GetItem",
        "Put" => "PutItem",
        "Update" => "UpdateItem",
        "Delete" => "DeleteItem",
        "ConditionCheck" => "ConditionCheckItem",
        other => panic!("{other} is in no transaction"),
    };
    (action.to_owned(), vec![partition(item)])
}

fn partition(item: &Value) -> String {
    key_partition(if item["Key"].is_object() { &item["Key"] } else { &item["Item"] })
}

fn key_partition(key: &Value) -> String {
    key["pk"]["S"].as_str().unwrap().to_owned()
}

/// Whether a text is like a pattern in which `*` is any text and `?` any character.
fn is_like(text: &str, pattern: &str) -> bool {
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some('*'), None) => is_like(text, &pattern[1..]),
        (Some('*'), Some(c)) => {
            is_like(text, &pattern[1..]) || is_like(&text[c.len_utf8()..], pattern)
        }
        (Some(p), Some(c)) if p == '?' || p == c => {
            is_like(&text[c.len_utf8()..], &pattern[p.len_utf8()..])
        }
        _ => false,
    }
}

impl Statement {
    /// A statement allows a call only if it covers every partition of it.
    fn allows(&self, (action, partitions): &Action) -> bool {
        let covered =
            |partition: &String| self.partitions.iter().any(|like| is_like(partition, like));
        self.actions.contains(action) && partitions.iter().all(covered)
    }
}

fn refused(function: &Function, sent: &[Action]) -> Vec<Action> {
    let allowed = |action: &Action| function.statements.iter().any(|one| one.allows(action));
    sent.iter().filter(|action| !allowed(action)).cloned().collect()
}

#[tokio::test]
async fn a_function_may_do_what_it_does_and_nothing_that_it_never_does() {
    let record = everything().await.0;
    let functions = functions();
    let names: BTreeSet<_> = functions.iter().map(|function| &function.name).collect();
    assert_eq!(record.keys().collect::<BTreeSet<_>>(), names, "all of them were tried");
    let mut wrong = Vec::new();
    for function in &functions {
        let sent: Vec<_> = record[&function.name].iter().flat_map(actions).collect();
        for (action, partitions) in refused(function, &sent) {
            wrong.push(format!("{} may not {action} in {partitions:?}", function.name));
        }
        for statement in &function.statements {
            for action in &statement.actions {
                for pattern in &statement.partitions {
                    let used = sent.iter().filter(|(sent, _)| sent == action);
                    let mut partitions = used.flat_map(|(_, partitions)| partitions);
                    if !partitions.any(|partition| is_like(partition, pattern)) {
                        wrong.push(format!("{} never does {action} in {pattern}", function.name));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "template.yaml: {wrong:#?}");
}

#[test]
fn what_a_function_is_not_for_it_may_not_do() {
    const KEYED: [&str; 7] = [
        "BatchGetItem",
        "ConditionCheckItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "UpdateItem",
    ];
    let members = "TEAM#team_aaaaaaaaaaaaa".to_owned();
    for function in functions() {
        let allowed: Vec<_> = function.statements.iter().flat_map(|one| &one.actions).collect();
        let calls = function.name != "describe-sign-in";
        assert_eq!(!allowed.is_empty(), calls, "{}", function.name);
        for action in &allowed {
            assert!(KEYED.contains(&action.as_str()), "{}: {action}", function.name);
        }
        if function.name == "register-node" {
            let reached = KEYED.map(|action| (action.to_owned(), vec![members.clone()]));
            assert_eq!(refused(&function, &reached), reached, "members are none of its business");
        }
        if function.name.ends_with("-token") || function.name == "list-tokens" {
            let nodes = "TEAM#team_aaaaaaaaaaaaa#LANE#1".to_owned();
            let reached = KEYED.map(|action| (action.to_owned(), vec![nodes.clone()]));
            assert_eq!(refused(&function, &reached), reached, "{}: no nodes", function.name);
        }
        if function.name.starts_with("list-") || function.name == "get-token" {
            let reads =
                |action: &&String| ["BatchGetItem", "GetItem", "Query"].contains(&action.as_str());
            assert!(allowed.iter().all(reads), "{} reads and no more", function.name);
        }
    }
}

#[test]
fn a_batch_is_allowed_only_where_one_statement_covers_all_of_it() {
    let statement = |partitions: &[&str]| Statement {
        actions: vec!["BatchGetItem".to_owned()],
        partitions: partitions.iter().map(|&text| text.to_owned()).collect(),
    };
    let batch = ("BatchGetItem".to_owned(), vec!["A#1".to_owned(), "B#1".to_owned()]);
    assert!(statement(&["A#*", "B#?"]).allows(&batch));
    assert!(!statement(&["A#*"]).allows(&batch));
    assert!(!statement(&["A#*", "B#"]).allows(&batch));
}

#[test]
fn a_team_s_pattern_reaches_none_of_its_other_partitions() {
    let team = "TEAM#team_?????????????";
    assert!(is_like("TEAM#team_aaaaaaaaaaaaa", team));
    for other in ["TEAM#team_aaaaaaaaaaaaa#TOKENS", "TEAM#team_aaaaaaaaaaaaa#LANE#1", "TEAM#", ""] {
        assert!(!is_like(other, team), "{other}");
    }
    assert!(is_like("TEAM#team_aaaaaaaaaaaaa#LANE#15", &format!("{team}#LANE#*")));
}

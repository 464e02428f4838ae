//! The command that stands in the answer to a create.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::views;

async fn run(command: &Value) -> Output {
    let command = command.as_str().unwrap().to_owned();
    let run = move || Command::new("sh").args(["-c", &command]).output().unwrap();
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test]
async fn the_join_command_enters_the_machine_that_runs_it() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    let output = run(&made.answer["join_command"]).await;
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let mut node: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(node.as_object_mut().unwrap().remove("outcome"), Some("created".into()));
    views::is_node(&node);
    let hostname = String::from_utf8(Command::new("hostname").output().unwrap().stdout).unwrap();
    assert_eq!(node["hostname"], hostname.trim().to_lowercase());
    assert_eq!(team.nodes("").await, [node]);
}

#[tokio::test]
async fn the_join_command_names_a_kind_that_the_token_admits() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let pods = json!(["container", "pod"]);
    for (kinds, kind) in [(pods, "container"), (json!(["pod", "server"]), "server")] {
        let team = owner.makes_a_team().await;
        let made = team.token(json!({"allowed_kinds": kinds})).await;
        let output = run(&made.answer["join_command"]).await;
        let node: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(node["kind"], kind, "{node}");
    }
}

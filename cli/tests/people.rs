//! The command as admins use it: against the whole service in this process, signed in by its issuer's token.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect has to fail"
)]

mod support;

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Machine, Ran, Service};

const OWNER: &str = "owner@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_made_shown_listed_and_revoked() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    let made =
        desk.runs(&["token", "create", "Fleet", "--expires", "30d", "--max-uses", "2", "--json"]);
    let made: Value = serde_json::from_str(&made.said).unwrap();
    let (id, plaintext) = (made["id"].as_str().unwrap(), made["token"].as_str().unwrap());
    let machine = Machine::new();
    let control = service.url();
    let up = ["up", "--control", control, "--token", plaintext, "--hostname", "web-1"];
    machine.runs(&up).connected("web-1");

    let listed = desk.runs(&["token", "list"]);
    let row = listed.said.lines().nth(1).unwrap();
    for cell in [id, "Fleet", "active", "1/2", "in 4 weeks", OWNER, "now"] {
        assert!(row.contains(cell), "{cell}: {row}");
    }
    assert!(!listed.said.contains("enrt_"), "the plaintext is shown once");
    let nodes = desk.runs(&["node", "list", "--token", id, "--json"]);
    let nodes: Value = serde_json::from_str(&nodes.said).unwrap();
    assert_eq!((&nodes[0]["hostname"], &nodes[0]["status"]), (&json!("web-1"), &json!("online")));

    desk.runs(&["token", "revoke", id])
        .failed(1, "The nodes that it has let in stay; uses so far: 1");
    assert!(desk.runs(&["token", "show", id]).said.contains("active"), "it was not confirmed");
    assert!(desk.runs(&["token", "revoke", id, "--yes"]).said.contains("revoked"));
    let late = ["up", "--control", control, "--token", plaintext, "--hostname", "web-2"];
    Machine::new().runs(&late).failed(3, "token-revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_names_what_it_reaches_and_tells_what_went() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    desk.runs(&["member", "add", "bob@example.com", "--role", "admin"]).went_well();
    let bob = service.desk_of("bob@example.com");
    let made: Value =
        serde_json::from_str(&bob.runs(&["token", "create", "Bob's", "--json"]).said).unwrap();
    for hostname in ["web-1", "web-2"] {
        let token = made["token"].as_str().unwrap();
        let up = ["up", "--control", service.url(), "--token", token, "--hostname", hostname];
        Machine::new().runs(&up).connected(hostname);
    }
    let asked = desk.runs(&["member", "remove", "bob@example.com"]);
    asked.failed(1, "Tokens that are revoked with them: 1; nodes that are removed: 2");
    let removed = desk.runs(&["member", "remove", "bob@example.com", "--yes"]);
    removed.went_well();
    assert!(removed.said.contains("Tokens revoked: 1; nodes removed: 2"), "{removed:?}");
    assert_eq!(desk.runs(&["node", "list"]).said.lines().count(), 1, "the heading alone");
    bob.runs(&["node", "list"]).failed(2, "you are in no team");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_or_has_let_nothing_in_is_removed_without_much_ado() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    for who in ["bob@example.com", "carol@example.com"] {
        desk.runs(&["member", "add", who, "--role", "admin"]).went_well();
    }
    let began = Instant::now();
    desk.runs(&["member", "remove", "Carol@Example.com", "--yes"]).went_well();
    assert!(began.elapsed() < Duration::from_secs(30), "nothing is waited for");
    let bob = service.desk_of("bob@example.com");
    let left = bob.runs(&["member", "remove", "bob@example.com", "--yes"]);
    left.went_well();
    assert!(left.complained.contains("how far the removal has come is not to be seen"), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_named_wrongly_is_told_before_anything_is_asked() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    desk.runs(&["node", "remove", "web-1", "--yes"]).failed(2, "has no node web-1");
    let made = desk.runs(&["token", "create", "CI", "--kind", "ci-runner", "--json"]);
    let made: Value = serde_json::from_str(&made.said).unwrap();
    let shown = desk.runs(&["token", "show", made["id"].as_str().unwrap()]).said;
    assert!(shown.contains("ci-runner"), "{shown}");
    let mut elsewhere = desk.command(&["node", "list"]);
    elsewhere.env("MUSTER_URL", "https://staging.example.com");
    Ran::of(elsewhere.output().unwrap()).failed(2, "MUSTER_URL says https://staging.example.com");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_in_several_teams_is_asked_which_and_may_say_it_by_name() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    desk.runs(&["team", "create", "Second"]).went_well();
    desk.runs(&["node", "list"]).failed(2, "which team? Give `--team`");
    desk.runs(&["node", "list", "--team", "Second"]).went_well();
    desk.runs(&["node", "list", "--team", "Third"]).failed(2, "you are in no team Third");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_s_refusal_is_final_and_says_why() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    desk.runs(&["member", "add", "carol@example.com"]).went_well();
    let carol = service.desk_of("carol@example.com");
    carol.runs(&["token", "create", "Mine"]).failed(3, "forbidden");
    carol.runs(&["node", "list"]).went_well();
    let wrong = desk.runs(&["token", "create", ""]);
    wrong.failed(3, "name must be");
    desk.runs(&["member", "remove", "nobody@example.com"]).failed(2, "is no member of");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_signed_in_or_not_any_more_is_told_to_sign_in() {
    let service = Service::start().await;
    Machine::new().runs(&["node", "list"]).failed(5, "muster login");
    let strange = service.desk_with("no.such.token", Duration::from_hours(1));
    strange.runs(&["node", "list"]).failed(5, "muster login");
    let late = service.desk_with("no.such.token", Duration::ZERO);
    late.runs(&["node", "list"]).failed(5, "muster login");
    let desk = service.desk_of(OWNER);
    desk.runs(&["logout"]).went_well();
    desk.runs(&["node", "list"]).failed(5, "muster login");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_written_does_nothing_to_the_terminal() {
    let service = Service::start().await;
    let desk = service.desk_of(OWNER);
    desk.runs(&["token", "create", "Fleet\u{202e}teelF"]).went_well();
    let listed = desk.runs(&["token", "list"]).said;
    assert!(listed.contains("Fleet\u{fffd}teelF"), "it would turn the line around: {listed:?}");
}

#[test]
fn the_manual_and_the_completions_name_every_command() {
    let machine = Machine::new();
    let pages = machine.path().join("man");
    machine.runs(&["man", pages.to_str().unwrap()]).went_well();
    let page = std::fs::read_to_string(pages.join("muster-token-create.1")).unwrap();
    assert!(page.contains("max\\-uses"), "{page}");
    for shell in ["bash", "zsh", "fish"] {
        assert!(machine.runs(&["completions", shell]).said.contains("agent"), "{shell}");
    }
}

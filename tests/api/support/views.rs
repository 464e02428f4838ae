//! What each view must look like: these fields and no others, ids and times in their form.

use muster_shared::domain::timestamp::Timestamp;
use serde_json::Value;

const TEAM: [&str; 3] = ["id", "name", "role"];
const MEMBER: [&str; 5] = ["principal", "membership_id", "email", "role", "joined_at"];
const REMOVAL: [&str; 8] = [
    "membership_id",
    "principal",
    "state",
    "tokens_revoked",
    "nodes_removed",
    "requested_at",
    "requested_by",
    "completed_at",
];
const TOKEN: [&str; 13] = [
    "id",
    "name",
    "status",
    "use_count",
    "max_uses",
    "allowed_kinds",
    "expires_at",
    "created_at",
    "created_by",
    "origin",
    "last_used_at",
    "revoked_at",
    "revoked_by",
];
const NODE: [&str; 18] = [
    "id",
    "team_id",
    "name",
    "hostname",
    "ip_address",
    "private_ip",
    "kind",
    "group",
    "tags",
    "meta",
    "os",
    "agent_version",
    "addresses",
    "token_id",
    "status",
    "created_at",
    "updated_at",
    "last_seen_at",
];

#[track_caller]
fn has_fields(view: &Value, fields: &[&str]) {
    let mut expected: Vec<&str> = fields.to_vec();
    expected.sort_unstable();
    let mut names: Vec<_> = view.as_object().expect("an object").keys().collect();
    names.sort_unstable();
    assert_eq!(names, expected, "{view}");
}

#[track_caller]
fn is_id(value: &Value, prefix: &str) {
    let id = value.as_str().unwrap_or_default();
    let body = id.strip_prefix(prefix).unwrap_or_else(|| panic!("{value} is no {prefix} id"));
    let base32 = |c: char| matches!(c, 'a'..='z' | '2'..='7');
    assert!(body.len() == 13 && body.chars().all(base32), "{value} is no {prefix} id");
}

/// The second that a time names, which must be RFC 3339 in UTC.
#[track_caller]
pub(crate) fn time(value: &Value) -> i64 {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no time"));
    let at: Timestamp = text.parse().unwrap();
    assert_eq!(text, at.to_string(), "in UTC, to the second");
    assert!(text.len() == "2030-01-31T12:00:00Z".len() && text.ends_with('Z'), "{text}");
    at.as_unix()
}

#[track_caller]
fn is_time_or_null(value: &Value) {
    if !value.is_null() {
        time(value);
    }
}

#[track_caller]
fn is_one_of(value: &Value, allowed: &[&str]) {
    assert!(allowed.iter().any(|one| value == one), "{value} is none of {allowed:?}");
}

#[track_caller]
fn is_person(view: &Value) {
    has_fields(view, &["email", "principal"]);
    assert!(view["principal"].is_string());
}

#[track_caller]
pub(crate) fn is_team(view: &Value) {
    has_fields(view, &TEAM);
    is_id(&view["id"], "team_");
    is_one_of(&view["role"], &["owner", "admin", "member"]);
}

#[track_caller]
pub(crate) fn is_member(view: &Value) {
    has_fields(view, &MEMBER);
    is_id(&view["membership_id"], "mem_");
    is_one_of(&view["role"], &["owner", "admin", "member"]);
    time(&view["joined_at"]);
}

#[track_caller]
pub(crate) fn is_removal(view: &Value) {
    has_fields(view, &REMOVAL);
    is_id(&view["membership_id"], "mem_");
    is_one_of(&view["state"], &["running", "done"]);
    time(&view["requested_at"]);
    is_person(&view["requested_by"]);
    is_time_or_null(&view["completed_at"]);
    assert_eq!(view["state"] == "done", !view["completed_at"].is_null());
}

#[track_caller]
pub(crate) fn is_token(view: &Value) {
    has_fields(view, &TOKEN);
    is_id(&view["id"], "tok_");
    is_one_of(&view["status"], &["active", "expired", "exhausted", "revoked"]);
    is_one_of(&view["origin"], &["admin", "self-enroll"]);
    assert!(view["use_count"].is_u64());
    is_person(&view["created_by"]);
    time(&view["created_at"]);
    is_time_or_null(&view["expires_at"]);
    is_time_or_null(&view["last_used_at"]);
    is_time_or_null(&view["revoked_at"]);
    assert_eq!(view["use_count"] == 0, view["last_used_at"].is_null(), "{view}");
    assert_eq!(view["revoked_at"].is_null(), view["revoked_by"].is_null(), "{view}");
    assert_eq!(view["revoked_at"].is_null(), view["status"] != "revoked", "{view}");
}

/// A token in the answer to its making, the one that shows the plaintext.
#[track_caller]
pub(crate) fn is_made(view: &Value) {
    let mut rest = view.clone();
    let fields = rest.as_object_mut().expect("an object");
    let plaintext = fields.remove("token").expect("the plaintext");
    let command = fields.remove("join_command").expect("the join command");
    is_token(&rest);
    let plaintext = plaintext.as_str().unwrap();
    let body = plaintext.strip_prefix("enrt_").expect("a plaintext begins with enrt_");
    assert!(body.len() == 64 && body.chars().all(|c| matches!(c, 'a'..='z' | '2'..='7')));
    if view["origin"] == "admin" {
        assert!(command.as_str().unwrap().contains(plaintext));
    }
}

#[track_caller]
pub(crate) fn is_node(view: &Value) {
    has_fields(view, &NODE);
    is_id(&view["id"], "node_");
    is_id(&view["team_id"], "team_");
    is_id(&view["token_id"], "tok_");
    is_one_of(&view["status"], &["online", "offline", "unmonitored"]);
    assert_eq!(view["status"] == "unmonitored", view["private_ip"].is_null(), "{view}");
    assert!(view["tags"].is_array());
    let times = ["created_at", "updated_at", "last_seen_at"].map(|name| time(&view[name]));
    assert!(times.is_sorted(), "{view}");
}

#[track_caller]
fn is_group(view: &Value) {
    has_fields(view, &["name", "nodes", "online"]);
    assert!(view["online"].as_u64().unwrap() <= view["nodes"].as_u64().unwrap(), "{view}");
}

/// A page of a list: its entries, and where it goes on.
#[track_caller]
pub(crate) fn is_page(page: &Value, name: &str) {
    has_fields(page, &[name, "next_cursor"]);
    assert!(page["next_cursor"].is_null() || page["next_cursor"].is_string());
    for entry in page[name].as_array().expect("a list") {
        match name {
            "teams" => is_team(entry),
            "members" => is_member(entry),
            "removals" => is_removal(entry),
            "tokens" => is_token(entry),
            "nodes" => is_node(entry),
            "groups" => is_group(entry),
            other => panic!("no list is called {other}"),
        }
    }
}

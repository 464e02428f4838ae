//! The calls of a script that enters servers, as they stand.

use serde_json::{Value, json};

use crate::support::service::Service;
use crate::support::team::{Made, Team, each};
use crate::support::views;

async fn a_token_for_ansible(team: &Team) -> Made {
    let request = json!({"name": "Ansible Playbook", "max_uses": 50, "allowed_kinds": ["server"]});
    Made::of(team.post("/registration-tokens", &request).await.of(201))
}

fn a_report() -> Value {
    json!({
        "name": "Web server 1",
        "hostname": "web-1.example.com",
        "ip_address": "192.0.2.10",
        "kind": "server",
        "tags": ["web", "prod"],
        "meta": {"os": {"name": "Debian", "version": 12}, "cpus": 4, "load": 0.25, "spare": null},
    })
}

#[tokio::test]
async fn the_answer_to_a_create_is_the_token_with_its_plaintext() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    let made = a_token_for_ansible(&team).await;
    let expected = json!({
        "id": made.id,
        "name": "Ansible Playbook",
        "status": "active",
        "use_count": 0,
        "max_uses": 50,
        "allowed_kinds": ["server"],
        "expires_at": null,
        "created_at": made.answer["created_at"],
        "created_by": {"email": owner.email, "principal": owner.email},
        "origin": "admin",
        "last_used_at": null,
        "revoked_at": null,
        "revoked_by": null,
        "token": made.plaintext,
        "join_command": made.answer["join_command"],
    });
    assert_eq!(made.answer, expected);
    assert!(made.answer["join_command"].as_str().unwrap().contains(&made.plaintext));
}

#[tokio::test]
async fn a_script_enters_a_server_and_is_stopped() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    let made = a_token_for_ansible(&team).await;
    let register = service.api.register(&made, a_report());

    let entered = register.send().await.registered("created");
    let mut expected = a_report();
    expected.as_object_mut().unwrap().extend([
        ("id".to_owned(), entered["id"].clone()),
        ("team_id".to_owned(), team.id.as_str().into()),
        ("private_ip".to_owned(), Value::Null),
        ("group".to_owned(), "default".into()),
        ("os".to_owned(), Value::Null),
        ("agent_version".to_owned(), Value::Null),
        ("addresses".to_owned(), json!([])),
        ("token_id".to_owned(), made.id.as_str().into()),
        ("status".to_owned(), "unmonitored".into()),
        ("created_at".to_owned(), entered["created_at"].clone()),
        ("updated_at".to_owned(), entered["created_at"].clone()),
        ("last_seen_at".to_owned(), entered["created_at"].clone()),
    ]);
    assert_eq!(entered, expected);
    let again = register.send().await.registered("unchanged");
    assert_eq!(again, entered, "the same again is the same node");

    let used = &team.tokens("").await[0];
    assert_eq!((&used["id"], &used["use_count"]), (&made.answer["id"], &json!(1)));
    assert_eq!(used["status"], "active");
    assert_eq!(used["last_used_at"], entered["created_at"]);
    assert_eq!(team.look_at(&made).await, *used);

    let revoked = team.revokes(&made).await.of(200);
    views::is_token(&revoked);
    assert_eq!(revoked["status"], "revoked");
    assert_eq!(revoked["use_count"], 1);
    assert_eq!(revoked["revoked_by"], json!({"email": owner.email, "principal": owner.email}));
    assert_eq!(team.revokes(&made).await.of(200), revoked, "revoked is permanent");

    register.send().await.problem(403, "token-revoked");
    let another = service.api.register(&made, json!({"hostname": "web-2"}));
    another.send().await.problem(403, "token-revoked");
    assert_eq!(team.nodes("").await, [entered], "nodes already enrolled stay as they are");
    assert_eq!(team.look_at(&made).await, revoked);
}

#[tokio::test]
async fn what_a_repeat_gives_replaces_and_what_it_leaves_out_stays() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = a_token_for_ansible(&team).await;
    let entered = service.api.register(&made, a_report()).send().await.registered("created");

    let change = json!({
        "hostname": "WEB-1.example.com.", "group": "edge", "tags": [], "meta": {"cpus": 8},
        "os": "Debian GNU/Linux 12", "ip_address": "2001:DB8::1", "name": null,
    });
    let changed = service.api.register(&made, change).send().await.registered("updated");
    for kept in ["id", "hostname", "name", "kind", "token_id", "created_at"] {
        assert_eq!(changed[kept], entered[kept], "{kept}");
    }
    assert_eq!((&changed["group"], &changed["tags"]), (&json!("edge"), &json!([])));
    assert_eq!(changed["meta"], json!({"cpus": 8}), "an object is replaced, not merged");
    assert_eq!(changed["os"], "Debian GNU/Linux 12");
    assert_eq!(changed["ip_address"], "2001:db8::1");

    let nothing = json!({"hostname": "web-1.example.com"});
    let same = service.api.register(&made, nothing).send().await.registered("unchanged");
    assert_eq!(same, changed, "nothing given, nothing changed");
    assert_eq!(team.nodes("").await, [changed]);
    assert_eq!(team.use_count(&made).await, 1, "however often it is repeated");
}

#[tokio::test]
async fn only_the_hostname_is_needed_and_the_rest_has_its_defaults() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    let node = team.registers(&made, "_db.internal").await;
    assert_eq!((&node["kind"], &node["group"]), (&json!("server"), &json!("default")));
    assert_eq!(node["tags"], json!([]));
    for unset in ["name", "ip_address", "private_ip", "meta", "os"] {
        assert_eq!(node[unset], Value::Null, "{unset}");
    }
    let token = team.look_at(&made).await;
    for unlimited in ["max_uses", "expires_at", "allowed_kinds"] {
        assert_eq!(token[unlimited], Value::Null, "{unlimited}");
    }
    assert_eq!(each(&team.nodes("").await, "hostname"), ["_db.internal"]);
}

//! What goes with a member who is removed, to its end.

use serde_json::{Value, json};

use crate::support::device::Device;
use crate::support::service::Service;
use crate::support::team::{Team, each};
use crate::support::views;

/// The one removal of a team, once it is done.
async fn done(service: &Service, team: &Team) -> Value {
    let look = async || {
        let removals = team.removals().await;
        removals.into_iter().find(|removal| removal["state"] == "done")
    };
    service.eventually(look).await
}

#[tokio::test]
async fn with_a_member_go_their_tokens_and_the_nodes_that_these_let_in() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let bob = team.welcomes("bob", "admin").await;
    let [narrow, wide] = [bob.token(json!({"max_uses": 5})).await, bob.token(json!({})).await];
    let (stopped, single) = (bob.token(json!({})).await, bob.self_enroll().await);
    let kept = team.token(json!({})).await;
    for (token, host) in [(&narrow, "n-1"), (&wide, "w-1"), (&wide, "w-2"), (&stopped, "s-1")] {
        bob.registers(token, host).await;
    }
    let laptop = json!({"hostname": "laptop"});
    let address = Device::new().register(api, &single, laptop.clone()).send().await.of(201);
    // The token that a node last entered through is its sponsor.
    for (host, first, last) in [("stays", &wide, &kept), ("goes", &kept, &wide)] {
        team.registers(first, host).await;
        api.register(last, json!({"hostname": host})).send().await.of(200);
    }
    team.registers(&kept, "alices").await;
    let before = bob.revokes(&stopped).await.of(200);

    team.removes(&bob.who.email).await.of(202);
    let removal = done(&service, &team).await;
    assert_eq!((&removal["tokens_revoked"], &removal["nodes_removed"]), (&json!(3), &json!(6)));
    assert_eq!(removal["principal"], bob.who.email.as_str());

    assert_eq!(each(&team.nodes("").await, "hostname"), ["alices", "stays"]);
    for token in [&narrow, &wide, &single] {
        let revoked = team.look_at(token).await;
        assert_eq!(revoked["status"], "revoked");
        assert_eq!(revoked["revoked_by"]["principal"], team.who.email.as_str());
        let late = api.register(token, json!({"hostname": "late"}));
        late.send().await.problem(403, "token-revoked");
    }
    assert_eq!(team.look_at(&stopped).await, before, "revoked before: as it was");
    let own = team.look_at(&kept).await;
    assert_eq!((&own["status"], &own["use_count"]), (&json!("active"), &json!(3)));

    let another = Device::new().register(api, &kept, laptop).send().await.of(201);
    assert_eq!(another["private_ip"], address["private_ip"], "the address was given back");
    assert_ne!(another["id"], address["id"]);
}

#[tokio::test]
async fn a_later_membership_of_the_same_person_is_left_alone() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let bob = team.welcomes("bob", "admin").await;
    let first = bob.token(json!({})).await;
    bob.registers(&first, "old").await;
    team.removes(&bob.who.email).await.of(202);
    team.adds(&bob.who.email, "admin").await.of(201);
    let second = bob.token(json!({})).await;
    bob.registers(&second, "new").await;

    let removal = done(&service, &team).await;
    assert_eq!((&removal["tokens_revoked"], &removal["nodes_removed"]), (&json!(1), &json!(1)));
    assert!(views::time(&removal["completed_at"]) >= views::time(&removal["requested_at"]));
    assert_eq!(each(&bob.nodes("").await, "hostname"), ["new"]);
    assert_eq!(bob.look_at(&second).await["status"], "active");
    assert_eq!(bob.look_at(&first).await["status"], "revoked");
}

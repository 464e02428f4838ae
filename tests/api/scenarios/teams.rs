//! Teams, their members, and what each may become.

use serde_json::json;

use crate::support::service::Service;
use crate::support::team::each;
use crate::support::views;

#[tokio::test]
async fn whoever_makes_a_team_is_its_owner() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let made = owner.post("/api/teams", &json!({"name": "Ops – Köln"})).send().await.of(201);
    views::is_team(&made);
    assert_eq!((&made["name"], &made["role"]), (&json!("Ops – Köln"), &json!("owner")));
    let teams = owner.get("/api/teams").send().await.of(200);
    assert_eq!(teams, json!({"teams": [made], "next_cursor": null}));
}

#[tokio::test]
async fn everybody_sees_their_own_teams_and_their_role_in_each() {
    let service = Service::start().await;
    let (owner, bob) = (service.api.newcomer("owner").await, service.api.newcomer("bob").await);
    let mut theirs = Vec::new();
    for role in ["member", "admin", "owner"] {
        let team = owner.makes_a_team().await;
        team.adds(&bob.email, role).await.of(201);
        theirs.push((team.id, role));
    }
    let own = bob.makes_a_team().await;
    theirs.push((own.id, "owner"));
    theirs.sort();

    let mut seen = Vec::new();
    let mut path = "/api/teams?limit=1".to_owned();
    loop {
        let page = bob.get(&path).send().await.of(200);
        views::is_page(&page, "teams");
        assert_eq!(page["teams"].as_array().unwrap().len(), 1);
        seen.push(page["teams"][0].clone());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/teams?limit=1&cursor={cursor}");
    }
    let roles = each(&seen, "role");
    let seen: Vec<_> = each(&seen, "id").into_iter().map(str::to_owned).zip(roles).collect();
    assert_eq!(seen, theirs);
    let nobody = service.api.newcomer("nobody").await;
    let none = nobody.get("/api/teams").send().await.of(200);
    assert_eq!(none, json!({"teams": [], "next_cursor": null}));
}

#[tokio::test]
async fn a_member_is_added_by_address_or_principal_in_lower_case() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    let member = team.adds("Bob@Example.com", "admin").await.of(201);
    views::is_member(&member);
    assert_eq!(member["principal"], "bob@example.com");
    assert_eq!(member["email"], "bob@example.com");
    assert_eq!(member["role"], "admin");
    let body = json!({"principal": "Carol@example.com", "role": "member", "email": null});
    assert_eq!(team.post("/members", &body).await.of(201)["principal"], "carol@example.com");

    let members = team.members().await;
    let mut expected = vec!["bob@example.com", "carol@example.com", owner.email.as_str()];
    expected.sort_unstable();
    assert_eq!(each(&members, "principal"), expected, "in the order of their principals");
    assert!(members.contains(&member));
}

#[tokio::test]
async fn whoever_is_a_member_is_not_added_again() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    team.adds("bob@example.com", "member").await.of(201);
    for (email, role) in [("bob@example.com", "admin"), ("BOB@example.com", "owner")] {
        team.adds(email, role).await.problem(409, "already-member");
    }
    team.adds(&owner.email, "owner").await.problem(409, "already-member");
    let roles: Vec<_> = team.members().await.iter().map(|m| m["role"].clone()).collect();
    assert!(roles.contains(&json!("member")) && roles.contains(&json!("owner")));
}

#[tokio::test]
async fn a_change_of_role_is_the_same_membership() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    let bob = team.welcomes("bob", "member").await;
    let before = team.members().await;
    let before = before.iter().find(|m| m["principal"] == bob.who.email.as_str()).unwrap();
    let membership = before["membership_id"].as_str().unwrap();
    for (member, role) in [
        (bob.who.email.as_str(), "admin"),
        (membership, "owner"),
        (membership, "owner"),
        (&bob.who.email.to_uppercase(), "member"),
    ] {
        let changed = team.sets_role(member, role).await.of(200);
        views::is_member(&changed);
        assert_eq!(changed["role"], role);
        for kept in ["principal", "membership_id", "email", "joined_at"] {
            assert_eq!(changed[kept], before[kept], "{kept}");
        }
        let teams = bob.who.get("/api/teams").send().await.of(200);
        assert_eq!(teams["teams"][0]["role"], role);
    }
}

#[tokio::test]
async fn the_last_owner_stays() {
    let service = Service::start().await;
    let owner = service.api.newcomer("owner").await;
    let team = owner.makes_a_team().await;
    let own = team.members().await[0]["membership_id"].as_str().unwrap().to_owned();
    for name in [owner.email.as_str(), &own] {
        team.removes(name).await.problem(409, "last-owner");
        for role in ["admin", "member"] {
            team.sets_role(name, role).await.problem(409, "last-owner");
        }
    }
    let bob = team.welcomes("bob", "owner").await;
    team.sets_role(&owner.email, "member").await.of(200);
    bob.removes(&bob.who.email).await.problem(409, "last-owner");
    bob.sets_role(&owner.email, "owner").await.of(200);
    bob.removes(&bob.who.email).await.of(202);
    assert_eq!(each(&team.members().await, "principal"), [owner.email.as_str()]);
}

#[tokio::test]
async fn whoever_is_removed_sees_the_team_no_more() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let bob = team.welcomes("bob", "admin").await;
    let membership = bob.members().await;
    let membership = membership.iter().find(|m| m["principal"] == bob.who.email.as_str()).unwrap();
    let membership = membership["membership_id"].as_str().unwrap();

    let removal = team.removes(&bob.who.email).await.of(202);
    views::is_removal(&removal);
    let expected = json!({
        "membership_id": membership,
        "principal": bob.who.email,
        "state": "running",
        "tokens_revoked": 0,
        "nodes_removed": 0,
        "requested_at": removal["requested_at"],
        "requested_by": {"email": team.who.email, "principal": team.who.email},
        "completed_at": null,
    });
    assert_eq!(removal, expected);
    bob.get("/members").await.problem(404, "not-found");
    bob.post("/self-enroll", &json!({})).await.problem(404, "not-found");
    assert_eq!(bob.who.get("/api/teams").send().await.of(200)["teams"], json!([]));

    team.removes(&bob.who.email).await.problem(404, "not-found");
    let again = team.removes(membership).await.of(202);
    assert_eq!(again["requested_at"], removal["requested_at"], "it is the same removal");
    let second = team.adds(&bob.who.email, "member").await.of(201);
    assert_ne!(second["membership_id"], membership, "added again is another membership");
    team.removes(membership).await.of(202);
    assert_eq!(team.members().await.len(), 2, "the second membership is untouched");
}

#[tokio::test]
async fn anyone_may_leave() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    for role in ["member", "admin", "owner"] {
        let bob = team.welcomes(role, role).await;
        let removal = bob.removes(&bob.who.email).await.of(202);
        assert_eq!(removal["requested_by"]["principal"], bob.who.email.as_str());
        bob.get("/nodes").await.problem(404, "not-found");
    }
    let removals = team.removals().await;
    assert_eq!(removals.len(), 3);
    let times: Vec<_> = removals.iter().map(|r| views::time(&r["requested_at"])).collect();
    assert!(times.is_sorted_by(|a, b| a >= b), "the newest first");
    let paged = team.all("removals", "limit=1").await;
    assert_eq!(each(&paged, "membership_id"), each(&removals, "membership_id"));
}

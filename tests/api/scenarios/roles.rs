//! What each role may do, call by call.

use lambda_http::http::Method;
use serde_json::{Value, json};

use crate::support::api::{Request, encoded};
use crate::support::service::Service;
use crate::support::team::Team;

/// A team with one more owner, a member, a token and a node.
struct Scene {
    team: Team,
    caller: Team,
    other_owner: String,
    member: String,
    token: String,
}

async fn scene(service: &Service, role: &str) -> Scene {
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let other_owner = team.welcomes("other", "owner").await.who.email;
    let member = team.welcomes("member", "member").await.who.email;
    let caller = team.welcomes("caller", role).await;
    let made = team.token(json!({})).await;
    team.registers(&made, "web-1").await;
    Scene { team, caller, other_owner, member, token: made.id }
}

/// Every call there is in a team, in an order in which each can succeed; and what it answers to an
/// owner, an admin and a member.
fn calls(scene: &Scene) -> Vec<(Request, [u16; 3])> {
    let call = |method: Method, path: String, body: Value, statuses| {
        let request = scene.caller.request(method, &path);
        (if body.is_null() { request } else { request.json(&body) }, statuses)
    };
    let at = |path: &str| path.to_owned();
    let member = |email: &str| format!("/members/{}", encoded(email));
    let token = format!("/registration-tokens/{}", scene.token);
    let add = |role: &str| json!({"email": format!("new-{role}@example.com"), "role": role});
    let role = |role: &str| json!({"role": role});
    let none = || Value::Null;
    let (get, post, patch, delete) = (Method::GET, Method::POST, Method::PATCH, Method::DELETE);
    vec![
        call(get.clone(), at("/members"), none(), [200, 200, 200]),
        call(get.clone(), at("/nodes"), none(), [200, 200, 200]),
        call(post.clone(), at("/self-enroll"), json!({}), [201, 201, 201]),
        call(get.clone(), at("/removals"), none(), [200, 200, 403]),
        call(post.clone(), at("/registration-tokens"), json!({"name": "x"}), [201, 201, 403]),
        call(get.clone(), at("/registration-tokens"), none(), [200, 200, 403]),
        call(get, token.clone(), none(), [200, 200, 403]),
        call(delete.clone(), token, none(), [200, 200, 403]),
        call(delete.clone(), at("/nodes/web-1"), none(), [204, 204, 403]),
        call(post.clone(), at("/members"), add("member"), [201, 201, 403]),
        call(post.clone(), at("/members"), add("admin"), [201, 201, 403]),
        call(post, at("/members"), add("owner"), [201, 403, 403]),
        call(patch.clone(), member(&scene.member), role("admin"), [200, 200, 403]),
        call(patch.clone(), member(&scene.member), role("member"), [200, 200, 403]),
        call(patch.clone(), member(&scene.member), role("owner"), [200, 403, 403]),
        call(patch.clone(), member(&scene.other_owner), role("admin"), [200, 403, 403]),
        call(patch, member(&scene.team.who.email), role("member"), [200, 403, 403]),
        call(delete.clone(), member("new-owner@example.com"), none(), [202, 404, 404]),
        call(delete.clone(), member("new-member@example.com"), none(), [202, 202, 404]),
        call(delete.clone(), member("new-admin@example.com"), none(), [202, 202, 404]),
        call(delete, member(&scene.member), none(), [202, 202, 403]),
    ]
}

async fn may_do_what_it_may(number: usize, role: &str) {
    let service = Service::start().await;
    let scene = scene(&service, role).await;
    let before = (scene.team.members().await, scene.team.tokens("").await);
    for (request, statuses) in calls(&scene) {
        let answer = request.send().await;
        match statuses[number] {
            403 => drop(answer.problem(403, "forbidden")),
            404 => drop(answer.problem(404, "not-found")),
            status => drop(answer.of(status)),
        }
    }
    if role == "member" {
        let mut after = scene.team.tokens("").await;
        after.retain(|token| token["origin"] == "admin");
        assert_eq!((scene.team.members().await, after), before, "nothing refused has happened");
        assert_eq!(scene.team.nodes("").await.len(), 1);
    }
}

#[tokio::test]
async fn an_owner_does_everything() {
    may_do_what_it_may(0, "owner").await;
}

#[tokio::test]
async fn an_admin_does_everything_but_grant_or_take_ownership() {
    may_do_what_it_may(1, "admin").await;
}

#[tokio::test]
async fn a_member_sees_members_and_nodes_and_enrolls_a_device() {
    may_do_what_it_may(2, "member").await;
}

#[tokio::test]
async fn nobody_raises_themselves() {
    let service = Service::start().await;
    for (role, wanted) in [("member", "admin"), ("member", "owner"), ("admin", "owner")] {
        let scene = scene(&service, role).await;
        let own = scene.caller.who.email.clone();
        scene.caller.sets_role(&own, wanted).await.problem(403, "forbidden");
        scene.caller.adds("friend@example.com", wanted).await.problem(403, "forbidden");
    }
    let scene = scene(&service, "admin").await;
    let own = scene.caller.who.email.clone();
    scene.caller.sets_role(&own, "member").await.of(200);
    scene.caller.sets_role(&own, "admin").await.problem(403, "forbidden");
}

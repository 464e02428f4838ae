//! Lists of tokens: filtered, searched, sorted, page by page.

use std::time::Duration;

use muster_shared::environment::Environment;
use serde_json::{Value, json};

use crate::support::api::encoded;
use crate::support::device::Device;
use crate::support::service::Service;
use crate::support::team::{Team, each};

/// Tokens in every state, made by two people.
async fn a_team_with_tokens(service: &Service) -> Team {
    let team = service.api.newcomer("alice").await.makes_a_team().await;
    let soon = Environment::system().clock.now().after(Duration::from_secs(3)).to_string();
    let expiring = team.token(json!({"name": "gamma", "expires_at": soon})).await;
    let active = team.token(json!({"name": "Zeta"})).await;
    let exhausted = team.token(json!({"name": "alpha", "max_uses": 1})).await;
    let revoked = team.token(json!({"name": "Beta deploy"})).await;
    for number in 0..3 {
        team.registers(&active, &format!("zeta-{number}")).await;
    }
    for number in 0..2 {
        team.registers(&revoked, &format!("beta-{number}")).await;
    }
    team.registers(&exhausted, "alpha").await;
    team.revokes(&revoked).await.of(200);
    let bob = team.welcomes("bob", "member").await;
    bob.self_enroll().await;
    let expired = async || {
        let token = team.look_at(&expiring).await;
        (token["status"] == "expired").then_some(())
    };
    service.eventually(expired).await;
    team
}

fn names(tokens: &[Value]) -> Vec<&str> {
    each(tokens, "name")
}

#[tokio::test]
async fn tokens_are_filtered_by_status_and_searched_by_name_and_creator() {
    let service = Service::start().await;
    let team = a_team_with_tokens(&service).await;
    let bobs_name = "Self-enrolled device";
    for (status, expected) in [
        ("active", vec![bobs_name, "Zeta"]),
        ("expired", vec!["gamma"]),
        ("exhausted", vec!["alpha"]),
        ("revoked", vec!["Beta deploy"]),
    ] {
        let found = team.tokens(&format!("sort=name&order=asc&status={status}")).await;
        assert_eq!(names(&found), expected);
        assert!(found.iter().all(|token| token["status"] == status));
    }
    let alice = encoded(&team.who.email.to_uppercase());
    for (q, expected) in [
        ("ETA", vec!["Beta deploy", "Zeta"]),
        ("beta%20dep", vec!["Beta deploy"]),
        ("beta+dep", vec!["Beta deploy"]),
        ("bob.", vec![bobs_name]),
        ("%25", vec![]),
        ("nothing", vec![]),
        (&alice, vec!["alpha", "Beta deploy", "gamma", "Zeta"]),
    ] {
        let found = team.tokens(&format!("sort=name&order=asc&q={q}")).await;
        assert_eq!(names(&found), expected, "{q}");
    }
    let both = team.tokens("status=revoked&q=zeta").await;
    assert!(both.is_empty(), "{both:?}");
}

#[tokio::test]
async fn tokens_are_sorted_by_date_use_or_name_either_way() {
    let service = Service::start().await;
    let team = a_team_with_tokens(&service).await;
    let by_name = ["alpha", "Beta deploy", "gamma", "Self-enrolled device", "Zeta"];
    assert_eq!(names(&team.tokens("sort=name&order=asc").await), by_name);
    let uses = |tokens: &[Value]| -> Vec<_> {
        tokens.iter().map(|token| token["use_count"].as_u64().unwrap()).collect()
    };
    assert_eq!(uses(&team.tokens("sort=use_count&order=asc").await), [0, 0, 1, 2, 3]);
    let by_date = team.tokens("sort=created_at&order=asc").await;
    assert!(each(&by_date, "created_at").is_sorted());
    for sort in ["name", "use_count", "created_at"] {
        let mut ascending = team.tokens(&format!("sort={sort}&order=asc")).await;
        ascending.reverse();
        assert_eq!(team.tokens(&format!("sort={sort}&order=desc")).await, ascending);
        assert_eq!(team.tokens(&format!("sort={sort}")).await, ascending, "the largest first");
    }
    let default = team.tokens("sort=created_at&order=desc").await;
    assert_eq!(team.tokens("").await, default, "the newest first");
}

#[tokio::test]
async fn pages_of_tokens_make_up_the_list() {
    let service = Service::start().await;
    let team = a_team_with_tokens(&service).await;
    for sort in ["name", "use_count", "created_at"] {
        for order in ["asc", "desc"] {
            for filter in ["", "&status=active"] {
                let query = format!("sort={sort}&order={order}{filter}");
                let whole = team.tokens(&query).await;
                for limit in [1, 2, 5] {
                    let paged = team.tokens(&format!("{query}&limit={limit}")).await;
                    assert_eq!(paged, whole, "{query} by {limit}");
                }
            }
        }
    }
    let page = team.get("/registration-tokens?limit=3").await.of(200);
    assert_eq!(page["tokens"].as_array().unwrap().len(), 3);
    let last = team.get("/registration-tokens?limit=5").await.of(200);
    assert_eq!(last["next_cursor"], Value::Null, "none where there is nothing more");
}

#[tokio::test]
async fn a_page_has_50_tokens_where_no_limit_is_given() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    for number in 0..51 {
        team.token(json!({"name": format!("token {number}"), "max_uses": 1})).await;
    }
    let page = team.get("/registration-tokens").await.of(200);
    assert_eq!(page["tokens"].as_array().unwrap().len(), 50);
    assert_eq!(team.tokens("").await.len(), 51);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_alone() {
    let service = Service::start().await;
    let team = a_team_with_tokens(&service).await;
    let page = team.get("/registration-tokens?limit=1&sort=name&order=asc").await.of(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    for other in ["", "&sort=name", "&sort=name&order=desc", "&sort=use_count&order=asc"] {
        let answer = team.get(&format!("/registration-tokens?cursor={cursor}{other}")).await;
        assert_eq!(answer.invalid_at(), ["?cursor"], "{other}");
    }
    for list in ["nodes", "members", "removals"] {
        let answer = team.get(&format!("/{list}?cursor={cursor}")).await;
        assert_eq!(answer.invalid_at(), ["?cursor"], "{list}");
    }
    let filtered = format!("/registration-tokens?cursor={cursor}&sort=name&order=asc&q=zeta");
    assert_eq!(names(team.get(&filtered).await.of(200)["tokens"].as_array().unwrap()), ["Zeta"]);
}

#[tokio::test]
async fn a_token_shows_what_came_through_it() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    let report = json!({"hostname": "laptop", "os": "macOS 15"});
    let node =
        Device::new().register(&service.api, &made, report).send().await.registered("created");
    let through = team.nodes(&format!("token_id={}", made.id)).await;
    assert_eq!(through, [node]);
    assert_eq!((&through[0]["status"], &through[0]["os"]), (&json!("online"), &json!("macOS 15")));
}

//! Lists of nodes: filtered, searched, page by page.

use serde_json::{Value, json};

use crate::support::device::Device;
use crate::support::service::Service;
use crate::support::team::{Made, Team, each};

struct Inventory {
    team: Team,
    first: Made,
    second: Made,
    device: Value,
}

async fn an_inventory(service: &Service) -> Inventory {
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    let (first, second) = (team.token(json!({})).await, team.token(json!({})).await);
    let reports = [
        (
            &first,
            json!({"hostname": "web-1", "name": "Front Door", "group": "web",
                        "tags": ["prod", "eu west"], "ip_address": "192.0.2.11"}),
        ),
        (
            &first,
            json!({"hostname": "web-2", "group": "web", "tags": ["prod"],
                        "ip_address": "2001:db8::2"}),
        ),
        (
            &second,
            json!({"hostname": "db-1", "group": "db", "kind": "container",
                         "tags": ["Prod"]}),
        ),
    ];
    for (token, report) in reports {
        api.register(token, report).send().await.of(201);
    }
    api.register(&second, json!({"hostname": "web-2"})).send().await.of(200);
    let report = json!({"hostname": "laptop", "kind": "device"});
    let device = Device::new().register(api, &second, report).send().await.of(201);
    Inventory { team, first, second, device }
}

#[tokio::test]
async fn nodes_are_filtered_by_whatever_is_known_of_them() {
    let service = Service::start().await;
    let Inventory { team, first, second, device } = an_inventory(&service).await;
    let address = device["private_ip"].as_str().unwrap();
    let nothing: [&str; 0] = [];
    let queries = [
        (String::new(), vec!["db-1", "laptop", "web-1", "web-2"]),
        (format!("token_id={}", first.id), vec!["web-1", "web-2"]),
        (format!("token_id={}", second.id), vec!["db-1", "laptop", "web-2"]),
        ("token_id=tok_aaaaaaaaaaaaa".to_owned(), nothing.into()),
        ("group=web".to_owned(), vec!["web-1", "web-2"]),
        ("group=default".to_owned(), vec!["laptop"]),
        ("group=we".to_owned(), nothing.into()),
        ("kind=server".to_owned(), vec!["web-1", "web-2"]),
        ("kind=container".to_owned(), vec!["db-1"]),
        ("tag=prod".to_owned(), vec!["web-1", "web-2"]),
        ("tag=eu%20west".to_owned(), vec!["web-1"]),
        ("tag=eu+west".to_owned(), vec!["web-1"]),
        ("tag=eu".to_owned(), nothing.into()),
        ("status=online".to_owned(), vec!["laptop"]),
        ("status=unmonitored".to_owned(), vec!["db-1", "web-1", "web-2"]),
        ("status=offline".to_owned(), nothing.into()),
        ("q=WEB-".to_owned(), vec!["web-1", "web-2"]),
        ("q=front%20d".to_owned(), vec!["web-1"]),
        ("q=192.0.2.".to_owned(), vec!["web-1"]),
        ("q=2001%3ADB8".to_owned(), vec!["web-2"]),
        (format!("q={address}"), vec!["laptop"]),
        ("q=-1&group=web".to_owned(), vec!["web-1"]),
        (format!("kind=server&tag=prod&token_id={}", second.id), vec!["web-2"]),
        (format!("status=online&q=web&token_id={}", second.id), nothing.into()),
    ];
    for (query, expected) in queries {
        let found = team.nodes(&query).await;
        assert_eq!(each(&found, "hostname"), expected, "{query}");
        for limit in [1, 2, 3, 100] {
            let paged = team.nodes(&format!("{query}&limit={limit}")).await;
            assert_eq!(paged, found, "{query} by {limit}");
        }
    }
}

#[tokio::test]
async fn pages_of_a_fleet_make_up_the_list_in_the_order_of_hostnames() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    for number in 0..60 {
        let report =
            json!({"hostname": format!("web-{number}"), "tags": [format!("{}", number % 3)]});
        service.api.register(&made, report).send().await.of(201);
    }
    let mut hosts: Vec<_> = (0..60).map(|number| format!("web-{number}")).collect();
    hosts.sort();
    for limit in [1, 7, 50, 59, 60, 61, 100] {
        let found = team.nodes(&format!("limit={limit}")).await;
        assert_eq!(each(&found, "hostname"), hosts, "by {limit}");
    }
    let page = team.get("/nodes").await.of(200);
    assert_eq!(page["nodes"].as_array().unwrap().len(), 50, "where no limit is given");
    let tagged = team.nodes("tag=1&limit=3").await;
    assert_eq!(tagged.len(), 20);
    assert!(each(&tagged, "hostname").is_sorted());
}

#[tokio::test]
async fn a_node_that_goes_between_two_pages_takes_no_other_with_it() {
    let service = Service::start().await;
    let Inventory { team, .. } = an_inventory(&service).await;
    let page = team.get("/nodes?limit=2").await.of(200);
    assert_eq!(each(page["nodes"].as_array().unwrap(), "hostname"), ["db-1", "laptop"]);
    team.delete("/nodes/laptop").await.of(204);
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = team.get(&format!("/nodes?cursor={cursor}")).await.of(200);
    assert_eq!(each(rest["nodes"].as_array().unwrap(), "hostname"), ["web-1", "web-2"]);
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let service = Service::start().await;
    let Inventory { team, .. } = an_inventory(&service).await;
    team.who.makes_a_team().await;
    for name in ["bob", "carol"] {
        let member = team.welcomes(name, "member").await;
        member.removes(&member.who.email).await.of(202);
    }
    team.adds("dave@example.com", "member").await.of(201);
    let lists = [
        format!("/api/teams/{}/nodes", team.id),
        format!("/api/teams/{}/members", team.id),
        format!("/api/teams/{}/removals", team.id),
        format!("/api/teams/{}/registration-tokens", team.id),
        "/api/teams".to_owned(),
    ];
    for list in &lists {
        let page = team.who.get(&format!("{list}?limit=1")).send().await.of(200);
        let cursor = page["next_cursor"].as_str().unwrap_or_else(|| panic!("{list}: {page}"));
        for other in &lists {
            let answer = team.who.get(&format!("{other}?cursor={cursor}")).send().await;
            if other == list {
                answer.of(200);
            } else {
                assert_eq!(answer.invalid_at(), ["?cursor"], "of {list} in {other}");
            }
        }
    }
}

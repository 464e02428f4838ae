//! Groups: there while a node names them.

use serde_json::json;

use crate::support::device::Device;
use crate::support::service::Service;

#[tokio::test]
async fn a_group_is_there_while_a_node_names_it() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    assert!(team.all("groups", "").await.is_empty());
    let made = team.token(json!({})).await;
    for (hostname, group) in [("web-1", "web"), ("web-2", "web"), ("db-1", "db")] {
        let report = json!({"hostname": hostname, "group": group});
        api.register(&made, report).send().await.of(201);
    }
    let laptop = json!({"hostname": "laptop", "group": "web"});
    Device::new().register(api, &made, laptop).send().await.of(201);
    let (db, web) = (
        json!({"name": "db", "nodes": 1, "online": 0}),
        json!({"name": "web", "nodes": 3, "online": 1}),
    );
    let bob = team.welcomes("bob", "member").await;
    assert_eq!(bob.all("groups", "").await, [db.clone(), web.clone()]);
    assert_eq!(bob.all("groups", "limit=1").await, [db, web.clone()], "page by page");

    team.delete("/nodes/db-1").await.of(204);
    assert_eq!(team.all("groups", "").await, [web]);
}

#[tokio::test]
async fn another_team_sees_none_of_them() {
    let service = Service::start().await;
    let api = &service.api;
    let team = api.newcomer("owner").await.makes_a_team().await;
    team.registers(&team.token(json!({})).await, "web-1").await;
    let stranger = team.seen_by(&api.newcomer("stranger").await);
    stranger.get("/groups").await.problem(404, "not-found");
}

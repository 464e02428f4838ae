//! Calls to DynamoDB and capacity, as `ReturnConsumedCapacity` gives them; `docs/data-model.md`
//! shows these figures.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that meets what it did not expect has to fail, and this one prints its figures"
)]

use std::time::Duration;

use muster_shared::domain::key::PublicKey;
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::report::Report;
use muster_shared::store::{Cost, Error, NodeQuery, Registration};
use muster_tests::world::{World, key};

async fn cost(world: &World, token: &Plaintext, report: Report, key: Option<PublicKey>) -> Cost {
    let registration = Registration { plaintext: token.clone(), report, key };
    let session = world.session();
    session.register_node(&registration).await.unwrap();
    session.cost()
}

fn named(name: &str) -> Report {
    let mut report = Report::of("web-1".parse().unwrap());
    report.name = Some(name.parse().unwrap());
    report.os = Some("Debian GNU/Linux 12 (bookworm)".parse().unwrap());
    report
}

/// Prints a row of the data model's table, and holds the cost to it.
fn row(what: &str, cost: Cost, calls: u32, write_units: f64, read_units: f64) {
    println!("| {what} | {} | {} | {} |", cost.calls, cost.write_units, cost.read_units);
    let holds =
        cost.calls <= calls && cost.write_units <= write_units && cost.read_units <= read_units;
    assert!(holds, "{what}: {cost:?}");
}

#[tokio::test]
async fn a_registration_costs_what_the_data_model_says() {
    println!("| registration | calls | write units | read units |\n| --- | --- | --- | --- |");
    for (gates, max_uses) in [("1 gate", Some(50)), ("80 gates", None)] {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        let of = |what: &str| format!("{what}, {gates}");
        row(&of("new node"), cost(&world, &token, named("one"), None).await, 2, 4.0, 3.0);
        row(&of("unchanged"), cost(&world, &token, named("one"), None).await, 1, 0.0, 3.0);
        row(&of("changed"), cost(&world, &token, named("two"), None).await, 2, 1.0, 3.0);
        world.clock.advance(Duration::from_mins(6));
        row(&of("seen again"), cost(&world, &token, named("two"), None).await, 2, 1.0, 3.0);
        let device = Report::of("laptop".parse().unwrap());
        row(&of("new device"), cost(&world, &token, device, key(1)).await, 2, 6.0, 3.0);
        let mut upgrade = named("two");
        upgrade.name = None;
        row(&of("becomes a device"), cost(&world, &token, upgrade, key(2)).await, 2, 4.0, 3.0);
        let another = world.token(max_uses).await;
        let again = cost(&world, &another, named("two"), key(2)).await;
        row(&of("through another token"), again, 2, 4.0, 3.0);
    }
}

async fn team_of(wide: usize, one_use: usize) -> World {
    let world = World::calm().await;
    for _ in 0..one_use {
        world.token(Some(1)).await;
    }
    for n in 0..wide {
        let token = world.token(None).await;
        for n in (n..20).step_by(wide) {
            let report = Report::of(format!("web-{n}").parse().unwrap());
            cost(&world, &token, report, None).await;
        }
    }
    world
}

/// The cost of listing the team's tokens, and how many there are.
async fn tokens(world: &World) -> (Cost, usize) {
    let session = world.session();
    let tokens = session.list_tokens(world.team, &world.owner).await.unwrap();
    (session.cost(), tokens.len())
}

#[tokio::test]
async fn a_list_costs_what_the_data_model_says() {
    println!("| list | calls | write units | read units |\n| --- | --- | --- | --- |");
    for (wide, one_use) in [(5, 0), (2, 3)] {
        let world = team_of(wide, one_use).await;
        let of = |what: &str| format!("{what}, {wide} tokens of 80 gates and {one_use} of 1");
        let (listed, found) = tokens(&world).await;
        assert_eq!((listed.calls, found), (18, 5));
        row(&of("list-tokens"), listed, 18, 0.0, 18.0);
        let session = world.session();
        let query = NodeQuery::default();
        let nodes = session.list_nodes(world.team, &world.owner, &query, None, 51).await.unwrap();
        assert_eq!((session.cost().calls, nodes.len()), (17, 20));
        row(&of("list-nodes"), session.cost(), 17, 0.0, 17.0);
    }
    let (listed, found) = tokens(&team_of(0, 49).await).await;
    assert_eq!(found, 49);
    row("list-tokens, 49 tokens of 1 gate", listed, 2, 0.0, 6.0);
    let (listed, found) = tokens(&team_of(1, 99).await).await;
    assert_eq!(found, 100);
    row("list-tokens, 99 tokens of 1 gate and 1 of 80", listed, 26, 0.0, 31.0);
}

#[tokio::test]
async fn whoever_may_not_see_a_list_has_little_read() {
    let world = team_of(1, 200).await;
    let stranger = "stranger@example.com".parse().unwrap();
    let session = world.session();
    let refused = session.list_tokens(world.team, &stranger).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotFound))));
    row("list-tokens, refused, of 201 tokens", session.cost(), 2, 0.0, 6.0);
    let session = world.session();
    let refused = session.list_nodes(world.team, &stranger, &NodeQuery::default(), None, 9).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotFound))));
    row("list-nodes, refused", session.cost(), 1, 0.0, 1.0);
}

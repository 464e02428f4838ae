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
use muster_shared::domain::report::Report;
use muster_shared::store::{Cost, Registration};
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
    for (gates, max_uses) in [("1 gate", Some(50)), ("32 gates", None)] {
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

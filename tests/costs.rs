//! Calls to DynamoDB and capacity, as `ReturnConsumedCapacity` gives them; `docs/data-model.md`
//! shows these figures.

#![allow(clippy::unwrap_used, reason = "a test that meets what it did not expect has to fail")]

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

fn is(cost: Cost, calls: u32, write_units: f64, read_units: f64) -> bool {
    println!("{cost:?}");
    cost.calls <= calls && cost.write_units <= write_units && cost.read_units <= read_units
}

#[tokio::test]
async fn a_registration_costs_what_the_data_model_says() {
    for max_uses in [Some(50), None] {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        assert!(is(cost(&world, &token, named("one"), None).await, 2, 4.0, 3.0), "a new node");
        assert!(is(cost(&world, &token, named("one"), None).await, 1, 0.0, 3.0), "unchanged");
        assert!(is(cost(&world, &token, named("two"), None).await, 2, 1.0, 3.0), "changed");
        world.clock.advance(Duration::from_mins(6));
        assert!(is(cost(&world, &token, named("two"), None).await, 2, 1.0, 3.0), "seen again");
        let device = Report::of("laptop".parse().unwrap());
        assert!(is(cost(&world, &token, device, key(1)).await, 2, 6.0, 3.0), "a new device");
    }
}

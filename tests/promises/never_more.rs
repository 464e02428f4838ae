//! 1. At most `max_uses` distinct nodes ever enroll through a token.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use muster_shared::domain::gate::WIDE_GATES;
use muster_shared::domain::refusal::Refusal;
use muster_tests::world::World;

use crate::in_every_weather;

in_every_weather! {
    of_40_machines_at_once_one_gets_in_through_a_token_of_one_use
    of_60_machines_at_once_seven_get_in_through_a_token_of_seven_uses
    every_gate_of_a_wide_token_holds_to_its_quota
}

async fn rush(world: &World, machines: usize, max_uses: u64) {
    let token = world.token(Some(max_uses)).await;
    let rush = (0..machines).map(|n| {
        let token = &token;
        async move { world.register(token, &format!("host-{n}"), None).await }
    });
    let outcomes = join_all(rush).await;
    let admitted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter().filter(|o| matches!(o, Err(Refusal::TokenExhausted))).count();
    let max = usize::try_from(max_uses).unwrap();
    assert_eq!((admitted, refused), (max.min(machines), machines.saturating_sub(max)));
    let contents = world.contents().await;
    assert_eq!(contents.nodes().len(), admitted);
    assert_eq!(contents.uses(&token.token().to_string()), u64::try_from(admitted).unwrap());
    contents.check();
}

async fn of_40_machines_at_once_one_gets_in_through_a_token_of_one_use(world: World) {
    rush(&world, 40, 1).await;
}

async fn of_60_machines_at_once_seven_get_in_through_a_token_of_seven_uses(world: World) {
    rush(&world, 60, 7).await;
}

async fn every_gate_of_a_wide_token_holds_to_its_quota(world: World) {
    rush(&world, 180, 140).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_400_machines_at_once_exactly_as_many_get_in_as_may() {
    for max_uses in [1, 7, 200] {
        rush(&World::calm().await, 400, max_uses).await;
    }
}

#[tokio::test]
async fn a_token_of_fewer_gates_than_are_made_now_is_passed_by_those_it_has() {
    let world = World::calm().await;
    let token = world.token(Some(10 * u64::from(WIDE_GATES))).await;
    let mut wide = world.contents().await.of("TOKEN#").next().unwrap().clone();
    let fewer = AttributeValue::M([("count".to_owned(), AttributeValue::N("2".to_owned()))].into());
    wide.insert("gate".to_owned(), fewer);
    world.put(wide).await;
    let hosts: Vec<_> = (0..30).map(|n| format!("host-{n}")).collect();
    let outcomes = join_all(hosts.iter().map(|host| world.register(&token, host, None))).await;
    let admitted = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let refused = outcomes.iter().filter(|o| matches!(o, Err(Refusal::TokenExhausted))).count();
    assert_eq!((admitted, refused), (20, 10));
    world.check().await;
}

#[tokio::test]
async fn a_use_is_not_given_back_with_its_node() {
    let world = World::calm().await;
    let token = world.token(Some(1)).await;
    world.register(&token, "first", None).await.unwrap();
    let host = "first".parse().unwrap();
    world.session().remove_node(world.team, &world.owner, &host).await.unwrap();
    let second = world.register(&token, "second", None).await;
    assert_eq!(second.unwrap_err(), Refusal::TokenExhausted);
    world.check().await;
}

#[tokio::test]
async fn a_gate_that_was_spent_after_it_was_read_lets_nobody_through() {
    for max_uses in [1, 160] {
        let world = World::calm().await;
        let token = world.token(Some(max_uses)).await;
        let hosts: Vec<_> = (1..max_uses).map(|n| format!("host-{n}")).collect();
        for admitted in join_all(hosts.iter().map(|host| world.register(&token, host, None))).await
        {
            admitted.unwrap();
        }
        let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
        let late = world.register(&token, "late", None);
        let meanwhile = async {
            held.arrived().await;
            world.register(&token, "last", None).await.unwrap();
            held.release();
        };
        let (late, ()) = tokio::join!(late, meanwhile);
        assert_eq!(late.unwrap_err(), Refusal::TokenExhausted);
        assert_eq!(world.contents().await.uses(&token.token().to_string()), max_uses);
        world.check().await;
    }
}

#[tokio::test]
async fn a_token_whose_id_is_drawn_a_second_time_is_not_begun_anew() {
    for max_uses in [Some(1), None] {
        let world = World::calm().await;
        world.wire.set_forgetful(true);
        let made = async || {
            world.entropy.restart(9);
            world.token(max_uses).await.token()
        };
        assert_ne!(made().await, made().await);
    }
}

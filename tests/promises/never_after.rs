//! 3. Once a revoke has answered, nothing that starts later succeeds. Expiry and exhaustion hold to
//!    the second and to the unit.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use muster_shared::domain::gate::{Lane, WIDE_GATES};
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::domain::token::Policy;
use muster_shared::store::Error;
use muster_tests::table::text;
use muster_tests::wire::{Held, Sent};
use muster_tests::world::{START, World, key};

use crate::in_every_weather;

in_every_weather! {
    after_a_revoke_in_the_middle_of_a_storm_nobody_gets_in
    a_token_expires_to_the_second_for_enrolled_nodes_too
    nodes_already_enrolled_stay_as_they_are
}

/// The token's number of uses that makes it its own gate, and that which gives it many.
const NARROW_AND_WIDE: [Option<u64>; 2] = [Some(100), None];

fn is_transaction(sent: &Sent) -> bool {
    sent.operation == "TransactWriteItems"
}

/// Revokes a token while a call is held back.
async fn revoke_while_held(world: &World, token: &Plaintext, mut held: Held) {
    held.arrived().await;
    world.revoke(token).await.unwrap();
    held.release();
}

async fn after_a_revoke_in_the_middle_of_a_storm_nobody_gets_in(world: World) {
    for max_uses in NARROW_AND_WIDE {
        let token = world.token(max_uses).await;
        let revoked = std::sync::atomic::AtomicBool::new(false);
        let storm = (0..40).map(|n| {
            let (world, token, revoked) = (&world, &token, &revoked);
            async move {
                for round in 0..3 {
                    let late = revoked.load(std::sync::atomic::Ordering::SeqCst);
                    let host = format!("host-{n}-{round}-{}", max_uses.unwrap_or(0));
                    let outcome = world.register(token, &host, None).await;
                    assert!(!(late && outcome.is_ok()), "started after the revoke had answered");
                }
            }
        });
        let revoke = async {
            tokio::time::sleep(Duration::from_millis(60)).await;
            world.revoke(&token).await.unwrap();
            revoked.store(true, std::sync::atomic::Ordering::SeqCst);
        };
        tokio::join!(join_all(storm), revoke);
        assert_eq!(world.register(&token, "late", None).await.unwrap_err(), Refusal::TokenRevoked);
    }
    world.check().await;
}

async fn a_token_expires_to_the_second_for_enrolled_nodes_too(world: World) {
    let expires_at = Some(Timestamp::from_unix(START + 60));
    let policy = Policy { expires_at, ..Policy::default() };
    let token = world.token_with(&world.owner, policy).await.unwrap().plaintext;
    world.clock.advance(Duration::from_secs(59));
    world.register(&token, "web-1", None).await.unwrap();
    world.clock.advance(Duration::from_secs(1));
    for host in ["web-1", "web-2"] {
        let late = world.register(&token, host, None).await;
        assert_eq!(late.unwrap_err(), Refusal::TokenExpired);
    }
}

async fn nodes_already_enrolled_stay_as_they_are(world: World) {
    for max_uses in NARROW_AND_WIDE {
        let token = world.token(max_uses).await;
        let host = format!("web-{}", max_uses.unwrap_or(0));
        let node = world.register(&token, &host, None).await.unwrap().node;
        world.revoke(&token).await.unwrap();
        let again = world.register(&token, &host, None).await;
        assert_eq!(again.unwrap_err(), Refusal::TokenRevoked);
        let contents = world.contents().await;
        let kept = contents.nodes().into_iter().find(|item| text(item, "hostname") == Some(&host));
        assert_eq!(text(kept.unwrap(), "id"), Some(node.id.to_string().as_str()));
    }
}

#[tokio::test]
async fn a_registration_that_stalls_across_a_revoke_is_refused() {
    for max_uses in NARROW_AND_WIDE {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        let held = world.wire.hold(is_transaction);
        let stalled = world.register(&token, "web-1", None);
        let (stalled, ()) = tokio::join!(stalled, revoke_while_held(&world, &token, held));
        assert_eq!(stalled.unwrap_err(), Refusal::TokenRevoked);
        assert!(world.contents().await.nodes().is_empty());
    }
}

/// A token that expires a minute after the world began.
async fn for_a_minute(world: &World) -> Plaintext {
    let expires_at = Some(Timestamp::from_unix(START + 60));
    let policy = Policy { expires_at, ..Policy::default() };
    world.token_with(&world.owner, policy).await.unwrap().plaintext
}

/// Cancels the next transaction, which takes a minute.
fn cancel_a_minute_later(world: &World, codes: [&str; 2]) {
    let clock = Arc::clone(&world.clock);
    world.wire.cancel(&codes, move |sent| {
        let is_it = sent.operation == "TransactWriteItems";
        if is_it {
            clock.advance(Duration::from_mins(1));
        }
        is_it
    });
}

#[tokio::test]
async fn a_registration_that_is_tried_again_after_the_token_has_expired_is_refused() {
    for cancelled in [["ConditionalCheckFailed", "None"], ["None", "TransactionConflict"]] {
        let world = World::calm().await;
        let token = for_a_minute(&world).await;
        cancel_a_minute_later(&world, cancelled);
        let late = world.register(&token, "web-1", None).await;
        assert_eq!(late.unwrap_err(), Refusal::TokenExpired);
    }
}

#[tokio::test]
async fn a_node_that_takes_no_use_and_is_tried_again_after_the_token_has_expired_stays_as_it_is() {
    let world = World::calm().await;
    let token = for_a_minute(&world).await;
    world.register(&token, "web-1", None).await.unwrap();
    cancel_a_minute_later(&world, ["None", "ThrottlingError"]);
    let late = world.register(&token, "web-1", key(1)).await;
    assert_eq!(late.unwrap_err(), Refusal::TokenExpired);
    let contents = world.contents().await;
    assert!(contents.nodes().iter().all(|node| !node.contains_key("public_key")));
}

#[tokio::test]
async fn a_revoke_that_dies_half_way_refuses_already_and_is_made_whole_by_the_next() {
    let world = World::calm().await;
    for survived in [1, 2, 17, usize::from(WIDE_GATES)] {
        let token = world.token(None).await;
        world.wire.cut_after(survived);
        let died = world.store.session(Duration::from_millis(300));
        let died = died.revoke_token(world.team, &world.owner, token.token()).await;
        assert!(matches!(died, Err(Error::Busy)), "{survived}: {died:?}");
        assert!(world.wire.mend());
        let refused = world.register(&token, "web-1", None).await;
        assert_eq!(refused.unwrap_err(), Refusal::TokenRevoked, "marked first");
        world.revoke(&token).await.unwrap();
        let contents = world.contents().await;
        assert_eq!(contents.of("GATE#").count(), 0, "{survived}");
    }
}

#[tokio::test]
async fn every_registration_that_stalls_across_a_revoke_is_refused_at_every_gate() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let mut all_held: Vec<_> = (0..64).map(|_| world.wire.hold(is_transaction)).collect();
    let hosts: Vec<_> = (0..64).map(|n| format!("host-{n}")).collect();
    let stalled = join_all(hosts.iter().map(|host| world.register(&token, host, None)));
    let revoke = async {
        for held in &mut all_held {
            held.arrived().await;
        }
        world.revoke(&token).await.unwrap();
        for held in all_held {
            held.release();
        }
    };
    let (stalled, ()) = tokio::join!(stalled, revoke);
    for outcome in stalled {
        assert_eq!(outcome.unwrap_err(), Refusal::TokenRevoked);
    }
    assert!(world.contents().await.nodes().is_empty());
}

#[tokio::test]
async fn a_registration_is_refused_at_a_closed_gate_that_could_not_be_put_away() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let mut held = world.wire.hold(is_transaction);
    let stalled = world.register(&token, "web-1", None);
    let revoke = async {
        held.arrived().await;
        let codes = [&["TransactionConflict"][..], &["None"; WIDE_GATES as usize]].concat();
        world.wire.cancel(&codes, |sent| is_transaction(sent) && sent.mentions("Delete"));
        world.revoke(&token).await.unwrap();
        held.release();
    };
    let (stalled, ()) = tokio::join!(stalled, revoke);
    assert_eq!(stalled.unwrap_err(), Refusal::TokenRevoked);
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty());
    assert_eq!(contents.of("GATE#").count(), usize::from(WIDE_GATES));
    world.revoke(&token).await.unwrap();
    assert_eq!(world.contents().await.of("GATE#").count(), 0);
}

#[tokio::test]
async fn a_missing_gate_is_no_closed_one() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.take(world.contents().await.of("GATE#").next().unwrap()).await;
    let session = world.store.session(Duration::from_millis(300));
    let revoked = session.revoke_token(world.team, &world.owner, token.token()).await;
    assert!(matches!(revoked, Err(Error::Busy)), "{revoked:?}");
    assert!(session.unsettled().unwrap().contains("has no gate"));
}

#[tokio::test]
async fn the_gates_of_a_revoked_token_are_put_away_and_what_passed_them_is_still_told() {
    let world = World::calm().await;
    let token = world.token(Some(1000)).await;
    for n in 0..5 {
        world.register(&token, &format!("web-{n}"), None).await.unwrap();
    }
    world.revoke(&token).await.unwrap();
    let contents = world.contents().await;
    assert_eq!(contents.of("GATE#").count(), 0);
    let (_, usage) =
        world.session().get_token(world.team, &world.owner, token.token()).await.unwrap();
    assert_eq!(usage.used, 5);
    assert!(usage.last_used_at.is_some());
    let listed = world.session().list_tokens(world.team, &world.owner).await.unwrap();
    assert_eq!(listed.first().map(|(_, usage)| *usage), Some(usage));
    let refused = world.register(&token, "web-0", None).await;
    assert_eq!(refused.unwrap_err(), Refusal::TokenRevoked);
}

#[tokio::test]
async fn a_revoke_under_which_another_puts_the_gates_away_ends_as_that_one() {
    let world = World::calm().await;
    // Before it reads the gates, and before it closes the first of them.
    for operation in ["BatchGetItem", "UpdateItem"] {
        let token = world.token(None).await;
        world.register(&token, operation, None).await.unwrap();
        let gates = format!("GATE#{}", token.token());
        let mut held =
            world.wire.hold(move |sent| sent.operation == operation && sent.mentions(&gates));
        let revoke = async || {
            let session = world.session();
            session.revoke_token(world.team, &world.owner, token.token()).await.unwrap()
        };
        let other = async {
            held.arrived().await;
            let done = revoke().await;
            held.release();
            done
        };
        let (slow, other) = tokio::join!(revoke(), other);
        assert_eq!(slow.0.revocation, other.0.revocation);
        assert_eq!((slow.1, slow.1.used), (other.1, 1));
        assert_eq!(world.contents().await.of("GATE#").count(), 0);
    }
}

#[tokio::test]
async fn who_looks_while_the_gates_are_put_away_sees_every_use() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    // The gate that it went through is the last that is read.
    let lane = format!("#GATES#{}\"", Lane::of(&"web-1".parse().unwrap()).number());
    let gates = move |sent: &Sent| sent.operation == "Query" && sent.mentions(&lane);
    let list = async || world.session().list_tokens(world.team, &world.owner).await.unwrap();
    let held = world.wire.hold(gates);
    let (listed, ()) = tokio::join!(list(), revoke_while_held(&world, &token, held));
    let (shown, usage) = listed.first().unwrap();
    assert_eq!((shown.revocation.is_some(), usage.used), (true, 1));

    let token = world.token(None).await;
    world.register(&token, "web-2", None).await.unwrap();
    let held = world.wire.hold(|sent| sent.operation == "BatchGetItem");
    let session = world.session();
    let look = session.get_token(world.team, &world.owner, token.token());
    let (looked, ()) = tokio::join!(look, revoke_while_held(&world, &token, held));
    assert_eq!(looked.unwrap().1.used, 1);
}

#[tokio::test]
async fn a_registration_that_finds_no_gate_because_of_a_revoke_is_refused() {
    let world = World::calm().await;
    let token = world.token(Some(1000)).await;
    world.wire.leave_unprocessed("GATE#");
    let is_rest = |sent: &Sent| sent.operation == "BatchGetItem" && !sent.mentions("TOKEN#");
    let held = world.wire.hold(is_rest);
    let register = world.register(&token, "web-1", None);
    let (registered, ()) = tokio::join!(register, revoke_while_held(&world, &token, held));
    assert_eq!(registered.unwrap_err(), Refusal::TokenRevoked);
}

#[tokio::test]
async fn a_token_revoked_again_keeps_who_revoked_it_first_and_when() {
    for max_uses in NARROW_AND_WIDE {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        let revoke = async || {
            let id = token.token();
            let session = world.session();
            session.revoke_token(world.team, &world.owner, id).await.unwrap().0
        };
        let first = revoke().await;
        world.clock.advance(Duration::from_mins(1));
        assert_eq!(revoke().await.revocation, first.revocation);
    }
}

#[tokio::test]
async fn revoking_a_token_that_is_not_there_makes_none() {
    let world = World::calm().await;
    let id = muster_shared::domain::id::TokenId::from_bytes([9; 8]);
    let revoked = world.session().revoke_token(world.team, &world.owner, id).await;
    assert!(matches!(revoked, Err(Error::Refused(Refusal::NotFound))));
    assert_eq!(world.contents().await.of("TOKEN#").count(), 0);
}

#[tokio::test]
async fn a_create_that_arrives_after_the_token_was_made_and_revoked_does_not_undo_the_revoke() {
    for max_uses in NARROW_AND_WIDE {
        let world = World::calm().await;
        // The first try is on its way and its answer does not come; the second goes through.
        let mut late = world.wire.repeat_later(is_transaction);
        let token = world.token(max_uses).await;
        late.arrived().await;
        world.revoke(&token).await.unwrap();
        late.release();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let refused = world.register(&token, "web-1", None).await;
        assert_eq!(refused.unwrap_err(), Refusal::TokenRevoked);
    }
}

#[tokio::test]
async fn a_create_whose_answer_was_lost_is_answered_with_the_token_as_it_is() {
    for max_uses in NARROW_AND_WIDE {
        let world = World::calm().await;
        world.wire.lose_answer(is_transaction);
        let made = world.token_by(&world.owner, max_uses).await.unwrap();
        let contents = world.contents().await;
        assert_eq!(contents.of("TOKEN#").count(), 1);
        world.register(&made.plaintext, "web-1", None).await.unwrap();
    }
}

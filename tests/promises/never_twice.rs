//! 2. A node that enrolls through a token counts one use; a refused request counts none and leaves
//!    nothing behind.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use muster_shared::domain::enrollment::Outcome;
use muster_shared::domain::gate::{GateNumber, WIDE_GATES};
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::report::Report;
use muster_shared::domain::token::{AllowedKinds, Policy};
use muster_tests::wire::Sent;
use muster_tests::world::{World, key};

use crate::in_every_weather;

in_every_weather! {
    the_same_hostname_64_times_at_once_counts_once
    the_same_new_token_twice_at_once_on_an_old_node_counts_once
    a_repeat_after_the_token_is_spent_still_answers_with_the_node
    a_refused_request_leaves_nothing_behind
}

async fn uses(world: &World, token: &muster_shared::domain::plaintext::Plaintext) -> u64 {
    world.contents().await.uses(&token.token().to_string())
}

async fn the_same_hostname_64_times_at_once_counts_once(world: World) {
    for max_uses in [Some(10), None] {
        let token = world.token(max_uses).await;
        let host = format!("web-{}", max_uses.unwrap_or(0));
        let all = join_all((0..64).map(|_| world.register(&token, &host, None))).await;
        let ids: Vec<_> = all.into_iter().map(|one| one.unwrap().node.id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "one node");
        assert_eq!(uses(&world, &token).await, 1);
    }
    world.check().await;
}

async fn the_same_new_token_twice_at_once_on_an_old_node_counts_once(world: World) {
    for max_uses in [Some(10), None] {
        let old = world.token(None).await;
        let host = format!("web-{}", max_uses.unwrap_or(0));
        world.register(&old, &host, None).await.unwrap();
        let new = world.token(max_uses).await;
        let both = join_all((0..8).map(|_| world.register(&new, &host, None))).await;
        for one in both {
            assert_eq!(one.unwrap().node.sponsor.token, new.token());
        }
        assert_eq!(uses(&world, &new).await, 1);
    }
    world.check().await;
}

async fn a_repeat_after_the_token_is_spent_still_answers_with_the_node(world: World) {
    let token = world.token(Some(1)).await;
    let first = world.register(&token, "web-1", None).await.unwrap();
    let mut changed = Report::of("web-1".parse().unwrap());
    changed.os = Some("Debian 12".parse().unwrap());
    let again = world.report(&token, changed, None).await.unwrap();
    assert_eq!(again.node.id, first.node.id);
    assert_eq!(again.node.os.unwrap().as_str(), "Debian 12");
    assert_eq!(uses(&world, &token).await, 1);
}

async fn a_refused_request_leaves_nothing_behind(world: World) {
    let kinds = AllowedKinds::try_from(vec!["server".parse().unwrap()]).unwrap();
    let policy = Policy { allowed_kinds: Some(kinds), ..Policy::default() };
    let servers = world.token_with(&world.owner, policy).await.unwrap().plaintext;
    let spent = world.token(Some(1)).await;
    let taken = world.register(&spent, "taken", key(1)).await.unwrap().node;
    let revoked = world.token(None).await;
    world.revoke(&revoked).await.unwrap();
    let nodes_before = world.contents().await.nodes().len();

    let mut container = Report::of("new".parse().unwrap());
    container.kind = Some("container".parse().unwrap());
    let refusals = [
        (world.report(&servers, container, key(2)).await, Refusal::KindNotAllowed),
        (world.register(&spent, "new", key(2)).await, Refusal::TokenExhausted),
        (world.register(&revoked, "new", key(2)).await, Refusal::TokenRevoked),
        (
            world.register(&servers, "taken", key(2)).await,
            Refusal::HostnameConflict((&taken).into()),
        ),
    ];
    for (outcome, refusal) in refusals {
        assert_eq!(outcome.unwrap_err(), refusal);
    }
    assert_eq!(uses(&world, &servers).await, 0);
    assert_eq!(uses(&world, &revoked).await, 0);
    let contents = world.contents().await;
    assert_eq!(contents.nodes().len(), nodes_before);
    assert_eq!(contents.of("ADDR").count(), 1);
    contents.check();
}

#[tokio::test]
async fn a_lost_answer_counts_once_and_the_request_sent_again_finds_the_node() {
    for max_uses in [Some(1), None] {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        world.wire.lose_answer(|sent| sent.operation == "TransactWriteItems");
        let first = world.register(&token, "web-1", key(1)).await.unwrap();
        assert_eq!(
            first.outcome,
            Outcome::Created,
            "this request made the node, whatever became of the answer"
        );
        let again = world.register(&token, "web-1", key(1)).await.unwrap();
        assert_eq!(again.outcome, Outcome::Unchanged);
        assert_eq!(again.node.id, first.node.id);
        assert_eq!(uses(&world, &token).await, 1);
        world.check().await;
    }
}

#[tokio::test]
async fn the_twin_of_a_request_that_took_the_last_use_is_not_told_that_it_is_gone() {
    let world = World::calm().await;
    let token = world.token(Some(1)).await;
    // The slow one reads that the node is absent; the token is read only after its twin is in.
    world.wire.leave_unprocessed("TOKEN#");
    let only_token = |sent: &muster_tests::wire::Sent| {
        sent.operation == "BatchGetItem" && !sent.mentions("NODE#")
    };
    let mut held = world.wire.hold(only_token);
    let slow = world.register(&token, "web-1", None);
    let twin = async {
        held.arrived().await;
        let twin = world.register(&token, "web-1", None).await.unwrap();
        held.release();
        twin
    };
    let (slow, twin) = tokio::join!(slow, twin);
    assert_eq!(slow.unwrap().node.id, twin.node.id);
    assert_eq!(uses(&world, &token).await, 1);
}

#[tokio::test]
async fn exhaustion_is_final_only_by_a_read_that_sees_no_transaction_by_halves() {
    for max_uses in [1, 160] {
        let world = World::calm().await;
        let token = world.token(Some(max_uses)).await;
        for n in 0..max_uses {
            world.register(&token, &format!("host-{n}"), None).await.unwrap();
        }
        for _ in 0..2 {
            world.wire.journal();
            let refused = world.register(&token, "late", None).await;
            assert_eq!(refused.unwrap_err(), Refusal::TokenExhausted);
            let last = world.wire.journal().pop().unwrap();
            assert_eq!(last.operation, "TransactGetItems");
            assert!(last.mentions("NODE#late"));
        }
    }
}

#[tokio::test]
async fn what_a_batch_did_not_get_to_is_unknown_and_not_absent() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let first = world.register(&token, "web-1", None).await.unwrap();
    for prefix in ["NODE#", "TOKEN#", "GATE#"] {
        world.wire.leave_unprocessed(prefix);
        let again = world.register(&token, "web-1", None).await.unwrap();
        assert_eq!(again.node.id, first.node.id, "{prefix}");
    }
    assert_eq!(uses(&world, &token).await, 1);
}

#[tokio::test]
async fn two_machines_of_one_new_hostname_at_once_are_one_node() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
    let slow = world.register(&token, "web-1", None);
    let fast = async {
        held.arrived().await;
        let fast = world.register(&token, "web-1", None).await.unwrap();
        held.release();
        fast
    };
    let (slow, fast) = tokio::join!(slow, fast);
    assert_eq!(slow.unwrap().node.id, fast.node.id);
    assert_eq!(uses(&world, &token).await, 1);
}

#[tokio::test]
async fn two_new_tokens_at_once_on_an_old_node_are_both_remembered() {
    let world = World::calm().await;
    let old = world.token(None).await;
    world.register(&old, "web-1", None).await.unwrap();
    let (one, two) = (world.token(None).await, world.token(Some(5)).await);
    let mut held = world.wire.hold(|sent| sent.operation == "TransactWriteItems");
    let slow = world.register(&one, "web-1", None);
    let fast = async {
        held.arrived().await;
        world.register(&two, "web-1", None).await.unwrap();
        held.release();
    };
    let (slow, ()) = tokio::join!(slow, fast);
    slow.unwrap();
    for token in [&one, &two] {
        world.register(token, "web-1", None).await.unwrap();
        assert_eq!(uses(&world, token).await, 1);
    }
}

/// The call that a registration makes after an answer was lost: the same again.
fn is_sent_again() -> impl Fn(&muster_tests::wire::Sent) -> bool + Send + 'static {
    let sent = AtomicBool::new(false);
    move |call| {
        call.operation == "TransactWriteItems"
            && call.mentions("NODE#web-1")
            && sent.swap(true, Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_node_that_was_removed_is_not_brought_back_by_the_request_that_made_it() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let mut again = world.wire.hold(is_sent_again());
    world.wire.lose_answer(|sent| sent.operation == "TransactWriteItems");
    let register = world.register(&token, "web-1", None);
    let remove = async {
        again.arrived().await;
        let host = "web-1".parse().unwrap();
        world.session().remove_node(world.team, &world.owner, &host).await.unwrap();
        again.release();
    };
    let (registered, ()) = tokio::join!(register, remove);
    assert_eq!(registered.unwrap().outcome, Outcome::Created, "it was in");
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty(), "and it is not any more");
    assert_eq!(contents.uses(&token.token().to_string()), 1);
}

#[tokio::test]
async fn a_request_whose_answer_was_lost_is_in_whatever_becomes_of_the_token_before_it_looks() {
    for max_uses in [Some(5), None] {
        let world = World::calm().await;
        let token = world.token(max_uses).await;
        let mut again = world.wire.hold(is_sent_again());
        world.wire.lose_answer(|sent| sent.operation == "TransactWriteItems");
        let register = world.register(&token, "web-1", key(1));
        let revoke = async {
            again.arrived().await;
            world.revoke(&token).await.unwrap();
            again.release();
        };
        let (registered, ()) = tokio::join!(register, revoke);
        assert_eq!(
            registered.unwrap().outcome,
            Outcome::Created,
            "the use is counted and the address taken"
        );
        let late = world.register(&token, "web-2", None).await;
        assert_eq!(late.unwrap_err(), Refusal::TokenRevoked);
    }
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_answered_with_the_node_it_wrote() {
    let world = World::calm().await;
    let old = world.token(None).await;
    world.register(&old, "web-1", None).await.unwrap();
    let new = world.token(Some(5)).await;
    let mut again = world.wire.hold(is_sent_again());
    world.wire.lose_answer(|sent| sent.operation == "TransactWriteItems");
    let register = world.register(&new, "web-1", None);
    let revoke = async {
        again.arrived().await;
        world.revoke(&new).await.unwrap();
        again.release();
    };
    let (registered, ()) = tokio::join!(register, revoke);
    let registered = registered.unwrap();
    assert_eq!(registered.outcome, Outcome::Updated);
    assert_eq!(registered.node.sponsor.token, new.token());
}

#[tokio::test]
async fn a_change_that_was_put_and_not_answered_is_told_whatever_becomes_of_the_token() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let is_put = |sent: &Sent| sent.operation == "PutItem";
    let sent = AtomicBool::new(false);
    let mut again = world.wire.hold(move |call| is_put(call) && sent.swap(true, Ordering::SeqCst));
    world.wire.lose_answer(is_put);
    let mut report = Report::of("web-1".parse().unwrap());
    report.name = Some("Renamed".parse().unwrap());
    let change = world.report(&token, report, None);
    let revoke = async {
        again.arrived().await;
        world.revoke(&token).await.unwrap();
        again.release();
    };
    let (changed, ()) = tokio::join!(change, revoke);
    assert_eq!(changed.unwrap().node.name.unwrap().as_str(), "Renamed");
}

#[tokio::test]
async fn a_request_that_is_refused_leaves_nothing_to_come_in_later() {
    let world = World::calm().await;
    let token = world.token(None).await;
    // The token is marked, and the gate not closed yet: what has read it before may still pass.
    let gate = GateNumber::home(&"web-1".parse().unwrap(), WIDE_GATES).number();
    let gate = format!("GATE#{}#{gate}\"", token.token());
    let mut late = world.wire.repeat_later(|sent| sent.operation == "TransactWriteItems");
    let mut closing =
        world.wire.hold(move |sent| sent.operation == "UpdateItem" && sent.mentions(&gate));
    let register = world.register(&token, "web-1", None);
    let revoke = async {
        late.arrived().await;
        let while_closing = async {
            closing.arrived().await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            late.release();
            tokio::time::sleep(Duration::from_millis(500)).await;
            closing.release();
        };
        let (revoked, ()) = tokio::join!(world.revoke(&token), while_closing);
        revoked.unwrap();
    };
    let (registered, ()) = tokio::join!(register, revoke);
    let there = world.contents().await.nodes().len();
    assert_eq!(there, usize::from(registered.is_ok()), "{registered:?}");
}

//! 6. Some time after a member is removed, every token of that membership is revoked and every node
//!    that it sponsors is gone with its address. Nothing of anybody else's is touched.

use std::time::Duration;

use futures_util::future::join_all;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::removal::{SETTLE, State, WATCH};
use muster_shared::domain::role::Role;
use muster_shared::store::Patience;
use muster_tests::table::{Contents, text};
use muster_tests::wire::Sent;
use muster_tests::world::{World, key};

use crate::in_every_weather;

in_every_weather! {
    what_a_removed_member_let_in_leaves_and_nothing_else_does
    a_removal_in_the_middle_of_creates_and_registrations_leaves_nothing
}

const BOB: &str = "bob@example.com";

fn is_transaction(sent: &Sent) -> bool {
    sent.operation == "TransactWriteItems"
}

fn hostnames(contents: &Contents) -> Vec<&str> {
    let mut names: Vec<_> =
        contents.nodes().into_iter().filter_map(|node| text(node, "hostname")).collect();
    names.sort_unstable();
    names
}

async fn what_a_removed_member_let_in_leaves_and_nothing_else_does(world: World) {
    let bob = world.join(BOB, Role::Admin).await;
    let carol = world.join("carol@example.com", Role::Admin).await;
    let narrow = world.token_by(&bob, Some(10)).await.unwrap().plaintext;
    let wide = world.token_by(&bob, None).await.unwrap().plaintext;
    let carols = world.token_by(&carol, None).await.unwrap().plaintext;
    world.register(&narrow, "bobs-1", None).await.unwrap();
    world.register(&wide, "bobs-2", key(1)).await.unwrap();
    world.register(&carols, "carols", key(2)).await.unwrap();
    // Let in by Bob, then by Carol: hers. And the other way round: his.
    world.register(&wide, "carols-now", None).await.unwrap();
    world.register(&carols, "carols-now", None).await.unwrap();
    world.register(&carols, "bobs-now", key(3)).await.unwrap();
    world.register(&narrow, "bobs-now", key(3)).await.unwrap();

    let membership = world.part(&bob).await;
    let removal = world.finish(membership).await;

    assert_eq!(removal.state(), State::Done);
    assert_eq!((removal.tokens_revoked, removal.nodes_removed), (2, 3));
    let contents = world.contents().await;
    assert_eq!(hostnames(&contents), ["carols", "carols-now"]);
    contents.check();
    for token in [&narrow, &wide] {
        let refused = world.register(token, "late", None).await;
        assert_eq!(refused.unwrap_err(), Refusal::TokenRevoked);
    }
    world.register(&carols, "more", None).await.unwrap();
}

async fn a_removal_in_the_middle_of_creates_and_registrations_leaves_nothing(world: World) {
    let bob = world.join(BOB, Role::Admin).await;
    let tokens = [
        world.token_by(&bob, Some(100)).await.unwrap().plaintext,
        world.token_by(&bob, None).await.unwrap().plaintext,
    ];
    let registrations = (0..20_u8).map(|n| {
        let (world, tokens) = (&world, &tokens);
        async move {
            for round in 0..3 {
                let token = &tokens[usize::from(n % 2)];
                let _ = world.register(token, &format!("host-{n}-{round}"), key(n)).await;
            }
        }
    });
    let creates = (0..6).map(|_| async {
        for _ in 0..2 {
            if let Ok(made) = world.token_by(&bob, Some(5)).await {
                let host = format!("via-{}", made.token.id).replace('_', "-");
                let _ = world.register(&made.plaintext, &host, key(50)).await;
            }
        }
    });
    let remove = async {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let membership = world.part(&bob).await;
        let _ = world.sweep(membership, &bob).await;
        membership
    };
    let (_, _, membership) = tokio::join!(join_all(registrations), join_all(creates), remove);
    world.finish(membership).await;
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty(), "{:?}", hostnames(&contents));
    assert!(contents.of("TOKEN#").all(|token| token.contains_key("revocation")));
    contents.check();
}

#[tokio::test]
async fn the_handler_killed_between_any_two_of_its_writes_and_run_again_ends_it_all() {
    for survived in 0.. {
        let world = World::calm().await;
        let bob = world.join(BOB, Role::Admin).await;
        let wide = world.token_by(&bob, None).await.unwrap().plaintext;
        let narrow = world.token_by(&bob, Some(3)).await.unwrap().plaintext;
        world.register(&wide, "one", key(1)).await.unwrap();
        world.register(&narrow, "two", None).await.unwrap();
        let membership = world.part(&bob).await;

        world.wire.cut_after(survived);
        let session = world.session();
        tokio::select! {
            _ = session.sweep(world.team, membership, &bob, Patience::default()) => {}
            () = world.wire.until_cut() => {}
        }
        let killed = world.wire.mend();

        let removal = world.finish(membership).await;
        assert_eq!((removal.tokens_revoked, removal.nodes_removed), (2, 2), "{survived}");
        let contents = world.contents().await;
        assert!(contents.nodes().is_empty(), "{survived}");
        let gates = contents.of("GATE#").chain(contents.of("TOKEN#"));
        let open = gates.filter(|gate| !gate["gate"].as_m().unwrap().contains_key("closed_at"));
        assert_eq!(open.count(), 0, "{survived}");
        contents.check();
        if !killed {
            assert!(survived > 80, "it has a mark, 80 gates, a mark and two nodes to write");
            break;
        }
    }
}

#[tokio::test]
async fn a_create_that_stalls_across_the_removal_makes_no_token() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let mut held = world.wire.hold(is_transaction);
    let create = world.token_by(&bob, Some(5));
    let remove = async {
        held.arrived().await;
        world.part(&bob).await;
        held.release();
    };
    let (made, ()) = tokio::join!(create, remove);
    assert_eq!(made.unwrap_err(), Refusal::NotFound);
    assert_eq!(world.contents().await.of("TOKEN#").count(), 0);
}

#[tokio::test]
async fn a_create_that_stalls_across_the_removal_and_return_of_its_maker_goes_with_the_new_stay() {
    for role in [Role::Admin, Role::Member] {
        let world = World::calm().await;
        let bob = world.join(BOB, role).await;
        let mut held = world.wire.hold(is_transaction);
        let create = async {
            match role {
                Role::Member => world.self_enroll(&bob).await,
                _ => world.token_by(&bob, Some(5)).await.map(|made| made.plaintext),
            }
        };
        let back = async {
            held.arrived().await;
            let membership = world.part(&bob).await;
            world.finish(membership).await;
            // Nothing looks after the first stay any more.
            world.clock.advance(WATCH);
            let session = world.store.session(Duration::from_secs(30));
            assert_eq!(session.sweep_unfinished(Patience::default()).await.unwrap().left, 0);
            world.join(BOB, role).await;
            held.release();
        };
        let (token, ()) = tokio::join!(create, back);
        token.unwrap();
        let second = world.part(&bob).await;
        let contents = world.contents().await;
        let token = contents.of("TOKEN#").next().unwrap();
        assert_eq!(text(token, "membership"), Some(second.to_string().as_str()));
        world.finish(second).await;
        assert!(world.contents().await.of("TOKEN#").all(|t| t.contains_key("revocation")));
    }
}

#[tokio::test]
async fn a_create_that_stalls_until_its_maker_may_not_any_more_makes_no_token() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let mut held = world.wire.hold(is_transaction);
    let create = world.token_by(&bob, Some(5));
    let demote = async {
        held.arrived().await;
        let member = muster_shared::store::MemberRef::Principal(bob.clone());
        let session = world.session();
        session.set_role(world.team, &world.owner, &member, Role::Member).await.unwrap();
        held.release();
    };
    let (made, ()) = tokio::join!(create, demote);
    assert_eq!(made.unwrap_err(), Refusal::Forbidden);
    assert_eq!(world.contents().await.of("TOKEN#").count(), 0);
}

#[tokio::test]
async fn a_registration_that_stalls_across_removal_and_sweep_is_refused() {
    for max_uses in [Some(5), None] {
        let world = World::calm().await;
        let bob = world.join(BOB, Role::Admin).await;
        let token = world.token_by(&bob, max_uses).await.unwrap().plaintext;
        let mut held = world.wire.hold(is_transaction);
        let stalled = world.register(&token, "web-1", key(1));
        let remove = async {
            held.arrived().await;
            let membership = world.part(&bob).await;
            world.sweep(membership, &bob).await.unwrap();
            held.release();
        };
        let (stalled, ()) = tokio::join!(stalled, remove);
        assert_eq!(stalled.unwrap_err(), Refusal::TokenRevoked);
        let contents = world.contents().await;
        assert!(contents.nodes().is_empty());
        contents.check();
    }
}

#[tokio::test]
async fn a_later_stay_of_the_same_person_keeps_its_tokens_and_nodes() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let first = world.token_by(&bob, None).await.unwrap().plaintext;
    world.register(&first, "of-the-first-stay", None).await.unwrap();
    let membership = world.part(&bob).await;
    world.join(BOB, Role::Admin).await;
    let second = world.token_by(&bob, None).await.unwrap().plaintext;
    world.register(&second, "of-the-second-stay", key(1)).await.unwrap();
    let removal = world.finish(membership).await;
    assert_eq!((removal.tokens_revoked, removal.nodes_removed), (1, 1));
    world.register(&second, "more", None).await.unwrap();
    assert_eq!(hostnames(&world.contents().await), ["more", "of-the-second-stay"]);
}

#[tokio::test]
async fn a_change_of_role_ends_no_stay() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, None).await.unwrap();
    let member = muster_shared::store::MemberRef::Principal(bob.clone());
    let session = world.session();
    let changed = session.set_role(world.team, &world.owner, &member, Role::Member).await.unwrap();
    assert_eq!(changed.membership, token.token.membership);
    world.register(&token.plaintext, "web-1", None).await.unwrap();
    let membership = world.part(&bob).await;
    world.finish(membership).await;
    assert!(world.contents().await.nodes().is_empty());
}

#[tokio::test]
async fn a_node_that_gets_another_sponsor_while_the_sweep_stalls_stays() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let bobs = world.token_by(&bob, None).await.unwrap().plaintext;
    let owners = world.token(None).await;
    world.register(&bobs, "web-1", key(1)).await.unwrap();
    let membership = world.part(&bob).await;
    let mut held = world.wire.hold(|sent| is_transaction(sent) && sent.mentions("\"Delete\""));
    let sweep = world.sweep(membership, &bob);
    let other = async {
        held.arrived().await;
        world.register(&owners, "web-1", key(1)).await.unwrap();
        held.release();
    };
    let (swept, ()) = tokio::join!(sweep, other);
    assert_eq!(swept.unwrap().nodes_removed, 0);
    let contents = world.contents().await;
    assert_eq!(hostnames(&contents), ["web-1"]);
    contents.check();
}

#[tokio::test]
async fn what_becomes_visible_only_after_a_clean_sweep_is_found_by_the_next() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, None).await.unwrap().plaintext;
    world.register(&token, "web-1", key(1)).await.unwrap();
    // The items of a transaction become visible one after the other: take the node away and put it
    // back after the first sweep.
    let contents = world.contents().await;
    let hidden: Vec<_> = contents.of("NODE#").chain(contents.of("ADDR")).cloned().collect();
    for item in &hidden {
        world.take(item).await;
    }
    let membership = world.part(&bob).await;
    world.sweep(membership, &bob).await.unwrap();
    world.sweep(membership, &bob).await.unwrap();
    assert_eq!(world.removal(membership).await.state(), State::Running, "one clean sweep");
    for item in hidden {
        world.put(item).await;
    }
    world.clock.advance(SETTLE);
    assert_eq!(world.sweep(membership, &bob).await.unwrap().nodes_removed, 1);
    let removal = world.removal(membership).await;
    assert_eq!((removal.state(), removal.clean_since), (State::Running, None));
    world.finish(membership).await;
    assert!(world.contents().await.nodes().is_empty());
}

#[tokio::test]
async fn a_sweep_that_found_nothing_does_not_finish_what_another_has_just_found_work_in() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, None).await.unwrap().plaintext;
    world.register(&token, "web-1", None).await.unwrap();
    let contents = world.contents().await;
    let node = contents.nodes()[0].clone();
    world.take(&node).await;
    let membership = world.part(&bob).await;
    world.sweep(membership, &bob).await.unwrap();
    world.sweep(membership, &bob).await.unwrap();
    world.clock.advance(SETTLE);
    let completes = |sent: &Sent| is_transaction(sent) && sent.mentions("completed_at = :done");
    let mut held = world.wire.hold(completes);
    let clean = world.sweep(membership, &bob);
    let other = async {
        held.arrived().await;
        world.put(node).await;
        assert_eq!(world.sweep(membership, &bob).await.unwrap().nodes_removed, 1);
        held.release();
    };
    let (clean, ()) = tokio::join!(clean, other);
    clean.unwrap();
    assert_eq!(world.removal(membership).await.state(), State::Running);
}

#[tokio::test]
async fn a_sweep_that_dies_when_it_has_stopped_a_token_lets_the_next_not_finish_the_removal() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    world.token_by(&bob, Some(5)).await.unwrap();
    let contents = world.contents().await;
    let token = contents.of("TOKEN#").next().unwrap().clone();
    world.take(&token).await;
    let membership = world.part(&bob).await;
    world.sweep(membership, &bob).await.unwrap();
    world.clock.advance(SETTLE);
    world.put(token).await;
    world.wire.cut_after(1);
    tokio::select! {
        _ = world.sweep(membership, &bob) => {}
        () = world.wire.until_cut() => {}
    }
    assert!(world.wire.mend());
    let next = world.sweep(membership, &bob).await.unwrap();
    assert!(!next.completed);
    assert_eq!(world.removal(membership).await.tokens_revoked, 1);
}

#[tokio::test]
async fn the_schedule_looks_after_a_removal_for_an_hour_after_it_is_done() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let membership = world.part(&bob).await;
    world.finish(membership).await;
    let left = async || {
        let session = world.store.session(Duration::from_secs(30));
        session.sweep_unfinished(Patience::default()).await.unwrap().left
    };
    assert_eq!(left().await, 1);
    world.clock.advance(WATCH);
    assert_eq!(left().await, 0);
    assert_eq!(left().await, 0);
    assert_eq!(world.removal(membership).await.state(), State::Done);
}

#[tokio::test]
async fn a_removal_that_two_handlers_begin_at_once_counts_what_either_has_done() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, Some(5)).await.unwrap();
    world.register(&token.plaintext, "web-1", None).await.unwrap();
    // A member deleted by other hands than the API's: there is no removal yet.
    world.take(world.contents().await.of("MEMBER#bob").next().unwrap()).await;
    let membership = token.token.membership;
    let mut held = world.wire.hold(is_transaction);
    let slow = world.sweep(membership, &bob);
    let fast = async {
        held.arrived().await;
        world.sweep(membership, &bob).await.unwrap();
        held.release();
    };
    let (slow, ()) = tokio::join!(slow, fast);
    slow.unwrap();
    let removal = world.finish(membership).await;
    assert_eq!((removal.tokens_revoked, removal.nodes_removed), (1, 1));
}

#[tokio::test]
async fn a_token_revoked_before_the_removal_is_not_counted_as_gone_with_it() {
    let world = World::calm().await;
    let bob: Principal = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, Some(5)).await.unwrap().plaintext;
    world.revoke(&token).await.unwrap();
    let membership = world.part(&bob).await;
    assert_eq!(world.finish(membership).await.tokens_revoked, 0);
}

#[tokio::test]
async fn a_sweep_whose_answer_was_lost_has_found_something_all_the_same() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, Some(5)).await.unwrap().plaintext;
    world.register(&token, "web-1", key(1)).await.unwrap();
    world.revoke(&token).await.unwrap();
    let membership = world.part(&bob).await;
    world.wire.lose_answer(|sent| is_transaction(sent) && sent.mentions("nodes_removed"));
    let swept = world.sweep(membership, &bob).await.unwrap();
    assert_eq!(swept.nodes_removed, 1);
    assert_eq!(world.removal(membership).await.clean_since, None);
    assert_eq!(world.finish(membership).await.nodes_removed, 1);
}

#[tokio::test]
async fn a_removal_in_which_something_is_found_after_its_entry_was_dropped_is_looked_after_again() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let token = world.token_by(&bob, None).await.unwrap().plaintext;
    world.register(&token, "web-1", None).await.unwrap();
    let contents = world.contents().await;
    let node = contents.nodes()[0].clone();
    world.take(&node).await;
    let membership = world.part(&bob).await;
    world.finish(membership).await;
    world.clock.advance(WATCH);
    let session = world.store.session(Duration::from_secs(30));
    // The entry is about to be dropped, and a record delivered again finds what was hidden.
    let drops = |sent: &Sent| is_transaction(sent) && sent.mentions("REMOVALS");
    let mut held = world.wire.hold(drops);
    let last = session.sweep_unfinished(Patience::default());
    let found = async {
        held.arrived().await;
        world.put(node).await;
        assert_eq!(world.sweep(membership, &bob).await.unwrap().nodes_removed, 1);
        held.release();
    };
    let (left, ()) = tokio::join!(last, found);
    assert_eq!(left.unwrap().left, 1, "it is open again");
    assert_eq!(world.removal(membership).await.state(), State::Running);
    world.finish(membership).await;
}

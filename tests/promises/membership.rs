//! What promise 6 rests on: that members, roles and the count of owners are always right.

use futures_util::future::join_all;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::role::Role;
use muster_shared::store::{Error, MemberRef};
use muster_tests::wire::Sent;
use muster_tests::world::World;

use crate::in_every_weather;

in_every_weather! {
    two_owners_who_remove_each_other_at_once_leave_one
    two_owners_who_demote_each_other_at_once_leave_one
    one_principal_added_many_times_at_once_has_one_stay
}

const BOB: &str = "bob@example.com";

fn by_principal(who: &Principal) -> MemberRef {
    MemberRef::Principal(who.clone())
}

fn is_transaction(sent: &Sent) -> bool {
    sent.operation == "TransactWriteItems"
}

async fn two_owners_who_remove_each_other_at_once_leave_one(world: World) {
    let bob = world.join(BOB, Role::Owner).await;
    let remove = async |caller: &Principal, other: &Principal| {
        let (session, member) = (world.session(), by_principal(other));
        session.remove_member(world.team, caller, &member).await.is_ok()
    };
    let outcomes = tokio::join!(remove(&world.owner, &bob), remove(&bob, &world.owner));
    assert_ne!(outcomes, (true, true));
    world.check().await;
}

async fn two_owners_who_demote_each_other_at_once_leave_one(world: World) {
    let bob = world.join(BOB, Role::Owner).await;
    let demote = async |caller: &Principal, other: &Principal| {
        let (session, member) = (world.session(), by_principal(other));
        session.set_role(world.team, caller, &member, Role::Member).await.is_ok()
    };
    let outcomes = tokio::join!(demote(&world.owner, &bob), demote(&bob, &world.owner));
    assert_ne!(outcomes, (true, true));
    world.check().await;
}

async fn one_principal_added_many_times_at_once_has_one_stay(world: World) {
    let bob: Principal = BOB.parse().unwrap();
    let adds = (0..8).map(|_| async {
        world.session().add_member(world.team, &world.owner, bob.clone(), Role::Owner).await
    });
    let outcomes = join_all(adds).await;
    let added: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    assert!(added.len() <= 1, "{outcomes:?}");
    let list = async || world.session().list_members(world.team, &world.owner, None, 9).await;
    let members = muster_tests::world::insist(list).await.unwrap();
    assert_eq!(members.len(), 2);
    if let Some(added) = added.first() {
        assert!(members.iter().any(|member| member.membership == added.membership));
    }
    world.check().await;
}

#[tokio::test]
async fn the_last_owner_can_neither_leave_nor_be_demoted() {
    let world = World::calm().await;
    world.join(BOB, Role::Admin).await;
    let (s, team) = (world.session(), world.team);
    let own = by_principal(&world.owner);
    let left = s.remove_member(team, &world.owner, &own).await.map(drop);
    let demoted = s.set_role(team, &world.owner, &own, Role::Admin).await.map(drop);
    for outcome in [left, demoted] {
        assert!(matches!(outcome, Err(Error::Refused(Refusal::LastOwner))), "{outcome:?}");
    }
    world.check().await;
}

#[tokio::test]
async fn anyone_else_may_leave() {
    let world = World::calm().await;
    let (s, team) = (world.session(), world.team);
    for role in Role::ALL {
        let bob = world.join(BOB, role).await;
        let removal = s.remove_member(team, &bob, &by_principal(&bob)).await.unwrap();
        assert_eq!(removal.principal, bob);
        world.check().await;
    }
}

#[tokio::test]
async fn a_removal_whose_answer_is_lost_is_answered_with_the_removal() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Owner).await;
    world.wire.lose_answer(is_transaction);
    let s = world.session();
    let removal = s.remove_member(world.team, &bob, &by_principal(&bob)).await.unwrap();
    let again = MemberRef::Membership(removal.membership);
    let same = s.remove_member(world.team, &world.owner, &again).await.unwrap();
    assert_eq!(same.membership, removal.membership);
    world.check().await;
}

#[tokio::test]
async fn a_removal_by_somebody_who_was_removed_meanwhile_is_refused_at_once() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let carol = world.join("carol@example.com", Role::Member).await;
    let mut held = world.wire.hold(is_transaction);
    let session = world.session();
    let carol = by_principal(&carol);
    let remove = session.remove_member(world.team, &bob, &carol);
    let part = async {
        held.arrived().await;
        world.part(&bob).await;
        held.release();
    };
    let (refused, ()) = tokio::join!(remove, part);
    assert!(matches!(refused, Err(Error::Refused(Refusal::NotFound))), "{refused:?}");
}

#[tokio::test]
async fn a_team_whose_create_answer_is_lost_is_not_begun_anew() {
    let world = World::calm().await;
    let carol: Principal = "carol@example.com".parse().unwrap();
    world.wire.lose_answer(is_transaction);
    let mut held = world.wire.hold(is_transaction);
    let (first, later) = (world.session(), world.session());
    let create = first.create_team(&carol, "Second".parse().unwrap());
    let grow = async {
        held.arrived().await;
        let mine = later.list_teams(&carol, None, 9).await.unwrap();
        let bob: Principal = BOB.parse().unwrap();
        later.add_member(mine[0].0.id, &carol, bob, Role::Owner).await.unwrap();
        held.release();
    };
    let (made, ()) = tokio::join!(create, grow);
    assert_eq!(later.list_teams(&carol, None, 9).await.unwrap()[0].0.id, made.unwrap().id);
    world.check().await;
}

#[tokio::test]
async fn an_admin_who_is_demoted_while_adding_a_member_adds_nobody() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let carol: Principal = "carol@example.com".parse().unwrap();
    let mut held = world.wire.hold(is_transaction);
    let (first, later) = (world.session(), world.session());
    let add = first.add_member(world.team, &bob, carol, Role::Admin);
    let demote = async {
        held.arrived().await;
        later.set_role(world.team, &world.owner, &by_principal(&bob), Role::Member).await.unwrap();
        held.release();
    };
    let (added, ()) = tokio::join!(add, demote);
    assert!(matches!(added, Err(Error::Refused(Refusal::Forbidden))), "{added:?}");
}

#[tokio::test]
async fn a_member_who_becomes_an_owner_while_being_removed_is_counted() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let mut held = world.wire.hold(is_transaction);
    let (first, later) = (world.session(), world.session());
    let to_bob = by_principal(&bob);
    let remove = first.remove_member(world.team, &world.owner, &to_bob);
    let promote = async {
        held.arrived().await;
        later.set_role(world.team, &world.owner, &to_bob, Role::Owner).await.unwrap();
        held.release();
    };
    let (removed, ()) = tokio::join!(remove, promote);
    removed.unwrap();
    world.check().await;
}

#[tokio::test]
async fn a_change_of_role_that_stalls_across_removal_and_return_keeps_the_later_stay() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Member).await;
    let mut held = world.wire.hold(is_transaction);
    let (first, later) = (world.session(), world.session());
    let to_bob = by_principal(&bob);
    let promote = first.set_role(world.team, &world.owner, &to_bob, Role::Admin);
    let back = async {
        held.arrived().await;
        world.part(&bob).await;
        let bob = bob.clone();
        let again = later.add_member(world.team, &world.owner, bob, Role::Member).await.unwrap();
        held.release();
        again.membership
    };
    let (promoted, membership) = tokio::join!(promote, back);
    assert_eq!(promoted.unwrap().membership, membership);
    let members = later.list_members(world.team, &world.owner, None, 9).await.unwrap();
    assert!(members.iter().any(|member| member.membership == membership));
}

#[tokio::test]
async fn an_owner_who_is_demoted_between_two_reads_of_themselves_stays_demoted() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Owner).await;
    let to_bob = by_principal(&bob);
    let bobs_item = |sent: &Sent| sent.operation == "GetItem" && sent.mentions("MEMBER#bob");
    let (first, later) = (world.session(), world.session());
    for read in [0, 1] {
        let passed = std::sync::atomic::AtomicUsize::new(0);
        let nth = move |sent: &Sent| {
            bobs_item(sent) && passed.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == read
        };
        let mut held = world.wire.hold(nth);
        let promote = first.set_role(world.team, &bob, &to_bob, Role::Owner);
        let demote = async {
            held.arrived().await;
            later.set_role(world.team, &world.owner, &to_bob, Role::Admin).await.unwrap();
            held.release();
        };
        let (promoted, ()) = tokio::join!(promote, demote);
        assert!(matches!(promoted, Err(Error::Refused(Refusal::Forbidden))), "{promoted:?}");
        world.check().await;
        later.set_role(world.team, &world.owner, &to_bob, Role::Owner).await.unwrap();
    }
}

#[tokio::test]
async fn a_stay_that_ended_is_not_brought_back_by_the_add_that_began_it() {
    let world = World::calm().await;
    let bob: Principal = BOB.parse().unwrap();
    world.wire.lose_answer(is_transaction);
    let mut again = world.wire.hold(is_transaction);
    let session = world.session();
    let add = session.add_member(world.team, &world.owner, bob.clone(), Role::Member);
    let end = async {
        again.arrived().await;
        let membership = world.part(&bob).await;
        again.release();
        membership
    };
    let (added, ended) = tokio::join!(add, end);
    assert_eq!(added.unwrap().membership, ended, "it was in");
    let members = session.list_members(world.team, &world.owner, None, 9).await.unwrap();
    assert_eq!(members.len(), 1, "and it is not any more: {members:?}");
    world.check().await;
}

#[tokio::test]
async fn what_went_through_is_answered_so_whatever_becomes_of_the_caller() {
    let world = World::calm().await;
    let (team, bob) = (world.team, world.join(BOB, Role::Admin).await);
    let carol = world.join("carol@example.com", Role::Member).await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let to_bob = by_principal(&bob);
    let dave: Principal = "dave@example.com".parse().unwrap();
    let host = "web-1".parse().unwrap();
    let demoted = async |did: &str| {
        world.wire.lose_answer(is_transaction);
        let mut again = world.wire.hold(is_transaction);
        let session = world.session();
        let act = async {
            match did {
                "create token" => drop(world.token_by(&bob, Some(500)).await.unwrap()),
                "add" => {
                    session.add_member(team, &bob, dave.clone(), Role::Member).await.unwrap();
                }
                "remove" => {
                    session.remove_member(team, &bob, &by_principal(&dave)).await.unwrap();
                }
                "promote" => {
                    let to_carol = by_principal(&carol);
                    session.set_role(team, &bob, &to_carol, Role::Admin).await.unwrap();
                }
                _ => session.remove_node(team, &bob, &host).await.unwrap(),
            }
        };
        let meanwhile = async {
            again.arrived().await;
            let session = world.session();
            session.set_role(team, &world.owner, &to_bob, Role::Member).await.unwrap();
            again.release();
            session
        };
        let ((), session) = tokio::join!(act, meanwhile);
        session.set_role(team, &world.owner, &to_bob, Role::Admin).await.unwrap();
    };
    for did in ["create token", "add", "remove", "promote", "remove node"] {
        demoted(did).await;
        world.check().await;
    }
    let contents = world.contents().await;
    assert!(contents.nodes().is_empty());
    assert_eq!((contents.of("TOKEN#").count(), contents.of("MEMBER#dave").count()), (2, 0));
}

#[tokio::test]
async fn an_owner_whose_own_demotion_was_not_answered_is_told_that_it_happened() {
    let world = World::calm().await;
    world.join(BOB, Role::Owner).await;
    world.wire.lose_answer(is_transaction);
    let own = by_principal(&world.owner);
    let session = world.session();
    let demoted = session.set_role(world.team, &world.owner, &own, Role::Member).await.unwrap();
    assert_eq!(demoted.role, Role::Member);
    world.check().await;
}

#[tokio::test]
async fn a_change_of_role_that_arrives_after_it_was_made_and_unmade_changes_nothing() {
    let world = World::calm().await;
    let bob = world.join(BOB, Role::Admin).await;
    let to_bob = by_principal(&bob);
    let mut held = world.wire.hold(is_transaction);
    {
        // Given up, as a call is that takes too long; but it is on its way.
        let given_up = world.store.session(std::time::Duration::from_millis(100));
        let promoted = given_up.set_role(world.team, &world.owner, &to_bob, Role::Owner).await;
        assert!(matches!(promoted, Err(Error::Busy)), "{promoted:?}");
    }
    held.arrived().await;
    let session = world.session();
    for role in [Role::Owner, Role::Admin] {
        session.set_role(world.team, &world.owner, &to_bob, role).await.unwrap();
    }
    held.release();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let members = session.list_members(world.team, &world.owner, None, 9).await.unwrap();
    assert!(members.iter().any(|member| member.principal == bob && member.role == Role::Admin));
    world.check().await;
}

#[tokio::test]
async fn an_add_that_arrives_after_the_stay_it_began_has_ended_adds_nobody() {
    let world = World::calm().await;
    let bob: Principal = BOB.parse().unwrap();
    // The first try is on its way and its answer does not come; the second goes through.
    let mut late = world.wire.repeat_later(is_transaction);
    let session = world.session();
    session.add_member(world.team, &world.owner, bob.clone(), Role::Admin).await.unwrap();
    late.arrived().await;
    world.part(&bob).await;
    late.release();
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let members = session.list_members(world.team, &world.owner, None, 9).await.unwrap();
    assert_eq!(members.len(), 1, "{members:?}");
    world.check().await;
}

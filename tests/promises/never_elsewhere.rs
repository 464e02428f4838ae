//! 5. A token, a member, a node of one team reads and writes nothing of another.

use muster_shared::domain::plaintext::Plaintext;
use muster_shared::domain::principal::Principal;
use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::role::Role;
use muster_shared::store::{Error, MemberRef, NewToken, NodeQuery};
use muster_tests::table::text;
use muster_tests::world::World;

use crate::in_every_weather;

in_every_weather! {
    a_token_enters_its_own_team_and_no_other
}

async fn a_token_enters_its_own_team_and_no_other(world: World) {
    let stranger: Principal = "stranger@example.com".parse().unwrap();
    let make = async || world.session().create_team(&stranger, "Other".parse().unwrap()).await;
    let other = muster_tests::world::insist(make).await.unwrap();
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let forged = Plaintext::new(other.id, token.token(), [3; 20]);
    let refused = world.register(&forged, "web-1", None).await;
    assert_eq!(refused.unwrap_err(), Refusal::InvalidToken);
    let contents = world.contents().await;
    let own = format!("TEAM#{}#", world.team);
    assert!(contents.nodes().iter().all(|node| text(node, "pk").unwrap().starts_with(&own)));
}

#[tokio::test]
async fn an_unknown_token_and_a_wrong_secret_read_alike() {
    let world = World::calm().await;
    let token = world.token(None).await;
    let wrong = Plaintext::new(token.team(), token.token(), [0; 20]);
    let id = muster_shared::domain::id::TokenId::from_bytes([1; 8]);
    let unknown = Plaintext::new(token.team(), id, [0; 20]);
    for presented in [wrong, unknown] {
        let refused = world.register(&presented, "web-1", None).await;
        assert_eq!(refused.unwrap_err(), Refusal::InvalidToken);
    }
}

#[tokio::test]
async fn whoever_is_no_member_finds_nothing_and_changes_nothing() {
    let world = World::calm().await;
    let token = world.token(None).await;
    world.register(&token, "web-1", None).await.unwrap();
    let stranger: Principal = "stranger@example.com".parse().unwrap();
    let theirs = world.session().create_team(&stranger, "Other".parse().unwrap()).await.unwrap();
    assert_ne!(theirs.id, world.team);
    let before = world.contents().await;

    let (s, team) = (world.session(), world.team);
    let owner = MemberRef::Principal(world.owner.clone());
    let new = NewToken {
        name: "x".parse().unwrap(),
        policy: muster_shared::domain::token::Policy::default(),
    };
    let host = "web-1".parse().unwrap();
    let query = NodeQuery::default();
    let outcomes = [
        s.list_members(team, &stranger, None, 9).await.map(drop),
        s.add_member(team, &stranger, stranger.clone(), Role::Owner).await.map(drop),
        s.set_role(team, &stranger, &owner, Role::Member).await.map(drop),
        s.remove_member(team, &stranger, &owner).await.map(drop),
        s.list_removals(team, &stranger, None, 9).await.map(drop),
        s.create_token(team, &stranger, new).await.map(drop),
        s.self_enroll(team, &stranger, "x".parse().unwrap()).await.map(drop),
        s.list_tokens(team, &stranger).await.map(drop),
        s.get_token(team, &stranger, token.token()).await.map(drop),
        s.revoke_token(team, &stranger, token.token()).await.map(drop),
        s.list_nodes(team, &stranger, &query, None, 9).await.map(drop),
        s.remove_node(team, &stranger, &host).await,
        // The team is theirs, but the token, the node and the member are another team's.
        s.get_token(theirs.id, &stranger, token.token()).await.map(drop),
        s.revoke_token(theirs.id, &stranger, token.token()).await.map(drop),
        s.remove_node(theirs.id, &stranger, &host).await,
        s.remove_member(theirs.id, &stranger, &owner).await.map(drop),
    ];
    for (n, outcome) in outcomes.into_iter().enumerate() {
        assert!(matches!(outcome, Err(Error::Refused(Refusal::NotFound))), "{n}: {outcome:?}");
    }
    assert!(s.list_nodes(theirs.id, &stranger, &query, None, 9).await.unwrap().is_empty());
    assert!(s.list_tokens(theirs.id, &stranger).await.unwrap().is_empty());
    assert_eq!(world.contents().await, before);
}

#[tokio::test]
async fn a_member_may_do_what_the_role_says_and_no_more() {
    let world = World::calm().await;
    let member = world.join("member@example.com", Role::Member).await;
    let admin = world.join("admin@example.com", Role::Admin).await;
    let token = world.token(None).await;
    let (s, team) = (world.session(), world.team);
    let owner = MemberRef::Principal(world.owner.clone());
    let new = || NewToken {
        name: "x".parse().unwrap(),
        policy: muster_shared::domain::token::Policy::default(),
    };
    let somebody: Principal = "new@example.com".parse().unwrap();
    let host = "web-1".parse().unwrap();
    let forbidden = [
        s.add_member(team, &member, somebody.clone(), Role::Member).await.map(drop),
        s.set_role(team, &member, &MemberRef::Principal(member.clone()), Role::Admin)
            .await
            .map(drop),
        s.remove_member(team, &member, &MemberRef::Principal(admin.clone())).await.map(drop),
        s.list_removals(team, &member, None, 9).await.map(drop),
        s.create_token(team, &member, new()).await.map(drop),
        s.list_tokens(team, &member).await.map(drop),
        s.get_token(team, &member, token.token()).await.map(drop),
        s.revoke_token(team, &member, token.token()).await.map(drop),
        s.remove_node(team, &member, &host).await,
        s.add_member(team, &admin, somebody, Role::Owner).await.map(drop),
        s.set_role(team, &admin, &owner, Role::Member).await.map(drop),
        s.set_role(team, &admin, &MemberRef::Principal(admin.clone()), Role::Owner).await.map(drop),
        s.remove_member(team, &admin, &owner).await.map(drop),
    ];
    for (n, outcome) in forbidden.into_iter().enumerate() {
        assert!(matches!(outcome, Err(Error::Refused(Refusal::Forbidden))), "{n}: {outcome:?}");
    }
    s.list_members(team, &member, None, 9).await.unwrap();
    s.list_nodes(team, &member, &NodeQuery::default(), None, 9).await.unwrap();
    s.self_enroll(team, &member, "x".parse().unwrap()).await.unwrap();
    s.create_token(team, &admin, new()).await.unwrap();
}

#[tokio::test]
async fn a_team_whose_id_is_drawn_a_second_time_stays_with_its_owner() {
    let world = World::calm().await;
    world.wire.set_forgetful(true);
    let made = async |who: &str| {
        world.entropy.restart(9);
        let who: Principal = who.parse().unwrap();
        world.session().create_team(&who, "Team".parse().unwrap()).await.unwrap().id
    };
    assert_ne!(made("alice@example.com").await, made("mallory@example.com").await);
}

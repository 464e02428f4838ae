//! 4. The plaintext exists in the create answer alone. What the whole service writes is searched in
//!    the tests of `local`; this is about the table.

use muster_shared::domain::refusal::Refusal;
use muster_shared::domain::role::Role;
use muster_tests::world::{World, key};

use crate::in_every_weather;

in_every_weather! {
    the_table_and_the_wire_have_nothing_of_a_plaintext
}

async fn the_table_and_the_wire_have_nothing_of_a_plaintext(world: World) {
    let bob = world.join("bob@example.com", Role::Member).await;
    let tokens = [
        world.token(None).await,
        world.token(Some(1)).await,
        world.self_enroll(&bob).await.unwrap(),
    ];
    for (n, token) in tokens.iter().enumerate() {
        world.register(token, &format!("host-{n}"), key(1)).await.unwrap();
    }
    let refused = world.register(&tokens[1], "more", None).await;
    assert_eq!(refused.unwrap_err(), Refusal::TokenExhausted);
    world.revoke(&tokens[0]).await.unwrap();
    let sent: String = world.wire.journal().iter().map(|sent| sent.body.to_string()).collect();
    let table = format!("{:?}", world.contents().await);
    for token in &tokens {
        let plaintext = token.expose();
        // The secret begins at bit 128, in the 26th character after the prefix.
        let secret = &plaintext["enrt_".len() + 26..];
        assert!(!table.contains(secret) && !sent.contains(secret));
        assert!(!table.contains("enrt_") && !sent.contains("enrt_"));
    }
}

//! The function around [`member_cascade::handle`].

use muster_shared::lambda;
use muster_shared::store::{Patience, WarmUp};

fn main() -> Result<(), lambda::Error> {
    lambda::serve_events(WarmUp::Removals, |session, event| async move {
        member_cascade::handle(&session, event, Patience::default()).await
    })
}

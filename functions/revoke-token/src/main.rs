//! The function around [`revoke_token::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&revoke_token::ENDPOINT)
}

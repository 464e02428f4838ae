//! The function around [`create_token::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&create_token::ENDPOINT)
}

//! The function around [`get_token::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&get_token::ENDPOINT)
}

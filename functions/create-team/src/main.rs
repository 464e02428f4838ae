//! The function around [`create_team::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&create_team::ENDPOINT)
}

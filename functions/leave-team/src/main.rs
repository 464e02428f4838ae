//! The function around [`leave_team::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&leave_team::ENDPOINT)
}

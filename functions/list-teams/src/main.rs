//! The function around [`list_teams::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_teams::ENDPOINT)
}

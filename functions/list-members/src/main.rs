//! The function around [`list_members::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_members::ENDPOINT)
}

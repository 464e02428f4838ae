//! The function around [`list_groups::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_groups::ENDPOINT)
}

//! The function around [`list_removals::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_removals::ENDPOINT)
}

//! The function around [`remove_member::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&remove_member::ENDPOINT)
}

//! The function around [`add_member::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&add_member::ENDPOINT)
}

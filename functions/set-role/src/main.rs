//! The function around [`set_role::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&set_role::ENDPOINT)
}

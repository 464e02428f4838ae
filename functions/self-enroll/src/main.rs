//! The function around [`self_enroll::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&self_enroll::ENDPOINT)
}

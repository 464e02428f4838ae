//! The function around [`describe_sign_in::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&describe_sign_in::ENDPOINT)
}

//! The function around [`list_tokens::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_tokens::ENDPOINT)
}

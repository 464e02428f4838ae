//! The function around [`list_nodes::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&list_nodes::ENDPOINT)
}

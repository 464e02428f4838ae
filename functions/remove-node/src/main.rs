//! The function around [`remove_node::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&remove_node::ENDPOINT)
}

//! The function around [`register_node::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&register_node::ENDPOINT)
}

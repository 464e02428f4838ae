//! The function around [`get_own_node::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&get_own_node::ENDPOINT)
}

//! The function around [`record_heartbeat::ENDPOINT`].

fn main() -> Result<(), muster_shared::lambda::Error> {
    muster_shared::lambda::serve(&record_heartbeat::ENDPOINT)
}

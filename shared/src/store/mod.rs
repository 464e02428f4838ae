//! The table and everything that is done with it, one file per use case.
//!
//! | item | `pk` | `sk` |
//! | --- | --- | --- |
//! | team | `TEAM#<team>` | `TEAM` |
//! | member | `TEAM#<team>` | `MEMBER#<principal>` |
//! | removal | `TEAM#<team>` | `REMOVAL#<membership>` |
//! | team of a principal | `PRINCIPAL#<principal>` | `TEAM#<team>` |
//! | unfinished removal | `REMOVALS` | `<team>#<membership>` |
//! | token | `TEAM#<team>#TOKENS` | `TOKEN#<token>` |
//! | gate | `TEAM#<team>#GATES#<l>` | `GATE#<token>#<g>` |
//! | node | `TEAM#<team>#LANE#<l>` | `NODE#<hostname>` |
//! | address | `TEAM#<team>#ADDR#<ip>` | `ADDR` |
//!
//! Every read is strongly consistent. Each limit is decided by a condition on one item, named in
//! `conditions`.

mod add_member;
mod conditions;
mod create_team;
mod create_token;
mod device;
mod entity;
mod gates;
mod get_token;
mod keys;
mod leave_team;
mod list_groups;
mod list_members;
mod list_nodes;
mod list_removals;
mod list_teams;
mod list_tokens;
mod member_ref;
mod outcome;
mod record_heartbeat;
mod register_node;
mod remove_member;
mod remove_node;
mod removed_member;
mod revoke_token;
mod session;
mod set_role;
mod sweep;
mod table;
mod team_writes;
mod warm_up;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::Client;

use crate::domain::refusal::Refusal;
use crate::environment::Environment;

pub use conditions::{ALL as CONDITIONS, Condition};
pub use create_token::{Made, NewToken};
pub use device::Device;
pub use list_groups::GroupCount;
pub use list_nodes::NodeQuery;
pub use member_ref::MemberRef;
pub use register_node::{Registered, Registration};
pub use removed_member::{StreamEvent, StreamRecord};
pub use session::Session;
pub use sweep::{Patience, Round, Swept};
pub use table::{Cost, Fault};
pub use warm_up::WarmUp;

/// How long a request is tried before it is answered with [`Error::Busy`].
pub const DEADLINE: Duration = Duration::from_secs(8);

/// Why a use case did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It was refused, and will be again.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was tried until the deadline; trying again is safe.
    #[error("the deadline passed")]
    Busy,
    /// Something is wrong with the service.
    #[error(transparent)]
    Internal(#[from] Fault),
}

/// The store of a process; each request has a [`Session`] of its own.
#[derive(Clone)]
pub struct Store {
    table: table::Table,
    environment: Environment,
}

impl Store {
    /// The store over the table called `table`.
    pub fn new(client: Client, table: impl Into<String>, environment: Environment) -> Self {
        Self { table: table::Table::new(client, table.into()), environment }
    }

    /// The process's clock and randomness.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// A session that gives up after `deadline`.
    pub fn session(&self, deadline: Duration) -> Session {
        Session::new(self.table.clone(), self.environment.clone(), deadline)
    }

    /// A session for one request of the API.
    pub fn request(&self) -> Arc<Session> {
        Arc::new(self.session(DEADLINE))
    }
}

//! What people and machines do with the API, from the first call to the last.

mod authorizer;
mod bearer;
mod devices;
mod elsewhere;
mod groups;
mod heartbeats;
mod join_command;
mod limits;
mod machine_clients;
mod node_lists;
mod removal;
mod roles;
mod script;
mod shapes;
mod teams;
mod token_lists;

//! What the tests of the system share: a directory, the program in it, HTTP, and the calls of the
//! API that every story begins with.

#![allow(unreachable_pub, reason = "everything else here is below it")]

pub mod api;
pub mod device;
pub mod directory;
pub mod http;
pub mod local;
pub mod program;

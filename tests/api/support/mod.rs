//! What the tests of the API speak and read with.

pub(crate) mod answer;
pub(crate) mod api;
pub(crate) mod contract;
pub(crate) mod device;
pub(crate) mod invoke;
pub(crate) mod service;
pub(crate) mod team;
pub(crate) mod views;

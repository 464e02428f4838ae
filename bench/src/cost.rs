//! What calls cost: what they take of each thing that AWS asks for, times its list price.

pub mod bill;
pub mod calls;
pub mod event;
pub mod idle;
pub mod item;
pub mod measure;
pub mod prices;
pub mod table;
pub mod team;
pub mod template;

//! The words of the product and the rules between them.
//!
//! Nothing here names AWS or HTTP, reads a clock or draws a random number: time and random bytes
//! come in as values.

pub mod address;
pub mod enrollment;
pub mod gate;
pub mod heartbeat;
pub mod hostname;
pub mod id;
pub mod key;
pub mod listing;
pub mod member;
pub mod node;
pub mod plaintext;
pub mod principal;
pub mod refusal;
pub mod removal;
pub mod report;
pub mod role;
pub mod text;
pub mod timestamp;
pub mod token;
pub mod version;

#[cfg(test)]
mod testing;

/// Lower-case RFC 4648 base32 without padding: the alphabet of tokens and ids.
pub(crate) const BASE32: data_encoding::Encoding = data_encoding_macro::new_encoding! {
    symbols: "abcdefghijklmnopqrstuvwxyz234567",
};

/// What is given, each once, in the order of the first.
fn each_once<T: PartialEq>(given: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(given.len());
    for one in given {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// Why a value was refused: a phrase that never contains the value itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub &'static str);

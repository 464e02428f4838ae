//! The parts of a request.

use std::str::FromStr;

use crate::Error;

/// What is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// The bare handler: any JSON in, some JSON out.
    Bare,
    /// The whole of register-node: an event in, an answer out, two calls in between.
    Whole,
    /// From the bytes of an event to a request.
    Event,
    /// The token in the request, parsed and compared.
    Token,
    /// The two calls of the SDK with all that they are made of ready, answered at once.
    Sdk,
    /// The same, but signed by nobody.
    Unsigned,
    /// The use case: the two calls, and what is made of their answers.
    Store,
    /// From a node to the bytes of the answer.
    Reply,
}

impl Part {
    pub(crate) const ALL: [Self; 8] = [
        Self::Bare,
        Self::Whole,
        Self::Event,
        Self::Token,
        Self::Sdk,
        Self::Unsigned,
        Self::Store,
        Self::Reply,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Whole => "whole",
            Self::Event => "event",
            Self::Token => "token",
            Self::Sdk => "sdk",
            Self::Unsigned => "unsigned",
            Self::Store => "store",
            Self::Reply => "reply",
        }
    }
}

impl FromStr for Part {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|part| part.name() == text).ok_or(Error::Usage)
    }
}

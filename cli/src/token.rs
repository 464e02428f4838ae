//! Where the enrollment token comes from: an option, the environment, or standard input.

use std::io::Read as _;

use muster_domain::plaintext::Plaintext;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::typo;

/// Bytes that are read of standard input.
const LONGEST: u64 = 1024;

/// The token, if one is given anywhere.
pub(crate) fn given(option: Option<&str>) -> Result<Option<Plaintext>, Failure> {
    let text = match option {
        Some("-") => Some(standard_input()?),
        Some(text) => Some(Zeroizing::new(text.to_owned())),
        None => {
            std::env::var("MUSTER_TOKEN").ok().filter(|text| !text.is_empty()).map(Zeroizing::new)
        }
    };
    text.map(|text| parse(text.trim())).transpose()
}

fn standard_input() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(LONGEST)
        .read_to_string(&mut text)
        .map_err(|error| Failure::Usage(format!("no token on standard input: {error}")))?;
    Ok(text)
}

fn parse(text: &str) -> Result<Plaintext, Failure> {
    text.parse().map_err(|error| {
        Failure::Usage(format!("{}; nothing was sent", typo::explain(text, error)))
    })
}

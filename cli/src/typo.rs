//! Where the typo is in a token that does not parse. Nothing of the token is repeated.

use muster_domain::plaintext::{PREFIX, ParseError, Plaintext};
use zeroize::Zeroizing;

const ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";

/// What is wrong with it, and where if that can be told.
pub(crate) fn explain(text: &str, error: ParseError) -> String {
    match error {
        ParseError::Prefix => format!("the token must begin with {PREFIX}"),
        ParseError::Length => {
            let found = text.chars().count().saturating_sub(PREFIX.len());
            format!("the token has {found} characters after {PREFIX} and must have 64")
        }
        ParseError::Alphabet => match foreign(text) {
            Some(at) => format!("character {at} of the token is none of a-z and 2-7"),
            None => "the token has a character that is none of a-z and 2-7".to_owned(),
        },
        ParseError::Checksum => match misspelt(text) {
            Some(at) => format!("there is a typo in the token: look at character {at}"),
            None => "there is a typo in the token: its checksum does not match".to_owned(),
        },
    }
}

/// The place, from 1 on, of a character that no token has.
fn foreign(text: &str) -> Option<usize> {
    let body = text.char_indices().skip(PREFIX.len());
    let mut foreign = body.filter(|(_, c)| !u8::try_from(*c).is_ok_and(|c| ALPHABET.contains(&c)));
    foreign.next().map(|(at, _)| at + 1)
}

/// The place, from 1 on, of the one character that makes the checksum match when it is another, or when it
/// changes places with the next.
fn misspelt(text: &str) -> Option<usize> {
    let mut bytes = Zeroizing::new(text.as_bytes().to_vec());
    let parses = |bytes: &[u8]| str::from_utf8(bytes).is_ok_and(|t| t.parse::<Plaintext>().is_ok());
    for at in PREFIX.len()..bytes.len() {
        let given = *bytes.get(at)?;
        for other in ALPHABET {
            *bytes.get_mut(at)? = *other;
            if parses(&bytes) {
                return Some(at + 1);
            }
        }
        *bytes.get_mut(at)? = given;
        if at + 1 < bytes.len() {
            bytes.swap(at, at + 1);
            if parses(&bytes) {
                return Some(at + 1);
            }
            bytes.swap(at, at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("../../domain/src/plaintext.sample");

    fn told(text: &str) -> String {
        explain(text, text.parse::<Plaintext>().unwrap_err())
    }

    #[test]
    fn a_typo_is_told_with_its_place() {
        let sample = SAMPLE.trim();
        for at in [5, 6, 40, 67, 68] {
            let mut bytes = sample.as_bytes().to_vec();
            bytes[at] = if bytes[at] == b'a' { b'b' } else { b'a' };
            let text = String::from_utf8(bytes).unwrap();
            assert_eq!(
                told(&text),
                format!("there is a typo in the token: look at character {}", at + 1)
            );
        }
        let mut bytes = sample.as_bytes().to_vec();
        let at = (5..68).find(|at| bytes[*at] != bytes[at + 1]).unwrap();
        bytes.swap(at, at + 1);
        let swapped = String::from_utf8(bytes).unwrap();
        assert!(told(&swapped).ends_with(&format!("character {}", at + 1)), "{}", told(&swapped));
    }

    #[test]
    fn what_is_no_token_at_all_is_told_without_repeating_it() {
        let sample = SAMPLE.trim();
        for (text, expected) in [
            ("hello".to_owned(), "the token must begin with enrt_"),
            (sample[..60].to_owned(), "the token has 55 characters after enrt_ and must have 64"),
            (
                sample.replace("aaaqeaye", "aaaq0aye"),
                "character 10 of the token is none of a-z and 2-7",
            ),
            (
                sample.replace("aaaqeaye", "zzzqezzz"),
                "there is a typo in the token: its checksum does not match",
            ),
        ] {
            assert_eq!(told(&text), expected);
        }
    }
}

//! The plaintext of an enrollment token: shown once to who made it, presented by machines.
//!
//! `enrt_` and 64 characters of base32 over 40 bytes: team id (8), token id (8), secret (20) and
//! the CRC-32 of the prefix and the 36 bytes before it. The checksum tells a typo, or a leak
//! scanner's false positive, without a request.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::id::{ID_BYTES, TeamId, TokenId};
use super::{BASE32, Invalid};

/// What every plaintext begins with.
pub const PREFIX: &str = "enrt_";
/// Bytes of the secret.
pub const SECRET_BYTES: usize = 20;

const CONTENT_BYTES: usize = 2 * ID_BYTES + SECRET_BYTES;
const CHECKSUM_BYTES: usize = 4;
const BODY_BYTES: usize = CONTENT_BYTES + CHECKSUM_BYTES;
/// Characters after the prefix.
const BODY_CHARS: usize = BODY_BYTES * 8 / 5;

/// Whether a text holds a plaintext or half of one, in either case, and so must not be kept.
pub fn is_in(text: &str) -> bool {
    let text = text.as_bytes();
    text.windows(PREFIX.len()).enumerate().any(|(at, window)| {
        let after = text.iter().skip(at + PREFIX.len());
        window.eq_ignore_ascii_case(PREFIX.as_bytes())
            && after.take_while(|c| c.is_ascii_alphanumeric()).count() >= BODY_CHARS / 2
    })
}

/// Why a text is no enrollment token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// It does not begin with `enrt_`.
    #[error("does not begin with enrt_")]
    Prefix,
    /// It has not 64 characters after the prefix.
    #[error("has not 64 characters after enrt_")]
    Length,
    /// It has a character outside `a-z2-7`.
    #[error("has a character other than a-z and 2-7")]
    Alphabet,
    /// The checksum does not match: a typo, or not a token at all.
    #[error("has a wrong checksum")]
    Checksum,
}

/// A token's plaintext. Not `Display`, not `Serialize`; `Debug` shows the token's id alone.
#[derive(Clone)]
pub struct Plaintext {
    team: TeamId,
    token: TokenId,
    secret: Zeroizing<[u8; SECRET_BYTES]>,
}

impl Plaintext {
    /// The plaintext of a token; `secret` comes from the operating system's generator.
    pub fn new(team: TeamId, token: TokenId, secret: [u8; SECRET_BYTES]) -> Self {
        Self { team, token, secret: Zeroizing::new(secret) }
    }

    /// The team that the token admits to.
    pub fn team(&self) -> TeamId {
        self.team
    }

    /// The token's id.
    pub fn token(&self) -> TokenId {
        self.token
    }

    /// What the table keeps of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(self.content().as_slice()).into())
    }

    /// The text itself, for the one answer that may show it.
    pub fn expose(&self) -> Zeroizing<String> {
        let content = self.content();
        let mut body = Zeroizing::new(Vec::with_capacity(BODY_BYTES));
        body.extend_from_slice(content.as_slice());
        body.extend_from_slice(&checksum(content.as_slice()));
        let mut text = Zeroizing::new(String::with_capacity(PREFIX.len() + BODY_CHARS));
        text.push_str(PREFIX);
        BASE32.encode_append(&body, &mut text);
        text
    }

    fn content(&self) -> Zeroizing<[u8; CONTENT_BYTES]> {
        let mut content = Zeroizing::new([0; CONTENT_BYTES]);
        let (ids, secret) = content.split_at_mut(2 * ID_BYTES);
        let (team, token) = ids.split_at_mut(ID_BYTES);
        team.copy_from_slice(self.team.as_bytes());
        token.copy_from_slice(self.token.as_bytes());
        secret.copy_from_slice(self.secret.as_slice());
        content
    }
}

impl FromStr for Plaintext {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let body = text.strip_prefix(PREFIX).ok_or(ParseError::Prefix)?;
        if body.len() != BODY_CHARS {
            return Err(ParseError::Length);
        }
        let bytes =
            Zeroizing::new(BASE32.decode(body.as_bytes()).map_err(|_| ParseError::Alphabet)?);
        let (content, sum) = bytes.split_at_checked(CONTENT_BYTES).ok_or(ParseError::Length)?;
        if sum != checksum(content) {
            return Err(ParseError::Checksum);
        }
        let (team, rest) = content.split_first_chunk().ok_or(ParseError::Length)?;
        let (token, rest) = rest.split_first_chunk().ok_or(ParseError::Length)?;
        let (secret, _) = rest.split_first_chunk().ok_or(ParseError::Length)?;
        Ok(Self::new(TeamId::from_bytes(*team), TokenId::from_bytes(*token), *secret))
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plaintext({}, redacted)", self.token)
    }
}

fn checksum(content: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(PREFIX.as_bytes());
    hasher.update(content);
    hasher.finalize().to_be_bytes()
}

/// SHA-256 over the 36 bytes before a plaintext's checksum; as text, lower-case base32.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Whether this is the hash of `plaintext`, in a time that tells nothing of either.
    pub fn matches(&self, plaintext: &Plaintext) -> bool {
        self.0.ct_eq(&plaintext.hash().0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(redacted)")
    }
}

impl From<TokenHash> for String {
    fn from(hash: TokenHash) -> Self {
        BASE32.encode(&hash.0)
    }
}

impl TryFrom<String> for TokenHash {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        let bytes = BASE32.decode(text.as_bytes()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(Invalid("is not the hash of a token"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plaintext(bytes: [u8; 36]) -> Plaintext {
        let mut team = [0; 8];
        let mut token = [0; 8];
        let mut secret = [0; 20];
        team.copy_from_slice(&bytes[..8]);
        token.copy_from_slice(&bytes[8..16]);
        secret.copy_from_slice(&bytes[16..]);
        Plaintext::new(TeamId::from_bytes(team), TokenId::from_bytes(token), secret)
    }

    proptest! {
        #[test]
        fn a_token_reads_back_as_it_was_printed(bytes: [u8; 36]) {
            let made = plaintext(bytes);
            let text = made.expose();
            prop_assert_eq!(text.len(), 69);
            let read: Plaintext = text.parse().unwrap();
            prop_assert_eq!(read.team(), made.team());
            prop_assert_eq!(read.token(), made.token());
            prop_assert!(made.hash().matches(&read));
            prop_assert_eq!(read.expose(), text);
        }

        #[test]
        fn every_change_of_one_character_is_refused(bytes: [u8; 36], at in 0_usize..69, to in 0_u8..128) {
            let text = plaintext(bytes).expose();
            let mut changed = text.as_bytes().to_vec();
            prop_assume!(changed[at] != to);
            changed[at] = to;
            let changed = String::from_utf8(changed).unwrap();
            prop_assert!(changed.parse::<Plaintext>().is_err());
        }

        #[test]
        fn no_text_panics(text in "(enrt_)?.{0,80}") {
            let _ = text.parse::<Plaintext>();
        }

        #[test]
        fn another_secret_has_another_hash(bytes: [u8; 36], other: [u8; 36]) {
            prop_assume!(bytes != other);
            prop_assert!(!plaintext(bytes).hash().matches(&plaintext(other)));
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        let text = plaintext([3; 36]).expose();
        assert_eq!("tskey".parse::<Plaintext>().unwrap_err(), ParseError::Prefix);
        assert_eq!(text[..60].parse::<Plaintext>().unwrap_err(), ParseError::Length);
        assert_eq!(
            text.replace('a', "A").replace('m', "1").parse::<Plaintext>().unwrap_err(),
            ParseError::Alphabet
        );
        let typo = format!("{}{}", &text[..68], if text.ends_with('a') { 'b' } else { 'a' });
        assert_eq!(typo.parse::<Plaintext>().unwrap_err(), ParseError::Checksum);
    }

    #[test]
    fn the_format_is_fixed_for_scanners_and_other_implementations() {
        // Computed independently: base64.b32encode over the bytes and zlib.crc32 in Python.
        let text = plaintext(std::array::from_fn(|i| u8::try_from(i).unwrap())).expose();
        assert_eq!(text.as_str(), include_str!("plaintext.sample").trim_end());
    }

    #[test]
    fn a_plaintext_is_noticed_anywhere_in_a_text_even_a_damaged_one() {
        let text = plaintext([7; 36]).expose();
        let shouted = text.to_ascii_uppercase();
        for holds in
            [&*text, &shouted, &format!("a{}b", *text), &text[..40], &format!("{}!", &text[..50])]
        {
            assert!(is_in(holds), "{holds}");
        }
        for free in ["", "enrt_", "enrt_abc", "renrt_server-1.example.com", &text[5..], &text[..30]]
        {
            assert!(!is_in(free), "{free}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_secret() {
        let made = plaintext([9; 36]);
        let shown = format!("{made:?} {:?}", made.hash());
        assert!(!shown.contains(&made.expose()[5..]));
        assert!(shown.contains("redacted"));
    }
}

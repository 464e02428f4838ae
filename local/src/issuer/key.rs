//! The key that the issuer signs with.

use std::path::Path;
use std::sync::OnceLock;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey};
use rsa::RsaPrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use rsa::rand_core::OsRng;

use crate::data_dir;
use crate::error::StartError;

const BITS: usize = 2048;

/// The key that tokens are signed with.
#[derive(Clone)]
pub(crate) struct Key {
    pub(super) signing: EncodingKey,
    pub(super) public: Jwk,
    pub(super) id: String,
}

impl Key {
    /// The key in a file, which is made if it is not there.
    pub(crate) fn in_file(path: &Path) -> Result<Self, StartError> {
        let unusable =
            |error: &dyn std::fmt::Display| StartError::Key(path.to_owned(), error.to_string());
        let key = match std::fs::read_to_string(path) {
            Ok(pem) => RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|error| unusable(&error))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key = make().map_err(StartError::NoKey)?;
                let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|error| unusable(&error))?;
                data_dir::replace(path, pem.as_bytes()).map_err(|error| unusable(&error))?;
                key
            }
            Err(error) => return Err(unusable(&error)),
        };
        Self::new(&key).map_err(|error| unusable(&error))
    }

    /// The key of every system of this process that keeps nothing: making one takes a while.
    pub(crate) fn of_process() -> Result<Self, StartError> {
        static KEY: OnceLock<Result<Key, String>> = OnceLock::new();
        KEY.get_or_init(|| Self::new(&make()?)).clone().map_err(StartError::NoKey)
    }

    fn new(key: &RsaPrivateKey) -> Result<Self, String> {
        let told = |error: jsonwebtoken::errors::Error| error.to_string();
        let der = key.to_pkcs1_der().map_err(|error| error.to_string())?;
        let signing = EncodingKey::from_rsa_der(der.as_bytes());
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).map_err(told)?;
        let id = public.thumbprint(ThumbprintHash::SHA256).map_err(told)?;
        public.common.key_id = Some(id.clone());
        public.common.key_algorithm = Some(KeyAlgorithm::RS256);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self { signing, public, id })
    }
}

fn make() -> Result<RsaPrivateKey, String> {
    RsaPrivateKey::new(&mut OsRng, BITS).map_err(|error| error.to_string())
}

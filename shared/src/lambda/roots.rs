//! Whose word a function takes that an endpoint is the one it names.

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, HttpClientError};
use aws_smithy_runtime_api::client::http::{SharedHttpConnector, http_client_fn};

/// The roots that AWS's own endpoints are signed with, in PEM; `infra/check_roots.py` says whether
/// they are all there.
const AMAZON: &str = include_str!("amazon-roots.pem");

/// Root certificates.
#[derive(Debug, Clone)]
pub struct Roots(TrustStore);

impl Roots {
    /// Amazon Trust Services, embedded: nothing is read from a disk.
    pub fn amazon() -> Self {
        Self(TrustStore::empty()).and(AMAZON)
    }

    /// Those of the machine.
    pub fn system() -> Self {
        Self(TrustStore::default())
    }

    /// Those that the endpoint of DynamoDB in `region` needs. Only the regions of the `aws`
    /// partition are known to be Amazon's own; an endpoint that was put in its place may be anybody's.
    pub(super) fn of(region: &str, endpoint: Option<&str>) -> Self {
        let is_in_aws = !region.starts_with("cn-") && region.split('-').count() == 3;
        if is_in_aws && endpoint.is_none() { Self::amazon() } else { Self::system() }
    }

    /// These and the one in `pem`.
    #[must_use]
    pub fn and(self, pem: &str) -> Self {
        Self(self.0.with_pem_certificate(pem))
    }

    /// A client that speaks TLS with whom these vouch for. Its connector is made once: the SDK
    /// would make one for each set of timeouts that it meets, and read the roots for each.
    pub fn https(self) -> Result<SharedHttpClient, HttpClientError> {
        let context = TlsContext::builder().with_trust_store(self.0).build()?;
        let connector = Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring));
        let connector = SharedHttpConnector::new(connector.tls_context(context).build());
        Ok(http_client_fn(move |_, _| connector.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_roots_make_a_client() {
        assert!(Roots::amazon().https().is_ok());
    }

    #[test]
    fn only_amazon_s_own_endpoints_are_held_to_amazon_s_roots() {
        let embedded = |region, endpoint| {
            let roots = Roots::of(region, endpoint);
            format!("{roots:?}") == format!("{:?}", Roots::amazon())
        };
        for region in ["us-east-1", "eu-central-2", "ap-southeast-7", "mx-central-1"] {
            assert!(embedded(region, None), "{region}");
            assert!(!embedded(region, Some("https://dynamodb.example.com")), "{region}");
        }
        let others = ["cn-north-1", "us-gov-west-1", "us-iso-east-1", "eusc-de-east-1", ""];
        for region in others {
            assert!(!embedded(region, None), "{region}");
        }
    }
}

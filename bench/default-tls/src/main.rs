//! [`register_node::ENDPOINT`] with the TLS that the SDK has by default, which trusts the root in
//! `BENCH_ROOT` as well.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use muster_shared::lambda::{self, Error};

fn main() -> Result<(), Error> {
    let root = std::env::var("BENCH_ROOT").map_err(|_| "BENCH_ROOT is not set to a certificate")?;
    let roots = TrustStore::default().with_pem_certificate(root);
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .tls_context(TlsContext::builder().with_trust_store(roots).build()?)
        .build_https();
    lambda::serve_over(&register_node::ENDPOINT, http)
}

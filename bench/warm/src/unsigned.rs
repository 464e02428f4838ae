//! Calls that nobody signs, to tell what signing takes.

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{
    AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign,
};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_types::config_bag::ConfigBag;

const ID: AuthSchemeId = AuthSchemeId::new("sigv4");

/// The client, but that it does not sign.
pub(crate) fn unsigned(client: &Client) -> Client {
    Client::from_conf(client.config().to_builder().push_auth_scheme(Nobody).build())
}

#[derive(Debug)]
struct Nobody;

impl AuthScheme for Nobody {
    fn scheme_id(&self) -> AuthSchemeId {
        ID
    }

    fn identity_resolver(
        &self,
        resolvers: &dyn GetIdentityResolver,
    ) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(ID)
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for Nobody {
    fn sign_http_request(
        &self,
        _: &mut HttpRequest,
        _: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        _: &RuntimeComponents,
        _: &ConfigBag,
    ) -> Result<(), BoxError> {
        Ok(())
    }
}

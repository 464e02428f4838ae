//! Leaves out the headers in which the SDK tells AWS about itself.
//!
//! They are put together anew for each request, from its own version, the language, the operating
//! system and the features in use, and DynamoDB makes nothing of them. The ids of attempts and the
//! correction of a wrong clock are for retries, which are off.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeSerializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{
    Intercept, disable_interceptor, dyn_dispatch_hint,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

const WHY: &str = "DynamoDB makes nothing of it";

/// Switches off what writes them, and names Muster in their place.
#[derive(Debug)]
pub(super) struct FewHeaders;

#[dyn_dispatch_hint]
impl Intercept for FewHeaders {
    fn name(&self) -> &'static str {
        "FewHeaders"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let state = config.interceptor_state();
        state.store_put(disable_interceptor::<UserAgentInterceptor>(WHY));
        state.store_put(disable_interceptor::<InvocationIdInterceptor>(WHY));
        state.store_put(disable_interceptor::<RequestInfoInterceptor>(WHY));
        state.store_put(disable_interceptor::<ServiceClockSkewInterceptor>(WHY));
        Ok(())
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        context.request_mut().headers_mut().try_insert("user-agent", "muster")?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::config::{Credentials, Region};
    use aws_smithy_runtime_api::client::http::{
        HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::http::StatusCode;
    use aws_smithy_types::body::SdkBody;

    use crate::lambda;

    #[derive(Debug, Clone, Default)]
    struct Names(Arc<Mutex<Vec<String>>>);

    impl HttpConnector for Names {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let names = request.headers().iter().map(|(name, _)| name.to_owned());
            self.0.lock().unwrap().extend(names);
            let ok = StatusCode::try_from(200).unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(ok, SdkBody::from("{}"))))
        }
    }

    #[tokio::test]
    async fn a_call_has_the_headers_that_dynamodb_needs_and_few_more() {
        let names = Names::default();
        let connector = SharedHttpConnector::new(names.clone());
        let config = lambda::config(http_client_fn(move |_, _| connector.clone()))
            .region(Region::from_static("eu-central-1"))
            .credentials_provider(Credentials::new("id", "secret", Some("t".into()), None, "test"));
        Client::from_conf(config.build()).list_tables().send().await.unwrap();
        let mut names = names.0.lock().unwrap().clone();
        names.sort_unstable();
        let expected = [
            "authorization",
            "content-length",
            "content-type",
            "user-agent",
            "x-amz-date",
            "x-amz-security-token",
            "x-amz-target",
        ];
        assert_eq!(names, expected);
    }
}

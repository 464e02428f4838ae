//! Tells clients where people sign in.

use muster_shared::http::views::SignInView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /.well-known/oauth-protected-resource` (RFC 9728)
pub const ENDPOINT: Endpoint = Endpoint {
    name: "describe-sign-in",
    method: Method::GET,
    path: "/.well-known/oauth-protected-resource",
    auth: Auth::Anyone,
    warm_up: WarmUp::None,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    call.query().finish()?;
    Ok(Reply::ok(&SignInView::new(&call.base(), call.sign_in()?)))
}

//! Removes a device at its own request.

use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `DELETE /api/nodes/self`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "leave-team",
    method: Method::DELETE,
    path: "/api/nodes/self",
    auth: Auth::DeviceKey,
    warm_up: WarmUp::Node,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let device = call.device()?;
    call.store().leave_team(&device).await?;
    Ok(Reply::no_content())
}

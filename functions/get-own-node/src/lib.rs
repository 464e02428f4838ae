//! Shows a device its own node.

use muster_shared::http::views::NodeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/nodes/self`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "get-own-node",
    method: Method::GET,
    path: "/api/nodes/self",
    auth: Auth::DeviceKey,
    warm_up: WarmUp::Node,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let device = call.device()?;
    let node = call.store().own_node(&device).await?;
    Ok(Reply::ok(&NodeView::new(device.team, &node, call.now())))
}

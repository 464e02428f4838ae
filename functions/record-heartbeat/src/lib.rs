//! Writes down that a device is there, and what it says of itself.

use muster_shared::domain::heartbeat::{Addresses, Heartbeat};
use muster_shared::domain::text::{AgentVersion, OperatingSystem};
use muster_shared::http::fields::{ip_addresses, text};
use muster_shared::http::views::NodeView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `POST /api/nodes/self/heartbeat`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "record-heartbeat",
    method: Method::POST,
    path: "/api/nodes/self/heartbeat",
    auth: Auth::DeviceKey,
    warm_up: WarmUp::None,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let device = call.device()?;
    let mut body = call.body()?;
    let os = body.optional::<OperatingSystem>("os", text);
    let agent_version = body.optional::<AgentVersion>("agent_version", text);
    let addresses = body.optional::<Addresses>("addresses", ip_addresses);
    body.finish()?;
    let heartbeat = Heartbeat {
        os: os?,
        agent_version: agent_version?,
        addresses: addresses?.unwrap_or_default(),
    };
    let node = call.store().record_heartbeat(&device, &heartbeat).await?;
    Ok(Reply::ok(&NodeView::new(device.team, &node, call.now())))
}

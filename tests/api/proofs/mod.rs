//! DPoP proofs (RFC 9449) and plaintexts that do not hold: refused before anything is read.

mod algorithms;
mod claims;
mod form;
mod malformed_tokens;

use muster_tests::table::Contents;
use serde_json::json;

use crate::support::api::Request;
use crate::support::device::{Device, Proof};
use crate::support::service::Watched;
use crate::support::team::Made;

struct Scene {
    service: Watched,
    made: Made,
    other: Made,
    device: Device,
    before: Contents,
}

impl Scene {
    async fn set() -> Self {
        let service = Watched::start().await;
        let team = service.api.newcomer("owner").await.makes_a_team().await;
        let (made, other) = (team.token(json!({})).await, team.token(json!({})).await);
        let before = service.contents().await;
        Self { service, made, other, device: Device::new(), before }
    }

    fn proof(&self) -> Proof<'_> {
        self.device.proof(&self.service.api, &self.made.plaintext)
    }

    fn request(&self) -> Request {
        self.service.api.register(&self.made, json!({"hostname": "laptop"}))
    }

    /// Sends a registration with this as its proof: it must be refused without a look at the table.
    async fn refuses(&self, why: &str, proof: impl AsRef<[u8]>) {
        self.refuses_request(why, &self.request().header("dpop", proof)).await;
    }

    async fn refuses_request(&self, why: &str, request: &Request) {
        self.service.wire.journal();
        let answer = request.send().await;
        let sent = self.service.wire.journal();
        assert!(sent.is_empty(), "{why}: {sent:?}");
        assert_eq!(answer.status, 401, "{why}: {}", answer.text);
        let problem = answer.problem(401, "invalid-proof");
        assert_eq!(problem["errors"][0]["parameter"], "DPoP", "{why}");
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{why}");
        let challenge = answer.header("www-authenticate").unwrap();
        assert_eq!(challenge, r#"DPoP algs="EdDSA", error="invalid_dpop_proof""#);
        assert!(self.service.contents().await == self.before, "{why}");
    }

    /// The very same scene with a good proof: whatever was refused was refused for its own sake.
    async fn takes_a_good_one(&self) {
        let answer = self.request().header("dpop", self.proof().sign()).send().await;
        assert_eq!(answer.of(201)["status"], "online");
        assert!(!self.service.wire.journal().is_empty());
    }
}

//! Every route of the code is deployed as it is, and nothing else is.

use std::collections::BTreeSet;

use muster_local::endpoints;
use muster_shared::http::Auth;

use super::template::{CASCADE, Route, functions, root};

#[test]
fn the_template_has_the_routes_of_the_code_and_no_other() {
    let code = endpoints().iter().map(|endpoint| Route {
        function: endpoint.name.to_owned(),
        method: endpoint.method.to_string(),
        path: endpoint.path.to_owned(),
        jwt: match endpoint.auth {
            Auth::Jwt => true,
            Auth::Anyone | Auth::EnrollmentToken | Auth::DeviceKey => false,
        },
    });
    let deployed: Vec<_> = functions().into_iter().flat_map(|function| function.routes).collect();
    let unique: BTreeSet<_> = deployed.iter().cloned().collect();
    assert_eq!(unique.len(), deployed.len(), "no route stands twice");
    assert_eq!(unique, code.collect());
}

#[test]
fn every_crate_of_a_function_is_served_here_and_deployed() {
    let crates: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("Cargo.toml").exists())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut served: BTreeSet<_> =
        endpoints().iter().map(|endpoint| endpoint.name.to_owned()).collect();
    assert_eq!(served.len(), endpoints().len(), "no endpoint stands twice");
    assert!(served.insert(CASCADE.to_owned()));
    let deployed: BTreeSet<_> = functions().into_iter().map(|function| function.name).collect();
    assert_eq!(crates, served, "local/src/endpoints.rs has every crate");
    assert_eq!(crates, deployed, "template.yaml has every crate");
}

#[test]
fn only_machines_and_who_asks_for_it_call_without_a_login_and_only_the_cascade_has_no_route() {
    for function in functions() {
        let open = function.routes.iter().any(|route| !route.jwt);
        let called =
            ["describe-sign-in", "register-node", "record-heartbeat", "get-own-node", "leave-team"];
        assert_eq!(open, called.contains(&function.name.as_str()), "{}", function.name);
        assert_eq!(function.routes.is_empty(), function.name == CASCADE, "{}", function.name);
    }
}

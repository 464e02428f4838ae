//! From a method and a path to an endpoint.

use axum::http::Method;
use muster_shared::http::Endpoint;

use crate::error::StartError;

/// The routes of the API.
pub(super) struct Routes(matchit::Router<Vec<&'static Endpoint>>);

/// An endpoint, and the parameters of its path as they were sent.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) endpoint: &'static Endpoint,
    pub(super) parameters: Vec<(String, String)>,
}

impl Routes {
    pub(super) fn new(endpoints: &'static [Endpoint]) -> Result<Self, StartError> {
        let mut router = matchit::Router::new();
        let mut placed = Vec::new();
        for endpoint in endpoints {
            let path = endpoint.path;
            let same_path = endpoints.iter().filter(|other| other.path == path);
            if !placed.contains(&path) {
                let inserted = router.insert(path, same_path.collect());
                inserted.map_err(|error| StartError::Route(endpoint.name, error.to_string()))?;
                placed.push(path);
            }
        }
        Ok(Self(router))
    }

    /// The endpoint of a request; a path is told from another before anything in it is decoded.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<Found> {
        let at = self.0.at(path).ok()?;
        let endpoint = at.value.iter().find(|endpoint| endpoint.method == method)?;
        if at.params.iter().any(|(_, value)| value.is_empty()) {
            return None;
        }
        let parameters = at.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some(Found { endpoint, parameters: parameters.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoints;

    fn find(method: &Method, path: &str) -> Option<(&'static str, Vec<(String, String)>)> {
        let found = Routes::new(endpoints()).unwrap().find(method, path)?;
        Some((found.endpoint.name, found.parameters))
    }

    #[test]
    fn every_endpoint_is_found_under_its_own_path() {
        let routes = Routes::new(endpoints()).unwrap();
        for endpoint in endpoints() {
            let found = routes.find(&endpoint.method, endpoint.path).unwrap();
            assert_eq!(found.endpoint.name, endpoint.name);
        }
    }

    #[test]
    fn a_parameter_is_one_segment_as_it_was_sent() {
        let (name, parameters) = find(&Method::DELETE, "/api/teams/t/nodes/a%2Fb").unwrap();
        assert_eq!(name, "remove-node");
        let expected = [("team_id", "t"), ("hostname", "a%2Fb")];
        assert_eq!(parameters, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn what_is_no_route_is_not_found() {
        for path in ["/", "/api", "/api/teams/", "/api/teams//members", "/api/teams/t/nodes/a/b"] {
            assert_eq!(find(&Method::GET, path), None, "{path}");
        }
        assert_eq!(find(&Method::PUT, "/api/teams"), None);
        assert_eq!(find(&Method::HEAD, "/api/teams"), None);
    }
}

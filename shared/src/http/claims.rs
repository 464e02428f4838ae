//! Who speaks: the claims of a JWT that the authorizer has verified.

use std::collections::HashMap;
use std::hash::BuildHasher;

use crate::domain::principal::{Email, Principal};

use super::problem::Problem;

/// The principal that verified claims speak for: a person by the verified e-mail address of an ID
/// token, or a machine client by its client-credentials token.
pub fn principal<S: BuildHasher>(
    claims: &HashMap<String, String, S>,
) -> Result<Principal, Problem> {
    let claim = |name: &str| claims.get(name).map(String::as_str);
    let token_use = claim("token_use");
    if let Some(email) = claim("email") {
        let verified = claim("email_verified") == Some("true");
        // Where nothing says what the token is for, these stand in access tokens alone.
        let access = ["scope", "scp", "client_id"].into_iter().any(|name| claim(name).is_some());
        if !verified || access || !matches!(token_use, None | Some("id")) {
            return Err(Problem::NoPrincipal);
        }
        let email: Email = email.parse().map_err(|_| Problem::NoPrincipal)?;
        return Ok(email.into());
    }
    // Cognito gives a client-credentials token the client's id as its subject; Auth0 says `gty`.
    let sub = claim("sub").ok_or(Problem::NoPrincipal)?;
    let is_client = claim("client_id") == Some(sub) || claim("gty") == Some("client-credentials");
    if is_client && matches!(token_use, None | Some("access")) {
        Principal::client(sub).map_err(|_| Problem::NoPrincipal)
    } else {
        Err(Problem::NoPrincipal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(claims: &[(&str, &str)]) -> Option<String> {
        let claims: HashMap<_, _> =
            claims.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        principal(&claims).ok().map(String::from)
    }

    #[test]
    fn a_person_is_their_verified_address() {
        let claims = [("sub", "1"), ("email", "Alice@Example.com"), ("email_verified", "true")];
        assert_eq!(of(&claims), Some("alice@example.com".to_owned()));
    }

    #[test]
    fn an_unverified_address_speaks_for_nobody() {
        for verified in ["false", "", "TRUE", "1"] {
            let claims = [("sub", "1"), ("email", "a@b.example"), ("email_verified", verified)];
            assert_eq!(of(&claims), None);
        }
        assert_eq!(of(&[("sub", "1"), ("email", "a@b.example")]), None);
    }

    #[test]
    fn a_client_is_recognised_and_a_persons_access_token_is_not_one() {
        let client = [("sub", "abc"), ("client_id", "abc"), ("token_use", "access")];
        assert_eq!(of(&client), Some("client:abc".to_owned()));
        let person = [("sub", "user-1"), ("client_id", "abc"), ("token_use", "access")];
        assert_eq!(of(&person), None);
        assert_eq!(
            of(&[("sub", "abc@clients"), ("gty", "client-credentials")]),
            Some("client:abc@clients".to_owned())
        );
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("sub", "user-1")]), None);
    }

    #[test]
    fn an_access_token_with_an_address_is_no_id_token() {
        let claims =
            [("email", "a@b.example"), ("email_verified", "true"), ("token_use", "access")];
        assert_eq!(of(&claims), None);
        let claims = [("email", "a@b.example"), ("email_verified", "true"), ("scope", "openid")];
        assert_eq!(of(&claims), None);
    }
}

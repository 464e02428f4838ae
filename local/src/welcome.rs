//! What is told on start: what to paste next.

use std::path::Path;

/// The text for a system at `url` with its data in `data`.
pub(crate) fn text(url: &str, data: Option<&Path>) -> String {
    let data = data.map_or_else(|| "memory".to_owned(), |path| path.display().to_string());
    format!(
        r#"Muster is at {url}, its data in {data}. Ctrl-C stops it.

Paste this into another terminal: it makes a team and a token, and registers this machine.

  muster={url}
  field() {{ sed -E "s/.*\"$1\":\"([^\"]*)\".*/\1/"; }}
  jwt=$(curl -sS "$muster/dev/token?email=alice@example.com" | field id_token)
  api() {{ curl -sS -H "Authorization: Bearer $jwt" -H 'Content-Type: application/json' "$@"; }}
  team=$(api "$muster/api/teams" -d '{{"name": "Example"}}' | field id)
  token=$(api "$muster/api/teams/$team/registration-tokens" -d '{{"name": "First", "max_uses": 50}}' | field token)
  curl -sS "$muster/api/register-node" -H 'Content-Type: application/json' \
    -d "{{\"token\": \"$token\", \"hostname\": \"$(uname -n)\"}}"; echo
  api "$muster/api/teams/$team/nodes"; echo

"#
    )
}

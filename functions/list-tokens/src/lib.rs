//! Lists a team's tokens: filtered, searched, sorted, page by page.

use muster_shared::domain::listing::{Order, Place, Sort, TokenQuery};
use muster_shared::domain::token::Status;
use muster_shared::http::cursor;
use muster_shared::http::fields::{search, text};
use muster_shared::http::views::TokenView;
use muster_shared::http::{Auth, Call, Endpoint, Method, Problem, Reply};
use muster_shared::store::WarmUp;

/// `GET /api/teams/{team_id}/registration-tokens`
pub const ENDPOINT: Endpoint = Endpoint {
    name: "list-tokens",
    method: Method::GET,
    path: "/api/teams/{team_id}/registration-tokens",
    auth: Auth::Jwt,
    warm_up: WarmUp::Member,
    handle: |call| Box::pin(handle(call)),
};

async fn handle(call: Call) -> Result<Reply, Problem> {
    let caller = call.principal()?;
    let team = call.team()?;
    let mut query = call.query();
    let limit = query.optional::<cursor::Limit>("limit", text);
    let after = query.optional::<Place>("cursor", cursor::parameter);
    let status = query.optional::<Status>("status", text);
    let q = query.optional("q", search);
    let sort = query.optional::<Sort>("sort", text);
    let order = query.optional::<Order>("order", text);
    let wanted = TokenQuery {
        status: status.unwrap_or_default(),
        q: q.unwrap_or_default(),
        sort: sort.unwrap_or_default().unwrap_or_default(),
        order: order.unwrap_or_default().unwrap_or(Order::Desc),
    };
    if let Ok(Some(after)) = &after
        && !after.is_of(&wanted)
    {
        query.wrong("cursor", "is of a list sorted another way; leave it out to begin anew");
    }
    query.finish()?;
    let limit = limit?.unwrap_or_default();
    let tokens = call.store().list_tokens(team, &caller).await?;
    let now = call.now();
    let selected = wanted.select(&tokens, after?.as_ref(), limit.get() + 1, now);
    let (selected, next) =
        cursor::page(selected, limit, |(token, usage)| wanted.place(token, *usage));
    let views: Vec<_> =
        selected.iter().map(|(token, usage)| TokenView::new(token, *usage, now)).collect();
    Ok(Reply::page("tokens", &views, next))
}

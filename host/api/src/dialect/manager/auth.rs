//! Who calls: whoever has a key, or, where the operator opens that, everybody but foreign pages.

use http::HeaderMap;
use warbler_domain::{Caller, Scope};

use super::ManagerState;
use crate::caller::{has_credential, in_api_key, in_basic, in_bearer, secret_of};
use crate::dialect::foreign::{no_foreign_page, no_page_at_all};
use crate::dialect::{Switch, holder_of};
use crate::problem::Problem;

/// What is asked of whoever shows nothing.
const WANTED: &str = "Authentication required: send the key as `Authorization: Bearer <key>`, as `X-API-Key: <key>`, or as the password of the URL";

/// The caller that a request's headers name.
pub(super) async fn recognise(
    state: &ManagerState,
    headers: &HeaderMap,
) -> Result<Caller, Problem> {
    if !has_credential(headers) && state.is_open(Switch::ManagerNoAuth) {
        return anybody(state, headers, Scope::Manage);
    }
    let shown = in_bearer(headers).or_else(|| in_api_key(headers));
    let password = match shown {
        Some(_) => None,
        None => in_basic(headers),
    };
    if password.is_some() {
        no_foreign_page(headers, &state.terms.origins)?;
    }
    let secret = secret_of(shown.or(password.as_deref()), WANTED)?;
    holder_of(state, &secret).await
}

/// Whoever shows nothing where nothing has to be shown.
pub(super) fn anybody(
    state: &ManagerState,
    headers: &HeaderMap,
    scope: Scope,
) -> Result<Caller, Problem> {
    no_page_at_all(headers, &state.terms.origins)?;
    Ok(Caller::nobody(scope))
}

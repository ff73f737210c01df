//! Who calls: whoever has a key, or, where the operator opens that, everybody but foreign pages.

use http::HeaderMap;
use warbler_domain::{Caller, Scope};

use super::Manager;
use crate::caller::{has_credential, in_api_key, in_basic, in_bearer, secret_of};
use crate::dialect::foreign::{no_foreign_page, no_page_at_all};
use crate::dialect::{DialectState, Switch, holder_of};
use crate::problem::Problem;

/// What is asked of whoever shows nothing.
const WANTED: &str = "Authentication required: send the key as `Authorization: Bearer <key>`, as `X-API-Key: <key>`, or as the password of the URL";

/// What whoever shows nothing may do, where that is open.
pub(super) const OPEN: (Switch, Scope) = (Switch::ManagerNoAuth, Scope::Manage);

/// The caller that a request's headers name; whoever shows nothing, where one of these is `open`.
pub(super) async fn recognise(
    state: &DialectState<Manager>,
    headers: &HeaderMap,
    open: &[(Switch, Scope)],
) -> Result<Caller, Problem> {
    let open = open.iter().find(|(switch, _)| state.is_open(*switch));
    if let Some((_, scope)) = open.filter(|_| !has_credential(headers)) {
        no_page_at_all(headers, &state.terms.origins)?;
        return Ok(Caller::nobody(*scope));
    }
    let shown = in_bearer(headers).or_else(|| in_api_key(headers));
    let password = in_basic(headers).filter(|_| shown.is_none());
    if password.is_some() {
        no_foreign_page(headers, &state.terms.origins)?;
    }
    let secret = secret_of(shown.or(password.as_deref()), WANTED)?;
    holder_of(state, &secret).await
}

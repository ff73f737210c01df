//! The native API, `/v1`: one file per resource, each with its routes, handlers and wire types.
//!
//! The wire types are this API's own: JSON in camelCase; a field without a value is left out;
//! times are RFC 3339 in UTC; unknown fields of a request are refused by name.

mod audit;
pub(crate) mod broadcasts;
mod calls;
pub(crate) mod campaigns;
mod chats;
mod contacts;
pub(crate) mod docs;
mod engines;
mod events;
mod extensions;
mod groups;
mod keys;
mod login;
pub(crate) mod media;
mod messages;
pub(crate) mod metrics;
pub(crate) mod openapi;
mod outbox;
mod profile;
mod rules;
mod schedules;
mod sessions;
mod stats;
mod suppressions;
mod users;
pub(crate) mod webhooks;
mod words;

use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use utoipa::ToSchema;
use warbler_domain::page::Page;

use crate::mount::Route;
use crate::problem::Problem;

/// Every route of this API, in reading order, each in its section of the document.
pub(crate) fn routes() -> Vec<Route> {
    let sections = [
        ("Sessions", sessions::routes()),
        ("Sessions", sessions::settings::routes()),
        ("Sessions", engines::routes()),
        ("Sessions", sessions::proxy::routes()),
        ("Pairing", sessions::pairing::routes()),
        ("Pairing", sessions::passkey::routes()),
        ("Messages", messages::routes()),
        ("Sending", outbox::routes()),
        ("Media", media::routes()),
        ("Chats", chats::routes()),
        ("Contacts", contacts::routes()),
        ("Groups", groups::routes()),
        ("Calls", calls::routes()),
        ("Profile", profile::routes()),
        ("Statistics", stats::routes()),
        ("Events", events::routes()),
        ("Webhooks", webhooks::routes()),
        ("Campaigns", campaigns::routes()),
        ("Campaigns", broadcasts::routes()),
        ("Campaigns", suppressions::routes()),
        ("Schedules", schedules::routes()),
        ("Rules", rules::routes()),
        ("Extensions", extensions::routes()),
        ("Login", login::routes()),
        ("Users", users::routes()),
        ("Keys", keys::routes()),
        ("Audit", audit::routes()),
        ("Host", openapi::routes()),
        ("Host", metrics::routes()),
    ];
    let rows = sections.into_iter();
    rows.flat_map(|(section, routes)| routes.into_iter().map(|route| route.in_section(section)))
        .collect()
}

/// A text of a body, parsed into the type it stands for; `field` is where it was written.
pub(crate) fn in_field<T: FromStr<Err: Display>>(
    code: &'static str,
    field: &str,
    text: &str,
) -> Result<T, Problem> {
    let parsed = text.parse();
    parsed.map_err(|err: T::Err| Problem::invalid(code, err.to_string()).in_field(field))
}

/// A list, or a page of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listing<T> {
    /// The entries.
    items: Vec<T>,
    /// The `cursor` of the next page; null on the last one.
    #[schema(required)]
    next: Option<String>,
}

impl<T> Listing<T> {
    /// A list that is shown whole.
    fn whole<S>(items: Vec<S>) -> Self
    where
        T: From<S>,
    {
        Self {
            items: items.into_iter().map(T::from).collect(),
            next: None,
        }
    }
}

impl<S, T: From<S>> From<Page<S>> for Listing<T> {
    fn from(page: Page<S>) -> Self {
        let next = page.next.map(|cursor| cursor.to_string());
        Self {
            items: page.items.into_iter().map(T::from).collect(),
            next,
        }
    }
}

//! Which hooks a component has, told from what it exports.

use warbler_domain::extension::Hook;
use wasmtime::Engine;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, InstancePre};

use super::PluginState;
use super::contract::exports::warbler::plugin::{
    event_handler, lifecycle, template_renderer, webhook_transformer,
};
use crate::fault::Fault;

/// The version of the contract this host speaks, and those it understands with it.
pub(super) const VERSION: &str = "0.1.1";
/// How the versions begin that this host runs.
const COMPATIBLE: &str = "0.1.";
/// The package of the contract.
const PACKAGE: &str = "warbler:plugin/";
/// What the contract lets a plugin import.
const IMPORTS: [&str; 9] = [
    "types", "outbox", "schedule", "kv", "http", "log", "config", "secrets", "history",
];

/// The exports of one component that this host calls.
#[derive(Clone)]
pub(super) struct Exports {
    pub(super) event: Option<event_handler::GuestIndices>,
    pub(super) template: Option<template_renderer::GuestIndices>,
    pub(super) webhook: Option<webhook_transformer::GuestIndices>,
    pub(super) lifecycle: Option<lifecycle::GuestIndices>,
}

impl Exports {
    /// The exports of a component that is linked.
    pub(super) fn of(
        component: &Component,
        engine: &Engine,
        linked: &InstancePre<PluginState>,
    ) -> Result<Self, Fault> {
        let found = Found::of(component, engine);
        // A wrong type inside is told by wasmtime.
        let shape = |error: wasmtime::Error| missing_export(&format!("{error:#}"));
        let exports = Self {
            event: found
                .has("event-handler")
                .then(|| event_handler::GuestIndices::new(linked))
                .transpose()
                .map_err(shape)?,
            template: found
                .has("template-renderer")
                .then(|| template_renderer::GuestIndices::new(linked))
                .transpose()
                .map_err(shape)?,
            webhook: found
                .has("webhook-transformer")
                .then(|| webhook_transformer::GuestIndices::new(linked))
                .transpose()
                .map_err(shape)?,
            lifecycle: found
                .has("lifecycle")
                .then(|| lifecycle::GuestIndices::new(linked))
                .transpose()
                .map_err(shape)?,
        };
        if exports.hooks().is_empty() {
            return Err(missing_export(&found.in_words()));
        }
        Ok(exports)
    }

    /// The hooks among them.
    pub(super) fn hooks(&self) -> Vec<Hook> {
        let hooks = [
            (self.event.is_some(), Hook::Event),
            (self.template.is_some(), Hook::Template),
            (self.webhook.is_some(), Hook::Webhook),
        ];
        let there = hooks.into_iter().filter(|(there, _)| *there);
        there.map(|(_, hook)| hook).collect()
    }
}

/// The interfaces of our package that a component exports, with their versions.
struct Found(Vec<(String, String)>);

impl Found {
    fn of(component: &Component, engine: &Engine) -> Self {
        let ty = component.component_type();
        let ours = ty
            .exports(engine)
            .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentInstance(_)))
            .filter_map(|(name, _)| name.strip_prefix(PACKAGE).map(interface));
        Self(ours.collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0
            .iter()
            .any(|(interface, version)| interface == name && is_compatible(version))
    }

    fn in_words(&self) -> String {
        if self.0.is_empty() {
            return "the component exports none of them".to_owned();
        }
        let found: Vec<_> = self
            .0
            .iter()
            .map(|(interface, version)| format!("{interface}@{version}"))
            .collect();
        format!("the component exports {}", found.join(", "))
    }
}

/// Why a component cannot be linked: what it wants that is not offered, and what to do.
pub(super) fn unknown_import(
    component: &Component,
    engine: &Engine,
    error: &wasmtime::Error,
) -> Fault {
    let ty = component.component_type();
    let ours = ty
        .imports(engine)
        .filter_map(|(name, _)| name.strip_prefix(PACKAGE).map(interface));
    for (name, version) in ours {
        if !is_compatible(&version) {
            return Fault::new(
                "unknown-import",
                format!(
                    "the component is built for version {version} of {PACKAGE}{name}; this host speaks {COMPATIBLE}x, \
                     up to {VERSION}. Build it against wit/ of this host, or update the host."
                ),
            );
        }
        if !IMPORTS.contains(&name.as_str()) {
            return Fault::new(
                "unknown-import",
                format!(
                    "the component wants {PACKAGE}{name}@{version}, which this host, at {VERSION}, does not have; \
                     update the host, or build without it."
                ),
            );
        }
    }
    Fault::new(
        "unknown-import",
        format!(
            "{error:#}. This host offers {PACKAGE}{{{}}}@{VERSION} and WASI 0.2; build the plugin against that.",
            IMPORTS[1..].join(",")
        ),
    )
}

fn missing_export(found: &str) -> Fault {
    Fault::new(
        "missing-export",
        format!(
            "a plugin exports {PACKAGE}event-handler, {PACKAGE}template-renderer or {PACKAGE}webhook-transformer, \
             version 0.1.0 to {VERSION}; {found}. Build it for the world `event-plugin`, `template-plugin` or \
             `webhook-plugin` of warbler:plugin@{VERSION}."
        ),
    )
}

fn interface(name: &str) -> (String, String) {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    (interface.to_owned(), version.to_owned())
}

fn is_compatible(version: &str) -> bool {
    version.starts_with(COMPATIBLE)
}

//! One row of a dialect: an endpoint, who may call it and what serves it.

use axum::handler::Handler;
use axum::routing::{MethodFilter, MethodRouter, on};
use http::{Method, StatusCode};

use super::{DialectState, Voice};

/// An endpoint of a dialect.
pub(crate) struct Row<V: Voice> {
    /// Its method.
    pub(super) method: Method,
    /// Its path, from the dialect's base.
    pub(super) path: &'static str,
    /// Who may call; nothing for everybody.
    pub(super) who: Option<V::Who>,
    /// Codes that have another status here.
    pub(super) recasts: Vec<(&'static str, StatusCode)>,
    /// Whether its body may be as large as media are.
    pub(super) carries_media: bool,
    /// Whether a page of the host may answer instead, at the host's own listener.
    pub(super) yields: bool,
    /// What serves it.
    pub(super) service: MethodRouter<DialectState<V>>,
}

impl<V: Voice> Row<V> {
    fn new<H, T>(
        (method, filter): (Method, MethodFilter),
        path: &'static str,
        who: impl Into<Option<V::Who>>,
        handler: H,
    ) -> Self
    where
        H: Handler<T, DialectState<V>>,
        T: 'static,
    {
        Self {
            method,
            path,
            who: who.into(),
            recasts: Vec::new(),
            carries_media: false,
            yields: false,
            service: on(filter, handler),
        }
    }

    /// `GET`, and `HEAD` with it.
    pub(crate) fn get<H, T>(path: &'static str, who: impl Into<Option<V::Who>>, handler: H) -> Self
    where
        H: Handler<T, DialectState<V>>,
        T: 'static,
    {
        Self::new((Method::GET, MethodFilter::GET), path, who, handler)
    }

    /// `POST`.
    pub(crate) fn post<H, T>(path: &'static str, who: impl Into<Option<V::Who>>, handler: H) -> Self
    where
        H: Handler<T, DialectState<V>>,
        T: 'static,
    {
        Self::new((Method::POST, MethodFilter::POST), path, who, handler)
    }

    /// `PUT`.
    pub(crate) fn put<H, T>(path: &'static str, who: impl Into<Option<V::Who>>, handler: H) -> Self
    where
        H: Handler<T, DialectState<V>>,
        T: 'static,
    {
        Self::new((Method::PUT, MethodFilter::PUT), path, who, handler)
    }

    /// `DELETE`.
    pub(crate) fn delete<H, T>(
        path: &'static str,
        who: impl Into<Option<V::Who>>,
        handler: H,
    ) -> Self
    where
        H: Handler<T, DialectState<V>>,
        T: 'static,
    {
        Self::new((Method::DELETE, MethodFilter::DELETE), path, who, handler)
    }

    /// Answers these refusals with another status than the rest of the host.
    pub(crate) fn answers(mut self, status: StatusCode, codes: &[&'static str]) -> Self {
        self.recasts
            .extend(codes.iter().map(|code| (*code, status)));
        self
    }

    /// Lets its body be as large as media are.
    pub(crate) fn carries_media(mut self) -> Self {
        self.carries_media = true;
        self
    }

    /// Lets the host's own page of that path answer where the dialect is at the root of the host's
    /// listener.
    pub(crate) fn yields(mut self) -> Self {
        self.yields = true;
        self
    }
}

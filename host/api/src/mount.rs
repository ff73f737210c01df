//! What is served where, from one table.
//!
//! A [`Route`] is one row: a handler, and what the document says about it. Method and path come
//! from the row's own documentation, so the router and `/openapi.json` cannot differ. Everything
//! under `/v1` is behind a key, unknown paths too, but for logging in; nothing else is.

use std::any::Any;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{FromRef, MatchedPath, Request, State};
use axum::handler::Handler;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, any, any_service, on};
use axum::{Extension, Router};
use futures_util::FutureExt as _;
use http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Method, StatusCode, Uri};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};
use utoipa::openapi::RefOr;
use utoipa::openapi::path::{HttpMethod, Operation, ParameterIn};
use warbler_app::App;
use warbler_domain::{Clock, Dialect};

use crate::caller::{CallerLabel, PROBES, Proxies, admins_only, authenticate, count_stranger};
use crate::dialect::{self, DialectOptions, Registration, Terms};
use crate::extract::{BodyLimit, BodyRoom};
use crate::native;
use crate::native::metrics::Requests;
use crate::native::openapi::Pages;
use crate::problem::Problem;

/// Where the native API begins.
const BASE: &str = "/v1";
/// Event streams open at the same time.
const MAX_STREAMS: usize = 256;

/// What the API needs besides the core.
pub struct ApiOptions {
    /// Routes of the embedded simulated network, served at `/v1/simulator` behind the key.
    pub embedded_network: Option<Router>,
    /// Largest body of a request that carries media, in bytes (of base64).
    pub max_body: usize,
    /// Proxies that are believed when they say for whom they call (`X-Forwarded-For`).
    pub trusted_proxies: Vec<IpAddr>,
    /// The host's version, as documents show it.
    pub version: &'static str,
    /// Time, for answers that say until when something holds.
    pub clock: Arc<dyn Clock>,
    /// Ends the event streams; cancel it together with the token of [`crate::serve`].
    pub stop: CancellationToken,
    /// The WebSockets, which outlive their requests; wait for them after [`crate::serve`].
    pub tasks: TaskTracker,
    /// How long the reader of a WebSocket may take over what it is sent.
    pub slow_reader: Duration,
    /// Whether `/metrics` is shown without a key to whoever asks from this machine.
    pub open_metrics: bool,
    /// Where and how the dialects are served.
    pub dialects: DialectOptions,
    /// Whether only this machine reaches the host's own listener.
    pub local: bool,
}

impl ApiOptions {
    /// 24 MiB, enough for 18 MiB of media in base64.
    pub const MAX_BODY: usize = 24 * 1024 * 1024;

    /// Ten seconds.
    pub const SLOW_READER: Duration = Duration::from_secs(10);

    /// The default: no embedded network, bodies up to [`Self::MAX_BODY`].
    pub fn new(version: &'static str, clock: Arc<dyn Clock>, stop: CancellationToken) -> Self {
        Self {
            embedded_network: None,
            max_body: Self::MAX_BODY,
            trusted_proxies: Vec::new(),
            version,
            clock,
            stop,
            tasks: TaskTracker::new(),
            slow_reader: Self::SLOW_READER,
            open_metrics: false,
            dialects: DialectOptions::default(),
            local: true,
        }
    }
}

/// What handlers and extractors are given.
#[derive(Clone)]
pub(crate) struct ApiState {
    pub(crate) app: App,
    pub(crate) bodies: BodyRoom,
    pub(crate) proxies: Proxies,
    pub(crate) open_metrics: bool,
    pub(crate) requests: Requests,
    pub(crate) max_body: usize,
    pub(crate) clock: Arc<dyn Clock>,
    pages: Arc<Pages>,
    streams: Streams,
}

impl FromRef<ApiState> for App {
    fn from_ref(state: &ApiState) -> Self {
        state.app.clone()
    }
}

impl FromRef<ApiState> for Arc<dyn Clock> {
    fn from_ref(state: &ApiState) -> Self {
        Arc::clone(&state.clock)
    }
}

impl FromRef<ApiState> for Arc<Pages> {
    fn from_ref(state: &ApiState) -> Self {
        Arc::clone(&state.pages)
    }
}

impl FromRef<ApiState> for Streams {
    fn from_ref(state: &ApiState) -> Self {
        state.streams.clone()
    }
}

/// The room for event streams, and what ends them.
#[derive(Clone)]
pub(crate) struct Streams {
    pub(crate) room: Arc<Semaphore>,
    pub(crate) stop: CancellationToken,
    pub(crate) tasks: TaskTracker,
    pub(crate) slow: Duration,
}

/// One row of the table.
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) method: HttpMethod,
    pub(crate) operation: Operation,
    /// The statuses and codes it refuses with.
    pub(crate) refusals: BTreeMap<u16, Vec<&'static str>>,
    service: MethodRouter<ApiState>,
    carries_media: bool,
    open: bool,
}

impl Route {
    /// The route that `P` documents and `handler` serves.
    pub(crate) fn of<P: utoipa::Path, H: Handler<T, ApiState>, T: 'static>(
        _: P,
        handler: H,
    ) -> Self {
        let method = P::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        let operation = P::operation();
        let path = P::path();
        let mut refusals: BTreeMap<u16, Vec<&'static str>> = BTreeMap::new();
        let mut refuse =
            |status: u16, codes: &[&'static str]| refusals.entry(status).or_default().extend(codes);
        if !PROBES.contains(&path.as_str()) {
            refuse(429, &["rate_limited"]);
        }
        if is_guarded(&path) {
            refuse(401, &["missing_key", "invalid_key", "token_expired"]);
            refuse(403, &["scope_required"]);
            refuse(500, &["internal"]);
            refuse(503, &["store_unavailable", "disk_full"]);
        }
        if has_parameter(&operation, &ParameterIn::Path) {
            refuse(400, &["invalid_path"]);
        }
        if has_parameter(&operation, &ParameterIn::Query) {
            refuse(400, &["invalid_query"]);
        }
        if operation.request_body.is_some() {
            refuse(
                400,
                &[
                    "missing_body",
                    "invalid_json",
                    "invalid_body",
                    "unknown_field",
                ],
            );
            refuse(408, &["body_timeout"]);
            refuse(413, &["body_too_large"]);
            refuse(415, &["unsupported_media_type"]);
        }
        let service = on(filter_of(&method), handler);
        Self {
            method,
            operation,
            refusals,
            service,
            carries_media: false,
            open: !is_guarded(&path),
            path,
        }
    }

    /// Needs no key, although it is under `/v1`.
    pub(crate) fn without_key(mut self) -> Self {
        self.open = true;
        self.refusals.remove(&401);
        self.refusals.remove(&403);
        self
    }

    /// Needs a key, although it is not under `/v1`; its handler looks for it.
    pub(crate) fn with_key(mut self) -> Self {
        self.open = false;
        self
    }

    /// Its body is a file, not JSON.
    pub(crate) fn takes_a_file(mut self) -> Self {
        self.refusals.remove(&413);
        if let Some(codes) = self.refusals.get_mut(&400) {
            codes.retain(|code| matches!(*code, "invalid_path" | "invalid_query"));
        }
        self
    }

    /// Documents further refusals.
    pub(crate) fn refuses(mut self, status: StatusCode, codes: &[&'static str]) -> Self {
        self.refusals
            .entry(status.as_u16())
            .or_default()
            .extend(codes);
        self
    }

    /// Puts it into a section of the document.
    pub(crate) fn in_section(mut self, section: &str) -> Self {
        self.operation.tags = Some(vec![section.to_owned()]);
        self
    }

    /// Its body may be as large as media are.
    pub(crate) fn carries_media(mut self) -> Self {
        self.carries_media = true;
        self
    }

    /// Whether a key is needed.
    pub(crate) fn is_guarded(&self) -> bool {
        !self.open
    }
}

fn has_parameter(operation: &Operation, place: &ParameterIn) -> bool {
    let mut parameters = operation.parameters.iter().flatten();
    parameters.any(
        |parameter| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place),
    )
}

fn is_guarded(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.starts_with('/'))
}

fn filter_of(method: &HttpMethod) -> MethodFilter {
    match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    }
}

/// What each listener serves.
pub struct Routers {
    /// The host's own: the native API, the dialects below their prefixes, and one at its root.
    pub main: Router,
    /// Those of dialects that have their own.
    pub own: BTreeMap<Dialect, Router>,
}

/// Everything that the host's own listener serves.
pub fn router(app: App, options: ApiOptions) -> Router {
    routers(app, options).main
}

/// Everything that is served. What the options say about dialects must have been checked.
pub fn routers(app: App, options: ApiOptions) -> Routers {
    let dialects = options.dialects.clone();
    let started = options.clock.now();
    let (version, local) = (options.version, options.local);
    let (mut main, state) = native_router(app, options);
    let open = Arc::new(dialects.documented_unsafe);
    let origins = dialects.cors_origins.iter();
    let origins: Arc<[HeaderValue]> = origins.filter_map(|text| text.parse().ok()).collect();
    let serve = |dialect: Dialect, limited: bool, local: bool| {
        let terms = Terms {
            open: Arc::clone(&open),
            registration: match dialects.registration {
                Registration::Open => true,
                Registration::Loopback => local,
                Registration::Closed => false,
            },
            limited,
            zone: dialects.zone.clone(),
            legacy_session: dialects.legacy_session.clone(),
            origins: Arc::clone(&origins),
            version,
            started,
        };
        dialect::router(dialect, &state, terms)
    };
    let mut own = BTreeMap::new();
    for (dialect, mount) in dialects.mounts {
        if let Some(prefix) = mount.prefix {
            let router = serve(dialect, mount.rate_limits, local);
            // `nest` leaves out the bare slash.
            let slash = format!("{prefix}/");
            main = main.nest(prefix.as_str(), router.clone());
            main = main.route(&slash, any_service(router));
        }
        if dialects.root == Some(dialect) {
            let router = serve(dialect, mount.rate_limits, local);
            main = main.fallback_service(router);
        }
        if let Some(address) = mount.listen {
            let local = address.ip().to_canonical().is_loopback();
            own.insert(dialect, serve(dialect, mount.rate_limits, local));
        }
    }
    Routers { main, own }
}

/// The native API, and what every API is given.
fn native_router(app: App, options: ApiOptions) -> (Router, ApiState) {
    let table = native::routes();
    let state = ApiState {
        app,
        bodies: BodyRoom::new(options.max_body),
        proxies: Proxies::new(&options.trusted_proxies),
        open_metrics: options.open_metrics,
        requests: Requests::default(),
        max_body: options.max_body,
        clock: options.clock,
        pages: Arc::new(Pages::of(&table, options.version)),
        streams: Streams {
            room: Arc::new(Semaphore::new(MAX_STREAMS)),
            stop: options.stop,
            tasks: options.tasks,
            slow: options.slow_reader,
        },
    };
    let mut guarded = Router::new();
    let mut open = Router::new();
    for route in table {
        let limit = if route.carries_media {
            BodyLimit(options.max_body)
        } else {
            BodyLimit::SMALL
        };
        let service = route.service.layer(Extension(limit));
        match route.path.strip_prefix(BASE).filter(|_| !route.open) {
            Some(below) => guarded = guarded.route(below, service),
            None => open = open.route(&route.path, service),
        }
    }
    if let Some(network) = options.embedded_network {
        let network = network.with_state(()).layer(from_fn(admins_only));
        guarded = guarded.nest("/simulator", network);
    }
    let guarded = guarded
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.clone(), authenticate));
    let open = open.route_layer(from_fn_with_state(state.clone(), count_stranger));
    // `nest` leaves out the bare slash.
    let slash = any(unknown_path).layer(from_fn_with_state(state.clone(), authenticate));
    let router = open
        .nest(BASE, guarded)
        .route("/v1/", slash)
        .fallback(unknown_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(state.requests.clone(), observe))
        .with_state(state.clone());
    (router, state)
}

async fn unknown_path(uri: Uri) -> Problem {
    let detail = format!("nothing is served at {}; /docs lists what is", uri.path());
    Problem::new(StatusCode::NOT_FOUND, "unknown_path", detail)
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "{} does not answer {method}; `Allow` says what it answers",
        uri.path()
    );
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// Around every request: its log line, and the headers every answer has.
async fn observe(State(requests): State<Requests>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let is_guarded = route.is_some_and(|route| is_guarded(route.as_str()));
    let mut response = watched(&requests, request, next, Problem::into_response).await;
    if is_guarded {
        response
            .headers_mut()
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// Counts and logs a request. A handler that panics costs its caller an answer, which `say` puts
/// into words, and nobody else anything.
pub(crate) async fn watched(
    requests: &Requests,
    request: Request,
    next: Next,
    say: impl FnOnce(Problem) -> Response,
) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("-", MatchedPath::as_str);
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let mut response = answered.unwrap_or_else(|panic| say(panicked(panic, &method, route)));
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let caller = response
        .extensions()
        .get()
        .map_or("-", |CallerLabel(label)| label.as_str());
    let status = response.status().as_u16();
    let took = began.elapsed();
    requests.answered(method.as_str(), route, status, took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    debug!(%method, route, status, micros, caller, "{method} {route} was answered {status}");
    response
}

/// The panic's own text may quote a request, so it stays out of the log.
fn panicked(_panic: Box<dyn Any + Send>, method: &Method, route: &str) -> Problem {
    error!(%method, route, "A handler panicked; the host goes on");
    let detail = "something went wrong inside; the log says more";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
}

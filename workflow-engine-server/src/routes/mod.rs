//! The routes of the API. One table makes the router and the document.

mod route;
mod health;
mod metrics;
mod me;
mod sessions;
mod documents;
mod list_runs;
mod start_run;
mod run_detail;
mod run_children;
mod run_payloads;
mod run_history;
mod steer_run;
mod live_streams;
mod bulk_actions;
mod approvals;
mod schedules;
mod hooks;
mod fork_run;
mod workflows;
mod overview;
mod costs;
mod dead_letters;
mod views;

use axum::Router;
use axum::middleware::from_fn_with_state;
use http::{HeaderName, Method, StatusCode, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

pub(crate) use route::{Route, SchemaOf};
pub(crate) use views::SharedView;

use crate::app::App;
use crate::authorize::authorize;
use crate::dashboard;
use crate::guard::guard;
use crate::http_metrics::measure;
use crate::problem::Problem;

/// The path below which the API lives.
pub(crate) const BASE: &str = "/api/v1";

/// Returns all routes, in the order of the document.
pub(crate) fn table() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(list_runs::routes());
    routes.extend(start_run::routes());
    routes.extend(run_detail::routes());
    routes.extend(run_children::routes());
    routes.extend(run_payloads::routes());
    routes.extend(run_history::routes());
    routes.extend(steer_run::routes());
    routes.extend(fork_run::routes());
    routes.extend(live_streams::routes());
    routes.extend(bulk_actions::routes());
    routes.extend(approvals::routes());
    routes.extend(schedules::routes());
    routes.extend(hooks::routes());
    routes.extend(workflows::routes());
    routes.extend(overview::routes());
    routes.extend(costs::routes());
    routes.extend(dead_letters::routes());
    routes.extend(views::routes());
    routes.extend(me::routes());
    routes.extend(sessions::routes());
    routes.extend(documents::routes());
    routes.extend(health::routes());
    routes.extend(metrics::routes());
    routes
}

/// Makes the router.
pub(crate) fn router(app: App) -> Router {
    let mut router: Router<App> = Router::new();
    for route in table() {
        let handler = match route.need {
            Some(need) => route.handler.route_layer(from_fn_with_state((app.clone(), need), authorize)),
            None => route.handler,
        };
        // The outermost, so that it measures the refusals too.
        let meter = app.metrics.meter(format!("{} {}", route.method, route.path));
        let handler = handler.route_layer(from_fn_with_state(meter, measure));
        router = router.route(&route.path, handler);
    }
    let router = router
        .fallback(dashboard::serve)
        .method_not_allowed_fallback(|| async {
            let detail = "the route has other methods: the header `Allow` lists them";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)
        })
        .layer(cors(&app))
        .layer(from_fn_with_state(app.clone(), guard));
    let path = app.settings.path().to_owned();
    let router = router.with_state(app);
    if path.is_empty() {
        return router;
    }
    // A proxy may strip the public path, or not.
    Router::new().nest(&path, router.clone()).fallback_service(router)
}

fn cors(app: &App) -> CorsLayer {
    let exposed = [header::ETAG, header::LOCATION, header::RETRY_AFTER];
    let own = ["x-request-id", "x-total-bytes"].map(HeaderName::from_static);
    let accepted = [header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH];
    let accepted = accepted.into_iter().chain([HeaderName::from_static("idempotency-key")]);
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(app.settings.cors_origins.clone()))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::DELETE])
        .allow_headers(accepted.collect::<Vec<_>>())
        .expose_headers(exposed.into_iter().chain(own).collect::<Vec<_>>())
}

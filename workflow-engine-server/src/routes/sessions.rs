//! Sessions of browsers.

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{HeaderValue, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Route;
use crate::app::App;
use crate::authorize;
use crate::problem::Problem;
use crate::request::JsonBody;
use crate::session;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/session", "logIn", log_in)
            .public()
            .summary("Begins a session of 12 hours: its cookie stands for the token.")
            .body::<LogIn>()
            .answer(204, "The cookie is set.", Vec::new()),
        Route::delete("/session", "logOut", log_out)
            .public()
            .summary("Ends the session in this browser.")
            .answer(204, "The cookie is gone.", Vec::new()),
    ]
}

/// A log-in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct LogIn {
    /// The token.
    token: String,
}

async fn log_in(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    authorize::check_origin(&app, &parts)?;
    let address = authorize::address(&app, &parts);
    let request = Request::from_parts(parts, body);
    let JsonBody(LogIn { token }) = JsonBody::from_request(request, &app).await?;
    let token = authorize::log_in(&app, address, &token)?;
    Ok(with_cookie(&session::cookie(&app, token)))
}

async fn log_out(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    authorize::check_origin(&app, &parts)?;
    Ok(with_cookie(&session::ended_cookie(&app)))
}

fn with_cookie(cookie: &str) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

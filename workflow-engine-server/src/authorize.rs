//! Who sends a request, and whether it may.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use workflow_engine::Actor;

use crate::access::{ClientAddress, Identity};
use crate::app::App;
use crate::audit;
use crate::grant::Grant;
use crate::guard::{self, RequestId};
use crate::problem::Problem;
use crate::{session, token};

/// The sender of a request that was let through.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) via: Via,
    pub(crate) request_id: String,
}

/// How a sender has proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    Token,
    Session,
    /// The program's own sign-on, by this name.
    Access(&'static str),
    /// The server is open.
    Open,
    /// The address of a hook.
    Hook,
}

impl Caller {
    /// Returns who acts, for the engine's list of actions and its audit log.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(&self.name).via(self.via.as_str()).request_id(&self.request_id)
    }

    /// Returns whether payloads are shown.
    pub(crate) fn sees_payloads(&self) -> bool {
        self.grant >= Grant::ReadPayloads
    }
}

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub(crate) grant: Grant,
    /// Whether it changes anything.
    pub(crate) is_write: bool,
}

/// Lets a request through whose sender has the grant.
pub(crate) async fn authorize(
    State((app, need)): State<(App, Need)>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match admit(&app, need, &parts).await {
        Ok(caller) => {
            parts.extensions.insert(caller);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(app: &App, need: Need, parts: &Parts) -> Result<Caller, Problem> {
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let (identity, via) = identify(app, parts).await?;
    let caller = Caller { name: identity.name, grant: identity.grant, via, request_id };
    let refusal = if need.is_write && app.settings.is_read_only {
        Some(("READ_ONLY", "the server only reads".to_owned()))
    } else if need.grant > caller.grant {
        let (need, has) = (need.grant, caller.grant);
        Some(("FORBIDDEN", format!("the request needs the grant `{need}`, and its sender has `{has}`")))
    } else if need.is_write && !is_same_origin(app, parts, via) {
        Some(("CROSS_ORIGIN", "a page of another origin may not write".to_owned()))
    } else {
        None
    };
    let Some((code, detail)) = refusal else { return Ok(caller) };
    if need.is_write {
        audit::refused(&caller, parts, code);
    }
    Err(Problem::new(StatusCode::FORBIDDEN, code, detail))
}

async fn identify(app: &App, parts: &Parts) -> Result<(Identity, Via), Problem> {
    let settings = &app.settings;
    if settings.is_open {
        return Ok((Identity::new("open", Grant::Operate), Via::Open));
    }
    let address = address(app, parts);
    if let Some(secret) = bearer(&parts.headers) {
        return match log_in(app, address, secret) {
            Ok(token) => Ok((Identity::new(&token.name, token.grant), Via::Token)),
            Err(problem) => Err(problem),
        };
    }
    if let Some(token) = session::token(app, &parts.headers) {
        return Ok((Identity::new(&token.name, token.grant), Via::Session));
    }
    if let Some(access) = &settings.access
        && let Some(identity) = access.identify(parts).await
    {
        let via = Via::Access(identity.via);
        return Ok((identity, via));
    }
    Err(unauthorized("the request has no token: send `Authorization: Bearer …`"))
}

/// Returns the token with this secret.
///
/// # Errors
/// 401 if there is none; 429 after too many failures of the address.
pub(crate) fn log_in<'a>(
    app: &'a App,
    address: Option<IpAddr>,
    secret: &str,
) -> Result<&'a token::Token, Problem> {
    let now = app.engine.kernel().clock().monotonic();
    let most = app.settings.max_failed_log_ins;
    if address.is_some_and(|address| app.login_limit.is_blocked(address, now, most)) {
        let detail = "too many failed log-ins from this address; wait a minute";
        return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_LOGINS", detail));
    }
    token::find(&app.settings.tokens, secret).ok_or_else(|| {
        if let Some(address) = address {
            app.login_limit.note(address, now);
        }
        unauthorized("the token is not valid")
    })
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", detail)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?;
    // A value that is no text is a wrong token, not an absent one.
    let Ok(text) = value.to_str() else { return Some("") };
    match text.split_once(' ') {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => Some(secret.trim()),
        _ => Some(""),
    }
}

/// Returns the address of the client, also behind a trusted proxy: the last address of `X-Forwarded-For` that is not a
/// trusted proxy itself.
pub(crate) fn address(app: &App, parts: &Parts) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ClientAddress>()?.0.ip();
    let trusted = &app.settings.trusted_proxies;
    if !trusted.contains(&peer) {
        return Some(peer);
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<IpAddr> =
        forwarded.flat_map(|value| value.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
    Some(hops.into_iter().rev().find(|hop| !trusted.contains(hop)).unwrap_or(peer))
}

/// Returns whether a write comes from the server's own pages or from a program that is no browser. Only a listed origin
/// may write from elsewhere, and only with a token.
fn is_same_origin(app: &App, parts: &Parts, via: Via) -> bool {
    let headers = &parts.headers;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = headers.get(header::ORIGIN);
    if via == Via::Token && origin.is_some_and(|origin| app.settings.cors_origins.contains(origin)) {
        return true;
    }
    if let Some(site) = text("sec-fetch-site") {
        return site == "same-origin";
    }
    match origin {
        Some(origin) => origin.to_str().is_ok_and(|origin| is_own_origin(app, parts, origin)),
        // Browsers send one of the two with each write, so this is none; a cookie comes only from a browser.
        None => via != Via::Session,
    }
}

/// Refuses a request that a page of another origin has sent.
///
/// # Errors
/// 403.
pub(crate) fn check_origin(app: &App, parts: &Parts) -> Result<(), Problem> {
    if is_same_origin(app, parts, Via::Open) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "CROSS_ORIGIN", "a page of another origin may not write"))
}

fn is_own_origin(app: &App, parts: &Parts, origin: &str) -> bool {
    if app.settings.public_url.as_ref().is_some_and(|url| url.origin() == origin) {
        return true;
    }
    let host = guard::host(&parts.headers, &parts.uri).unwrap_or_default();
    origin.strip_prefix("http://").is_some_and(|own| own.eq_ignore_ascii_case(host))
}

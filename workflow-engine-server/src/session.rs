//! Sessions of browsers: a cookie that a token has signed.

use chrono::{DateTime, TimeDelta, Utc};
use http::HeaderMap;
use http::header::COOKIE;
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::signature::Signer;
use crate::token::Token;

/// The name of the cookie.
const COOKIE_NAME: &str = "workflow_engine_session";
/// How long a session lasts.
const LIFETIME: TimeDelta = TimeDelta::hours(12);
const PURPOSE: &str = "session";

#[derive(Serialize, Deserialize)]
struct Session {
    name: String,
    until: DateTime<Utc>,
}

/// Returns the `Set-Cookie` of a new session of this token. The key is made of the token, so removing the token ends its
/// sessions in every process.
pub(crate) fn cookie(app: &App, token: &Token) -> String {
    let session = Session { name: token.name.clone(), until: app.now() + LIFETIME };
    let text = Signer::of_token(token).sign(PURPOSE, &session);
    set_cookie(app, &text, LIFETIME.num_seconds())
}

/// Returns the `Set-Cookie` that ends a session in its browser.
pub(crate) fn ended_cookie(app: &App) -> String {
    set_cookie(app, "", 0)
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> String {
    let path = format!("{}/", app.settings.path());
    let secure = if app.settings.is_https() { "; Secure" } else { "" };
    format!("{COOKIE_NAME}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

/// Returns the token of a request's session.
pub(crate) fn token<'a>(app: &'a App, headers: &HeaderMap) -> Option<&'a Token> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let text = cookies
        .flat_map(|value| value.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))?;
    app.settings.tokens.iter().find(|token| {
        let session: Option<Session> = Signer::of_token(token).verify(PURPOSE, text);
        session.is_some_and(|session| session.name == token.name && session.until > app.now())
    })
}

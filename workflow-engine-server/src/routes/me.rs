//! Who the caller is.

use axum::Json;
use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::grant::Grant;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::get("/me", "whoAmI", me)
            .summary("Tells who the caller is, and what it may do.")
            .json::<Me>(200, "The caller."),
    ]
}

/// The caller.
#[derive(Serialize, JsonSchema)]
struct Me {
    /// The name, as in the audit log.
    name: String,
    /// What it may do.
    grant: Grant,
    /// How it has proved who it is: `token`, `session`, `access` or `open`.
    via: &'static str,
    /// Whether the server refuses every write.
    is_read_only: bool,
    /// The version of the server.
    version: &'static str,
}

async fn me(State(app): State<App>, caller: Caller) -> Json<Me> {
    Json(Me {
        name: caller.name,
        grant: caller.grant,
        via: caller.via.as_str(),
        is_read_only: app.settings.is_read_only,
        version: env!("CARGO_PKG_VERSION"),
    })
}

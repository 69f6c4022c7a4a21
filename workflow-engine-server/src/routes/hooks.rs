//! Hooks: another system wakes a stage.

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;

use super::Route;
use crate::app::App;
use crate::authorize::Caller;
use crate::grant::Grant;
use crate::guard::RequestId;
use crate::hook::Hook;
use crate::problem::Problem;
use crate::request::{PathParams, read_body};

/// The largest body.
const BODY_LIMIT: usize = 64 * 1024;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::post("/hooks/{token}", "hook", hook)
            .public()
            .summary("Checks the waiting stage of the token now. The body, at most 64 KiB, is not kept.")
            .json::<Woken>(200, "Whether the stage waited."),
    ]
}

/// The result of a hook.
#[derive(Serialize, JsonSchema)]
struct Woken {
    /// `false` if the stage does not wait yet.
    woken: bool,
}

async fn hook(State(app): State<App>, params: PathParams, request: Request) -> Result<Json<Woken>, Problem> {
    let void = || Problem::new(StatusCode::GONE, "HOOK_VOID", "the hook has expired, or its stage has ended");
    let unknown = || Problem::not_found("the token is not one of a hook, or has expired");
    let hook = Hook::read(&app, params.get("token")).ok_or_else(unknown)?;
    if app.settings.is_read_only {
        return Err(Problem::new(StatusCode::FORBIDDEN, "READ_ONLY", "the server only reads"));
    }
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    read_body(request, BODY_LIMIT.min(app.settings.body_limit)).await?;
    let run = app.engine.any_run(hook.run_id).await?;
    let record = run.record().await?;
    let stages = run.stages().await?;
    let stage = stages.iter().find(|stage| stage.stage_id == hook.stage_id);
    let has_ended = stage.is_some_and(|stage| stage.status.is_terminal());
    if record.generation != hook.generation || record.status.is_terminal() || has_ended {
        return Err(void());
    }
    let woken = run.by(Caller::hook(request_id).actor()).wake(hook.stage_id.as_str()).await?;
    Ok(Json(Woken { woken }))
}

impl Caller {
    /// The sender of a hook, which may do nothing else.
    fn hook(request_id: String) -> Self {
        Self { name: "hook".into(), grant: Grant::Read, via: crate::authorize::Via::Hook, request_id }
    }
}

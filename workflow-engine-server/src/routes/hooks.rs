//! Hooks: another system wakes a stage, or sends the signal that it waits for.

use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use workflow_engine::{AnyRun, ErrorCode, Json as Payload};

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
            .summary("Checks the waiting stage of the token now; its body, at most 64 KiB, is not kept. Of a stage that waits for a signal, the body is the payload.")
            .json::<Woken>(200, "Whether the stage waited, or its signal is stored."),
    ]
}

/// The result of a hook.
#[derive(Serialize, JsonSchema)]
struct Woken {
    /// `false` if the stage does not wait yet. A signal is stored nevertheless, so it is always `true` then.
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
    let body = read_body(request, BODY_LIMIT.min(app.settings.body_limit)).await?;
    let run = app.engine.any_run(hook.run_id).await?;
    let record = run.record().await?;
    if record.generation != hook.generation {
        return Err(void());
    }
    let run = run.by(Caller::hook(request_id).actor());
    if run.signal_schema(&hook.stage_key).await.is_ok_and(|schema| schema.is_some()) {
        return signal(&run, &hook, params.get("token"), &body, void).await;
    }
    let stages = run.stages().await?;
    let stage = stages.iter().find(|stage| stage.key() == hook.stage_key);
    let has_ended = stage.is_some_and(|stage| stage.status.is_terminal());
    if record.status.is_terminal() || has_ended {
        return Err(void());
    }
    let woken = run.wake(&hook.stage_key).await?;
    Ok(Json(Woken { woken }))
}

/// Sends the body as a signal. The same body may be posted again: the token is its idempotency key.
async fn signal(
    run: &AnyRun,
    hook: &Hook,
    token: &str,
    body: &[u8],
    void: impl Fn() -> Problem,
) -> Result<Json<Woken>, Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    let payload =
        Payload::parse(text).map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
    let key = digest.first_chunk().map_or(0, |head| u128::from_be_bytes(*head));
    match run.signal(&hook.stage_key, payload).idempotency_key(format!("hook.{key:032x}")).await {
        Ok(()) => Ok(Json(Woken { woken: true })),
        Err(error) if matches!(error.code(), ErrorCode::SignalTooLate | ErrorCode::RunOver) => Err(void()),
        Err(error) => Err(error.into()),
    }
}

impl Caller {
    /// The sender of a hook, which may do nothing else.
    fn hook(request_id: String) -> Self {
        Self { name: "hook".into(), grant: Grant::Read, via: crate::authorize::Via::Hook, request_id }
    }
}

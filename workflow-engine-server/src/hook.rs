//! Addresses that wake one stage, or send it a signal.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use workflow_engine::{Error, RunId, StageKey};

use crate::app::App;
use crate::routes::BASE;

const PURPOSE: &str = "hook";

/// Makes the addresses of hooks. It is part of a server: [`RunningServer::hooks`](crate::RunningServer::hooks),
/// [`HttpService::hooks`](crate::HttpService::hooks).
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::prelude::*;
/// use workflow_engine_server::Server;
///
/// # #[stage(check = answered, poll_every = "1h")]
/// # async fn ask(question: String) -> StageResult<String> { Ok(question) }
/// # #[check]
/// # async fn answered(question: &String) -> StageResult<Check<usize>> { Ok(Check::Ready(question.len())) }
/// # workflow! { Asking = ask }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::builder("memory:").register::<Asking>().build().await?;
/// let server = Server::new(engine.clone()).address(([127, 0, 0, 1], 0).into()).listen().await?;
/// let run = engine.start::<Asking>(AskInput { question: "Why?".into() }).await?;
/// let path = server.hooks().path(run.id(), "ask", Duration::from_secs(3_600)).await?;
/// assert!(path.starts_with("/api/v1/hooks/"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hooks {
    app: App,
}

/// What an address is good for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Hook {
    pub(crate) run_id: RunId,
    pub(crate) stage_key: StageKey,
    /// The run's generation. A later one has its own hooks.
    pub(crate) generation: u32,
    until: DateTime<Utc>,
}

impl Hooks {
    pub(crate) const fn new(app: App) -> Self {
        Self { app }
    }

    /// Returns the path to which another system posts, once or several times, to have this stage checked at once: give it
    /// to the system with the public URL before it. It needs no token, names one stage and generation, and is void after
    /// its lifetime and when the stage ends. What is posted, at most 64 KiB, is not kept: the stage's check finds the
    /// result. For a stage that waits for a signal, what is posted is the payload; the same payload may be posted again.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; an error of the store.
    pub async fn path(
        &self,
        run_id: RunId,
        stage_key: impl Into<StageKey>,
        lifetime: Duration,
    ) -> Result<String, Error> {
        let generation = self.app.engine.any_run(run_id).await?.record().await?.generation;
        let lifetime = TimeDelta::from_std(lifetime).unwrap_or(TimeDelta::days(3_650));
        let until = self.app.now().checked_add_signed(lifetime).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let hook = Hook { run_id, stage_key: stage_key.into(), generation, until };
        let token = self.app.signer.sign(PURPOSE, &hook);
        Ok(format!("{}{BASE}/hooks/{token}", self.app.settings.path()))
    }
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hook {
    /// Reads a hook that is still valid.
    pub(crate) fn read(app: &App, token: &str) -> Option<Self> {
        let hook: Self = app.signer.verify(PURPOSE, token)?;
        (hook.until > app.now()).then_some(hook)
    }
}

//! What all requests of a server share.

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use workflow_engine::Engine;

use crate::http_metrics::HttpMetrics;
use crate::live::{Feeds, RunStates};
use crate::login_limit::LoginLimit;
use crate::problem::Problem;
use crate::redact::Redactor;
use crate::settings::Settings;
use crate::signature::Signer;

/// What all requests of a server share.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    pub(crate) redactor: Redactor,
    pub(crate) signer: Signer,
    pub(crate) login_limit: LoginLimit,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) metrics: HttpMetrics,
    pub(crate) feeds: Feeds,
    pub(crate) states: RunStates,
    /// Cancelled when streams must end.
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(engine: Engine, settings: Settings, stop: CancellationToken) -> Self {
        Self(Arc::new(Shared {
            redactor: Redactor::new(&settings.hidden_fields),
            signer: Signer::new(&settings.tokens, settings.secret.as_deref()),
            login_limit: LoginLimit::default(),
            requests: Arc::new(Semaphore::new(settings.max_requests)),
            streams: Arc::new(Semaphore::new(settings.max_streams)),
            metrics: HttpMetrics::default(),
            feeds: Feeds::default(),
            states: RunStates::default(),
            stop,
            engine,
            settings,
        }))
    }

    /// Takes a place for a stream.
    ///
    /// # Errors
    /// 503 while as many streams are open as the server takes.
    pub(crate) fn stream_place(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let place = Arc::clone(&self.streams).try_acquire_owned();
        place.map_err(|_| Problem::overloaded("as many streams are open as the server takes at once"))
    }

    /// Waits until streams must end: with the server, or with the engine. A program that nests the service waits at its end
    /// for all of its answers, and has no server to stop.
    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let app = self.clone();
        async move {
            tokio::select! {
                () = app.stop.cancelled() => {}
                () = app.engine.wait_for_shutdown() => {}
            }
        }
    }

    /// Returns the number of open streams.
    pub(crate) fn open_streams(&self) -> usize {
        self.settings.max_streams.saturating_sub(self.streams.available_permits())
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.engine.kernel().clock().now()
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

//! Shuts the engine down on the signals that request a process to end.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::{Engine, Inner};
use crate::error::Error;

/// How long the process may take to end after the drain timeout.
const GRACE: Duration = Duration::from_secs(1);

/// Shuts the engine down on SIGTERM or SIGINT. A second signal ends the process at once, with the exit code that a shell
/// reports for a process ended by that signal: 128 plus its number. So does the first one where the engine has ended
/// already.
///
/// A thread of its own waits for the signals, until the process ends: a body that computes without an `.await` can block
/// the program's runtime, and once the process handles a signal, the system no longer does.
pub(super) fn shutdown_on_signals(engine: &Engine) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::worker_not_started)?;
    let signals = {
        let _current = runtime.enter();
        Signals::new().map_err(Error::worker_not_started)?
    };
    let inner = Arc::downgrade(&engine.inner);
    std::thread::Builder::new()
        .name("workflow-engine-signals".into())
        .spawn(move || runtime.block_on(serve(signals, inner)))
        .map_err(Error::worker_not_started)?;
    Ok(())
}

async fn serve(mut signals: Signals, inner: Weak<Inner>) {
    let code = signals.next().await;
    let inner = inner.upgrade().filter(|inner| !inner.stopped.is_cancelled());
    let Some(inner) = inner else { std::process::exit(code) };
    tracing::info!("draining; a second signal ends the process at once");
    shut_down(&Engine { inner, actor: None }, &mut signals, code).await;
    // The program ends by itself now, unless there is another signal.
    std::process::exit(signals.next().await);
}

async fn shut_down(engine: &Engine, signals: &mut Signals, code: i32) {
    let clock = Arc::clone(engine.kernel().clock());
    let timeout = engine.worker().map(|worker| worker.drain_timeout()).unwrap_or_default();
    let deadline =
        clock.now().checked_add_signed(chrono::TimeDelta::from_std(timeout + GRACE).unwrap_or_default());
    let report = tokio::select! {
        report = engine.shutdown() => report,
        second = signals.next() => std::process::exit(second),
    };
    if report.blocked.is_empty() {
        return;
    }
    // The program cannot end by itself, because its runtime waits for the bodies.
    if let Some(deadline) = deadline {
        tokio::select! {
            () = clock.sleep_until(deadline) => {}
            second = signals.next() => std::process::exit(second),
        }
    }
    if !engine.kernel().running().blocked().is_empty() {
        tracing::error!(bodies = ?report.blocked, "the process ends although stage bodies still run");
        std::process::exit(code);
    }
}

/// The signals that request the process to end.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for a signal. Returns the exit code that it stands for.
    async fn next(&mut self) -> i32 {
        use tokio::signal::unix::SignalKind;

        let signal = tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
        };
        128 + signal.as_raw_value()
    }
}

/// Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for a signal. Returns the exit code that it stands for.
    async fn next(&mut self) -> i32 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        130
    }
}

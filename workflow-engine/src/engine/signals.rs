//! Drains the engine on the signals that request a process to end.

use super::Engine;
use crate::error::Error;

/// Drains the engine on SIGTERM or SIGINT. A second signal ends the process at once, with the exit code that a shell
/// reports for a process ended by that signal: 128 plus its number.
#[cfg(unix)]
pub(super) fn shutdown_on_signals(engine: Engine) -> Result<(), Error> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate()).map_err(Error::worker_not_started)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::worker_not_started)?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("draining; a second signal ends the process at once");
        let code = tokio::select! {
            () = engine.shutdown() => return,
            _ = terminate.recv() => 128 + SignalKind::terminate().as_raw_value(),
            _ = interrupt.recv() => 128 + SignalKind::interrupt().as_raw_value(),
        };
        std::process::exit(code);
    });
    Ok(())
}

/// Drains the engine on Ctrl-C. A second one ends the process at once.
#[cfg(not(unix))]
pub(super) fn shutdown_on_signals(engine: Engine) -> Result<(), Error> {
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_err() {
            return;
        }
        tokio::select! {
            () = engine.shutdown() => {}
            _ = tokio::signal::ctrl_c() => std::process::exit(130),
        }
    });
    Ok(())
}

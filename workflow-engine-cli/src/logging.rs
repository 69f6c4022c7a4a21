//! The program's own log, on standard error.

use std::io;

use clap::ArgMatches;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts the log, unless the program has set up its own. `RUST_LOG` chooses what is logged, for example
/// `info,workflow_engine=debug`; `worker` and `serve` log from `info` on, any other command from `error` on.
pub fn start(matches: &ArgMatches) {
    let is_long = matches!(matches.subcommand_name(), Some("worker" | "serve"));
    let usual = if is_long { LevelFilter::INFO } else { LevelFilter::ERROR };
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let targets = wanted.unwrap_or_else(|| Targets::new().with_default(usual));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(false);
    // It fails where the program has a subscriber already, which then stays.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}

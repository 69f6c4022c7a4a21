//! Workers that hold jobs until they are killed, and the workflows of the tests about taking over from them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use workflow_engine::EngineBuilder;
use workflow_engine::ports::{Clock, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::stores::PostgresOptions;

use crate::signal;

/// Much longer than a test, so no lease ends during one.
pub const LEASE: Duration = Duration::from_secs(3_600);

/// The duration of a body of `paused`.
const BODY_DURATION: Duration = Duration::from_millis(100);

/// The environment variable that makes a process hold its jobs.
pub const HOLDS: &str = "TAKEOVER_HOLDS";

/// Never ends in a process that holds its jobs; in any other one, returns the number of the attempt.
#[stage(retry(max_attempts = 1))]
pub async fn hold(number: u32, ctx: &StageContext) -> StageResult<(u32, u32)> {
    if std::env::var_os(HOLDS).is_some() {
        println!("{}", ctx.run_id());
        std::future::pending::<()>().await;
    }
    Ok((number, ctx.attempt()))
}

workflow! {
    /// One stage, which a killed worker leaves behind.
    pub held = hold
}

/// Prints the run and the attempt, and takes a moment.
#[stage(retry(max_attempts = 1, max_crashes = 1_000))]
pub async fn pause(number: u32, ctx: &StageContext) -> StageResult<u32> {
    println!("{} {}", ctx.run_id(), ctx.attempt());
    SystemClock.sleep(BODY_DURATION).await;
    Ok(number)
}

workflow! {
    /// One stage, long enough to be hit by a kill.
    pub paused = pause
}

/// Occupies a slot until the test gives the signal `end`.
#[stage]
pub async fn occupy(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number)
}

workflow! {
    /// One stage that occupies a slot.
    pub occupied = occupy
}

/// A database: a file, or a server's URL and a schema.
#[derive(Clone, Debug)]
pub struct Database {
    /// The path or URL.
    pub url: String,
    /// The schema of a server.
    pub schema: Option<String>,
}

impl Database {
    /// Returns the builder of an engine on this database, with all workflows and a long lease.
    pub fn engine(&self) -> EngineBuilder {
        let builder = match &self.schema {
            None => Engine::builder(&self.url),
            Some(schema) => {
                let mut options = PostgresOptions::new(&self.url);
                options.schema.clone_from(schema);
                Engine::builder(options)
            }
        };
        builder.register::<held>().register::<occupied>().register::<paused>().lease(LEASE)
    }

    /// Starts a worker process of `program` that holds up to `jobs` jobs, and waits until it holds them.
    pub fn hold(&self, program: &str, jobs: usize) -> Child {
        let mut command = Command::new(program);
        command.arg(jobs.to_string()).arg(&self.url).args(&self.schema).env(HOLDS, "1");
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the program is built");
        let lines = BufReader::new(child.stdout.as_mut().expect("it is piped")).lines();
        assert_eq!(lines.take(jobs).filter_map(Result::ok).count(), jobs, "the worker ended by itself");
        child
    }
}

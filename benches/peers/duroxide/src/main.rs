//! duroxide 0.1: `peer-duroxide WORK STORE`.
//!
//! Recommended settings: 4 workers on SQLite and 8 on PostgreSQL, which is polled every 10 ms instead of every 100 ms; 16
//! connections. On SQLite, `synchronous` has the value that its provider sets.

#[path = "../../common.rs"]
#[allow(dead_code)]
mod common;

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{LONGEST, Work, body, file, submit_all, url};
use duroxide::providers::Provider;
use duroxide::providers::sqlite::SqliteProvider;
use duroxide::runtime::registry::ActivityRegistry;
use duroxide::runtime::{Runtime, RuntimeOptions};
use duroxide::{ActivityContext, Client, OrchestrationContext, OrchestrationRegistry, OrchestrationStatus};

type Body = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

fn stage(name: &'static str) -> impl Fn(ActivityContext, String) -> Body + Send + Sync + Clone + 'static {
    move |_context, input| {
        Box::pin(async move {
            let value: serde_json::Value = serde_json::from_str(&input).map_err(|error| error.to_string())?;
            Ok(body(name, value["run"].as_u64().unwrap_or(0)).to_string())
        })
    }
}

async fn diamond(context: OrchestrationContext, input: String) -> Result<String, String> {
    let first = context.schedule_activity("first", input).await?;
    let left = context.schedule_activity("left", first.clone());
    let right = context.schedule_activity("right", first);
    let joined = context.join(vec![left, right]).await;
    let left = joined.into_iter().next().expect("two of them")?;
    context.schedule_activity("last", left).await
}

async fn chain(context: OrchestrationContext, input: String) -> Result<String, String> {
    let mut value = input;
    for _ in 0..10 {
        value = context.schedule_activity("first", value).await?;
    }
    Ok(value)
}

async fn provider(store: &str) -> Arc<dyn Provider> {
    if store == "postgres" {
        #[allow(deprecated)]
        let provider = duroxide_pg::PostgresProvider::new(&url()).await;
        return Arc::new(provider.expect("the server is there"));
    }
    std::fs::File::create(file()).expect("a file");
    Arc::new(SqliteProvider::new(&format!("sqlite:{}", file()), None).await.expect("a file"))
}

async fn wait(client: &Client, name: &str, pause: Duration, until: Instant) -> bool {
    loop {
        match client.get_orchestration_status(name).await.expect("a status") {
            OrchestrationStatus::Completed { .. } => return true,
            OrchestrationStatus::Failed { details, .. } => panic!("{name} failed: {details:?}"),
            _ if Instant::now() > until => return false,
            _ => tokio::time::sleep(pause).await,
        }
    }
}

#[tokio::main]
async fn main() {
    let work = Work::from_args();
    let store = provider(&work.store).await;
    let workers = if work.store == "postgres" { 8 } else { 4 };
    let mut activities = ActivityRegistry::builder();
    for name in ["first", "left", "right", "last"] {
        activities = activities.register(name, stage(name));
    }
    let orchestrations =
        OrchestrationRegistry::builder().register("diamond", diamond).register("chain", chain).build();
    let options = RuntimeOptions {
        dispatcher_min_poll_interval: Duration::from_millis(10),
        orchestration_concurrency: workers,
        worker_concurrency: workers,
        ..RuntimeOptions::default()
    };
    let _runtime =
        Runtime::start_with_options(store.clone(), activities.build(), orchestrations, options).await;
    let client = Client::new(store);
    let workflow = if work.is_chain() { "chain" } else { "diamond" };
    let starting = client.clone();
    let start = move |name: String, run: usize| {
        let client = starting.clone();
        async move {
            client.start_orchestration(&name, workflow, format!("{{\"run\":{run}}}")).await.expect("a run");
            name
        }
    };
    let until = Instant::now() + LONGEST;
    for run in 0..5 {
        let name = start(format!("warm-{run}"), run).await;
        wait(&client, &name, Duration::from_millis(2), until).await;
    }
    let note = format!("{workers} workers, polling every 10 ms");
    if work.is_latency() {
        let mut samples = Vec::new();
        for run in 0..work.runs {
            let began = Instant::now();
            let name = start(format!("run-{run}"), run).await;
            wait(&client, &name, Duration::from_millis(2), until).await;
            samples.push(began.elapsed().as_secs_f64());
        }
        work.print_latency("duroxide 0.1", &note, samples);
    }
    let began = Instant::now();
    let submitters = if work.store == "postgres" { work.submitters } else { 4 };
    let submit = move |run: usize| start(format!("run-{run}"), run);
    let mut done = 0;
    for name in submit_all(work.runs, submitters, submit).await {
        done += usize::from(wait(&client, &name, Duration::from_millis(20), began + LONGEST).await);
    }
    work.print_throughput("duroxide 0.1", &note, done, began);
}

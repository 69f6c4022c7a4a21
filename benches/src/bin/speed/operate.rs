//! W1 while people look at an engine: a server with live streams of single runs, and with the list of runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use benches::workflows::diamond;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;
use workflow_engine_server::Server;

use crate::Outcome;
use crate::client::Client;
use crate::engine::{Bench, WARM_UP};
use crate::line::Line;
use crate::place::Kind;

/// How long a viewer reads the stream of a run, or of a page of the list.
const LOOK: Duration = Duration::from_secs(1);

/// What the viewers have received.
#[derive(Default)]
struct Seen {
    messages: AtomicU64,
    lists: AtomicU64,
    list_us: AtomicU64,
}

/// Five times as many runs as W1, with `viewers` live streams of the newest runs, each replaced after a second. If there are
/// any, another viewer reads a page of the list, and then its live states for a second.
pub async fn watched(work: &str, kind: Kind, viewers: u64) -> Outcome<Line> {
    let bench = Bench::open::<diamond>(kind).await?;
    let server =
        Server::new(bench.engine.clone()).address(SocketAddr::from(([127, 0, 0, 1], 0))).listen().await?;
    let token = server.token().ok_or("the server has made no token")?;
    let (client, seen) =
        (Client { address: server.address(), token: token.into() }, Arc::new(Seen::default()));
    let mut tasks = Vec::new();
    for _ in 0..viewers {
        tasks.push(tokio::spawn(look_at_runs(client.clone(), Arc::clone(&seen))));
    }
    if viewers > 0 {
        tasks.push(tokio::spawn(look_at_list(client, Arc::clone(&seen))));
    }
    let runs = 5 * bench.tuning.runs_of("w1");
    let figures = bench.throughput::<diamond>(runs, WARM_UP).await;
    for task in &tasks {
        if task.is_finished() {
            return Err("a viewer could not go on".into());
        }
        task.abort();
    }
    server.shutdown().await;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let lists = count(&seen.lists);
    Ok(Line::new("engine", work, kind, format!("{viewers} streams")).extend(figures?).extend([
        ("viewers", viewers as f64),
        ("messages", count(&seen.messages)),
        ("lists", lists),
        ("list_ms", if lists > 0.0 { count(&seen.list_us) / lists / 1e3 } else { 0.0 }),
    ]))
}

async fn look_at_runs(client: Client, seen: Arc<Seen>) -> Outcome<()> {
    loop {
        let newest = client.get("/runs?limit=1").await?;
        if let Some(id) = newest["items"][0]["id"].as_str() {
            stream(&client, &format!("/live?run={id}"), &seen).await?;
        }
    }
}

async fn look_at_list(client: Client, seen: Arc<Seen>) -> Outcome<()> {
    loop {
        let began = Instant::now();
        let page = client.get("/runs?limit=50").await?;
        seen.list_us.fetch_add(began.elapsed().as_micros() as u64, Ordering::Relaxed);
        seen.lists.fetch_add(1, Ordering::Relaxed);
        let ids: Vec<&str> =
            page["items"].as_array().into_iter().flatten().filter_map(|run| run["id"].as_str()).collect();
        stream(&client, &format!("/live?runs={}", ids.join(",")), &seen).await?;
    }
}

/// Reads a stream for a second, and counts its messages.
async fn stream(client: &Client, path: &str, seen: &Seen) -> Outcome<()> {
    let mut connection = client.request(path).await?;
    let mut buffer = vec![0; 1 << 16];
    let reading = async {
        loop {
            let read = connection.read(&mut buffer).await?;
            if read == 0 {
                return Outcome::Ok(());
            }
            let messages = buffer[..read].windows(6).filter(|bytes| bytes == b"\ndata:").count();
            seen.messages.fetch_add(messages as u64, Ordering::Relaxed);
        }
    };
    match timeout(LOOK, reading).await {
        Ok(ended) => ended,
        Err(_) => Ok(()),
    }
}

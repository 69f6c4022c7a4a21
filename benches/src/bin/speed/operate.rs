//! W1 while people look at an engine: a server with live streams of single runs, and with the list of runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use benches::workflows::diamond;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use workflow_engine_server::Server;

use crate::Outcome;
use crate::engine::{Bench, WARM_UP};
use crate::line::Line;
use crate::place::Kind;

/// How long a viewer reads the stream of a run, or of a page of the list.
const LOOK: Duration = Duration::from_secs(1);

/// The most bytes of an answer that are read.
const ANSWER: usize = 1 << 20;

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
            client.stream(&format!("/live?run={id}"), &seen).await?;
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
        client.stream(&format!("/live?runs={}", ids.join(",")), &seen).await?;
    }
}

/// A client of the server: a connection for each request.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    token: String,
}

impl Client {
    async fn request(&self, path: &str) -> Outcome<TcpStream> {
        let Self { address, token } = self;
        let mut connection = TcpStream::connect(address).await?;
        let request = format!(
            "GET /api/v1{path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
        );
        connection.write_all(request.as_bytes()).await?;
        Ok(connection)
    }

    async fn get(&self, path: &str) -> Outcome<Value> {
        let mut answer = String::new();
        self.request(path).await?.take(ANSWER as u64).read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer has no body")?;
        if !head.starts_with("HTTP/1.1 200") {
            return Err(format!("the response to `{path}` is {head}").into());
        }
        Ok(serde_json::from_str(body)?)
    }

    /// Reads a stream for a second, and counts its messages.
    async fn stream(&self, path: &str, seen: &Seen) -> Outcome<()> {
        let mut connection = self.request(path).await?;
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
}

//! What the server measures: how long its routes take, and how many streams are open.

#![allow(clippy::disallowed_methods, reason = "it measures requests in real time")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

/// The upper bounds of the buckets, in milliseconds, and as Prometheus writes them.
const BOUNDS: [(u64, &str); 11] = [
    (1, "0.001"),
    (5, "0.005"),
    (10, "0.01"),
    (25, "0.025"),
    (50, "0.05"),
    (100, "0.1"),
    (250, "0.25"),
    (500, "0.5"),
    (1_000, "1"),
    (5_000, "5"),
    (30_000, "30"),
];

/// The meters of all routes, by name.
#[derive(Debug, Default)]
pub(crate) struct HttpMetrics(Mutex<BTreeMap<String, Arc<RouteMeter>>>);

/// How long the requests of one route took, until their answers began.
#[derive(Debug, Default)]
pub(crate) struct RouteMeter {
    /// The requests of each bucket, and of none.
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl HttpMetrics {
    /// Returns the meter of a route: `GET /api/v1/runs/{run_id}`.
    pub(crate) fn meter(&self, route: String) -> Arc<RouteMeter> {
        // Nothing panics under this lock.
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(route).or_default())
    }

    /// Returns the metrics as text for Prometheus: of the routes that were called.
    pub(crate) fn to_prometheus(&self, live_streams: usize) -> String {
        let mut text = String::from(
            "# HELP workflow_engine_live_streams Open streams of the HTTP API.\n\
             # TYPE workflow_engine_live_streams gauge\n",
        );
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(text, "workflow_engine_live_streams {live_streams}");
        text.push_str(
            "# HELP workflow_engine_http_request_seconds Time until the answer to a request began, by route.\n\
             # TYPE workflow_engine_http_request_seconds histogram\n",
        );
        for (route, meter) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            meter.write(route, &mut text);
        }
        text
    }
}

impl RouteMeter {
    fn observe(&self, time: Duration) {
        let bucket = BOUNDS.iter().position(|(bound, _)| time <= Duration::from_millis(*bound));
        self.buckets[bucket.unwrap_or(BOUNDS.len())].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn write(&self, route: &str, text: &mut String) {
        const NAME: &str = "workflow_engine_http_request_seconds";

        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let all: u64 = counts.iter().sum();
        if all == 0 {
            return;
        }
        let mut below = 0;
        for ((_, bound), count) in BOUNDS.iter().zip(&counts) {
            below += count;
            let _ = writeln!(text, "{NAME}_bucket{{route=\"{route}\",le=\"{bound}\"}} {below}");
        }
        let _ = writeln!(text, "{NAME}_bucket{{route=\"{route}\",le=\"+Inf\"}} {all}");
        let seconds = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(text, "{NAME}_sum{{route=\"{route}\"}} {seconds}");
        let _ = writeln!(text, "{NAME}_count{{route=\"{route}\"}} {all}");
    }
}

/// Measures the requests of a route.
pub(crate) async fn measure(State(meter): State<Arc<RouteMeter>>, request: Request, next: Next) -> Response {
    let begin = Instant::now();
    let response = next.run(request).await;
    meter.observe(begin.elapsed());
    response
}

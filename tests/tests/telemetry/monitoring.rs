//! The dashboard for Grafana and the alerts for Prometheus name metrics that exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::exposition::{promtool, text};

const PREFIX: &str = "workflow_engine_";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("monitoring").join(name)
}

/// Returns the names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let starts = text.match_indices(PREFIX).map(|(start, _)| &text[start..]);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    starts.map(|rest| rest.split_once(|c| !is_name(c)).map_or(rest, |(name, _)| name)).collect()
}

#[tokio::test]
async fn every_metric_of_the_dashboard_and_the_alerts_exists_and_every_family_is_shown() {
    // Of one engine with a worker, and of one that has counted something.
    let worker = workflow_engine::Engine::builder("memory:").build().await.unwrap();
    let exposed = text().await + &worker.measurements().await.to_prometheus();
    worker.shutdown().await;
    let (samples, families): (Vec<&str>, Vec<&str>) =
        exposed.lines().filter(|line| !line.starts_with("# HELP")).partition(|line| !line.starts_with('#'));
    let known: BTreeSet<&str> = samples.iter().flat_map(|line| names(line)).collect();
    let families: BTreeSet<&str> = families.iter().flat_map(|line| names(line)).collect();
    // The server's own, whose tests check them.
    let of_server = ["http_request_seconds_bucket", "live_streams"].map(|name| format!("{PREFIX}{name}"));
    let mut shown = String::new();
    for name in ["grafana.json", "alerts.yml"] {
        let text = std::fs::read_to_string(path(name)).unwrap();
        let used = names(&text);
        assert!(used.len() > 5, "{name} names only {used:?}");
        // A family without a sample has no event in this test: no subscriber is registered.
        let unknown = used.iter().filter(|name| !known.contains(*name) && !families.contains(*name));
        let unknown: Vec<_> = unknown.filter(|name| !of_server.iter().any(|own| own == *name)).collect();
        assert!(unknown.is_empty(), "{name} has metrics that do not exist: {unknown:?}");
        shown.push_str(&text);
    }
    let hidden: Vec<_> = families.iter().filter(|family| !shown.contains(*family)).collect();
    assert!(hidden.is_empty(), "no panel and no alert shows {hidden:?}");
}

#[test]
fn the_dashboard_is_json_with_a_query_in_each_panel() {
    let text = std::fs::read_to_string(path("grafana.json")).unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let queries = panels.map(|panel| panel["targets"][0]["expr"].as_str().unwrap_or_default());
    let without = queries.filter(|query| !query.contains(PREFIX)).count();
    assert_eq!(without, 0);
}

#[test]
fn promtool_accepts_the_alerts() {
    let file = path("alerts.yml");
    let arguments = ["check", "rules", file.to_str().unwrap()];
    let Some((is_valid, said)) = promtool("promtool_accepts_the_alerts", &arguments, "") else { return };
    assert!(is_valid, "{said}");
}

//! The list of all points.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tests::sweep::run::Shape;

use crate::lane::Database;

/// Every method of every port that an engine calls while no other process commits.
const METHODS: [&str; 56] = [
    "store.commit",
    "store.commit_locked",
    "store.snapshot",
    "store.run",
    "store.request",
    "store.stages",
    "store.stage",
    "store.outputs",
    "store.blob",
    "store.events",
    "store.logs",
    "store.signals",
    "store.next_signal",
    "store.list_runs",
    "store.count_runs",
    "store.list_logs",
    "store.tags",
    "store.annotations",
    "store.annotations_of_key",
    "store.artifacts",
    "store.artifact",
    "store.stuck_runs",
    "store.unclaimed_runs",
    "store.due_checks",
    "store.claim_work",
    "store.renew_leases",
    "store.stale_jobs",
    "store.lease_holders",
    "store.next_job_due",
    "store.due_runs",
    "store.overdue_runs",
    "store.next_timer",
    "store.put_schedule",
    "store.due_schedules",
    "store.schedule_waits",
    "store.run_of_key",
    "store.next_lease_end",
    "store.correct_instants",
    "store.register_subscriber",
    "store.register_definitions",
    "store.register_worker",
    "store.drain_worker",
    "store.claim_deliveries",
    "store.settle_deliveries",
    "store.next_delivery_due",
    "store.dead_letters",
    "store.replay_dead_letters",
    "store.purge_runs",
    "store.oldest_end",
    "store.purged_runs",
    "store.forget_purged",
    "executor.execute",
    "executor.check",
    "sink.deliver",
    "blobs.put",
    "blobs.get",
];

/// Returns whether an engine reaches this point only while a delivery takes long, as on a busy machine.
pub fn depends_on_speed(point: &str) -> bool {
    point.starts_with("store.renew_deliveries:")
}

/// Checks that the runs reach every point, and no unlisted one.
pub fn check_complete(database: Database, census: &BTreeMap<Shape, BTreeMap<String, usize>>) {
    let reached: BTreeSet<&str> =
        census.values().flat_map(|reached| reached.keys().map(String::as_str)).collect();
    // PostgreSQL has two kinds of transactions.
    let (folder, points) = match database {
        Database::Sqlite => ("sqlite", 4),
        Database::Postgres => ("postgres", 6),
    };
    let mut all: BTreeSet<String> = store_points(folder);
    assert_eq!(all.len(), points, "the number of points around transactions");
    for method in METHODS {
        all.extend([format!("{method}: before"), format!("{method}: after")]);
    }
    let all: BTreeSet<&str> = all.iter().map(String::as_str).collect();
    let never: Vec<_> = all.difference(&reached).collect();
    assert!(never.is_empty(), "no run reaches {never:?}");
    let unknown: Vec<_> = reached.difference(&all).collect();
    assert!(unknown.is_empty(), "these points are not listed: {unknown:?}");
}

/// Returns the points inside a store. They are read from its source, so a point that no run reaches is noticed.
fn store_points(store: &str) -> BTreeSet<String> {
    let mut folders =
        vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../workflow-engine/src/stores").join(store)];
    let mut names = BTreeSet::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the sources exist") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = std::fs::read_to_string(path).expect("a text file");
            let points = text.split("failpoint!(\"").skip(1);
            names.extend(points.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    names
}

//! At every named point a process is killed, a call fails, or the process is paused for longer than its leases. Around
//! every commit, claim and body the caller also stops waiting, the engine is dropped, its runtime ends, or the process
//! reaches the store no longer and is taken over or shut down. Another process then finishes the run, and a judge, which
//! reads the database, the sink's file and the bodies' ledger, checks that nothing is lost or duplicated.
//!
//! The points are those inside the stores, around each transaction, and those before and after every method of every
//! port. A point that no run reaches fails the test.

mod lane;
mod scenario;
mod judge;
mod points;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use tests::sweep::points::{Armed, Reaction};
use tests::sweep::run::Shape;

use self::lane::{Database, Lane};
use self::scenario::{Outcome, Scenario};

/// The number of databases that are used at the same time: most of a scenario is waiting.
const LANES: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_sqlite() {
    sweep(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_postgres() {
    if tests::postgres::is_available("sweep::on_postgres") {
        sweep(Database::Postgres).await;
    }
}

async fn sweep(database: Database) {
    let mut lanes = Vec::new();
    for number in 0..LANES {
        lanes.push(Lane::open(database, number).await);
    }
    let census = take_census(&mut lanes[0]).await;
    points::check_complete(database, &census);

    let scenarios = scenarios(&census);
    let total = scenarios.len();
    let queue = Arc::new(Mutex::new(VecDeque::from(scenarios)));
    let workers = lanes.into_iter().map(|lane| tokio::spawn(serve(lane, Arc::clone(&queue))));
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for worker in workers.collect::<Vec<_>>() {
        // A lane ends with its first failed scenario; the others continue.
        match worker.await {
            Ok(done) => outcomes.extend(done),
            Err(panic) => failures.push(panic.to_string()),
        }
    }
    assert!(failures.is_empty(), "of {total} scenarios: {failures:#?}");
    report(database, &outcomes);
}

/// Runs each workflow without a fault; returns how often it reaches each point.
async fn take_census(lane: &mut Lane) -> BTreeMap<Shape, BTreeMap<String, usize>> {
    let mut census = BTreeMap::new();
    for shape in Shape::ALL {
        let scenario = Scenario { shape, armed: None };
        census.insert(shape, lane.execute(&scenario).await.reached);
    }
    census
}

/// Returns a scenario for every point that a workflow reaches and every reaction; for each of its commits separately.
fn scenarios(census: &BTreeMap<Shape, BTreeMap<String, usize>>) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (shape, reached) in census {
        for (point, count) in reached {
            let times = if point.starts_with("store.commit:") { *count } else { 1 };
            for time in 1..=times {
                let mut reactions = vec![Reaction::Kill, Reaction::Fail, Reaction::Pause];
                if can_be_taken_away(point) {
                    reactions.extend(Reaction::WITHIN_PROCESS);
                    reactions.extend(Reaction::WITHOUT_STORE);
                }
                for reaction in reactions {
                    let armed = Some(Armed { point: point.clone(), time, reaction });
                    scenarios.push(Scenario { shape: *shape, armed });
                }
            }
        }
    }
    scenarios
}

/// Returns whether the point is at a commit, a claim or a body: there something of the engine may be taken away.
fn can_be_taken_away(point: &str) -> bool {
    const POINTS: [&str; 4] = ["store.commit", "store.claim_work:", "executor.", "COMMIT"];
    POINTS.iter().any(|name| point.contains(name))
}

async fn serve(mut lane: Lane, queue: Arc<Mutex<VecDeque<Scenario>>>) -> Vec<Outcome> {
    let next = || queue.lock().expect("nothing panics under this lock").pop_front();
    let mut outcomes = Vec::new();
    while let Some(scenario) = next() {
        outcomes.push(lane.execute(&scenario).await);
    }
    outcomes
}

/// Checks that every reaction has happened at every point, in at least one workflow. The order of an engine's reads
/// varies, so a point that one run has reached may be missed by another.
fn report(database: Database, outcomes: &[Outcome]) {
    let armed = |outcome: &Outcome| outcome.scenario.armed.clone().expect("each scenario has one");
    let pair = |outcome: &&Outcome| (armed(outcome).point, armed(outcome).reaction);
    let all: BTreeSet<_> = outcomes.iter().map(|outcome| pair(&outcome)).collect();
    let hit: BTreeSet<_> = outcomes.iter().filter(|outcome| outcome.hit).map(|o| pair(&o)).collect();
    let missing: Vec<_> = all.difference(&hit).collect();
    let hits = outcomes.iter().filter(|outcome| outcome.hit).count();
    println!("{database:?}: {} scenarios, {hits} of them hit, {} reactions", outcomes.len(), all.len());
    let missed = outcomes.iter().filter(|outcome| !outcome.hit);
    missed.for_each(|outcome| println!("  not hit: {:?}", outcome.scenario));
    assert!(missing.is_empty(), "on {database:?} these reactions never happened: {missing:?}");
}

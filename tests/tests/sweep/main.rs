//! At every named point a process is killed, fails, or stands still for longer than its leases last; whoever comes after
//! it brings the run to its end, and a judge who reads the database, the sink's file and the bodies' ledger finds
//! nothing lost, doubled or missing.
//!
//! The points are those inside the stores, around each transaction, and one before and one after every method of
//! every port. One that no run comes to fails the test.

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

/// Databases that are worked on at the same time: most of a scenario is waiting.
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
    points::are_complete(database, &census);

    let scenarios = scenarios(&census);
    let total = scenarios.len();
    let queue = Arc::new(Mutex::new(VecDeque::from(scenarios)));
    let workers = lanes.into_iter().map(|lane| tokio::spawn(serve(lane, Arc::clone(&queue))));
    let (mut outcomes, mut failures) = (Vec::new(), Vec::new());
    for worker in workers.collect::<Vec<_>>() {
        // A lane ends with the first scenario that fails; the others go on.
        match worker.await {
            Ok(done) => outcomes.extend(done),
            Err(panic) => failures.push(panic.to_string()),
        }
    }
    assert!(failures.is_empty(), "of {total} scenarios: {failures:#?}");
    report(database, &outcomes);
}

/// Which points each workflow comes to, and how often it commits.
async fn take_census(lane: &mut Lane) -> BTreeMap<Shape, BTreeMap<String, usize>> {
    let mut census = BTreeMap::new();
    for shape in Shape::ALL {
        let scenario = Scenario { shape, armed: None };
        census.insert(shape, lane.execute(&scenario).await.reached);
    }
    census
}

/// Every point that a workflow comes to, with everything that can happen there; of its commits, each one.
fn scenarios(census: &BTreeMap<Shape, BTreeMap<String, usize>>) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (shape, reached) in census {
        for (point, count) in reached {
            let times = if point.starts_with("store.commit:") { *count } else { 1 };
            for time in 1..=times {
                for reaction in [Reaction::Kill, Reaction::Fail, Reaction::Pause] {
                    let armed = Some(Armed { point: point.clone(), time, reaction });
                    scenarios.push(Scenario { shape: *shape, armed });
                }
            }
        }
    }
    scenarios
}

async fn serve(mut lane: Lane, queue: Arc<Mutex<VecDeque<Scenario>>>) -> Vec<Outcome> {
    let next = || queue.lock().expect("nothing panics under this lock").pop_front();
    let mut outcomes = Vec::new();
    while let Some(scenario) = next() {
        outcomes.push(lane.execute(&scenario).await);
    }
    outcomes
}

/// At every point, everything must have happened, in one workflow at least. Which of the many readings of an engine
/// come first is not the same each time, so a point that one run has come to may be missed by another.
fn report(database: Database, outcomes: &[Outcome]) {
    let armed = |outcome: &Outcome| outcome.scenario.armed.clone().expect("each scenario has one");
    let pair = |outcome: &&Outcome| (armed(outcome).point, armed(outcome).reaction);
    let all: BTreeSet<_> = outcomes.iter().map(|outcome| pair(&outcome)).collect();
    let struck: BTreeSet<_> = outcomes.iter().filter(|outcome| outcome.struck).map(|o| pair(&o)).collect();
    let idle: Vec<_> = all.difference(&struck).collect();
    let hits = outcomes.iter().filter(|outcome| outcome.struck).count();
    println!("{database:?}: {} scenarios, {hits} of them struck, {} points", outcomes.len(), all.len() / 3);
    let missed = outcomes.iter().filter(|outcome| !outcome.struck);
    missed.for_each(|outcome| println!("  not struck: {:?}", outcome.scenario));
    assert!(idle.is_empty(), "on {database:?} nothing has happened at {idle:?}");
}

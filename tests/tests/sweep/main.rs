//! At every named point a process is killed, a call fails, or the process is paused for longer than its leases. Around
//! every commit, claim and body the caller also stops waiting, the engine is dropped, its runtime ends, or the process
//! reaches the store no longer and is taken over or shut down. Another process then finishes the run, and a judge, which
//! reads the database, the sink's file and the bodies' ledger, checks that nothing is lost or duplicated.
//!
//! A process that lives on loses nothing, although another program locks a table that its statements need, or although
//! nothing is known of the process; leases alone decide about a killed process of which nothing is known. A process that
//! is killed while it delivers events, or while it holds many jobs, is replaced at once, although its leases last for an
//! hour.
//!
//! The points are those inside the stores, around each transaction, and those before and after every method of every
//! port. A point that no run reaches fails the test. `SWEEP_FILTER=Lock` runs only the scenarios whose text contains it.

mod lane;
mod scenario;
mod judge;
mod points;
mod crowd;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_flusher_is_replaced_on_sqlite() {
    sweep_deliveries(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_flusher_is_replaced_on_postgres() {
    if tests::postgres::is_available("sweep::a_killed_flusher_is_replaced_on_postgres") {
        sweep_deliveries(Database::Postgres).await;
    }
}

async fn sweep(database: Database) {
    let mut lanes = open(database, LANES, Shape::Chain).await;
    let census = take_census(&mut lanes[0], &Shape::ALL).await;
    points::check_complete(database, &census);
    let scenarios = scenarios(database, &census);
    execute(database, lanes, scenarios).await;
}

/// Kills the process at each point around a delivery. The process that takes over delivers the events again, although the
/// leases of the deliveries last for an hour.
async fn sweep_deliveries(database: Database) {
    const DELIVERY: [&str; 5] =
        ["sink.", "plugin.", "store.claim_deliveries", "store.settle_deliveries", "store.next_delivery_due"];
    // The first commits of a run, and the first events of each.
    const TIMES: usize = 5;
    let mut lanes = open(database, LANES, Shape::Delivering).await;
    let census = take_census(&mut lanes[0], &[Shape::Delivering]).await;
    let mut scenarios = Vec::new();
    for (point, count) in &census[&Shape::Delivering] {
        if DELIVERY.iter().any(|name| point.starts_with(name)) {
            let kills = (1..=TIMES.min(*count)).map(|time| (point.clone(), time, Reaction::Kill));
            let armed = kills.map(|(point, time, reaction)| Armed { point, time, reaction });
            let kills = armed.map(|armed| Scenario { shape: Shape::Delivering, armed: Some(armed) });
            scenarios.extend(kills);
        }
    }
    for name in DELIVERY {
        let is_reached = census[&Shape::Delivering].keys().any(|point| point.starts_with(name));
        assert!(is_reached, "no run reaches `{name}`");
    }
    execute(database, lanes, scenarios).await;
}

async fn open(database: Database, count: usize, shape: Shape) -> Vec<Lane> {
    let mut lanes = Vec::new();
    for number in 0..count {
        lanes.push(Lane::open(database, number, shape).await);
    }
    lanes
}

async fn execute(database: Database, lanes: Vec<Lane>, mut scenarios: Vec<Scenario>) {
    if let Ok(part) = std::env::var("SWEEP_FILTER") {
        scenarios.retain(|scenario| format!("{scenario:?}").contains(&part));
    }
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
async fn take_census(lane: &mut Lane, shapes: &[Shape]) -> BTreeMap<Shape, BTreeMap<String, usize>> {
    let mut census = BTreeMap::new();
    for &shape in shapes {
        let scenario = Scenario { shape, armed: None };
        let mut reached = lane.execute(&scenario).await.reached;
        reached.retain(|point, _| !points::depends_on_speed(point));
        census.insert(shape, reached);
    }
    census
}

/// Returns a scenario for every point that a workflow reaches and every reaction; for each of its commits separately.
fn scenarios(database: Database, census: &BTreeMap<Shape, BTreeMap<String, usize>>) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for (shape, reached) in census {
        for (point, count) in reached {
            let times = if point.starts_with("store.commit:") { *count } else { 1 };
            for time in 1..=times {
                for reaction in reactions(*shape, point) {
                    let armed = Some(Armed { point: point.clone(), time, reaction });
                    scenarios.push(Scenario { shape: *shape, armed });
                }
            }
        }
    }
    let at_bodies = |shape, moment: &str, times: &[usize], reaction| {
        let point = format!("executor.execute: {moment}");
        let armed = times.iter().map(|time| Armed { point: point.clone(), time: *time, reaction });
        armed.map(|armed| Scenario { shape, armed: Some(armed) }).collect::<Vec<_>>()
    };
    scenarios.extend(at_bodies(Shape::Chain, "before", &[1], Reaction::Hold));
    scenarios.extend(at_bodies(Shape::Chain, "after", &[1, 3], Reaction::Hold));
    if database == Database::Postgres {
        // The commits that follow are those of both stages with statements.
        scenarios.extend(at_bodies(Shape::Booking, "after", &[2, 3], Reaction::Lock));
    }
    scenarios
}

/// Returns the reactions at a point. Some workflows have points that the others have, too, so there the process is only
/// killed, and where the workflow is about signals and time, only around commits.
fn reactions(shape: Shape, point: &str) -> Vec<Reaction> {
    match shape {
        Shape::Asking | Shape::Early | Shape::Expiring | Shape::Later
            if !point.starts_with("store.commit") =>
        {
            Vec::new()
        }
        Shape::Catching
        | Shape::Nesting
        | Shape::Scheduled
        | Shape::Asking
        | Shape::Early
        | Shape::Expiring
        | Shape::Later => vec![Reaction::Kill],
        Shape::Booking if can_be_taken_away(point) => vec![Reaction::Kill, Reaction::Fail],
        Shape::Booking | Shape::Delivering | Shape::Crowd => Vec::new(),
        Shape::Chain | Shape::Diamond | Shape::Waiting | Shape::Choosing => {
            let mut reactions = vec![Reaction::Kill, Reaction::Fail, Reaction::Pause];
            if can_be_taken_away(point) {
                reactions.extend(Reaction::WITHIN_PROCESS);
                reactions.extend(Reaction::WITHOUT_STORE);
            }
            if shape == Shape::Chain && (point.starts_with("executor.") || point == "store.commit: after") {
                reactions.push(Reaction::KillUnseen);
            }
            reactions
        }
    }
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

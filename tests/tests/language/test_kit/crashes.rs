//! A crash at each commit of a workflow with plugins, and of one that writes to the program's tables on SQLite.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use sqlx::sqlite::SqlitePool;
use tests::transfer::{DebitInput, transfer};
use workflow_engine::ports::{DeliveryError, Plugin};
use workflow_engine::prelude::*;
use workflow_engine::records::Event;
use workflow_engine::testing::TestEngine;

#[stage]
async fn count(text: String) -> StageResult<usize> {
    Ok(text.len())
}

#[stage]
async fn double(length: usize) -> StageResult<usize> {
    Ok(length * 2)
}

workflow! { Measuring = count >> double }

fn text() -> CountInput {
    CountInput { text: "abc".into() }
}

/// Counts the deliveries of each event, by run.
#[derive(Clone, Default)]
struct Counter(Arc<Mutex<HashMap<String, Vec<u64>>>>);

#[async_trait]
impl Plugin for Counter {
    fn name(&self) -> &'static str {
        "counter"
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        let mut runs = self.0.lock().unwrap();
        runs.entry(event.run_id.to_string()).or_default().push(event.sequence);
        Ok(())
    }
}

#[tokio::test]
async fn a_plugin_receives_every_event_although_a_process_dies() {
    let counter = Counter::default();
    let mut test = TestEngine::<Measuring>::new();
    let points = test.plugin(counter.clone()).crash_everywhere(text, |output| assert_eq!(output, 6)).await;
    let alone = TestEngine::<Measuring>::new().crash_everywhere(text, |output| assert_eq!(output, 6)).await;
    assert!(points > alone, "deliveries are commits, too: {points}, {alone}");

    let runs = counter.0.lock().unwrap();
    assert_eq!(runs.len(), 2 * points + 1, "each run had deliveries");
    let repeated = runs.values().filter(|sequences| sequences.len() > 7).count();
    assert!(repeated > 0, "a process that dies before it has recorded a delivery delivers it again");
}

/// A plugin that forgets an event.
struct Forgetful;

#[async_trait]
impl Plugin for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    async fn handle(&self, event: &Event) -> Result<(), DeliveryError> {
        match event.kind.name() {
            "stage:started" => Err("never".into()),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_plugin_that_refuses_an_event_for_ever_does_not_stop_the_test() {
    let mut test = TestEngine::<Measuring>::new();
    test.plugin(Forgetful).crash_everywhere(text, |output| assert_eq!(output, 6)).await;
}

async fn pool(file: &Path) -> SqlitePool {
    SqlitePool::connect(&format!("sqlite://{}", file.display())).await.unwrap()
}

#[tokio::test]
async fn bookings_in_a_file_are_made_exactly_once_although_a_process_dies() {
    let prepare = async |file: &Path| {
        let pool = pool(file).await;
        sqlx::query("CREATE TABLE bookings (run, stage, cents)").execute(&pool).await.unwrap();
        pool.close().await;
    };
    let check = async |file: &Path, output: Option<i64>| {
        assert_eq!(output, Some(5));
        let pool = pool(file).await;
        let bookings: Vec<(String, i64)> = sqlx::query_as("SELECT stage, cents FROM bookings ORDER BY cents")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(bookings, [("debit".to_owned(), -5), ("credit".to_owned(), 5)]);
        pool.close().await;
    };
    let input = || DebitInput { bookings: "bookings".into(), cents: 5 };
    let mut test = TestEngine::<transfer>::new();
    let points = test.crash_everywhere_on_sqlite(prepare, input, check).await;
    // The creation, the start, and a claim and an outcome for each of the two stages.
    assert_eq!(points, 6);
}

#[tokio::test]
async fn the_panic_of_a_check_on_a_file_names_the_crash() {
    let test = async {
        let input = || DebitInput { bookings: "missing".into(), cents: 5 };
        let check = async |_: &Path, output: Option<i64>| assert_eq!(output, Some(6), "the wrong amount");
        let prepare = async |file: &Path| {
            let pool = pool(file).await;
            sqlx::query("CREATE TABLE missing (run, stage, cents)").execute(&pool).await.unwrap();
            pool.close().await;
        };
        TestEngine::<transfer>::new().crash_everywhere_on_sqlite(prepare, input, check).await
    };
    let panicked =
        tokio::task::LocalSet::new().run_until(async move { tokio::task::spawn_local(test).await }).await;
    let message: String = *panicked.unwrap_err().into_panic().downcast().unwrap();
    assert!(message.contains("the wrong amount"), "{message}");
}

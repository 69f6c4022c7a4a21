//! The children of a run, and the parent of a child that has ended, are read by indexes: their cost does not grow with the
//! number of runs.

use sqlx::{AssertSqlSafe, Connection};
use tests::postgres::Schema;
use workflow_engine::prelude::*;
use workflow_engine::{EngineBuilder, RunFilter};

use super::fixture::named_url;
use super::list_plans::{connect, rows_read};

#[stage]
async fn open(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

#[stage]
async fn weigh(cents: u32) -> StageResult<u32> {
    Ok(cents * 2)
}

#[stage]
async fn tell(grams: u32) -> StageResult<String> {
    Ok(format!("{grams} g"))
}

workflow! {
    Weighing = weigh;
    Selling = open >> Weighing >> tell;
}

/// The ended runs in the tables: as many parents, each with one child.
const RUNS: u32 = 20_000;

/// The children of one of the runs, beside its own.
const CHILDREN: u32 = 100;

/// The items of a page.
const PAGE: usize = 50;

/// The id of a copy, with an instant of the year 2000.
fn id(first: u64) -> String {
    let first = 946_684_800_000 + first;
    format!("(lpad(to_hex({first} + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid")
}

async fn sell(builder: EngineBuilder, sales: u32) -> Vec<RunHandle<Selling>> {
    let engine = builder.build().await.unwrap();
    let mut runs = Vec::new();
    for cents in 0..sales {
        let run = engine.start::<Selling>(OpenInput { cents }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), format!("{} g", 2 * cents));
        runs.push(run);
    }
    engine.shutdown().await;
    runs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parents_and_children_are_read_by_indexes() {
    needs_postgres!("parents_and_children_are_read_by_indexes");
    let schema = Schema::new();
    let builder = || {
        let builder = Engine::builder(schema.options_at(&named_url(&schema)));
        builder.register::<Weighing>().register::<Selling>()
    };
    let parent = sell(builder(), 1).await[0].id();

    let mut side = connect(&schema).await;
    let columns = "SELECT string_agg(column_name, ', ') FROM information_schema.columns
        WHERE table_schema = current_schema AND table_name = 'workflow_runs'
            AND column_name NOT IN ('id', 'parent_run_id')";
    let columns: String = sqlx::query_scalar(columns).fetch_one(&mut side).await.unwrap();
    let (parents, children) = (id(0), id(u64::from(RUNS) + 1));
    let copy = format!(
        "INSERT INTO workflow_runs (id, parent_run_id, {columns})
        SELECT {parents}, NULL, {columns}
        FROM generate_series(1::bigint, {RUNS}) AS n CROSS JOIN workflow_runs WHERE id = '{parent}';
        INSERT INTO workflow_runs (id, parent_run_id, {columns})
        SELECT {children}, CASE WHEN n > {CHILDREN} THEN {parents} ELSE '{parent}' END, {columns}
        FROM generate_series(1::bigint, {RUNS}) AS n CROSS JOIN workflow_runs WHERE parent_run_id = '{parent}';
        ANALYZE"
    );
    sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut side).await.unwrap();
    side.close().await.unwrap();

    let before = rows_read(&schema).await;
    let engine = builder().without_worker().build().await.unwrap();
    let run = engine.any_run(parent).await.unwrap();
    let first = run.children().limit(PAGE).await.unwrap();
    let second = run.children().limit(PAGE).after(first.next.clone().unwrap()).await.unwrap();
    let third = run.children().limit(PAGE).after(second.next.clone().unwrap()).await.unwrap();
    let all = CHILDREN as usize + 1;
    assert_eq!((first.items.len(), second.items.len(), third.items.len()), (PAGE, PAGE, all - 2 * PAGE));
    let own = RunFilter::new().parent(parent);
    assert_eq!(engine.runs(&own.clone().status(Status::Failed)).await.unwrap().items, []);
    assert_eq!(engine.count_runs(&own, 1_000).await.unwrap().count, u64::from(CHILDREN) + 1);
    let costs = run.cost_summary_with_children().await.unwrap();
    assert_eq!(costs.tokens, 0);
    engine.shutdown().await;
    let after = rows_read(&schema).await;
    assert_eq!(after[0] - before[0], 0, "a table is scanned");
    assert!(after[1] - before[1] < 2_000, "{} rows were read by indexes", after[1] - before[1]);

    // A worker that ends children scans no table either: only its own row, when it starts.
    sell(builder(), 20).await;
    let last = rows_read(&schema).await;
    assert!(last[0] - after[0] < 20, "a table is scanned: {} rows", last[0] - after[0]);
}

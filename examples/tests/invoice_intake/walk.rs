//! The life of an invoice, on both databases.

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::postgres::{self, Cluster};

use crate::program::Program;

/// An invoice is taken in, approved, paid and booked; the bank fails before and after.
async fn walk(program: &Program) {
    let run = program.receive("acme", "7").await;
    let waiting = program.until_waiting(&run, 0).await;
    let (_, detail) = program.get(&format!("/invoices/{run}")).await;
    assert_eq!(detail["run"]["status"], "RUNNING");
    assert_eq!(detail["outputs"]["verify"]["cents"], 1_500);
    assert_eq!((&detail["stages"][1]["status"], &detail["blocked"]), (&json!("SUSPENDED"), &json!(null)));

    let mut live = program.events(&run, waiting).await;
    assert_eq!(program.decide(&run, true).await, 204);
    let refused = live.until("stage:retrying").await;
    assert!(refused.to_string().contains("503"), "the bank fails after it has paid: {refused}");
    live.until("workflow:completed").await;
    assert_eq!(live.next().await, None, "the stream ends with the run");

    let receipt = format!("receipt {run}/pay/1");
    let row = json!({ "invoice": "7", "supplier": "acme", "cents": 1_500, "receipt": receipt });
    assert_eq!(program.ledger().await, [row]);
    let names = program.events(&run, 0).await.names().await;
    assert_eq!(names.iter().filter(|name| *name == "stage:retrying").count(), 2, "{names:?}");
    assert!(names.contains(&"stage:progress".to_owned()), "{names:?}");
}

#[tokio::test]
async fn an_invoice_is_paid_and_booked_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    walk(&Program::on_sqlite(folder.path())).await;
}

#[tokio::test]
async fn an_invoice_is_paid_and_booked_on_postgresql_by_two_processes() {
    if !postgres::is_available("invoice_intake") {
        return;
    }
    let cluster = Cluster::start();
    let server =
        cluster.as_ref().map_or_else(|| std::env::var("DATABASE_URL").unwrap(), |own| own.url().to_owned());
    let name = format!("invoice_intake_{}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await.unwrap();
    let url = database(&server, &name);

    let first = Program::start(&url);
    walk(&first).await;
    let second = Program::start(&url);
    let run = first.receive("globex", "1").await;
    let waiting = second.until_waiting(&run, 0).await;
    first.kill();
    assert_eq!(second.decide(&run, true).await, 204);
    second.events(&run, waiting).await.until("workflow:completed").await;
    assert_eq!(second.ledger().await.len(), 2);
    second.kill();
    let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
    sqlx::query(drop).execute(&mut connection).await.unwrap();
}

/// Returns the URL of another database on the same server.
fn database(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').unwrap_or((server, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    format!("{scheme}://{host}/{name}?{options}")
}

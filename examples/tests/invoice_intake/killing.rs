//! Processes that are killed, and the ones that continue their work.

use crate::program::Program;

#[tokio::test]
async fn an_invoice_waits_through_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "1").await;
    let waiting = program.until_waiting(&run, 0).await;
    program.kill();

    let program = Program::on_sqlite(folder.path());
    assert_eq!(program.status(&run).await, "RUNNING");
    assert_eq!(program.decide(&run, true).await, 204);
    program.events(&run, waiting).await.until("workflow:completed").await;
    assert_eq!(program.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_payment_pays_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "1").await;
    let waiting = program.until_waiting(&run, 0).await;
    assert_eq!(program.decide(&run, true).await, 204);
    // The bank has paid, and the program does not know it.
    program.events(&run, waiting).await.until("stage:retrying").await;
    program.kill();

    let program = Program::on_sqlite(folder.path());
    program.events(&run, waiting).await.until("workflow:completed").await;
    let ledger = program.ledger().await;
    assert_eq!(ledger.len(), 1);
    assert_eq!(ledger[0]["receipt"], format!("receipt {run}/pay/1"));
}

#[tokio::test]
async fn the_other_process_continues_the_invoices_of_a_killed_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = Program::on_sqlite(folder.path());
    let second = Program::on_sqlite(folder.path());
    let mut runs = Vec::new();
    for number in 0..6 {
        let program = if number % 2 == 0 { &first } else { &second };
        runs.push(program.receive("globex", &number.to_string()).await);
    }
    // A stream shows the run wherever it is executed.
    first.until_waiting(&runs[1], 0).await;
    first.kill();
    for run in &runs {
        second.until_waiting(run, 0).await;
        assert_eq!(second.decide(run, true).await, 204);
    }
    for run in &runs {
        second.events(run, 0).await.until("workflow:completed").await;
    }
    assert_eq!(second.ledger().await.len(), 6);
}

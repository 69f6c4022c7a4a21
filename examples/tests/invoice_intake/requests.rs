//! What requests return.

use serde_json::{Value, json};

use crate::program::{Program, invoice};

#[tokio::test]
async fn the_same_invoice_is_one_run_and_another_amount_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "7").await;
    assert_eq!(program.receive("acme", "7").await, run);
    assert_ne!(program.receive("globex", "7").await, run);
    let (status, error) = program.post("/invoices", &invoice("acme", "7", 1_300)).await;
    assert_eq!((status, &error["code"]), (409, &json!("IDEMPOTENCY_CONFLICT")));
}

#[tokio::test]
async fn an_invalid_invoice_is_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let (status, error) = program.post("/invoices", &invoice("acme", "7", 0)).await;
    assert_eq!((status, &error["code"]), (400, &json!("INVALID_INPUT")));
    assert!(error["message"].as_str().unwrap().contains("invoice.lines[0].cents"), "{error}");
    assert_eq!(program.get("/invoices/01900000-0000-7000-8000-000000000000").await.0, 404);
    assert_eq!(program.get("/invoices/nonsense").await.0, 400);
}

#[tokio::test]
async fn lists_have_pages_and_conditions() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let mut runs = Vec::new();
    for number in 0..5 {
        runs.insert(0, program.receive("acme", &number.to_string()).await);
    }
    program.receive("globex", "1").await;

    let mut listed: Vec<Value> = Vec::new();
    let mut path = "/invoices?supplier=acme&limit=2".to_owned();
    loop {
        let (status, page) = program.get(&path).await;
        assert_eq!(status, 200, "{page}");
        listed.extend(page["items"].as_array().unwrap().iter().map(|run| run["id"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/invoices?supplier=acme&limit=2&after={next}");
    }
    assert_eq!(listed, runs);

    program.post(&format!("/invoices/{}/cancel", runs[0]), &Value::Null).await;
    let (_, cancelled) = program.get("/invoices?status=CANCELLED").await;
    assert_eq!(cancelled["items"][0]["id"], runs[0]);
    assert_eq!(program.get("/invoices?after=nonsense").await.0, 400);
}

#[tokio::test]
async fn an_unknown_supplier_fails_without_a_retry_and_a_cancelled_run_is_not_paid() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("initech", "1").await;
    let failed = program.events(&run, 0).await.until("workflow:failed").await;
    let (_, detail) = program.get(&format!("/invoices/{run}")).await;
    let reason = detail["run"]["error"]["message"].as_str().unwrap();
    assert!(reason.contains("does not know the supplier `initech`"), "{failed} {detail}");

    let run = program.receive("acme", "1").await;
    program.until_waiting(&run, 0).await;
    let (status, cancelled) = program.post(&format!("/invoices/{run}/cancel"), &Value::Null).await;
    assert_eq!((status, &cancelled["status"]), (200, &json!("CANCELLED")));
    assert_eq!(program.decide(&run, true).await, 409, "the run has ended");
    assert_eq!(program.status(&run).await, "CANCELLED");
    assert!(program.ledger().await.is_empty());
}

#[tokio::test]
async fn a_rejection_ends_the_run_unpaid_and_a_rerun_asks_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "1").await;
    program.until_waiting(&run, 0).await;
    let rejection = json!({ "approved": false, "comment": "ordered twice", "actor": "ada" });
    assert_eq!(program.post(&format!("/invoices/{run}/decision"), &rejection).await.0, 204);
    let (status, refused) = program.post(&format!("/invoices/{run}/decision"), &rejection).await;
    assert_eq!((status, &refused["code"]), (409, &json!("SIGNAL_TOO_LATE")), "the first decision stays");
    let over = program.events(&run, 0).await.until("workflow:completed").await;
    let (_, detail) = program.get(&format!("/invoices/{run}")).await;
    assert_eq!(detail["outputs"]["reject"], json!({ "rejected": "ordered twice" }));
    assert!(program.ledger().await.is_empty());

    let (status, plan) = program.post(&format!("/invoices/{run}/rerun/approve"), &Value::Null).await;
    assert_eq!((status, &plan["stages"]), (200, &json!(["approve", "pay", "book", "reject"])));
    program.until_waiting(&run, over["sequence"].as_u64().unwrap()).await;
    assert_eq!(program.decide(&run, true).await, 204);
    program.events(&run, over["sequence"].as_u64().unwrap()).await.until("workflow:completed").await;
    assert_eq!(program.ledger().await.len(), 1);
}

#[tokio::test]
async fn a_decision_before_the_question_counts() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "1").await;
    assert_eq!(program.decide(&run, true).await, 204);
    program.events(&run, 0).await.until("workflow:completed").await;
    assert_eq!(program.ledger().await.len(), 1);
}

#[tokio::test]
async fn the_dashboard_below_its_path_has_the_question_and_takes_the_answer() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let run = program.receive("acme", "7").await;
    program.until_waiting(&run, 0).await;
    for (path, base) in
        [("/ops", "./ops/"), ("/ops/", "./"), ("/ops/approvals", "./"), ("/ops/runs/7", "../")]
    {
        let (status, page) = program.get(path).await;
        assert_eq!(status, 200, "{path}");
        assert!(page.as_str().unwrap().contains(&format!("<base href=\"{base}\">")), "{path}: {page}");
    }
    let (_, inbox) = program.get("/ops/api/v1/approvals").await;
    let question = inbox["items"][0]["question"].as_str().unwrap();
    assert!(question.starts_with("May we pay 15.00 € to acme for invoice 7?"), "{question}");
    let answer = json!({ "payload": { "approved": true, "comment": null }, "actor": "ada" });
    let path = format!("/ops/api/v1/approvals/{}", inbox["items"][0]["id"].as_str().unwrap());
    assert_eq!(program.post(&path, &answer).await.0, 200);
    program.events(&run, 0).await.until("workflow:completed").await;
    assert_eq!(program.ledger().await.len(), 1);
}

#[tokio::test]
async fn the_nightly_balance_is_started_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::on_sqlite(folder.path());
    let (_, schedules) = program.get("/ops/api/v1/schedules").await;
    assert_eq!(schedules["items"][0]["status"], "ACTIVE", "{schedules}");
    let trigger = "/ops/api/v1/schedules/nightly-balance/trigger";
    let (status, started) = program.post(trigger, &json!({})).await;
    assert_eq!(status, 200, "{started}");
    let run = started["run_id"].as_str().unwrap();
    program.events(run, 0).await.until("workflow:completed").await;
    let (_, output) = program.get(&format!("/ops/api/v1/runs/{run}/output")).await;
    assert_eq!((&output["entries"], &output["cents"]), (&json!(0), &json!(0)), "{output}");
}

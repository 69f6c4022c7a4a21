//! Schedules over HTTP.

use serde_json::{Value, json};

use crate::support::{READER, VIEWER, body, problem, served};

fn nightly() -> Value {
    json!({
        "cron": "30 2 * * *",
        "zone": "Europe/Berlin",
        "workflow_id": "login",
        "input": { "account": { "user": "ada", "password": "secret" } },
    })
}

#[tokio::test]
async fn a_schedule_is_created_shown_and_changed() {
    let served = served().await;
    let put = |body: Value| {
        let url = served.url("/api/v1/schedules/nightly");
        served.client.put(url).bearer_auth(crate::support::OPERATOR).json(&body).send()
    };
    assert_eq!(body(put(nightly()).await.unwrap()).await, json!({ "outcome": "created" }));
    assert_eq!(body(put(nightly()).await.unwrap()).await, json!({ "outcome": "unchanged" }));
    let page = served.json("/schedules").await;
    let info = &page["items"][0];
    assert_eq!((&info["schedule"]["id"], &info["status"]), (&json!("nightly"), &json!("ACTIVE")));
    assert_eq!(info["next"].as_array().unwrap().len(), 5);
    assert_eq!(info["schedule"]["input"], json!({ "account": { "user": "ada", "password": "[hidden]" } }));
    assert_eq!(body(served.get_as(VIEWER, "/schedules/nightly").await).await, *info);
    let read = body(served.get_as(READER, "/schedules/nightly").await).await;
    assert_eq!((&read["schedule"]["input"], &read["next"]), (&Value::Null, &info["next"]));

    let mut changed = nightly();
    changed["cron"] = json!("0 3 * * *");
    changed["id"] = json!("weekly");
    problem(put(changed.clone()).await.unwrap(), 422, "INVALID_REQUEST").await;
    changed["id"] = json!("nightly");
    assert_eq!(body(put(changed).await.unwrap()).await, json!({ "outcome": "changed" }));
    let mut never = nightly();
    never["cron"] = json!("0 0 31 2 *");
    problem(put(never).await.unwrap(), 422, "SCHEDULE_NEVER_FIRES").await;
    let mut outdated = nightly();
    outdated["input"] = json!({ "account": 7 });
    problem(put(outdated).await.unwrap(), 422, "INVALID_INPUT").await;
    problem(served.get("/schedules/weekly").await, 404, "SCHEDULE_NOT_FOUND").await;
}

#[tokio::test]
async fn a_schedule_is_paused_triggered_backfilled_and_deleted() {
    let served = served().await;
    let put = served.client.put(served.url("/api/v1/schedules/nightly"));
    put.bearer_auth(crate::support::OPERATOR).json(&nightly()).send().await.unwrap();
    let post = async |path: &str, json: Value| {
        body(served.post(&format!("/schedules/nightly/{path}"), &json).await).await
    };
    assert_eq!(post("pause", json!({ "reason": "holidays" })).await, json!({ "paused": true }));
    let info = served.json("/schedules/nightly").await;
    assert_eq!((&info["status"], &info["reason"]), (&json!("PAUSED"), &json!("holidays")));
    let run = post("trigger", json!({})).await["run_id"].as_str().unwrap().to_owned();
    let run = served.json(&format!("/runs/{run}")).await;
    assert_eq!(run["tags"]["schedule"], "nightly");
    assert_eq!(post("resume", json!({})).await, json!({ "resumed": true }));

    let days = json!({ "from": "2025-10-25T00:00:00Z", "to": "2025-10-27T00:00:00Z" });
    let preview = post("backfill?preview=true", days.clone()).await;
    let ticks: Vec<_> =
        preview["ticks"].as_array().unwrap().iter().map(|tick| &tick["scheduled_for"]).collect();
    assert_eq!(ticks, ["2025-10-25T00:30:00Z", "2025-10-26T00:30:00Z"]);
    assert_eq!(preview["ticks"][0]["run_id"], Value::Null);
    let started = post("backfill", days.clone()).await;
    assert_eq!(started["ticks"][0]["is_new"], true);
    let again = post("backfill", days).await;
    assert_eq!(
        (&again["ticks"][0]["is_new"], &again["ticks"][0]["run_id"]),
        (&json!(false), &started["ticks"][0]["run_id"])
    );

    let delete = || {
        let url = served.url("/api/v1/schedules/nightly");
        served.client.delete(url).bearer_auth(crate::support::OPERATOR).send()
    };
    assert_eq!(body(delete().await.unwrap()).await, json!({ "deleted": true }));
    assert_eq!(body(delete().await.unwrap()).await, json!({ "deleted": false }));
    let refused = served.client.delete(served.url("/api/v1/schedules/nightly")).bearer_auth(READER);
    problem(refused.send().await.unwrap(), 403, "FORBIDDEN").await;
}

//! Commands in JSON.

use serde_json::{Value, json};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::prelude::*;

#[stage]
async fn add(left: u32, right: u32, #[config(default = 0)] more: u32) -> StageResult<u32> {
    Ok(left + right + more)
}

#[stage]
async fn double(sum: u32) -> StageResult<u32> {
    Ok(sum * 2)
}

workflow! { arithmetic = add >> double }

async fn send(engine: &Engine, command: Value) -> Result<Value, workflow_engine::Error> {
    let output = engine.kernel().dispatch_json(&command.to_string()).await?;
    Ok(output.decode().expect("the output is JSON"))
}

async fn a_run_is_driven_by_json_alone(world: World) {
    let engine = world.engine().register::<arithmetic>().without_worker().build().await.unwrap();
    let create = json!({
        "type": "run.create",
        "idempotency_key": "sum-1",
        "workflow_id": "arithmetic",
        "input": {"left": 1, "right": 2},
        "config": {"add": {"more": 4}},
        "budget": "0.50 USD",
    });
    let created = send(&engine, create.clone()).await.unwrap();
    assert_eq!(created["status"], "PENDING");
    let run_id = &created["run_id"];
    assert_eq!(send(&engine, create).await.unwrap()["run_id"], *run_id);

    let raise = |budget: &str| json!({"type": "run.raiseBudget", "run_id": run_id, "budget": budget});
    assert_eq!(send(&engine, raise("2 USD")).await.unwrap(), json!({"resumed": 0}));
    assert_eq!(send(&engine, raise("1 USD")).await.unwrap_err().code(), "BUDGET_TOO_LOW");
    let transition = json!({"type": "run.transition", "run_id": run_id});
    assert_eq!(send(&engine, transition.clone()).await.unwrap(), json!({"action": "advanced"}));
    for stage in ["add", "double"] {
        let execute = json!({"type": "job.execute", "worker_id": "w", "run_id": run_id, "stage_id": stage});
        assert_eq!(send(&engine, execute).await.unwrap(), json!({"outcome": "completed"}));
    }
    assert_eq!(send(&engine, transition).await.unwrap(), json!({"action": "completed"}));
    let run_id = run_id.as_str().unwrap().parse().unwrap();
    assert_eq!(engine.run_handle::<arithmetic>(run_id).await.unwrap().output().await.unwrap(), 14);

    let rerun = json!({"type": "run.rerunFrom", "run_id": run_id, "from_stage_id": "double"});
    assert_eq!(send(&engine, rerun).await.unwrap(), json!({"generation": 2, "stages": ["double"]}));
    let claim = json!({"type": "run.claimPending", "worker_id": "w"});
    assert_eq!(send(&engine, claim).await.unwrap(), json!({"claimed": []}));
    let cancel = json!({"type": "run.cancel", "run_id": run_id, "reason": "enough"});
    assert_eq!(send(&engine, cancel).await.unwrap(), json!({"cancelled": true}));
    let reap = json!({"type": "lease.reapStale", "stale_threshold_ms": 1000});
    assert_eq!(send(&engine, reap).await.unwrap(), json!({"released": 0, "failed": 0}));
    let stuck = json!({"type": "run.reapStuck", "threshold_ms": 1000});
    assert_eq!(send(&engine, stuck).await.unwrap(), json!({"repaired": 0, "failed": 0}));
    let unclaimed = json!({"type": "run.failUnclaimed", "limit_ms": 1000});
    assert_eq!(send(&engine, unclaimed).await.unwrap(), json!({"failed": 0}));
    let poll = json!({"type": "stage.pollSuspended", "worker_id": "w"});
    assert_eq!(send(&engine, poll).await.unwrap(), json!({"checked": 0, "resumed_run_ids": []}));
    let flush = json!({"type": "outbox.flush", "worker_id": "w"});
    assert_eq!(send(&engine, flush).await.unwrap(), json!({"published": 0, "refused": 0, "given_up": 0}));
    let replay = json!({"type": "plugin.replayDLQ"});
    assert_eq!(send(&engine, replay).await.unwrap(), json!({"replayed": 0}));
    let purge = json!({"type": "retention.purge", "older_than_ms": 0, "max": 5});
    assert_eq!(send(&engine, purge).await.unwrap(), json!({"runs": [run_id.to_string()]}));
}

async fn an_invalid_command_is_refused_with_its_name_and_position(world: World) {
    let engine = world.engine().register::<arithmetic>().without_worker().build().await.unwrap();
    let refused = [
        ("[]", "a command must be a JSON object: invalid type: sequence, expected a map at line 1 column 0"),
        ("{}", "a command must have its name in the field `type`"),
        (r#"{"type": 7}"#, "a command must have its name in the field `type`"),
        (
            r#"{"type": "run.stop"}"#,
            "unknown command `run.stop`; the commands are `run.create`, `run.claimPending`, `job.execute`, \
             `run.transition`, `run.cancel`, `run.rerunFrom`, `run.fork`, `stage.pollSuspended`, `stage.wake`, `run.signal`, `stage.report`, \
             `run.raiseBudget`, `annotation.attach`, \
             `lease.reapStale`, `run.reapStuck`, `run.failOverdue`, `run.failUnclaimed`, `outbox.flush`, \
             `plugin.replayDLQ`, `subscriber.remove`, `retention.purge`, `run.delete`, `costs.rollUp`, \
             `schedule.put`, `schedule.delete`, `schedule.pause`, `schedule.resume`, `schedule.trigger`, \
             `schedule.backfill`, `schedule.tick`",
        ),
        (
            r#"{"type": "run.cancel"}"#,
            "command `run.cancel` cannot be read: missing field `run_id` at line 1 column 2",
        ),
        (
            r#"{"type": "run.cancel", "run_id": "x"}"#,
            "command `run.cancel` cannot be read: `x` is not a run id: expected a UUID at line 1 column 14",
        ),
    ];
    for (command, text) in refused {
        let error = engine.kernel().dispatch_json(command).await.unwrap_err();
        assert_eq!(
            (error.code().as_str(), error.to_string().as_str()),
            ("INVALID_REQUEST", text),
            "{command}"
        );
    }
    let typo = json!({"type": "outbox.flush", "worker_id": "w", "max": 3});
    let error = send(&engine, typo).await.unwrap_err().to_string();
    assert!(error.contains("unknown field `max`"), "{error}");
}

async fn a_stage_is_executed_and_reports_by_json(world: World) {
    let engine = world.engine().register::<arithmetic>().without_worker().build().await.unwrap();
    let create = json!({"type": "run.create", "workflow_id": "arithmetic", "input": {"left": 1, "right": 2}});
    let run_id = send(&engine, create).await.unwrap()["run_id"].clone();
    let claim = json!({"type": "run.claimPending", "worker_id": "remote", "slots": 1});
    let claimed = send(&engine, claim).await.unwrap();
    let lease = &claimed["claimed"][0]["jobs"][0]["lease"];
    let report = json!({
        "type": "stage.report",
        "lease": lease,
        "progress": {"fraction": 0.5, "message": "half way"},
        "logs": [{"level": "WARN", "message": "slow", "fields": {"ms": 7}}, {"level": "INFO", "message": "on"}],
    });
    assert_eq!(send(&engine, report.clone()).await.unwrap(), json!({}));
    let out_of_range = json!({"type": "stage.report", "lease": lease, "progress": {"fraction": 1.5}});
    let error = send(&engine, out_of_range).await.unwrap_err();
    assert_eq!(error.to_string(), "progress must be a fraction from 0 to 1, but it is 1.5");
    let id = run_id.as_str().unwrap().parse().unwrap();
    let logs = world.store.logs(id, 0, 10).await.unwrap();
    assert_eq!((logs[0].fields.as_str(), logs[1].fields.as_str()), (r#"{"ms":7}"#, "null"));
    let cancel = json!({"type": "run.cancel", "run_id": run_id, "reason": null});
    send(&engine, cancel).await.unwrap();
    assert_eq!(send(&engine, report).await.unwrap_err().code(), "LEASE_LOST");

    let create = json!({"type": "run.create", "workflow_id": "arithmetic", "input": {"left": 1, "right": 2}});
    let run_id = send(&engine, create).await.unwrap()["run_id"].clone();
    send(&engine, json!({"type": "run.transition", "run_id": run_id})).await.unwrap();
    let execute = |stage: &str| {
        json!({
            "type": "job.execute",
            "idempotency_key": "message-1",
            "worker_id": "w",
            "run_id": run_id,
            "stage_id": stage,
        })
    };
    for _ in 0..2 {
        assert_eq!(send(&engine, execute("add")).await.unwrap(), json!({"outcome": "completed"}));
    }
    assert_eq!(send(&engine, execute("double")).await.unwrap_err().code(), "IDEMPOTENCY_CONFLICT");
}

async fn a_schedule_is_steered_by_json(world: World) {
    let engine = world.engine().register::<arithmetic>().without_worker().build().await.unwrap();
    let schedule = json!({
        "id": "nightly",
        "cron": "0 2 * * *",
        "zone": "Europe/Berlin",
        "workflow_id": "arithmetic",
        "input": {"left": 1, "right": 2},
        "catch_up": {"all": {"at_most": 3}},
        "overlap": "parallel",
        "jitter_ms": 0,
    });
    let put = json!({"type": "schedule.put", "schedule": schedule});
    assert_eq!(send(&engine, put.clone()).await.unwrap(), json!("created"));
    assert_eq!(send(&engine, put).await.unwrap(), json!("unchanged"));
    let tick = json!({"type": "schedule.tick"});
    assert_eq!(send(&engine, tick.clone()).await.unwrap(), json!({"started": 0, "moved": 0, "refused": 0}));
    world.clock.advance(std::time::Duration::from_secs(86_400));
    assert_eq!(send(&engine, tick).await.unwrap(), json!({"started": 1, "moved": 0, "refused": 0}));
    let pause = json!({"type": "schedule.pause", "id": "nightly", "reason": "holidays"});
    assert_eq!(send(&engine, pause).await.unwrap(), json!({"paused": true}));
    let resume = json!({"type": "schedule.resume", "id": "nightly"});
    assert_eq!(send(&engine, resume).await.unwrap(), json!({"resumed": true}));
    let trigger = json!({"type": "schedule.trigger", "id": "nightly"});
    let run = send(&engine, trigger).await.unwrap();
    let run_id: workflow_engine::RunId = run["run_id"].as_str().unwrap().parse().unwrap();
    assert!(world.store.run(run_id).await.unwrap().is_some());
    let backfill = json!({
        "type": "schedule.backfill",
        "id": "nightly",
        "from": "2025-12-31T00:00:00Z",
        "to": "2026-01-01T12:00:00Z",
        "dry_run": true,
    });
    let ticks = send(&engine, backfill).await.unwrap();
    let new: Vec<_> = ticks["ticks"].as_array().unwrap().iter().map(|tick| tick["is_new"].clone()).collect();
    assert_eq!(new, [true, false]);
    let delete = json!({"type": "schedule.delete", "id": "nightly"});
    assert_eq!(send(&engine, delete).await.unwrap(), json!({"deleted": true}));
    let misspelt = json!({"type": "schedule.put", "schedule": {"id": "a", "corn": "* * * * *"}});
    let error = send(&engine, misspelt).await.unwrap_err().to_string();
    assert!(error.starts_with("command `schedule.put` cannot be read: unknown field `corn`"), "{error}");
}

on_every_store!(
    a_schedule_is_steered_by_json,
    a_run_is_driven_by_json_alone,
    an_invalid_command_is_refused_with_its_name_and_position,
    a_stage_is_executed_and_reports_by_json,
);

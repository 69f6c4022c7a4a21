//! A case that follows a run from its creation to its end.

use super::fixture::{ATTEMPTS, DEFINITION, Fixture, inline, new_run};
use crate::ports::Commit;
use crate::records::Status;

cases![a_diamond_runs_to_its_end];

async fn a_diamond_runs_to_its_end(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let a = fixture.claim("worker").await;
    assert_eq!(a.lease.stage_key, "a");
    assert_eq!((a.attempt, a.max_attempts), (1, ATTEMPTS));
    assert_eq!(a.definition_fingerprint, DEFINITION);
    assert_eq!(a.workflow_id, new_run().workflow_id);
    let Commit::Applied(applied) = fixture.complete(&a, &["b", "c"]).await else { panic!("a is held") };
    assert_eq!(applied.ready.len(), 2);
    let both = fixture.claim_up_to("worker", 10).await;
    assert_eq!(both.len(), 2);
    for job in &both {
        fixture.complete(job, &["d"]).await;
    }
    let d = fixture.claim("worker").await;
    let Commit::Applied(applied) = fixture.complete_run(&d).await else { panic!("d is held") };
    assert_eq!(applied.ended, Some(Status::Completed));

    let snapshot = fixture.snapshot(run_id).await;
    assert_eq!(snapshot.run.status, Status::Completed);
    assert_eq!(snapshot.run.output, Some(inline("output")));
    assert!(snapshot.jobs.is_empty());
    assert!(snapshot.stages.iter().all(|stage| stage.status == Status::Completed));
    let expected = [
        "workflow:created",
        "workflow:started",
        "stage:started",
        "stage:completed",
        "stage:started",
        "stage:started",
        "stage:completed",
        "stage:completed",
        "stage:started",
        "stage:completed",
        "workflow:completed",
    ];
    assert_eq!(fixture.event_names(run_id).await, expected);
}

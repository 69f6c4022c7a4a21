//! The guide, one module a chapter.
//!
#![doc = include_str!("../docs/links.md")]
#![doc = include_str!("../docs/guide/README.md")]
// The files are those of `docs/guide` in the repository, through the symbolic link `workflow-engine/docs/guide`: a
// published crate holds no file from outside of its folder, and cargo packages what the link points to. The module
// exists in the documentation alone, so no other build reads them. Their examples run in the crate `tests`.

// The chapters link to each other through reference links. The first definition of a label counts, so those of
// `links.md`, which lead to modules, precede those of the files, which lead to files.
macro_rules! chapters {
    ($($module:ident $file:literal;)*) => {
        $(
            #[doc = include_str!("../docs/links.md")]
            #[doc = include_str!(concat!("../docs/guide/", $file))]
            pub mod $module {}
        )*
    };
}

chapters! {
    stages "01-stages.md";
    workflows "02-workflows.md";
    requirements "03-requirements.md";
    waiting "04-waiting.md";
    retries "05-retries.md";
    commits "06-commits.md";
    cancelling "07-cancelling.md";
    events "08-events.md";
    logs "09-logs.md";
    ai "10-ai.md";
    testing "11-testing.md";
    deploying "12-deploying.md";
    serverless "13-serverless.md";
    postgresql "14-postgresql.md";
    retention "15-retention.md";
    troubleshooting "16-troubleshooting.md";
    application "17-application.md";
    runs "18-runs.md";
    operating "19-operating.md";
    cli "20-cli.md";
    choices "21-choices.md";
    telemetry "22-telemetry.md";
    dashboard "23-dashboard.md";
    time "24-time.md";
    signals "25-signals.md";
    schedules "26-schedules.md";
    children "27-children.md";
    production "28-production.md";
}

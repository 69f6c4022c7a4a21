//! Every Rust snippet of the Markdown files, as a documentation test: it compiles, and runs unless it is marked `no_run`.
//!
//! `tests/tests/project/documents.rs` checks that no file is missing here.

macro_rules! documents {
    ($($name:ident $file:literal;)*) => {
        $(
            #[doc = include_str!(concat!("../../", $file))]
            struct $name;
        )*
    };
}

documents! {
    Readme "README.md";
    Architecture "ARCHITECTURE.md";
    Style "STYLE.md";
    Guarantees "docs/guarantees.md";
    Performance "docs/performance.md";
    Porting "docs/porting.md";
    Skill "skills/workflow-engine/SKILL.md";
    SkillPatterns "skills/workflow-engine/references/patterns.md";
    SkillTesting "skills/workflow-engine/references/testing.md";
    SkillChanges "skills/workflow-engine/references/changes.md";
    SkillCompileErrors "skills/workflow-engine/references/compile-errors.md";
    Guide "docs/guide/README.md";
    Stages "docs/guide/01-stages.md";
    Workflows "docs/guide/02-workflows.md";
    Requirements "docs/guide/03-requirements.md";
    Waiting "docs/guide/04-waiting.md";
    Retries "docs/guide/05-retries.md";
    Commits "docs/guide/06-commits.md";
    Cancelling "docs/guide/07-cancelling.md";
    Events "docs/guide/08-events.md";
    Logs "docs/guide/09-logs.md";
    Ai "docs/guide/10-ai.md";
    Testing "docs/guide/11-testing.md";
    Deploying "docs/guide/12-deploying.md";
    Serverless "docs/guide/13-serverless.md";
    Postgresql "docs/guide/14-postgresql.md";
    Retention "docs/guide/15-retention.md";
    Troubleshooting "docs/guide/16-troubleshooting.md";
    Application "docs/guide/17-application.md";
    Runs "docs/guide/18-runs.md";
    InvoiceIntake "examples/invoice_intake/README.md";
    Operating "docs/guide/19-operating.md";
    CommandLine "docs/guide/20-cli.md";
    CommandLineOverview "workflow-engine-cli/docs/overview.md";
    Choices "docs/guide/21-choices.md";
    Telemetry "docs/guide/22-telemetry.md";
    Dashboard "docs/guide/23-dashboard.md";
    Time "docs/guide/24-time.md";
    Signals "docs/guide/25-signals.md";
    Schedules "docs/guide/26-schedules.md";
    ChildRuns "docs/guide/27-children.md";
    Production "docs/guide/28-production.md";
}

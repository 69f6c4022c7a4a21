//! The rows of a store, read with SQL of the tests, and the invariants that hold for them in every state.

mod database;
mod rows;
mod invariants;

pub use self::database::Database;

/// What an invariant is about, and how a state breaks it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Violation {
    /// The invariant.
    pub invariant: Invariant,
    /// The run, and what is wrong with it.
    pub text: String,
}

/// An invariant of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// A stage of a run that is ready, runs or waits for something outside is in exactly one place: the run's column
    /// `held`, or one live job. No other stage is in any.
    OnePlace,
    /// A run has an owner while, and only while, its owner holds leases without rows, and `held_until` is no later than
    /// the first end of them.
    Owner,
    /// A job has a worker and an end of its lease while, and only while, it is leased. A live job, and an open stage, are
    /// of the generation of their run.
    Lease,
    /// Each claim raises the epoch of a job, and the newest attempt of a stage is that of its job, in whichever place it
    /// is and has been.
    Epoch,
    /// The numbers of the events of a run are 1, 2, 3, and so on, each in one commit, up to the newest number that the run
    /// knows.
    Sequence,
    /// A lease without a row begins with the commit that started its stage, and was never renewed.
    NeverRenewed,
    /// A stage has a row, or the outline of its run describes it; `held` names only stages of the outline that have none.
    Outline,
    /// The counters of a running run and of its stages are what its stages say.
    Counters,
    /// A run that has not started or is terminal has no open stage, no live job, no owner and no entry in `held`.
    End,
}

impl Invariant {
    /// All invariants.
    pub const ALL: [Self; 9] = [
        Self::OnePlace,
        Self::Owner,
        Self::Lease,
        Self::Epoch,
        Self::Sequence,
        Self::NeverRenewed,
        Self::Outline,
        Self::Counters,
        Self::End,
    ];

    /// Those that a store keeps whatever the decisions are that it commits. The others need the decisions of a kernel, too.
    pub const OF_STORE: [Self; 5] =
        [Self::Owner, Self::Epoch, Self::Sequence, Self::NeverRenewed, Self::Outline];
}

/// Checks every invariant on one state of the database.
///
/// # Panics
/// When one is broken, or the database cannot be read.
pub async fn check(database: &mut Database) {
    check_these(database, &Invariant::ALL).await;
}

/// Checks the invariants that a store keeps whatever it commits.
///
/// # Panics
/// When one is broken, or the database cannot be read.
pub async fn check_store(database: &mut Database) {
    check_these(database, &Invariant::OF_STORE).await;
}

async fn check_these(database: &mut Database, invariants: &[Invariant]) {
    database.begin_read().await;
    let mut violations = violations(database).await;
    database.run("ROLLBACK").await;
    violations.retain(|violation| invariants.contains(&violation.invariant));
    assert!(violations.is_empty(), "the rows of the store break its invariants: {violations:#?}");
}

/// Returns what breaks the invariants, as the transaction of this connection sees it.
pub async fn violations(database: &mut Database) -> Vec<Violation> {
    let rows = rows::Rows::read(database).await;
    let mut violations: Vec<_> = rows.runs.iter().flat_map(|run| invariants::check(run, &rows)).collect();
    violations.sort();
    violations
}

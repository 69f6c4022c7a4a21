//! What a case does, one step after another, and what it is answered.

use workflow_engine::records::Status;

/// A number of a run, of a lease, of a process: each counts from 0 in the order in which they came to be.
pub type Index = usize;

/// One step: a process carries out a command, and something may go wrong with it.
#[derive(Clone, Debug)]
pub struct Step {
    pub process: Index,
    pub command: Command,
    pub trouble: Trouble,
}

/// What goes wrong.
#[derive(Clone, Debug)]
pub enum Trouble {
    None,
    /// At the write with this number, counted from 0 within the step.
    Fault {
        write: usize,
        moment: Moment,
        fault: Fault,
    },
    /// Another process, or another task of the same one, carries out a whole command between what this one reads and
    /// its first write.
    Race {
        process: Index,
        command: Box<Command>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Nothing is written.
    Before,
    /// It is written, and nobody is told.
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies, and another takes its place.
    Crash,
    /// The store says that it is away, once.
    Away,
}

#[derive(Clone, Debug)]
pub enum Command {
    Create {
        workflow: Index,
        key: Option<u8>,
        number: u64,
        priority: i32,
    },
    ClaimPending {
        max: usize,
        slots: usize,
    },
    /// Through the transport.
    ClaimJobs {
        max: usize,
    },
    /// `job.execute`: claims one job and ends its attempt.
    Execute {
        run: Index,
        stage: usize,
        end: End,
    },
    /// The outcome of a claimed job, once more or too late, for all that the store knows.
    Deliver {
        lease: Index,
        end: End,
        room: usize,
    },
    HandBack {
        lease: Index,
    },
    /// Every lease that the process knows of, held or lost.
    Renew,
    Reap {
        threshold_ms: u64,
        gone: bool,
    },
    Transition {
        run: Index,
    },
    Cancel {
        run: Index,
    },
    Wake {
        run: Index,
        stage: usize,
    },
    Rerun {
        run: Index,
        stage: usize,
        key: Option<u8>,
        dry: bool,
    },
    /// The sink refuses the events of one run.
    Flush {
        max: usize,
        refused: Option<Index>,
    },
    /// No command: time passes.
    Wait {
        ms: u64,
    },
}

/// How a body, or a check, ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The body delivers its output or its ticket, the check finds the stage ready. A long value goes to a blob.
    Value(u64),
    /// A check finds nothing yet; of a body it is a failure.
    Pending {
        after_ms: Option<u64>,
    },
    /// A failure that may pass, with a waiting time of its own or the policy's.
    Fail {
        after_ms: Option<u64>,
    },
    FailForGood,
}

/// What a step is answered. The reference and the kernel must say the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Created {
        run: Index,
        status: Status,
    },
    Started(Vec<(Index, Vec<Claimed>)>),
    Claimed(Vec<Claimed>),
    Outcome(Outcome, Vec<Claimed>),
    /// Which of the leases are lost.
    Lost(Vec<Index>),
    Reaped {
        released: usize,
        failed: usize,
    },
    Transitioned(&'static str),
    Cancelled(bool),
    Woken(bool),
    Rerun {
        generation: u32,
        stages: Vec<String>,
    },
    Flushed {
        published: usize,
        refused: usize,
    },
    Waited,
    /// An error, by its code.
    Refused(&'static str),
    /// The process is dead.
    Died,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    Suspended { after_ms: u64 },
    Failed { retryable: bool },
    HandedBack,
    Ghost,
}

/// A job that a process now holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub run: Index,
    pub stage: String,
    pub generation: u32,
    pub epoch: u64,
    pub attempt: u32,
    pub waits: bool,
}

//! The steps of a case, and the responses to them.

use workflow_engine::records::Status;

/// The number of a run, a lease or a process, from 0 in the order of creation.
pub type Index = usize;

/// One step: a process executes a command, and something may go wrong.
#[derive(Clone, Debug)]
pub struct Step {
    pub process: Index,
    pub command: Command,
    pub trouble: Trouble,
}

/// The fault or the race of a step.
#[derive(Clone, Debug)]
pub enum Trouble {
    None,
    /// A fault at the write with this number, counted from 0 within the step.
    Fault {
        write: usize,
        moment: Moment,
        fault: Fault,
    },
    /// Another process, or another task of the same process, executes a whole command between the reads of this command
    /// and its first write.
    Race {
        process: Index,
        command: Box<Command>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before the write, so nothing is written.
    Before,
    /// After the write, so its response is lost.
    After,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies, and another process replaces it.
    Crash,
    /// The store reports once that it is unavailable.
    Unavailable,
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
        limit: usize,
        slots: usize,
    },
    /// Claims jobs through the transport.
    ClaimJobs {
        limit: usize,
    },
    /// `job.execute`: claims one job and ends its attempt.
    Execute {
        run: Index,
        stage: usize,
        end: End,
    },
    /// Delivers the outcome of a claimed job. It may be a repetition, or late.
    Deliver {
        lease: Index,
        end: End,
        room: usize,
    },
    HandBack {
        lease: Index,
    },
    /// Renews every lease that the process has claimed, held or lost.
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
    Signal {
        run: Index,
        stage: usize,
        key: Option<u8>,
        payload: u64,
    },
    /// Handles the ticks that are due.
    Tick,
    /// Fails the runs whose deadline has passed.
    FailOverdue {
        limit: usize,
    },
    Rerun {
        run: Index,
        stage: usize,
        key: Option<u8>,
        dry: bool,
    },
    /// Flushes the outbox; the sink refuses the events of one run.
    Flush {
        limit: usize,
        refused: Option<Index>,
    },
    /// Executes no command; time passes.
    Wait {
        ms: u64,
    },
}

/// The result of a body or a check.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// The body returns its output or its suspended state, or the check finds the stage ready. A long value becomes a
    /// blob.
    Value(u64),
    /// A check finds the stage not ready; a body fails.
    Pending {
        after_ms: Option<u64>,
    },
    /// A retryable failure, with its own delay or the policy's.
    Fail {
        after_ms: Option<u64>,
    },
    FailForGood,
}

/// The response to a step. The reference and the kernel must return the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    Created {
        run: Index,
        status: Status,
    },
    Started(Vec<(Index, Vec<Claimed>)>),
    Claimed(Vec<Claimed>),
    Outcome(Outcome, Vec<Claimed>),
    /// The leases that are lost.
    Lost(Vec<Index>),
    Reaped {
        released: usize,
        failed: usize,
    },
    Transitioned(&'static str),
    Cancelled(bool),
    Woken(bool),
    Signalled,
    Overdue {
        failed: usize,
        cancelled: usize,
    },
    Ticked {
        started: usize,
        moved: usize,
    },
    Rerun {
        generation: u32,
        stages: Vec<String>,
    },
    Flushed {
        published: usize,
        refused: usize,
    },
    Waited,
    /// The code of an error.
    Refused(&'static str),
    /// The process has died.
    Died,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Completed,
    Suspended { after_ms: u64 },
    Failed { retryable: bool },
    HandedBack,
    Superseded,
}

/// A job that a process has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    pub run: Index,
    pub stage: String,
    pub generation: u32,
    pub epoch: u64,
    pub attempt: u32,
    pub crashes: u32,
    pub is_poll: bool,
}

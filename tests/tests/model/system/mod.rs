//! The system under test: three processes, each with a kernel of its own, over one store.

mod stores;
mod faults;
mod process;
mod execute;
mod compare;
mod rules;

use std::sync::{Arc, Mutex, MutexGuard};

use chrono::{DateTime, Utc};
use tests::intercept::Intercepted;
use tokio::runtime::Runtime;
use workflow_engine::RunId;
use workflow_engine::ports::{Clock, Store};
use workflow_engine::records::ClaimedJob;

use self::process::{Process, Sink};
use self::rules::Rules;
use self::stores::Opened;
pub use self::stores::{Kind, close_reused};
use crate::defects::{Defect, Defective, Shared};
use crate::spec::{PROCESSES, Reference};
use crate::step::{Answer, Command, Index, Step, Trouble};

/// The processes, their store, and what the test must know to name things as the reference does.
pub struct System {
    runtime: Arc<Runtime>,
    opened: Opened,
    began: DateTime<Utc>,
    defect: Option<(Defect, Arc<Shared>)>,
    processes: Vec<Arc<Process>>,
    known: Arc<Known>,
    sink: Arc<Sink>,
    rules: Mutex<Rules>,
}

/// What the numbers of the reference stand for.
#[derive(Default)]
struct Known {
    runs: Mutex<Vec<RunId>>,
    leases: Mutex<Vec<Held>>,
    /// Processes that died.
    dead: Mutex<Vec<String>>,
}

struct Held {
    process: Index,
    job: ClaimedJob,
    known: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a failed test goes no further")
}

impl System {
    /// Three processes over an empty store.
    pub fn open(kind: Kind, defect: Option<Defect>) -> Self {
        let runtime = stores::runtime();
        let opened = runtime.block_on(Opened::open(kind));
        opened.store.deliver_events(true);
        let mut system = Self {
            began: opened.clock.now(),
            runtime,
            opened,
            defect: defect.map(|defect| (defect, Arc::default())),
            processes: Vec::new(),
            known: Arc::default(),
            sink: Arc::default(),
            rules: Mutex::default(),
        };
        system.processes = (0..PROCESSES).map(|index| system.start(index, 0)).collect();
        system
    }

    fn start(&self, index: Index, lives: u32) -> Arc<Process> {
        Arc::new(Process::start(
            (index, lives),
            Arc::clone(&self.opened.store),
            self.opened.clock.clone(),
            Arc::clone(&self.sink),
            self.defective(),
        ))
    }

    fn defective(&self) -> Option<Arc<Defective>> {
        let (defect, shared) = self.defect.as_ref()?;
        let beside = Arc::clone(&self.opened.store);
        Some(Arc::new(Defective::new(*defect, Arc::clone(shared), beside)))
    }

    /// The store as whoever reads it sees it.
    fn view(&self) -> Arc<dyn Store> {
        let store = Arc::clone(&self.opened.store);
        match self.defective() {
            Some(defective) => Arc::new(Intercepted::new(store, defective)),
            None => store,
        }
    }

    /// Carries out a step; answers what the step, and the command that raced with it, were answered.
    pub fn step(&mut self, step: &Step, reference: &Reference) -> (Answer, Option<Answer>) {
        let runtime = Arc::clone(&self.runtime);
        let process = &self.processes[step.process];
        if let Command::Wait { ms } = step.command {
            self.opened.clock.advance(std::time::Duration::from_millis(ms));
        }
        let other = Arc::new(Mutex::new(None));
        match &step.trouble {
            Trouble::None => {}
            Trouble::Fault { write, moment, fault } => process.faults.plan(*write, *moment, *fault),
            Trouble::Race { process: by, command } => {
                let racer = Arc::clone(&self.processes[*by]);
                let (known, command, other) =
                    (Arc::clone(&self.known), Box::clone(command), Arc::clone(&other));
                process.faults.race(Box::pin(async move {
                    let answer = racer.execute(&command, &known).await;
                    *lock(&other) = Some(answer);
                }));
            }
        }
        let mut answer = runtime.block_on(self.execute(step));
        if let Some(race) = process.faults.forget() {
            // Nothing was overtaken: it comes second.
            runtime.block_on(race);
        }
        if process.faults.is_dead() {
            answer = Answer::Died;
            self.bury(step.process);
        }
        if matches!(step.command, Command::Create { .. }) {
            runtime.block_on(self.find_new_runs());
        }
        self.processes.iter().for_each(|process| process.check_inputs(&self.known, reference));
        let other = lock(&other).take();
        (answer, other)
    }

    async fn execute(&self, step: &Step) -> Answer {
        let process = &self.processes[step.process];
        tokio::select! {
            biased;
            answer = process.execute(&step.command, &self.known) => answer,
            () = self.let_time_pass(), if matches!(step.trouble, Trouble::Fault { .. }) => Answer::Waited,
        }
    }

    /// An outcome that the store did not take waits before it is offered again.
    async fn let_time_pass(&self) {
        loop {
            let clock = &self.opened.clock;
            if let Some(next) = clock.next_wake() {
                clock.advance((next - clock.now()).to_std().unwrap_or_default());
            }
            tokio::task::yield_now().await;
        }
    }

    fn bury(&mut self, index: Index) {
        let (_, lives) = self.processes[index].number;
        lock(&self.known.dead).push(self.processes[index].name());
        for held in lock(&self.known.leases).iter_mut().filter(|held| held.process == index) {
            held.known = false;
        }
        self.processes[index] = self.start(index, lives + 1);
    }

    /// Of a run whose creation was not answered, nobody knows the id.
    async fn find_new_runs(&self) {
        for workflow in crate::workflows::all() {
            let unfinished = self.opened.store.unfinished_runs(&workflow.id).await.expect("a readable store");
            let mut runs = lock(&self.known.runs);
            for run in unfinished {
                if !runs.contains(&run.id) {
                    runs.push(run.id);
                }
            }
        }
    }

    /// Closes the store, and forgets what is in it.
    pub fn close(self) {
        let Self { runtime, opened, processes, .. } = self;
        drop(processes);
        runtime.block_on(opened.close());
    }
}

//! The system under test: three processes, each with its own kernel, over one store.

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
use workflow_engine::kernel::PutSchedule;
use workflow_engine::ports::{Clock, Store};
use workflow_engine::records::{ClaimedJob, ScheduleRecord};

use self::compare::child_of;
use self::faults::Faults;
use self::process::{Process, Sink};
use self::rules::Rules;
use self::stores::Opened;
pub use self::stores::{Kind, close_reused};
use crate::defects::{Defect, Defective, Shared};
use crate::spec::{PROCESSES, Reference};
use crate::step::{Command, Index, Response, Step, Trouble};
use crate::workflows::{SCHEDULES, starts_child};

/// The processes, their store, and the ids behind the reference's numbers.
pub struct System {
    runtime: Arc<Runtime>,
    opened: Opened,
    began: DateTime<Utc>,
    defect: Option<(Defect, Arc<Shared>)>,
    processes: Vec<Arc<Process>>,
    ids: Arc<IdMap>,
    sink: Arc<Sink>,
    rules: Mutex<Rules>,
    /// The version of each schedule before its first tick.
    first_version: u64,
}

/// The ids behind the numbers of the reference.
#[derive(Default)]
struct IdMap {
    runs: Mutex<Vec<RunId>>,
    leases: Mutex<Vec<Held>>,
    /// Processes that have died.
    dead: Mutex<Vec<String>>,
}

struct Held {
    process: Index,
    job: ClaimedJob,
    is_alive: bool,
}

impl IdMap {
    /// Returns the number of a run of this case.
    fn known(&self, run_id: RunId) -> Index {
        lock(&self.runs).iter().position(|known| *known == run_id).expect("a run of this case")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a failed test stops")
}

impl System {
    /// Opens an empty store with three processes.
    pub fn open(kind: Kind, defect: Option<Defect>) -> Self {
        let runtime = stores::runtime();
        let opened = runtime.block_on(Opened::open(kind));
        opened.advance_to_tick();
        let began = opened.clock.now();
        let mut system = Self {
            began,
            first_version: began.timestamp_micros().unsigned_abs(),
            runtime,
            opened,
            defect: defect.map(|defect| (defect, Arc::default())),
            processes: Vec::new(),
            ids: Arc::default(),
            sink: Arc::default(),
            rules: Mutex::default(),
        };
        system.processes = (0..PROCESSES).map(|index| system.start(index, 0)).collect();
        let kernel = &system.processes[0].kernel;
        let registered = kernel.register_subscribers();
        system.runtime.block_on(registered).expect("an available store");
        for policy in &SCHEDULES {
            let put = kernel.dispatch(PutSchedule { schedule: policy.schedule() });
            system.runtime.block_on(put).expect("a valid schedule");
        }
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

    /// Returns the store as readers see it, with the defect.
    fn view(&self) -> Arc<dyn Store> {
        let store = Arc::clone(&self.opened.store);
        match self.defective() {
            Some(defective) => Arc::new(Intercepted::new(store, defective)),
            None => store,
        }
    }

    /// Executes a step; returns its response, and that of the command that raced with it.
    pub fn step(&mut self, step: &Step, reference: &Reference) -> (Response, Option<Response>) {
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
                let (ids, command, other) = (Arc::clone(&self.ids), Box::clone(command), Arc::clone(&other));
                process.faults.race(Box::pin(async move {
                    let response = racer.execute(&command, &ids).await;
                    *lock(&other) = Some(response);
                }));
            }
        }
        let mut response = runtime.block_on(self.execute(step));
        if let Some(race) = process.faults.clear() {
            // The step made no write, so the racing command runs after it.
            runtime.block_on(race);
        }
        if process.faults.is_dead() {
            response = Response::Died;
            self.replace(step.process);
        }
        if matches!(step.command, Command::Create { .. }) {
            runtime.block_on(self.find_new_runs());
        }
        runtime.block_on(self.find_runs_of_ticks());
        runtime.block_on(self.find_children(reference));
        self.processes.iter().for_each(|process| process.check_inputs(&self.ids, reference));
        let other = lock(&other).take();
        (response, other)
    }

    async fn execute(&self, step: &Step) -> Response {
        let process = &self.processes[step.process];
        tokio::select! {
            biased;
            response = process.execute(&step.command, &self.ids) => response,
            () = self.advance_clock(&process.faults), if matches!(step.trouble, Trouble::Fault { .. }) => Response::Waited,
        }
    }

    /// Advances the clock whenever a process waits for it alone: an outcome that the store refused is committed again after a
    /// pause. While the store executes a call, other waits of the process must not end.
    async fn advance_clock(&self, faults: &Faults) {
        loop {
            let clock = &self.opened.clock;
            if !faults.is_calling()
                && let Some(next) = clock.next_wake()
            {
                clock.advance((next - clock.now()).to_std().unwrap_or_default());
            }
            tokio::task::yield_now().await;
        }
    }

    fn replace(&mut self, index: Index) {
        let (_, lives) = self.processes[index].number;
        lock(&self.ids.dead).push(self.processes[index].name());
        for held in lock(&self.ids.leases).iter_mut().filter(|held| held.process == index) {
            held.is_alive = false;
        }
        self.processes[index] = self.start(index, lives + 1);
    }

    /// Finds runs whose creation returned no response, so that their ids are missing.
    async fn find_new_runs(&self) {
        for workflow in crate::workflows::all() {
            let unfinished = self.opened.store.unfinished_runs(&workflow.id).await.expect("a readable store");
            let mut runs = lock(&self.ids.runs);
            for run in unfinished {
                if !runs.contains(&run.id) {
                    runs.push(run.id);
                }
            }
        }
    }

    /// Finds the runs that ticks have started. A step starts at most one of each schedule, and later ids are greater.
    async fn find_runs_of_ticks(&self) {
        let schedules = self.schedules().await.into_iter();
        let mut newest: Vec<RunId> =
            schedules.filter_map(|schedule| Some(schedule.state.last?.run_id)).collect();
        newest.sort_unstable();
        for run_id in newest {
            self.ids.number(run_id);
        }
    }

    /// Finds the runs for which stages wait. A step starts at most one.
    async fn find_children(&self, reference: &Reference) {
        let runs = lock(&self.ids.runs).clone();
        for (run_id, run) in runs.iter().zip(&reference.runs) {
            if run.workflow.stages.iter().any(starts_child) {
                let stages = self.opened.store.stages(*run_id).await.expect("a readable store");
                for child in stages.iter().filter_map(child_of) {
                    self.ids.number(child);
                }
            }
        }
    }

    /// Returns the schedules by id.
    async fn schedules(&self) -> Vec<ScheduleRecord> {
        self.opened.store.schedules(None, SCHEDULES.len()).await.expect("a readable store")
    }

    /// Closes the store and discards its contents.
    pub fn close(self) {
        let Self { runtime, opened, processes, .. } = self;
        drop(processes);
        runtime.block_on(opened.close());
    }
}

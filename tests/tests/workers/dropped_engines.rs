//! Engines whose last handle is dropped, and runtimes that end under them.

use std::path::Path;
use std::time::{Duration, Instant};

use tests::signal;
use tokio::runtime::{Builder, Runtime};
use workflow_engine::prelude::*;
use workflow_engine::{ErrorCode, RunId};

/// Waits for a signal; it has only one attempt.
#[stage(retry(max_attempts = 1))]
async fn wait(number: u32, ctx: &StageContext) -> StageResult<u32> {
    signal::give(ctx.run_id(), "started");
    signal::wait(ctx.run_id(), "end").await;
    Ok(number + 1)
}

workflow! { waiting = wait }

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { doubling = double }

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn open(path: &Path) -> Engine {
    let builder = Engine::builder(path.to_str().unwrap()).register::<waiting>().register::<doubling>();
    builder.build().await.unwrap()
}

/// Polls until a condition holds, which other threads bring about.
#[allow(clippy::disallowed_methods, reason = "the threads of the system take real time to end")]
fn eventually(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::yield_now();
    }
}

/// The threads of engines and their stores in this process.
#[cfg(target_os = "linux")]
fn engine_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("workflow-engine") || name.starts_with("notify-rs")).count()
}

/// The open files of this process under a folder.
#[cfg(target_os = "linux")]
fn open_files(folder: &Path) -> usize {
    let files = std::fs::read_dir("/proc/self/fd").unwrap();
    let paths = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    paths.filter(|path| path.starts_with(folder)).count()
}

/// Waits until a dropped engine has closed its file. Returns whether the job of the run is in the queue again.
#[cfg(target_os = "linux")]
fn has_returned_job(runtime: &Runtime, path: &Path, run_id: RunId) -> bool {
    eventually("the file is closed", || open_files(path.parent().unwrap()) == 0);
    runtime.block_on(async {
        let reader = Engine::builder(path.to_str().unwrap()).register::<waiting>().without_worker();
        let reader = reader.build().await.unwrap();
        let run = reader.run_handle::<waiting>(run_id).await.unwrap();
        let status = run.stages().await.unwrap()[0].status;
        reader.shutdown().await;
        status == Status::Pending
    })
}

/// Only Linux shows which files are open.
#[cfg(not(target_os = "linux"))]
fn has_returned_job(_: &Runtime, _: &Path, _: RunId) -> bool {
    true
}

#[cfg(target_os = "linux")]
#[test]
fn fifty_dropped_engines_leave_neither_threads_nor_files() {
    let folder = tempfile::tempdir().unwrap();
    // In a process of its own, because other tests of this one have threads, too.
    if std::env::var_os("DROPPED_ENGINES").is_none() {
        let test = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "dropped_engines::fifty_dropped_engines_leave_neither_threads_nor_files"])
            .env("DROPPED_ENGINES", "1")
            .status();
        assert!(test.unwrap().success());
        return;
    }
    let runtime = runtime();
    for number in 0..50 {
        let engine = runtime.block_on(async {
            let engine = open(&folder.path().join(format!("{number}.db"))).await;
            let run = engine.start::<waiting>(WaitInput { number }).await.unwrap();
            signal::wait(run.id(), "started").await;
            engine
        });
        if number % 2 == 0 {
            // Outside of the runtime.
            drop(engine);
        } else {
            runtime.block_on(async { drop(engine) });
        }
    }
    eventually("the threads end", || engine_threads() == 0);
    eventually("the files are closed", || open_files(folder.path()) == 0);
}

#[test]
fn a_dropped_engine_returns_its_jobs_and_the_attempt_does_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = runtime();
    let start_and_drop = |number: u32| {
        let path = folder.path().join(format!("{number}.db"));
        let run_id = runtime.block_on(async {
            let engine = open(&path).await;
            let run = engine.start::<waiting>(WaitInput { number: 1 }).await.unwrap();
            signal::wait(run.id(), "started").await;
            run.id()
        });
        (path, run_id)
    };
    // An engine that is dropped tries to return its jobs for 750 ms at most, which may be too short on a busy machine.
    let (path, run_id) = (0..3)
        .map(start_and_drop)
        .find(|(path, run_id)| has_returned_job(&runtime, path, *run_id))
        .expect("one of three engines returns its job");
    runtime.block_on(async {
        let next = open(&path).await;
        // Long before the lease expires.
        signal::wait(run_id, "started").await;
        signal::give(run_id, "end");
        let run = next.run_handle::<waiting>(run_id).await.unwrap();
        assert_eq!(run.output().await.unwrap(), 2);
        assert_eq!(run.stages().await.unwrap()[0].attempt, 1);
    });
}

#[test]
fn a_handle_of_a_run_keeps_its_engine() {
    let runtime = runtime();
    runtime.block_on(async {
        let engine = Engine::builder("memory:").register::<waiting>().build().await.unwrap();
        let run = engine.start::<waiting>(WaitInput { number: 1 }).await.unwrap();
        drop(engine);
        signal::give(run.id(), "end");
        assert_eq!(run.output().await.unwrap(), 2);
    });
}

#[test]
fn a_serverless_host_keeps_its_engine() {
    use workflow_engine::serverless::{MaintenanceTick, ServerlessSettings};

    let folder = tempfile::tempdir().unwrap();
    runtime().block_on(async {
        let host =
            open(&folder.path().join("runs.db")).await.serverless(ServerlessSettings::default()).unwrap();
        let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
        assert!(report.failed.is_empty(), "{:?}", report.failed);
    });
}

#[test]
fn a_runtime_that_ends_under_a_body_does_not_fail_its_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs.db");
    for number in 0..20 {
        let first = runtime();
        let (engine, run_id) = first.block_on(async {
            let engine = open(&path).await;
            let run = engine.start::<waiting>(WaitInput { number }).await.unwrap();
            signal::wait(run.id(), "started").await;
            (engine, run.id())
        });
        drop(first);
        runtime().block_on(async {
            // The engine lives on, and so does its worker: on the runtime of the next caller.
            let run = engine.run_handle::<waiting>(run_id).await.unwrap();
            let output = tokio::spawn({
                let run = run.clone();
                async move { run.output().await }
            });
            signal::wait(run_id, "started").await;
            signal::give(run_id, "end");
            assert_eq!(output.await.unwrap().unwrap(), number + 1);
            assert_eq!(run.stages().await.unwrap()[0].attempt, 1, "the interrupted attempt does not count");
            engine.shutdown().await;
        });
    }
}

#[test]
fn an_engine_in_a_static_works_in_every_runtime() {
    static ENGINE: tokio::sync::OnceCell<Engine> = tokio::sync::OnceCell::const_new();

    async fn engine() -> &'static Engine {
        let build = || async { Engine::builder("memory:").register::<doubling>().build().await.unwrap() };
        ENGINE.get_or_init(build).await
    }

    // Each as in its own `#[tokio::test]`, one after the other and at the same time.
    for round in 0..5 {
        std::thread::scope(|scope| {
            for number in 0..4 {
                scope.spawn(move || {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async {
                        let number = 10 * round + number;
                        let run = engine().await.start::<doubling>(DoubleInput { number }).await.unwrap();
                        assert_eq!(run.output().await.unwrap(), 2 * number);
                    });
                });
            }
        });
    }
}

#[test]
fn a_wait_outside_of_every_runtime_says_that_the_runtime_is_gone() {
    let first = runtime();
    let run = first.block_on(async {
        let engine = Engine::builder("memory:").register::<waiting>().build().await.unwrap();
        let run = engine.start::<waiting>(WaitInput { number: 1 }).await.unwrap();
        signal::wait(run.id(), "started").await;
        run
    });
    drop(first);
    let error = futures_executor(run.output()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RuntimeGone);
}

/// Drives a future on this thread, outside of every runtime.
fn futures_executor<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}

//! A process of the crash sweep: `sweep_child <config>`. It completes one run, unless a fault happens at the point that
//! its configuration names, and prints the points that it has reached.

use std::sync::Arc;

use tests::intercept::Intercepted;
use tests::sweep::outage;
use tests::sweep::points::{self, Reaction};
use tests::sweep::ports::StorePoints;
use tests::sweep::run::ChildConfig;
use tokio::runtime::Runtime;
use workflow_engine::ports::Store;
use workflow_engine::{Engine, Error};

/// The number of errors in a row that is more than a single failure.
const MAX_ERRORS: usize = 5;

fn main() -> Result<(), Error> {
    let config = std::env::args().nth(1).unwrap_or_default();
    let config: ChildConfig =
        serde_json::from_str(&config).expect("the parent process passes a valid configuration");
    let (first, second) = (runtime(), runtime());
    let (store, engine, taken) = first.block_on(async {
        let store = config.open().await?;
        points::watch(config.armed.clone());
        let store: Arc<dyn Store> = Arc::new(Intercepted::new(store, Arc::new(StorePoints::default())));
        let engine = config.engine(Arc::clone(&store)).await?;
        let taken = tokio::select! {
            biased;
            taken = points::taken() => Some(taken),
            completed = complete(&config, &engine) => completed.map(|()| None)?,
        };
        Ok::<_, Error>((store, engine, taken))
    })?;
    let (runtime, engine) = match taken {
        Some(Reaction::ShutDown) => {
            // It must end although the store is away. The parent's limit for a scenario notices that it does not.
            first.block_on(engine.shutdown());
            send_counts();
            return Ok(());
        }
        Some(Reaction::CutOff) => {
            points::await_parent();
            // Another process has finished the run. No body of this one may run beside its successors for ever.
            first.block_on(outage::bodies_stopped());
            outage::end();
            (first, engine)
        }
        Some(Reaction::DropEngine) => {
            drop(engine);
            let engine = first.block_on(config.engine(store))?;
            (first, engine)
        }
        Some(Reaction::EndRuntime) => {
            first.shutdown_background();
            (second, engine)
        }
        _ => (first, engine),
    };
    runtime.block_on(async {
        if taken.is_some() {
            complete(&config, &engine).await?;
        }
        engine.shutdown().await;
        Ok::<_, Error>(())
    })?;
    send_counts();
    Ok(())
}

fn send_counts() {
    points::send(&serde_json::to_string(&points::counts()).expect("names and numbers are serializable"));
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("the system has threads")
}

async fn complete(config: &ChildConfig, engine: &Engine) -> Result<(), Error> {
    let mut errors = 0;
    while let Err(error) = config.run(engine).await {
        if outage::is_on() {
            // The caller waits until the process does what follows from the outage.
            std::future::pending::<()>().await;
        }
        errors += 1;
        if !error.is_retryable() || errors == MAX_ERRORS {
            return Err(error);
        }
    }
    Ok(())
}

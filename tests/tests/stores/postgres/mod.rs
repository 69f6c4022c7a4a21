//! What only a store on a server can meet: other processes, outages, and a pooler.

/// Reports the test as skipped if there is no PostgreSQL.
macro_rules! needs_postgres {
    ($name:expr) => {
        if !tests::postgres::is_available(concat!(module_path!(), "::", $name)) {
            return;
        }
    };
}

mod fixture;
mod sharing;
mod row_cache;
mod schemas;
mod indexes;
mod privileges;
mod lost_jobs;
mod contention;
mod outages;
mod connections;
mod cancellation;
mod statements;
mod claims;
mod deliveries;
mod subscribers;
mod pooler;
mod shared_pool;
mod list_plans;
mod child_plans;
mod schedule_plans;
mod waiting_plans;

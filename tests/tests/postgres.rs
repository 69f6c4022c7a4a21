//! What only a store on a server can do: be shared, be away and come back, stand behind a pooler.

/// The test is reported as skipped where there is no PostgreSQL.
macro_rules! needs_postgres {
    ($name:expr) => {
        if !tests::postgres::is_available(concat!(module_path!(), "::", $name)) {
            return;
        }
    };
}

mod postgres {
    mod fixture;
    mod sharing;
    mod known;
    mod schemas;
    mod lost_jobs;
    mod contention;
    mod outages;
    mod cancellation;
    mod statements;
    mod claims;
    mod deliveries;
    mod pooler;
}

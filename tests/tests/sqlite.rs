//! What only a store on a file can do: survive, be shared by processes, and refuse files that are none of its own.

mod sqlite {
    mod deliveries;
    mod durability;
    mod files;
    mod fixture;
    mod in_flight;
    mod lost_jobs;
    mod sharing;
    mod statements;
    mod waiting;
}

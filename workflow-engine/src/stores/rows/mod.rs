//! Records as rows: the columns of each table, and how a record is read from them and written to them.
//!
//! Both SQL stores use these files. A record's file lists its columns once, in the order in which they are read and
//! written; `lists` turns such a list into the part of a statement that a store needs, and the traits of `read` and
//! `write` are a store's way to read a row and to bind one.

mod lists;
mod read;
mod write;
pub(super) mod run;
pub(super) mod stage;
pub(super) mod job;
pub(super) mod commit;
mod log;
mod annotation;
mod artifact;
mod call;
mod signal;
mod schedule;
mod row_list;
mod side;
mod written;

pub(super) use self::annotation::annotation_columns;
pub(super) use self::artifact::artifact_columns;
pub(super) use self::call::{StoredCall, call_columns, call_row_columns};
pub(super) use self::commit::{commit_columns, new_commit_columns};
pub(super) use self::job::{changing_job_columns, job_columns, new_job_columns};
#[cfg(feature = "postgres")]
pub(super) use self::lists::{array_row, assigned_from_n};
#[cfg(feature = "sqlite")]
pub(super) use self::lists::{assigned, flat_row, placeholders};
pub(super) use self::lists::{join, names};
pub(super) use self::log::log_columns;
pub(super) use self::read::{FromColumns, ReadColumns};
pub(super) use self::row_list::RowList;
pub(super) use self::run::{
    StoredRun, changing_run_columns, counted_run_columns, new_run_columns, run_columns,
};
pub(super) use self::schedule::{moved_schedules, schedule_columns, schedule_row};
pub(super) use self::side::{SideKind, put_reserved, put_settled, side_rows};
pub(super) use self::signal::{StoredQueue, signal_columns, signal_queue_columns, signal_wait_columns};
pub(super) use self::stage::{changing_stage_columns, new_stage_columns, stage_columns};
pub(super) use self::write::{WriteColumns, number};
pub(super) use self::written::{RowKind, RowSink, write_rows};

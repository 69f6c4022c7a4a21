//! Changes a schedule.

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::kernel::Kernel;
use crate::records::ScheduleRecord;

/// Reads a schedule, lets the caller change it, and writes it. Where another process has written it meanwhile, all of this is
/// repeated. `change` returns `None` where there is nothing to do. Returns whether it has written.
///
/// # Errors
/// `SCHEDULE_NOT_FOUND`, and the errors of `change`.
pub(in crate::kernel) async fn change_schedule(
    kernel: &Kernel,
    id: &str,
    change: impl Fn(ScheduleRecord, DateTime<Utc>) -> Result<Option<ScheduleRecord>, Error> + Send,
) -> Result<bool, Error> {
    loop {
        let stored = kernel.store().schedule(id).await?.ok_or_else(|| Error::schedule_not_found(id))?;
        let version = stored.version;
        let Some(changed) = change(stored, kernel.clock().now())? else { return Ok(false) };
        let changed = ScheduleRecord { version: version + 1, ..changed };
        if kernel.store().put_schedule(&changed, Some(version)).await? {
            return Ok(true);
        }
    }
}

//! Renewal of leases that have no rows: it gives them their rows.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::records::{Lease, Status};
use crate::stores::instant;
use crate::stores::working_set::WorkingSet;

/// Leases that get other ends.
#[derive(Clone, Debug)]
pub(in crate::stores) struct Renewal {
    pub(in crate::stores) leases: Vec<Lease>,
    pub(in crate::stores) end: LeaseEnd,
}

/// The end that a lease gets.
#[derive(Clone, Copy, Debug)]
pub(in crate::stores) enum LeaseEnd {
    /// This long from now.
    In(Duration),
    /// As long from now as it would have been from the claim. For leases that were written while the clock was ahead, by
    /// at least this distance.
    Corrected(TimeDelta),
}

impl WorkingSet {
    /// Gives the leases their new ends, and returns the lost ones. Their stages and jobs have rows afterwards: a renewed
    /// lease is renewed again, and with a row that needs no write to its run. The stages are loaded.
    pub(in crate::stores) fn renew(&mut self, renewal: &Renewal, now: DateTime<Utc>) -> Vec<Lease> {
        renewal.leases.iter().filter(|lease| !self.renew_one(lease, renewal.end, now)).cloned().collect()
    }

    fn renew_one(&mut self, lease: &Lease, end: LeaseEnd, now: DateTime<Utc>) -> bool {
        let Some(rows) = self.runs.get_mut(&lease.run_id) else { return false };
        let Some(rows) = rows.stages.get_mut(&lease.stage_key) else { return false };
        let held = rows.job.get().filter(|job| {
            job.status == Status::Running
                && job.generation == lease.generation
                && job.lease_epoch == lease.epoch
        });
        let Some(job) = held else { return false };
        let until = match end {
            LeaseEnd::In(length) => instant::after(now, length),
            LeaseEnd::Corrected(least) => {
                let since = rows.stage.get().and_then(|stage| stage.started_at);
                let ahead = since.map(|since| since - now).filter(|ahead| *ahead > least);
                let (Some(ahead), Some(until), false) = (ahead, job.leased_until, rows.job.is_stored())
                else {
                    return true;
                };
                if until >= instant::NEVER { until } else { until - ahead }
            }
        };
        rows.keeps_rows = true;
        if let Some(job) = rows.job.get_mut() {
            job.leased_until = Some(until);
        }
        true
    }
}

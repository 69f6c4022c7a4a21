//! `run.create`: one run for one key.

use workflow_engine::records::Status;

use super::writes::Stop;
use super::{Reference, Run};
use crate::step::Response;

/// The priority of a run where none is given.
pub(super) const PRIORITY: i32 = 5;

impl Reference {
    pub(super) fn create(
        &mut self,
        workflow: usize,
        key: Option<u8>,
        number: u64,
        priority: i32,
    ) -> Result<Response, Stop> {
        // The priority does not identify a request.
        let request = format!("{workflow} {number}");
        let entry = key.map(|key| ("run.create", key));
        let repeated = self.write(|it| {
            if let Some(stored) = entry.and_then(|entry| it.keys.get(&entry)) {
                return Some(stored.clone());
            }
            it.runs.push(Run::new(workflow, priority, it.now));
            let created = Response::Created { run: it.runs.len() - 1, status: Status::Pending };
            it.keys.extend(entry.map(|entry| (entry, (request.clone(), created))));
            None
        })?;
        match repeated {
            None => Ok(Response::Created { run: self.runs.len() - 1, status: Status::Pending }),
            Some((stored, _)) if stored != request => Err(Stop::Refused("IDEMPOTENCY_CONFLICT")),
            Some((_, Response::Created { run, .. })) => {
                Ok(Response::Created { run, status: self.runs[run].status })
            }
            Some((_, other)) => unreachable!("the response to a creation was {other:?}"),
        }
    }
}

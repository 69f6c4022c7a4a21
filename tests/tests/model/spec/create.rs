//! `run.create`: one run for one key.

use workflow_engine::records::Status;

use super::state::Delivery;
use super::trouble::Stop;
use super::{Reference, Run};
use crate::step::Answer;
use crate::workflows;

impl Reference {
    pub(super) fn create(
        &mut self,
        workflow: usize,
        key: Option<u8>,
        number: u64,
        priority: i32,
    ) -> Result<Answer, Stop> {
        let request = format!("{workflow} {number} {priority}");
        let entry = key.map(|key| ("run.create", key));
        let repeated = self.write(|it| {
            if let Some(known) = entry.and_then(|entry| it.keys.get(&entry)) {
                return Some(known.clone());
            }
            it.runs.push(Run {
                workflow: workflows::all()[workflow],
                priority,
                created_at: it.now,
                status: Status::Pending,
                generation: 1,
                stages: Vec::new(),
                error: None,
                events: vec!["workflow:created".to_owned()],
                delivery: Delivery::NOTHING,
            });
            let created = Answer::Created { run: it.runs.len() - 1, status: Status::Pending };
            it.keys.extend(entry.map(|entry| (entry, (request.clone(), created))));
            None
        })?;
        match repeated {
            None => Ok(Answer::Created { run: self.runs.len() - 1, status: Status::Pending }),
            Some((known, _)) if known != request => Err(Stop::Refused("IDEMPOTENCY_CONFLICT")),
            Some((_, Answer::Created { run, .. })) => {
                Ok(Answer::Created { run, status: self.runs[run].status })
            }
            Some((_, other)) => unreachable!("a creation was answered {other:?}"),
        }
    }
}

//! `outbox.flush`: each event at least once, in order within its run, by one flusher at a time.

use super::Reference;
use super::trouble::Stop;
use crate::step::Answer;

const FLUSHER_LEASE_MS: u64 = 30_000;
const REFUSED_DELAY_MS: u64 = 5_000;

impl Reference {
    pub(super) fn flush(
        &mut self,
        process: usize,
        max: usize,
        refused: Option<usize>,
    ) -> Result<Answer, Stop> {
        let name = self.processes[process].name(process);
        let offered = self.write(|it| it.offered(name, max))?;
        let (mut taken, mut held_back) = (Vec::new(), None);
        for (run, sequence) in offered {
            if held_back == Some(run) {
                continue;
            }
            if refused == Some(run) {
                self.write(|it| it.runs[run].refused_until = it.now + REFUSED_DELAY_MS)?;
                held_back = Some(run);
            } else {
                // The sink has it, whatever becomes of the note about that.
                self.delivered.push((run, sequence));
                taken.push((run, sequence));
            }
        }
        let answer = Answer::Flushed { published: taken.len(), refused: usize::from(held_back.is_some()) };
        if !taken.is_empty() {
            self.write(|it| taken.iter().for_each(|&(run, sequence)| it.runs[run].taken = sequence))?;
        }
        Ok(answer)
    }

    /// Takes the flusher's lease, and what may be delivered.
    fn offered(&mut self, flusher: String, max: usize) -> Vec<(usize, usize)> {
        let now = self.now;
        let is_free = self.flusher.as_ref().is_none_or(|(held, until)| *held == flusher || *until <= now);
        if !is_free || self.runs.iter().all(|run| run.taken == run.events.len()) {
            return Vec::new();
        }
        self.flusher = Some((flusher, now + FLUSHER_LEASE_MS));
        let runs = self.runs.iter().enumerate().filter(|(_, run)| run.refused_until <= now);
        let events = runs
            .flat_map(|(index, run)| (run.taken + 1..=run.events.len()).map(move |number| (index, number)));
        events.take(max).collect()
    }
}

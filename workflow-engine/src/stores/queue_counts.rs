//! What the stores share about counts of the queue.

#[cfg(any(feature = "sqlite", feature = "postgres"))]
use super::rows::ReadColumns;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
use crate::records::QueueKind;
use crate::records::QueueOverview;

/// The most entries of each kind that are counted.
pub(super) const CAP: usize = 10_000;

/// The most ends of stages that are read.
pub(super) const MAX_STAGE_ENDS: usize = 50_000;

/// Reads rows of a workflow, a kind, the number of entries and the oldest of them.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) fn read<C: ReadColumns>(rows: impl Iterator<Item = C>) -> Result<QueueOverview, C::Failure> {
    let mut overview = QueueOverview::default();
    let mut counts = Vec::new();
    for mut row in rows {
        let (workflow_id, name) = (row.text("workflow_id")?, row.text("kind")?);
        let kind = QueueKind::ALL.into_iter().find(|kind| kind.as_str() == name);
        let kind = kind.ok_or_else(|| row.unreadable("kind", format!("`{name}` is not a kind of entry")))?;
        counts.push((workflow_id, kind, row.int("count")?, row.maybe_instant("oldest")?));
    }
    for (workflow_id, kind, count, oldest) in counts {
        overview.add(&workflow_id, kind, count, oldest);
    }
    overview.is_exact = is_exact(&overview);
    Ok(overview)
}

/// Returns whether no kind has reached its cap. Ready entries are runs and stages, each with a cap.
pub(super) fn is_exact(overview: &QueueOverview) -> bool {
    let counts = overview.total;
    let queued = counts.ready + counts.scheduled;
    [queued, counts.leased, counts.waiting, counts.dead].into_iter().all(|count| count < CAP as u64)
}

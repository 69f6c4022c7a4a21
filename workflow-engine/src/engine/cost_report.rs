//! What the calls of models of a time have cost.

use std::ops::{Bound, RangeBounds};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::Engine;
use crate::error::Error;
use crate::kernel::RollUpCosts;
use crate::ports::CostQuery;
use crate::records::{CostKey, CostReport, CostSums};

/// The most groups of a report.
const GROUPS: usize = 10_000;

/// The most calls that one report adds to the sums before it reads them.
const ROLL_UP: usize = 20_000;

/// The number of calls outside of the sums that a report reads rather than to add them.
const FEW: usize = 2_000;

impl Engine {
    /// Returns what the calls of models of a time have cost, grouped. The time of a call is when it was reserved; a range
    /// is widened to full hours. Costs stay when their runs are deleted.
    ///
    /// Groups are by hour or day, workflow, stage and model, in any combination; by nothing, there is one group.
    ///
    /// ```
    /// use workflow_engine::Engine;
    /// use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
    /// use workflow_engine::records::{CallType, CostKey};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// # let call = CallReservation {
    /// #     topic: "chat.ada".into(),
    /// #     call_type: CallType::Text,
    /// #     model_key: "house-model".into(),
    /// #     model_id: "house-model-2".into(),
    /// #     prompt: None,
    /// #     metadata: None,
    /// #     reserve: "0.02 USD".parse()?,
    /// # };
    /// # let id = engine.ledger().reserve(call).await?;
    /// # let settled = SettledCall { cost: "0.0007 USD".parse()?, ..Default::default() };
    /// # engine.ledger().settle(id, CallOutcome::Settled(settled)).await?;
    /// let costs = engine.costs(.., [CostKey::Day, CostKey::Model]).await?;
    /// assert_eq!(costs.total.cost.to_string(), "0.0007 USD");
    /// assert_eq!(costs.groups[0].model_key.as_deref(), Some("house-model"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn costs(
        &self,
        range: impl RangeBounds<DateTime<Utc>> + Send,
        by: impl IntoIterator<Item = CostKey> + Send,
    ) -> Result<CostReport, Error> {
        let (from, until) = hours(&range);
        let query = CostQuery { from, until, by: by.into_iter().collect(), limit: GROUPS + 1 };
        let report = self.read_costs(query).await;
        report.map_err(|error| self.unless_store_closed(error))
    }

    async fn read_costs(&self, query: CostQuery) -> Result<CostReport, Error> {
        self.roll_up_backlog().await?;
        let mut groups = self.store().costs(&query).await?;
        let is_complete = groups.len() <= GROUPS;
        let mut total = CostSums::default();
        if is_complete {
            groups.iter().for_each(|group| total.add(&group.sums));
        } else {
            groups.truncate(GROUPS);
            let all = CostQuery { by: Vec::new(), ..query.clone() };
            self.store().costs(&all).await?.iter().for_each(|group| total.add(&group.sums));
        }
        let unfinished = self.store().unfinished_costs().await?;
        let CostQuery { from, until, .. } = query;
        Ok(CostReport { from, until, total, groups, is_complete, unfinished })
    }

    /// Adds calls to the sums where many are missing there: no worker has called a model in this hour.
    async fn roll_up_backlog(&self) -> Result<(), Error> {
        if self.store().calls_to_roll_up(FEW + 1).await? > FEW
            && let Err(error) = self.kernel().dispatch(RollUpCosts { limit: ROLL_UP }).await
        {
            // The report is as right without it, and this process may have no right to write.
            tracing::debug!(%error, "the calls of models cannot be summed up");
        }
        Ok(())
    }
}

/// Widens a range to full hours.
fn hours(range: &impl RangeBounds<DateTime<Utc>>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let hour = |at: DateTime<Utc>| at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
    let from = match range.start_bound() {
        Bound::Included(at) | Bound::Excluded(at) => Some(hour(*at)),
        Bound::Unbounded => None,
    };
    let until = match range.end_bound() {
        Bound::Included(at) => Some(hour(*at) + TimeDelta::hours(1)),
        Bound::Excluded(at) if hour(*at) == *at => Some(*at),
        Bound::Excluded(at) => Some(hour(*at) + TimeDelta::hours(1)),
        Bound::Unbounded => None,
    };
    (from, until)
}

//! Cases about optional indexes.

use std::time::Duration;

use super::fixture::Fixture;
use crate::ports::{IndexCondition, OptionalIndex, RunFilter, RunQuery};
use crate::value::RunId;

cases![an_index_is_added_and_dropped_once, an_index_changes_no_list];

const INDEX: OptionalIndex = OptionalIndex::ByWorkflow;

async fn an_index_is_added_and_dropped_once(fixture: Fixture) {
    let store = &fixture.store;
    let conditions = async || store.condition().await.unwrap().optional_indexes;
    assert_eq!(conditions().await, []);
    assert!(!store.drop_index(INDEX).await.unwrap(), "there is nothing to drop");
    for _ in 0..2 {
        assert!(store.add_index(INDEX).await.unwrap());
        assert!(!store.add_index(INDEX).await.unwrap(), "it is there already");
        assert_eq!(conditions().await, [IndexCondition { index: INDEX, is_usable: true }]);
        assert!(store.drop_index(INDEX).await.unwrap());
        assert!(!store.drop_index(INDEX).await.unwrap());
        assert_eq!(conditions().await, []);
    }
}

async fn an_index_changes_no_list(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..7 {
        runs.push(fixture.create().await);
    }
    runs.sort_unstable_by(|one, other| other.cmp(one));
    let workflow_id = fixture.run(runs[0]).await.workflow_id;
    let all = RunFilter::new().workflow_id(workflow_id);
    let none = RunFilter::new().workflow_id("another");
    let time = Duration::from_secs(1);
    let ids = async |filter: &RunFilter, after: Option<RunId>| {
        let query = RunQuery { filter: filter.clone(), after, from: None, limit: 3, time };
        let page = fixture.store.list_runs(&query).await.unwrap();
        (page.runs.into_iter().map(|run| run.id).collect::<Vec<_>>(), page.next)
    };
    for is_indexed in [false, true] {
        if is_indexed {
            assert!(fixture.store.add_index(INDEX).await.unwrap());
        }
        assert_eq!(ids(&all, None).await, (runs[..3].to_vec(), Some(runs[2])), "{is_indexed}");
        assert_eq!(ids(&all, Some(runs[2])).await, (runs[3..6].to_vec(), Some(runs[5])), "{is_indexed}");
        assert_eq!(ids(&all, Some(runs[5])).await, (runs[6..].to_vec(), None), "{is_indexed}");
        assert_eq!(ids(&none, None).await, (Vec::new(), None), "{is_indexed}");
        let filters = [all.clone().created_before(fixture.run(runs[6]).await.created_at), none.clone()];
        for filter in &filters {
            assert_eq!(ids(filter, None).await, (Vec::new(), None), "{is_indexed}");
        }
        let count = async |filter| fixture.store.count_runs(filter, 5, time).await.unwrap().to_string();
        assert_eq!((count(&all).await.as_str(), count(&none).await.as_str()), ("5+", "0"), "{is_indexed}");
    }
}

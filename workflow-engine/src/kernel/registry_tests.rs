//! What the registry refuses.

use super::check_stage_id;
use crate::ErrorCode;

#[test]
fn an_id_that_would_be_read_as_a_place_is_refused() {
    for id in ["embed[17]", "embed[", "]"] {
        let error = check_stage_id("indexing", id).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidStageId);
        assert!(error.to_string().contains(id), "{error}");
    }
    check_stage_id("indexing", "embed-17").unwrap();
}

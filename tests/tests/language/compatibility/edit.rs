//! Pairs of workflows of one stage.

/// Declares a pair of workflows of one stage, given by its parameters and the fields of its output.
macro_rules! edit {
    ($name:ident: $released:tt => $edited:tt) => {
        mod $name {
            use super::*;

            mod released {
                use super::*;
                edit!(@ $released);
            }
            mod edited {
                use super::*;
                edit!(@ $edited);
            }
            pub(super) fn reports(expected: &Expect) {
                changes::<released::orders, edited::orders>(expected);
            }
        }
    };
    (@ (($($parameter:tt)*) -> { $($field:tt)* })) => {
        #[derive(Serialize, Deserialize, JsonSchema)]
        pub struct Report { $($field)* }

        #[stage]
        pub async fn report($($parameter)*) -> StageResult<Report> {
            Err(StageError::permanent("declared, never called"))
        }

        workflow! { pub orders = report }
    };
}

pub(super) use edit;

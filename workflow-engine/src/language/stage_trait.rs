//! A stage as a type.

use futures_util::future::BoxFuture;

use crate::context::{StageContext, StageError};
use crate::definition::{Rule, StageDeclaration, StagePath, StageSettings};
use crate::value::{Json, NoInput, Payload, Storable};

/// A stage. [`#[stage]`](macro@crate::stage) implements it for the type that it generates beside the function.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// /// Counts the words of a text.
/// #[stage]
/// async fn count_words(text: String) -> StageResult<usize> {
///     Ok(text.split_whitespace().count())
/// }
///
/// assert_eq!(count_words::DECLARATION.id, "count-words");
/// assert_eq!(count_words::DECLARATION.description, "Counts the words of a text.");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stage",
    label = "not a stage",
    note = "a stage is an async function with the attribute `#[stage]`"
)]
pub trait Stage: Sized + Send + Sync + 'static {
    /// The function's plain parameters as one structure; [`NoInput`](crate::value::NoInput) without any.
    type Input: Payload + InputTypes;
    /// The function's `#[config]` parameters as one structure; [`NoConfig`](crate::value::NoConfig) without any.
    type Config: Payload;
    /// The output: the success value of the function or, for a stage that waits, of its check.
    type Output: Storable;

    /// The identity of the stage.
    const PATH: StagePath = Self::DECLARATION.path;
    /// The declaration: id, name, options and requirements.
    const DECLARATION: StageDeclaration;

    /// Sets the limits that options take from the configuration, such as `timeout = config.timeout`; `None` without such an
    /// option.
    #[doc(hidden)]
    const SETTINGS: Option<ConfiguredSettings<Self::Config>> = None;

    /// The proof for [`Known`](crate::__private::Known).
    #[doc(hidden)]
    const IS_STAGE: usize = 0;

    /// Calls the function and returns the stored form of its value: the output, or the ticket of a stage that waits. The
    /// context holds the stored outputs of the required stages.
    ///
    /// The future is boxed here, because `-> impl Future + Send` takes the compiler twice as long, and every caller boxes
    /// it anyway.
    fn run(input: Self::Input, config: Self::Config, context: StageContext) -> Running<Json>;
}

/// The limits of a stage that its configuration sets.
#[derive(Clone, Copy, Debug)]
pub struct ConfiguredSettings<C> {
    /// The options, each with the place of its value in the JSON of the configuration.
    pub places: &'static [(&'static str, &'static str)],
    /// Sets the limits. The error is a sentence about a value that is out of range.
    pub set: fn(&C, &mut StageSettings) -> Result<(), String>,
}

/// The running function of a stage.
pub type Running<T> = BoxFuture<'static, Result<T, StageError>>;

/// The types of a stage's plain parameters, for error messages.
pub trait InputTypes {
    /// The type of one parameter, the tuple of several, `()` for none.
    type Parameters;

    /// The rules of the parameters that have some, by key.
    #[doc(hidden)]
    #[must_use]
    fn rules() -> Vec<(&'static str, &'static [Rule])> {
        Vec::new()
    }
}

impl InputTypes for NoInput {
    type Parameters = ();
}

//! The values that stages and checks take from the program.

use std::any::type_name;

use crate::context::{StageContext, StageError};

/// A type of a `#[state]` parameter.
///
/// The functions belong to the trait instead of having it as a bound, so that rustc adds no "required by a bound" note.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be state, because it is not `Send + Sync` or has no known size",
    label = "stages on several threads share this value",
    note = "put what changes into a `std::sync::Mutex` or an atomic, use `Arc` in place of `Rc`, and put a trait object or a \
            slice into an `Arc`: `&Arc<dyn Trait>`"
)]
pub trait State: 'static {
    /// Returns the program's value of this type, for a parameter by reference.
    ///
    /// # Errors
    /// Permanent, if the context has none. An engine that lacks it runs no such stage.
    fn shared(context: &StageContext) -> Result<&Self, StageError>;
}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> State for T {
    fn shared(context: &StageContext) -> Result<&T, StageError> {
        context.extensions().get::<T>().ok_or_else(|| {
            StageError::permanent(format_args!(
                "stage `{}` takes state of type `{}`, which its context does not have: run the stage in an engine, or call \
                 its function with the value",
                context.stage_id(),
                type_name::<T>(),
            ))
        })
    }
}

/// A type of a `#[state]` parameter by value.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not implement `Clone`, so a stage cannot take it by value",
    label = "write `&{Self}`"
)]
pub trait CloneState: Sized {
    /// Returns the stage's own copy of the program's value.
    fn copy_of(shared: &Self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneState for T {
    fn copy_of(shared: &T) -> T {
        shared.clone()
    }
}

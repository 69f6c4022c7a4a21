//! The types of a stage's parameters, for error messages.

use crate::value::NoInput;

/// An input, and what messages say that it is made of.
pub trait InputTypes {
    /// The types of the plain parameters: the type of one, the tuple of several.
    type Parameters;
}

impl InputTypes for NoInput {
    type Parameters = ();
}

//! The implementation of `Stage`.

/// The items of the implementation of `Stage`, except the types of configuration and output, whose spans decide where rustc
/// reports a mistake.
#[doc(hidden)]
#[macro_export]
macro_rules! __stage {
    (
        $text:literal $($apart:ident)? ($($about:literal),*) { $($more:tt)* } $input:ty;
        run($given:pat, $configured:pat, $context:pat) $body:tt
    ) => {
        type Input = $input;
        // The path must not depend on the declaration if the declaration names other stages, which can name this one.
        $(const PATH: $crate::__private::StagePath =
            $crate::__private::StagePath::$apart(::core::module_path!(), $text);)?
        const DECLARATION: $crate::__private::StageDeclaration = $crate::__private::StageDeclaration::new(
            $crate::__private::StagePath::here(::core::module_path!(), $text),
            $($about),*
        ) $($more)*;
        #[allow(deprecated, unexpected_cfgs, unused_qualifications, clippy::all, clippy::pedantic)]
        fn run(
            $given: Self::Input,
            $configured: Self::Config,
            $context: $crate::__private::StageContext,
        ) -> $crate::__private::Running<$crate::__private::Json> $body
    };
}

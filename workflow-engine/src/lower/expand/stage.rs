//! The implementation of `Stage`.

/// What is in the implementation of `Stage` beside the types of configuration and output, which have places of their own
/// for rustc to underline.
#[doc(hidden)]
#[macro_export]
macro_rules! __stage {
    (
        $text:literal $($apart:ident)? ($($about:literal),*) { $($more:tt)* } $input:ty;
        run($given:pat, $configured:pat, $context:pat) $body:tt
    ) => {
        type Input = $input;
        // The path of a stage whose declaration names others is known without them: they may name it, too.
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

//! One table of names an enumeration, from which its text form, its parser and the parser's error
//! message come.

/// A word that names none of the choices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {what} `{given}`; one of: {}", known.join(", "))]
pub struct UnknownName {
    /// What was asked for, for example `normalization`.
    pub what: &'static str,
    /// The word that was given.
    pub given: String,
    /// Every word that is understood.
    pub known: &'static [&'static str],
}

/// One of a few things that have names, as those who list them know it.
pub trait Choice: Copy + Send + Sync + 'static {
    /// Every choice.
    fn choices() -> &'static [Self];

    /// Its name.
    fn word(self) -> &'static str;

    /// A sentence about it, where there is one.
    fn sentence(self) -> Option<&'static str> {
        None
    }
}

/// Makes enumerations that have `ALL` and `name()` a [`Choice`].
#[doc(hidden)]
#[macro_export]
macro_rules! choices {
    ($($type:ident),+ $(,)?) => {
        $(impl $crate::Choice for $type {
            fn choices() -> &'static [Self] {
                Self::ALL
            }

            fn word(self) -> &'static str {
                self.name()
            }
        })+
    };
}

/// Gives a field-less enumeration `ALL`, `name()`, `Display` and `FromStr`; and `about()` where each name has a sentence
/// about it.
#[doc(hidden)]
#[macro_export]
macro_rules! named {
    ($type:ident, $what:literal, { $($variant:ident => $name:literal: $about:literal),+ $(,)? }) => {
        $crate::named!(@table $type, $what, { $($variant => $name),+ });

        impl $type {
            /// What it is, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $($type::$variant => $about),+ }
            }
        }

        impl $crate::Choice for $type {
            fn choices() -> &'static [Self] {
                Self::ALL
            }

            fn word(self) -> &'static str {
                self.name()
            }

            fn sentence(self) -> Option<&'static str> {
                Some(self.about())
            }
        }
    };
    ($type:ident, $what:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
        $crate::named!(@table $type, $what, { $($variant => $name),+ });
        $crate::choices!($type);
    };
    (@table $type:ident, $what:literal, { $($variant:ident => $name:literal),+ }) => {
        impl $type {
            /// Every choice, in the order of the documentation.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The name on the command line and in files.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::UnknownName;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                match given {
                    $($name => Ok($type::$variant),)+
                    _ => Err($crate::UnknownName {
                        what: $what,
                        given: given.to_owned(),
                        known: &[$($name),+],
                    }),
                }
            }
        }
    };
}

pub(crate) use named;

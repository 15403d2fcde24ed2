//! One table of names an enumeration, from which its text form, its parser and the parser's error
//! message come.

/// Gives a field-less enumeration `ALL`, `name()`, `Display` and `FromStr`.
macro_rules! named {
    ($type:ident, $what:literal, { $($variant:ident => $name:literal),+ $(,)? }) => {
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
            type Err = landscape_core::UnknownName;

            fn from_str(given: &str) -> Result<Self, Self::Err> {
                match given {
                    $($name => Ok($type::$variant),)+
                    _ => Err(landscape_core::UnknownName {
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

/// Settings `key=value,key=value`, each given once; the error is the reason.
pub(crate) fn settings(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for setting in text.split(',').filter(|_| !text.is_empty()) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(format!(
                "`{setting}` is not a setting of the form key=value"
            ));
        };
        if all.iter().any(|(known, _)| *known == key) {
            return Err(format!("`{key}` is given twice"));
        }
        all.push((key, value));
    }
    Ok(all)
}

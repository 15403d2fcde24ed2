//! Values in the words that people write them in, for serde: `#[serde(with = "landscape_core::as_words")]`, and in
//! [`option`] and [`list`] where a value may be absent or there are several. Paths, which need not be UTF-8, are as
//! [`path_text`](crate::path_text) writes them, see [`path`].

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use std::fmt::Display;
use std::str::FromStr;

/// In the words of its `Display`.
///
/// # Errors
/// Those of the format.
pub fn serialize<T: Display, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(value)
}

/// From the words of its `FromStr`.
///
/// # Errors
/// Words that are not a value, and those of the format.
pub fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

/// The same of a value that may be absent.
pub mod option {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    /// In the words of its `Display`.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_some(&value.to_string()),
            None => to.serialize_none(),
        }
    }

    /// From the words of its `FromStr`.
    ///
    /// # Errors
    /// Words that are not a value, and those of the format.
    pub fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let word = Option::<String>::deserialize(from)?;
        word.map(|word| word.parse().map_err(D::Error::custom))
            .transpose()
    }
}

/// The same of several values.
pub mod list {
    use super::{Deserialize, Deserializer, Display, Error, FromStr, Serializer};

    /// In the words of their `Display`.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<T: Display, S: Serializer>(values: &[T], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(T::to_string))
    }

    /// From the words of their `FromStr`.
    ///
    /// # Errors
    /// Words that are not a value, and those of the format.
    pub fn deserialize<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let words = Vec::<String>::deserialize(from)?;
        let values = words.iter().map(|word| word.parse());
        values
            .collect::<Result<_, T::Err>>()
            .map_err(D::Error::custom)
    }
}

/// Paths, see [`path_text`](crate::path_text).
pub mod path {
    use super::{Deserialize, Deserializer, Serializer};
    use crate::{path_text, text_path};
    use std::path::{Path, PathBuf};

    /// As text.
    ///
    /// # Errors
    /// Those of the format.
    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&path_text(path))
    }

    /// From text.
    ///
    /// # Errors
    /// Those of the format.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
        Ok(text_path(&String::deserialize(from)?))
    }

    /// The same of a path that may be absent.
    pub mod option {
        use super::{Deserialize, Deserializer, PathBuf, Serializer, path_text, text_path};

        /// As text.
        ///
        /// # Errors
        /// Those of the format.
        pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
            match path {
                Some(path) => to.serialize_some(&path_text(path)),
                None => to.serialize_none(),
            }
        }

        /// From text.
        ///
        /// # Errors
        /// Those of the format.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<PathBuf>, D::Error> {
            Ok(Option::<String>::deserialize(from)?.map(|text| text_path(&text)))
        }
    }

    /// The same of several.
    pub mod list {
        use super::{Deserialize, Deserializer, PathBuf, Serializer, path_text, text_path};

        /// As text.
        ///
        /// # Errors
        /// Those of the format.
        pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(paths.iter().map(|path| path_text(path)))
        }

        /// From text.
        ///
        /// # Errors
        /// Those of the format.
        pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
            let texts = Vec::<String>::deserialize(from)?;
            Ok(texts.iter().map(|text| text_path(text)).collect())
        }
    }
}

//! Numbers that survive JSON, which has no NaN and no infinity: those are written as the words `NaN`, `inf` and `-inf`.

/// Of one number: for `#[serde(with)]`.
pub mod float {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    pub(super) enum Word {
        Number(f64),
        Text(String),
    }

    impl Word {
        pub(super) fn of(value: f64) -> Self {
            match value.is_finite() {
                true => Word::Number(value),
                false => Word::Text(value.to_string()),
            }
        }

        pub(super) fn value<E: serde::de::Error>(self) -> Result<f64, E> {
            match self {
                Word::Number(value) => Ok(value),
                Word::Text(text) => text.parse().map_err(E::custom),
            }
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Word::of(*value).serialize(to)
    }

    /// Reads it.
    ///
    /// # Errors
    /// Those of `from`, and for other words.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Word::deserialize(from)?.value()
    }
}

/// Of a number that may be absent.
pub mod float_option {
    use super::float::Word;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Word::of).serialize(to)
    }

    /// Reads it.
    ///
    /// # Errors
    /// Those of `from`, and for other words.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Option::<Word>::deserialize(from)?
            .map(Word::value)
            .transpose()
    }
}

/// Of a fixed number of numbers.
pub mod float_array {
    use serde::{Deserializer, Serializer, de::Error};

    /// Writes them.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        super::float_list::serialize(values, to)
    }

    /// Reads them.
    ///
    /// # Errors
    /// Those of `from`, for other words, and for another number of them.
    pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(
        from: D,
    ) -> Result<[f64; N], D::Error> {
        let values = super::float_list::deserialize(from)?;
        let count = values.len();
        let wrong = |_| D::Error::invalid_length(count, &"a different number of numbers");
        values.try_into().map_err(wrong)
    }
}

/// Of several numbers.
pub mod float_list {
    use super::float::Word;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes it.
    ///
    /// # Errors
    /// Those of `to`.
    pub fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().copied().map(Word::of))
    }

    /// Reads it.
    ///
    /// # Errors
    /// Those of `from`, and for other words.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let words = Vec::<Word>::deserialize(from)?;
        words.into_iter().map(Word::value).collect()
    }
}

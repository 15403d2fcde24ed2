//! Numbers that survive JSON, which has no NaN and no infinity: those are written as the words `NaN`, `inf` and `-inf`.

pub(crate) mod float {
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

    pub(crate) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
        Word::of(*value).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Word::deserialize(from)?.value()
    }
}

pub(crate) mod float_option {
    use super::float::Word;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        value.map(Word::of).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Option::<Word>::deserialize(from)?
            .map(Word::value)
            .transpose()
    }
}

pub(crate) mod float_list {
    use super::float::Word;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().copied().map(Word::of))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let words = Vec::<Word>::deserialize(from)?;
        words.into_iter().map(Word::value).collect()
    }
}

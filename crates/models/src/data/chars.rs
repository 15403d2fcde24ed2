//! Text, character by character: the beginning of Moby-Dick, inside the program.

use super::settings::settings;
use super::{Dataset, Input, Split};
use crate::layers::Tokens;
use crate::{ModelsError, Targets};
use landscape_files::Unpacked;
use std::fmt;

/// Chapters 1 to 31 of Moby-Dick by Herman Melville (1851), in the public domain; see `assets/ATTRIBUTION.md`.
const TEXT: &[u8] = include_bytes!("../../assets/moby-dick-1-31.txt.gz");
/// Characters in it.
const LENGTH: usize = 268_149;

/// The second symbol of the alphabet.
const SPACE: u8 = b' ';

/// The longest samples, of which the part for tests has a few.
const MAX_CONTEXT: usize = 4096;

/// Settings of the text; its text form is `context=64`, and nothing where that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharsSpec {
    /// Characters of a sample, from 1 to 4,096.
    pub context: usize,
}

impl Default for CharsSpec {
    fn default() -> Self {
        CharsSpec {
            context: Tokens::default().context,
        }
    }
}

impl CharsSpec {
    /// What follows `chars:`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut spec = CharsSpec::default();
        for setting in settings(text)? {
            let value = setting.one()?;
            match setting.key {
                "context" => {
                    let length = value.parse().ok();
                    let length = length.filter(|n| (1..=MAX_CONTEXT).contains(n));
                    spec.context = length.ok_or_else(|| {
                        format!(
                            "`context={value}`: context must be a whole number from 1 to {MAX_CONTEXT}"
                        )
                    })?;
                }
                key => return Err(format!("unknown setting `{key}`; context")),
            }
        }
        Ok(spec)
    }

    /// The first samples of a part, all for `None`. The line feed is the id 0, and the printable characters of ASCII, space
    /// to `~`, are 1 to 95 in their order: ids `[n, context]`, windows of the text that do not overlap, each with
    /// the character that follows each of its own as its target.
    ///
    /// The first nine tenths of the text are for training, the rest for tests; no character is in both.
    ///
    /// # Errors
    /// [`ModelsError::TooFewSamples`] where there are fewer.
    pub fn load(self, split: Split, samples: Option<usize>) -> Result<Dataset, ModelsError> {
        let ids = ids(&text());
        let (train, test) = ids.split_at(LENGTH / 10 * 9);
        let (part, suffix) = match split {
            Split::Train => (train, ""),
            Split::Test => (test, " (test)"),
        };
        let context = self.context;
        // The last character of a part is a target alone.
        let available = (part.len() - 1) / context;
        let n = samples.unwrap_or(available).min(available);
        let x = Input::new("x", vec![n, context], part[..n * context].to_vec());
        let targets = Targets::Values {
            data: part[1..=n * context].to_vec(),
            width: context,
        };
        let data = Dataset::with_inputs(format!("{self}{suffix}"), vec![x], targets)?;
        let data = data
            .with_target_shape(vec![context])?
            .with_vocabulary(Tokens::default().vocab);
        match samples {
            Some(asked) if asked > available => data.take(asked),
            _ => Ok(data),
        }
    }
}

impl fmt::Display for CharsSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.context == CharsSpec::default().context {
            true => f.write_str("chars"),
            false => write!(f, "chars:context={}", self.context),
        }
    }
}

/// The text, of the alphabet's characters alone.
fn text() -> Vec<u8> {
    let file = Unpacked::bytes(TEXT).expect("the embedded file is sound");
    file.rest(Some(LENGTH)).expect("the embedded file is sound")
}

fn ids(text: &[u8]) -> Vec<f32> {
    let id = |&byte: &u8| match byte {
        b'\n' => 0.0,
        printable => f32::from(printable - SPACE + 1),
    };
    text.iter().map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_of_the_alphabet() {
        let text = text();
        assert!(text.starts_with(b"CHAPTER 1. Loomings.\n\nCall me Ishmael."));
        assert!(
            text.iter()
                .all(|&b| b == b'\n' || (b' '..=b'~').contains(&b))
        );
        let ids = ids(b"\n ~");
        assert_eq!(ids, [0.0, 1.0, (Tokens::default().vocab - 1) as f32]);
    }
}

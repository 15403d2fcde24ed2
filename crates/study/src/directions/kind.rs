use landscape_core::{path_text, text_path};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where directions come from. In words: `random`, `pca`, `hessian`, `hessian:top,bottom`, `gradient`, or a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DirectionKind {
    /// Drawn at random.
    #[default]
    Random,
    /// Principal components of the path of the training run.
    Pca,
    /// Eigenvectors of the Hessian; where no ends are named, those of the largest eigenvalues.
    Hessian(Vec<SpectrumEnd>),
    /// The negative gradient; further ones are random.
    Gradient,
    /// From a file.
    File(PathBuf),
}

/// An end of the spectrum that a direction belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpectrumEnd {
    /// The largest eigenvalues.
    Top,
    /// The smallest.
    Bottom,
}

/// Words that name no ends of a spectrum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` names no directions of the Hessian: give hessian, or hessian: and top or bottom for each \
     direction, as in hessian:top,bottom"
)]
pub struct UnknownEnds {
    given: String,
}

impl FromStr for DirectionKind {
    type Err = UnknownEnds;

    fn from_str(given: &str) -> Result<Self, UnknownEnds> {
        if let Some(words) = given.strip_prefix("hessian:") {
            let ends = words.split(',').map(|word| match word.trim() {
                "top" => Ok(SpectrumEnd::Top),
                "bottom" => Ok(SpectrumEnd::Bottom),
                _ => Err(UnknownEnds {
                    given: given.to_owned(),
                }),
            });
            return Ok(DirectionKind::Hessian(ends.collect::<Result<_, _>>()?));
        }
        Ok(match given {
            "random" => DirectionKind::Random,
            "pca" => DirectionKind::Pca,
            "hessian" => DirectionKind::Hessian(Vec::new()),
            "gradient" => DirectionKind::Gradient,
            file => DirectionKind::File(text_path(file)),
        })
    }
}

impl fmt::Display for DirectionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectionKind::Random => f.write_str("random"),
            DirectionKind::Pca => f.write_str("pca"),
            DirectionKind::Hessian(ends) => {
                let word = |end: &SpectrumEnd| match end {
                    SpectrumEnd::Top => "top",
                    SpectrumEnd::Bottom => "bottom",
                };
                let ends: Vec<&str> = ends.iter().map(word).collect();
                match ends.is_empty() {
                    true => f.write_str("hessian"),
                    false => write!(f, "hessian:{}", ends.join(",")),
                }
            }
            DirectionKind::Gradient => f.write_str("gradient"),
            DirectionKind::File(path) => f.write_str(&path_text(path)),
        }
    }
}

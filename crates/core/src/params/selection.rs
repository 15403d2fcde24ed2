//! Parts of a network: which of its parameters move, by their names.

use super::{Parameter, Params, Role, shown};
use glob::Pattern;
use std::fmt;
use std::str::FromStr;

/// Which parameters move and are differentiated; all others stay as they are.
///
/// In words: patterns separated by commas, of names of tensors or of the modules that they are in. `*` stands for any
/// characters, dots among them, `?` for one, `[ab]` for one of several; with `!` in front a pattern takes out what it matches.
/// `layer1,fc.weight`, `blocks.*.attn`, `!*.bias` (all but biases). The word `trainable` stands for all that training would
/// change: parameters whose `requires_grad` is set, where a network has others too.
///
/// ```
/// use landscape_core::{Parameter, Params, Role, Selection};
///
/// let tensor = |name: &str| Parameter::new(name, [2], vec![1.0, 2.0], Role::Weight);
/// let params = Params::new(vec![tensor("fc1.weight")?, tensor("fc1.bias")?, tensor("fc2.weight")?])?;
/// let selection: Selection = "fc1,!*.bias".parse()?;
/// let part = selection.of(params, &[])?;
/// assert_eq!(part.numel(), 2);
/// assert!(part.get("fc1.weight").unwrap().is_free());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Trainable,
    With(Pattern),
    Without(Pattern),
}

/// The word for what training would change.
const TRAINABLE: &str = "trainable";

/// Words that are no selection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{given}` does not select parameters: give patterns of names separated by commas, as in fc1.weight, layer1.* or !*.bias"
)]
pub struct UnknownSelection {
    given: String,
}

/// What a selection cannot be of some parameters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// A pattern matches nothing.
    #[error("`{pattern}` matches no parameter; there are {}", shown(names))]
    NoMatch {
        /// The pattern.
        pattern: String,
        /// Names of parameters, those that share most with the pattern first.
        names: Vec<String>,
    },
    /// What is matched are buffers alone, which do not move.
    #[error("`{pattern}` matches running statistics and counters alone, which never move")]
    Buffers {
        /// The pattern.
        pattern: String,
    },
    /// Nothing is left.
    #[error("`{selection}` leaves no parameter that moves")]
    Empty {
        /// The selection.
        selection: String,
    },
}

impl FromStr for Selection {
    type Err = UnknownSelection;

    fn from_str(given: &str) -> Result<Self, UnknownSelection> {
        let unknown = || UnknownSelection {
            given: given.to_owned(),
        };
        let term = |word: &str| {
            let (word, out) = match word.trim().strip_prefix('!') {
                Some(rest) => (rest.trim(), true),
                None => (word.trim(), false),
            };
            match (word, out) {
                ("", _) => Err(unknown()),
                (TRAINABLE, false) => Ok(Term::Trainable),
                (word, out) => {
                    let pattern = Pattern::new(word).map_err(|_| unknown())?;
                    Ok(if out { Term::Without } else { Term::With }(pattern))
                }
            }
        };
        let terms = given.split(',').map(term).collect::<Result<_, _>>()?;
        Ok(Selection { terms })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, term) in self.terms.iter().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            match term {
                Term::Trainable => f.write_str(TRAINABLE)?,
                Term::With(pattern) => f.write_str(pattern.as_str())?,
                Term::Without(pattern) => write!(f, "!{pattern}")?,
            }
        }
        Ok(())
    }
}

impl Selection {
    /// The same tensors, of which all parameters that are not selected are fixed. `frozen` names those that training does not
    /// change.
    ///
    /// # Errors
    /// Where a pattern matches no parameter, or none is left.
    pub fn of(&self, params: Params, frozen: &[String]) -> Result<Params, SelectionError> {
        for term in &self.terms {
            if let Term::With(pattern) | Term::Without(pattern) = term {
                check(pattern, &params)?;
            }
        }
        let mut params = params;
        for tensor in params.tensors_mut() {
            tensor.fixed = tensor.role != Role::Buffer && !self.takes(&tensor.name, frozen);
        }
        match params.iter().any(Parameter::is_free) {
            true => Ok(params),
            false => Err(SelectionError::Empty {
                selection: self.to_string(),
            }),
        }
    }

    fn takes(&self, name: &str, frozen: &[String]) -> bool {
        let all = self.terms.iter().all(|t| matches!(t, Term::Without(_)));
        let with = self.terms.iter().any(|term| match term {
            Term::Trainable => !frozen.iter().any(|frozen| frozen == name),
            Term::With(pattern) => matches(pattern, name),
            Term::Without(_) => false,
        });
        let without = { self.terms.iter() }
            .any(|term| matches!(term, Term::Without(pattern) if matches(pattern, name)));
        (all || with) && !without
    }
}

/// Whether a pattern matches a tensor, or a module that it is in.
fn matches(pattern: &Pattern, name: &str) -> bool {
    let modules = name.match_indices('.').map(|(end, _)| &name[..end]);
    modules.chain([name]).any(|part| pattern.matches(part))
}

fn check(pattern: &Pattern, params: &Params) -> Result<(), SelectionError> {
    let is_parameter = |tensor: &&Parameter| tensor.role != Role::Buffer;
    let met = || { params.iter() }.filter(|tensor| matches(pattern, &tensor.name));
    if met().any(|tensor| is_parameter(&tensor)) {
        return Ok(());
    }
    let words = pattern.to_string();
    if met().next().is_some() {
        return Err(SelectionError::Buffers { pattern: words });
    }
    let names = params.iter().filter(is_parameter);
    let mut names: Vec<String> = names.map(|tensor| tensor.name.clone()).collect();
    names.sort_by_key(|name| std::cmp::Reverse(shared(&words, name)));
    Err(SelectionError::NoMatch {
        pattern: words,
        names,
    })
}

/// Characters that a pattern and a name begin with alike.
fn shared(pattern: &str, name: &str) -> usize {
    let pairs = pattern.chars().zip(name.chars());
    pairs.take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Params {
        let names = [
            "blocks.0.attn.weight",
            "blocks.0.attn.bias",
            "blocks.10.attn.weight",
            "blocks.0.norm.running_mean",
            "head.weight",
        ];
        let tensor = |name: &str| {
            let role = Role::from_name(name, &[1, 1]);
            Parameter::new(name, [1, 1], vec![0.0], role).unwrap()
        };
        Params::new(names.map(tensor).to_vec()).unwrap()
    }

    fn free(words: &str) -> Vec<String> {
        let selection: Selection = words.parse().unwrap();
        assert_eq!(selection.to_string(), words);
        let part = selection.of(network(), &["head.weight".into()]).unwrap();
        part.weights().map(|tensor| tensor.name.clone()).collect()
    }

    #[test]
    fn patterns_match_tensors_and_the_modules_that_they_are_in() {
        let both = ["blocks.0.attn.weight", "blocks.0.attn.bias"];
        assert_eq!(free("blocks.0"), both);
        assert_eq!(free("blocks.0.*"), both);
        assert_eq!(free("blocks.0,head,!*.bias").len(), 2);
        assert_eq!(free("*attn.weight").len(), 2);
        assert_eq!(free("blocks.?.attn,!*.weight"), ["blocks.0.attn.bias"]);
        assert_eq!(free("!head").len(), 3);
        assert_eq!(free("trainable").len(), 3);
        assert_eq!(free("trainable,head,!blocks.10").len(), 3);
    }

    #[test]
    fn what_selects_nothing_is_told() {
        let of = |words: &str| {
            let selection = words.parse::<Selection>().map_err(|e| e.to_string())?;
            let part = selection.of(network(), &[]).map_err(|e| e.to_string())?;
            Ok::<_, String>(part.numel())
        };
        assert_eq!(
            of("head.wieght"),
            Err(
                "`head.wieght` matches no parameter; there are head.weight, blocks.0.attn.weight, \
                 blocks.0.attn.bias, blocks.10.attn.weight"
                    .into()
            )
        );
        assert!(
            of("*running_mean")
                .unwrap_err()
                .contains("running statistics")
        );
        assert!(of("!*").unwrap_err().contains("leaves no parameter"));
        for words in ["", "a,,b", "!", "[a"] {
            assert!(
                of(words).unwrap_err().contains("does not select"),
                "{words}"
            );
        }
    }

    #[test]
    fn the_rest_is_left_out_of_vectors_norms_and_directions() {
        let mut tensors = network().into_inner();
        for (place, tensor) in tensors.iter_mut().enumerate() {
            tensor.data = vec![place as f32 + 1.0];
        }
        let whole = Params::new(tensors).unwrap();
        let selection: Selection = "*.weight,!head".parse().unwrap();
        let part = selection.of(whole.clone(), &[]).unwrap();
        assert_eq!(part.flatten(), [1.0, 3.0]);
        assert_eq!(part.norm(), 10.0_f64.sqrt());
        let moved = part.unflatten(&[7.0, 8.0]).unwrap();
        let values: Vec<f32> = moved.iter().map(|t| t.data[0]).collect();
        assert_eq!(values, [7.0, 2.0, 8.0, 4.0, 5.0]);
        let draw = |params: &Params| {
            crate::Direction::random(params, crate::Distribution::Gaussian, 7, 0).tensors
        };
        let (cut, all) = (draw(&part), draw(&whole));
        for (cut, all) in cut.iter().zip(all.iter()) {
            let expected = if cut.is_free() { all.data[0] } else { 0.0 };
            assert_eq!(cut.data[0], expected, "{}", cut.name);
        }
        let back = crate::Direction::between(&part, &moved).unwrap().tensors;
        let values: Vec<f32> = back.iter().map(|t| t.data[0]).collect();
        assert_eq!(values, [6.0, 0.0, 5.0, 0.0, 0.0]);
    }
}

use landscape_core::{BiasMode, Distribution, Normalization, Projection, Role, Source};
use std::fmt::{Debug, Display};
use std::str::FromStr;

fn round_trips<T: Copy + Debug + PartialEq + Display + FromStr + serde::Serialize>(all: &[T])
where
    T::Err: Debug,
{
    for &choice in all {
        assert_eq!(choice.to_string().parse::<T>().unwrap(), choice);
        let json = serde_json::to_value(choice).unwrap();
        assert_eq!(json, choice.to_string(), "one name everywhere");
    }
}

#[test]
fn every_choice_has_one_name() {
    round_trips(Normalization::ALL);
    round_trips(BiasMode::ALL);
    round_trips(Distribution::ALL);
    round_trips(Projection::ALL);
    round_trips(Role::ALL);
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let error = "filters".parse::<Normalization>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown normalization `filters`; one of: filter, layer, weight, dfilter, dlayer, model, none"
    );
}

#[test]
fn sources_are_told_in_words_and_survive_json() {
    let source = Source::Random {
        seed: 1,
        stream: 0,
        distribution: Distribution::Gaussian,
    };
    assert_eq!(source.to_string(), "random (gaussian, seed 1, stream 0)");
    let json = serde_json::to_string(&source).unwrap();
    assert_eq!(serde_json::from_str::<Source>(&json).unwrap(), source);
}

//! Verdicts on surfaces of networks whose training is known to be easy or hard.

use crate::support::of_csv;
use landscape_core::diagnosis::{Confidence, Difficulty, Outlook};
use landscape_core::{
    Diagnosis, Facts, Metrics, Position, Surface, Value, View, diagnose, metrics,
};

fn network(name: &str) -> Surface {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/networks");
    of_csv(&std::fs::read_to_string(format!("{folder}/{name}.csv")).unwrap())
}

fn told(name: &str, classes: Option<usize>) -> Diagnosis {
    let surface = network(name);
    let figures = metrics(&surface).unwrap();
    diagnose(&Facts {
        plane: Some(name),
        metrics: Some(&figures),
        position: Position::of(&surface, Value::Loss, [0.0; 3]),
        classes,
        ..Facts::default()
    })
}

/// 86% and 44% of the test images, with shortcuts and without.
#[test]
fn networks_that_train_badly_are_told_from_those_that_train_well() {
    for classes in [None, Some(10)] {
        for hard in [
            "resnet56-noshort-42",
            "resnet56-noshort-1",
            "resnet56-noshort-2",
        ] {
            let told = told(hard, classes).difficulty;
            assert_ne!(told.confidence, Confidence::Low, "{hard} {told:?}");
            assert_eq!(told.verdict, Difficulty::Hard, "{hard} {}", told.words);
            assert!(told.sentence.contains(hard), "{}", told.sentence);
        }
        for well in [
            "resnet56-42",
            "resnet56-1",
            "resnet56-2",
            "resnet20-42",
            "resnet20-noshort-42",
            "resnet20-init",
        ] {
            let told = told(well, classes).difficulty;
            assert_ne!(told.verdict, Difficulty::Hard, "{well} {}", told.words);
        }
    }
}

#[test]
fn a_high_valley_is_called_so() {
    let low = told("resnet56-42", Some(10)).outlook;
    let high = told("resnet56-noshort-42", Some(10)).outlook;
    assert_eq!(
        (low.verdict, high.verdict),
        (Outlook::Valley, Outlook::Valley)
    );
    assert!(high.sentence.contains("the loss is high"), "{}", high.words);
    assert!(!low.sentence.contains("high"), "{}", low.words);
    // The loss against ln 10 and the accuracy against 1 / 10 stand in the words.
    for (answer, parts) in [
        (&low, ["0.39 against ln 10 = 2.3", "accuracy 0.859"]),
        (&high, ["1.49 against ln 10 = 2.3", "accuracy 0.477"]),
    ] {
        for part in parts {
            assert!(answer.words.contains(part), "{part}: {}", answer.words);
        }
    }
}

#[test]
fn several_planes_of_one_network_are_judged_by_their_mean() {
    let surfaces = ["resnet56-noshort-42", "resnet56-noshort-1"].map(network);
    let figures = [0, 1].map(|k: usize| metrics(&surfaces[k]).unwrap());
    let further = [View {
        name: Some("second"),
        metrics: Some(&figures[1]),
        position: Position::of(&surfaces[1], Value::Loss, [0.0; 3]),
        seen: None,
        disagreement: None,
    }];
    let told = diagnose(&Facts {
        plane: Some("first"),
        metrics: Some(&figures[0]),
        position: Position::of(&surfaces[0], Value::Loss, [0.0; 3]),
        further: &further,
        ..Facts::default()
    });
    let difficulty = &told.difficulty;
    assert_eq!(difficulty.surfaces, ["first", "second"]);
    assert_eq!(difficulty.verdict, Difficulty::Hard, "{}", difficulty.words);
    let of = |metrics: &Metrics| metrics.convexity.unwrap();
    let (a, b) = (of(&figures[0]), of(&figures[1]));
    let mean = difficulty.figures.iter().find(|f| f.name == "convexity");
    let mean = mean.unwrap();
    assert!((mean.value - (a + b) / 2.0).abs() < 1e-12);
    // Half their distance: the standard error of a mean of two.
    assert!(
        mean.says.contains("mean of 2 surfaces +- 0.0444"),
        "{}",
        mean.says
    );
    assert!((a - b).abs() / 2.0 - 0.0444 < 5e-5);
    assert_eq!(told.outlook.surfaces, ["first"]);
    // Each alone is hard too.
    assert_eq!(difficulty.confidence, Confidence::High, "{difficulty:?}");
}

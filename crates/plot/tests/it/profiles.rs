//! Losses along paths, groups of runs, and warnings about planes.

use crate::support::{curve, hills, path, sampled, words};
use landscape_core::{Value, barrier};
use landscape_plot::{
    LossBand, LossCurve, LossProfile, Options, PlotError, loss_bands, loss_profiles, losses,
    trajectory_losses,
};

#[test]
fn the_barrier_of_a_way_is_that_of_the_line() {
    let hill = |t: f64| 0.2 + 0.5 * t + (7.0 * t).sin().abs();
    let line = sampled(&[(0.0, 1.0, 41)], |[t, ..]| Some(hill(t)));
    let t = line.grid().axes()[0].values();
    let profile = LossProfile {
        name: String::new(),
        loss: t.iter().map(|t| hill(*t)).collect(),
        t,
    };
    let (found, known) = (
        profile.barrier().unwrap(),
        barrier(&line, Value::Loss).unwrap(),
    );
    assert!((found.height - known.height).abs() < 1e-12);
    assert_eq!((found.at, found.ends), (known.at, known.ends));
}

#[test]
fn ways_without_ends_have_no_barrier() {
    let profile = |loss: Vec<f64>| LossProfile {
        name: String::new(),
        t: vec![0.0, 0.5, 1.0],
        loss,
    };
    assert!(profile(vec![1.0, f64::NAN, 1.0]).barrier().is_none());
    assert!(profile(vec![f64::INFINITY, 1.0, 1.0]).barrier().is_none());
    assert_eq!(
        profile(vec![1.0, f64::INFINITY, 1.0])
            .barrier()
            .unwrap()
            .height,
        f64::INFINITY
    );
    assert!(LossProfile::default().barrier().is_none());
}

#[test]
fn barriers_stand_in_the_legend_and_at_their_place() {
    let figure = loss_profiles(&hills(), &Options::default()).unwrap();
    let found: Vec<String> = words(&figure).into_iter().map(|w| w.words).collect();
    for expected in ["straight (barrier 1.2)", "Bézier curve (no barrier)", "1.2"] {
        assert!(
            found.iter().any(|w| w == expected),
            "{expected} in {found:?}"
        );
    }
}

#[test]
fn wrong_ways_are_errors() {
    let options = Options::default();
    assert!(matches!(
        loss_profiles(&[], &options),
        Err(PlotError::Empty { .. })
    ));
    let mut short = hills();
    short[1].loss.pop();
    let error = loss_profiles(&short, &options).unwrap_err().to_string();
    assert_eq!(error, "`Bézier curve` has 21 places but 20 values");
    short[1] = LossProfile {
        name: "dot".into(),
        t: vec![0.0],
        loss: vec![1.0],
    };
    assert!(matches!(
        loss_profiles(&short, &options),
        Err(PlotError::Empty { .. })
    ));
}

#[test]
fn a_band_is_the_median_and_the_range_of_its_runs() {
    let run = |losses: &[f64]| LossCurve {
        steps: (0..losses.len()).map(|k| k as f64).collect(),
        losses: losses.to_vec(),
        ..LossCurve::default()
    };
    let runs = [
        run(&[5.0, 4.0, 3.0]),
        run(&[1.0, f64::NAN, 9.0]),
        run(&[2.0, 8.0]),
    ];
    let band = LossBand::of("SGD", &runs);
    assert_eq!(band.median, [2.0, 6.0, 6.0]);
    assert_eq!(band.range, [[1.0, 5.0], [4.0, 8.0], [3.0, 9.0]]);
    let figure = loss_bands(std::slice::from_ref(&band), &Options::default()).unwrap();
    assert!(figure.svg().contains("medians"));
    let mut wrong = band;
    wrong.range.pop();
    assert!(matches!(
        loss_bands(&[wrong], &Options::default()),
        Err(PlotError::CurveLength { .. })
    ));
}

#[test]
fn many_curves_are_thin_and_all_are_named() {
    let many: Vec<LossCurve> = (0..10).map(|k| curve(&format!("seed {k}"))).collect();
    let figure = losses(&many, &Options::default()).unwrap();
    assert!((0..10).all(|k| figure.svg().contains(&format!(">seed {k}<"))));
    assert!(figure.svg().contains("stroke-width=\"0.7\""));
}

#[test]
fn a_plane_that_explains_little_is_said_so() {
    let mut poor = path(12);
    poor.explained_variance = vec![0.3, 0.1];
    for point in &mut poor.points {
        point.plane_loss = point.loss.map(|l| 2.0 * l);
    }
    let caption = |path| {
        let found = words(&trajectory_losses(path, &Options::default()).unwrap());
        found
            .into_iter()
            .map(|w| w.words)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let said = caption(&poor);
    assert!(
        said.contains("explains only 40.0%") && said.contains("differs from the true one"),
        "{said}"
    );
    assert!(!caption(&path(12)).contains("explains"));
}

#[test]
fn a_training_that_diverges_is_drawn_to_the_step_that_is_named() {
    let curve = |name: &str, losses: [f64; 3]| LossCurve {
        name: name.to_owned(),
        steps: vec![0.0, 10.0, 20.0],
        losses: losses.to_vec(),
        accuracies: vec![],
    };
    let wild = curve("lr 0.5", [1.0, 8.0, f64::NAN]);
    let both = [curve("lr 0.1", [1.0, 0.5, 0.25]), wild.clone()];
    let said = |curves: &[LossCurve]| {
        let figure = losses(curves, &Options::default()).unwrap();
        let lines: Vec<String> = words(&figure).into_iter().map(|w| w.words).collect();
        lines.join(" ")
    };
    let both = said(&both);
    assert!(
        both.contains("Training of lr 0.5 diverges at step 20"),
        "{both}"
    );
    assert!(!both.contains("of lr 0.1 diverges"), "{both}");
    let alone = LossCurve {
        name: String::new(),
        losses: vec![1.0, f64::INFINITY, f64::NAN],
        ..wild
    };
    let alone = said(&[alone]);
    assert!(alone.contains("Training diverges at step 10"), "{alone}");
}

//! The two-moons set against scikit-learn's geometry.

use crate::support::{close, file, says};
use landscape_models::{Angles, DataSpec, MoonsSpec, Targets, make_moons};

#[test]
fn geometry_is_scikit_learns() {
    for n in [2, 3, 11, 200] {
        let text = std::fs::read_to_string(file(&format!("moons-{n}.txt"))).unwrap();
        let points = make_moons(n);
        assert_eq!(points.len(), text.lines().count());
        for (line, (point, label)) in text.lines().zip(points) {
            let row: Vec<f64> = line.split(' ').map(|v| v.parse().unwrap()).collect();
            close(point[0], row[0], 0.0, 4e-16);
            close(point[1], row[1], 0.0, 4e-16);
            assert_eq!(label as f64, row[2]);
        }
    }
}

#[test]
fn without_noise_the_set_is_the_geometry_in_another_order() {
    let spec = MoonsSpec {
        noise: 0.0,
        ..MoonsSpec::default()
    };
    let data = spec.generate().unwrap();
    let Targets::Classes(labels) = data.y() else {
        panic!("moons have classes")
    };
    let rows = data.x().chunks(2).zip(labels);
    let mut found: Vec<_> = rows.map(|(p, &l)| (l, p[0], p[1])).collect();
    assert_ne!(found[..100].iter().filter(|row| row.0 == 0).count(), 100);
    let mut wanted: Vec<_> = make_moons(200)
        .iter()
        .map(|&([a, b], l)| (l, a as f32, b as f32))
        .collect();
    found.sort_by(|a, b| a.partial_cmp(b).unwrap());
    wanted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(found, wanted);
}

#[test]
fn noise_has_the_deviation_asked_for() {
    let spec = MoonsSpec {
        n: 20_000,
        noise: 0.3,
        ..MoonsSpec::default()
    };
    let quiet = MoonsSpec { noise: 0.0, ..spec };
    let (noisy, quiet) = (spec.generate().unwrap(), quiet.generate().unwrap());
    assert_eq!(noisy.y(), quiet.y());
    let pairs = noisy.x().iter().zip(quiet.x());
    let squares: f64 = pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    close((squares / 40_000.0).sqrt(), 0.3, 0.02, 0.0);
}

#[test]
fn seeds_and_settings_make_different_sets_and_the_same_set_again() {
    let digest = |text: &str| {
        let spec: DataSpec = text.parse().unwrap();
        let data = landscape_models::load(&spec, None, Default::default(), None);
        data.unwrap().digest()
    };
    assert_eq!(digest("moons"), digest("moons:n=200,noise=0.15,seed=42"));
    let others = [
        "moons:seed=1",
        "moons:noise=0.1",
        "moons:n=201",
        "moons:angles=random",
    ];
    for other in others {
        assert_ne!(digest("moons"), digest(other));
    }
}

#[test]
fn random_angles_stay_on_the_moons() {
    let spec = MoonsSpec {
        noise: 0.0,
        angles: Angles::Random,
        ..MoonsSpec::default()
    };
    let data = spec.generate().unwrap();
    let Targets::Classes(labels) = data.y() else {
        panic!("moons have classes")
    };
    for (p, &label) in data.x().chunks(2).zip(labels) {
        let [x, y] = [f64::from(p[0]), f64::from(p[1])];
        let (x, y) = if label == 0 {
            (x, y)
        } else {
            (1.0 - x, 0.5 - y)
        };
        close(x.hypot(y), 1.0, 1e-6, 0.0);
        assert!(y >= -1e-6);
    }
    assert_eq!(labels.iter().sum::<i64>(), 100);
}

#[test]
fn names_are_read_and_written() {
    let written = |text: &str| text.parse::<DataSpec>().unwrap().to_string();
    assert_eq!(written("moons"), "moons:n=200,noise=0.15,seed=42");
    assert_eq!(written("moons:seed=7"), "moons:n=200,noise=0.15,seed=7");
    let random = "moons:n=50,noise=0,seed=1,angles=random";
    assert_eq!(written(random), random);
}

#[test]
fn wrong_settings_are_named() {
    let error = |text: &str| text.parse::<DataSpec>().unwrap_err();
    says(error("moons:n=1"), &["moons:n=1", "n is 1", "from 2"]);
    says(error("moons:n=5,n=6"), &["`n` is given twice"]);
    says(
        error("moons:n"),
        &["`n` is not a setting of the form key=value"],
    );
    says(error("moons:n=ten"), &["`n=ten`", "whole number"]);
    says(error("moons:noise=-1"), &["noise is -1", "at least 0"]);
    says(error("moons:noise=nan"), &["noise is NaN"]);
    says(
        error("moons:colour=red"),
        &["unknown setting `colour`", "noise"],
    );
    says(error("moons:angles=odd"), &["odd", "even", "random"]);
    says(error("imagenet"), &["unknown data `imagenet`", "mnist-1k"]);
}

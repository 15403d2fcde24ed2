//! Verdicts on surfaces whose answer is known, and what may not change them.

use crate::support::{assert_close, sampled};
use landscape_core::diagnosis::{Confidence, Course, Difficulty, Outlook};
use landscape_core::{
    Axis, Diagnosis, Facts, Grid, Metrics, Position, Rng, Sample, Surface, Value, View, diagnose,
    merge_tree, metrics,
};

fn on_grid(count: usize, function: impl Fn([f64; 2]) -> f64 + Sync) -> Surface {
    sampled(Grid::square(count, 1.0, 2).unwrap(), function)
}

fn told_at(surface: &Surface, at: [f64; 2]) -> Diagnosis {
    let figures = metrics(surface).ok();
    diagnose(&Facts {
        plane: Some("s"),
        metrics: figures.as_ref(),
        position: Position::of(surface, Value::Loss, [at[0], at[1], 0.0]),
        ..Facts::default()
    })
}

fn told(surface: &Surface) -> Diagnosis {
    told_at(surface, [0.0; 2])
}

fn verdicts(surface: &Surface) -> (Difficulty, Outlook) {
    let told = told(surface);
    (told.difficulty.verdict, told.outlook.verdict)
}

/// Loss 0.8 with second derivatives 30 and 18 in the middle, and 2e20 in the corners.
fn exploding([x, y]: [f64; 2]) -> f64 {
    let bowl = 15.0 * x * x + 9.0 * y * y;
    0.8 + bowl + (55.0 * ((x * x + y * y) / 2.0 - 0.15).max(0.0)).exp_m1()
}

fn two_wells([x, y]: [f64; 2]) -> f64 {
    4.0 * (x * x - 0.36).powi(2) + y * y + 0.3 * x
}

type Known = (&'static str, fn([f64; 2]) -> f64, Difficulty, Outlook);

/// The place that is asked about is the middle.
const KNOWN: [Known; 9] = [
    (
        "bowl",
        |[x, y]| x * x + y * y,
        Difficulty::Easy,
        Outlook::Valley,
    ),
    (
        "anisotropic bowl",
        |[x, y]| x * x + 100.0 * y * y,
        Difficulty::Easy,
        Outlook::Valley,
    ),
    (
        "askew valley",
        |[x, y]| (x + y).powi(2) + 100.0 * (x - y).powi(2),
        Difficulty::Easy,
        Outlook::Valley,
    ),
    (
        "slope",
        |[x, y]| x + 0.5 * y,
        Difficulty::Easy,
        Outlook::Slope,
    ),
    (
        "saddle",
        |[x, y]| x * x - y * y,
        Difficulty::Moderate,
        Outlook::Slope,
    ),
    (
        "saturating bowl",
        |[x, y]| 1.0 - (-2.0 * (x * x + y * y)).exp(),
        Difficulty::Moderate,
        Outlook::Valley,
    ),
    (
        "quartic",
        |[x, y]| x.powi(4) + y.powi(4),
        Difficulty::Easy,
        Outlook::Valley,
    ),
    ("two wells", two_wells, Difficulty::Hard, Outlook::Slope),
    (
        "rastrigin",
        |[x, y]| {
            let one =
                |v: f64| (2.5 * v).powi(2) + 10.0 - 10.0 * (5.0 * std::f64::consts::PI * v).cos();
            one(x) + one(y)
        },
        Difficulty::Hard,
        Outlook::Valley,
    ),
];

#[test]
fn known_surfaces_have_known_verdicts() {
    for (name, function, difficulty, outlook) in KNOWN {
        let told = told(&on_grid(51, function));
        assert_eq!(
            told.difficulty.verdict, difficulty,
            "{name} {}",
            told.difficulty.words
        );
        assert_eq!(
            told.outlook.verdict, outlook,
            "{name} {}",
            told.outlook.words
        );
        for (words, surfaces) in [
            (&told.difficulty.sentence, &told.difficulty.surfaces),
            (&told.outlook.sentence, &told.outlook.surfaces),
        ] {
            assert!(
                words.contains("`s`") && *surfaces == ["s"],
                "{name} {words}"
            );
        }
    }
}

#[test]
fn what_may_not_change_a_verdict_does_not() {
    for (name, function, ..) in KNOWN {
        let want = verdicts(&on_grid(51, function));
        let variants: [(&str, Surface); 8] = [
            ("shifted", on_grid(51, |p| function(p) + 7.0)),
            ("scaled", on_grid(51, |p| 1e-3 * function(p))),
            ("enlarged", on_grid(51, |p| 1e6 * function(p))),
            ("swapped", on_grid(51, |[x, y]| function([y, x]))),
            ("mirrored", on_grid(51, |[x, y]| function([-x, y]))),
            ("refined", on_grid(101, function)),
            ("coarser", on_grid(41, function)),
            // One corner that is enormous.
            (
                "corner",
                on_grid(51, |[x, y]| match x > 0.95 && y > 0.95 {
                    true => function([x, y]) + 1e12,
                    false => function([x, y]),
                }),
            ),
        ];
        for (change, surface) in variants {
            assert_eq!(verdicts(&surface), want, "{name} {change}");
        }
    }
}

#[test]
fn noise_is_rough_and_a_sharp_minimum_in_flat_ground_is_none() {
    let noisy = |count: usize, size: f64| {
        let mut rng = Rng::new(3, 0);
        let mut surface = on_grid(count, |[x, y]| x * x + y * y);
        for flat in 0..surface.grid().len() {
            let loss = surface.get(flat).unwrap().loss + size * rng.normal();
            surface.set(flat, Sample::of(loss)).unwrap();
        }
        told(&surface).difficulty
    };
    for count in [15, 31, 51] {
        let hard = noisy(count, 0.1);
        assert_eq!(hard.verdict, Difficulty::Hard, "{count} {}", hard.words);
        let fine = noisy(count, 1e-4);
        assert_eq!(fine.verdict, Difficulty::Easy, "{count} {}", fine.words);
    }
    let sharp = |[x, y]: [f64; 2]| {
        let r = x * x + y * y;
        1.0 - (-r / 0.05).exp() + 0.01 * r
    };
    let told = told(&on_grid(51, sharp));
    assert_ne!(
        told.difficulty.verdict,
        Difficulty::Hard,
        "{}",
        told.difficulty.words
    );
    assert_eq!(
        told.outlook.verdict,
        Outlook::Valley,
        "{}",
        told.outlook.words
    );
    let beside = told_at(&on_grid(51, sharp), [0.8, 0.8]).outlook;
    assert_eq!(beside.verdict, Outlook::Plateau, "{}", beside.words);
}

#[test]
fn a_loss_that_hardly_changes_tells_nothing() {
    let plateau = on_grid(15, |[x, y]| 2.3014 + 1e-3 * x * x + 8e-4 * y * y);
    let told = told(&plateau);
    let (difficulty, outlook) = (&told.difficulty, &told.outlook);
    assert_eq!(
        difficulty.verdict,
        Difficulty::Unknown,
        "{}",
        difficulty.words
    );
    assert_eq!(outlook.verdict, Outlook::Unknown, "{}", outlook.words);
    for (sentence, confidence) in [
        (&difficulty.sentence, difficulty.confidence),
        (&outlook.sentence, outlook.confidence),
    ] {
        assert!(
            sentence.contains("hardly changes in view (2.3014 to 2.3032)"),
            "{sentence}"
        );
        assert!(confidence < Confidence::High);
    }
    // A constant too; and nothing is flat for being far from zero by a little.
    let constant = on_grid(9, |_| 0.7);
    assert_eq!(verdicts(&constant), (Difficulty::Unknown, Outlook::Unknown));
    let low = on_grid(15, |[x, y]| 0.05 + 1e-3 * (x * x + y * y));
    assert_eq!(verdicts(&low), (Difficulty::Easy, Outlook::Valley));
}

#[test]
fn huge_corners_do_not_set_the_scale() {
    let surface = on_grid(15, exploding);
    let m = metrics(&surface).unwrap();
    assert!(m.range > 1e19 && m.robust_range < 1e3, "{}", m.robust_range);
    assert!(m.basin_share < 0.5, "{}", m.basin_share);
    let place = Position::of(&surface, Value::Loss, [0.0; 3]).unwrap();
    let [low, high] = place.curvature.unwrap();
    // 30 and 18 along the axes, of central differences.
    assert_close(low / high, 18.0 / 30.0, 1e-6);
    let told = told(&surface).outlook;
    assert_eq!(told.verdict, Outlook::Valley, "{}", told.words);
    assert!(told.words.contains("rises on all sides"), "{}", told.words);
    assert!(!told.words.contains("flat"), "{}", told.words);
}

/// Points of a grid with a step of two: none beside another.
fn isolated() -> Surface {
    let full = on_grid(9, |[x, y]| 1.0 + (x - 0.6).powi(2) + y * y);
    let mut surface = Surface::new(full.grid().clone(), vec![]);
    for flat in 0..81 {
        let [i, j, _] = full.grid().unravel(flat);
        if i % 2 == 0 && j % 2 == 0 {
            surface.set(flat, full.get(flat).unwrap().clone()).unwrap();
        }
    }
    surface
}

#[test]
fn places_between_which_nothing_is_measured_are_not_compared() {
    let surface = isolated();
    let tree = merge_tree(&surface, Value::Loss);
    assert_eq!((tree.roots.len(), tree.undecided.len()), (25, 24));
    let lowest = surface.grid().index([6, 4, 0]).unwrap();
    let decided: Vec<usize> = tree.decided().iter().map(|pair| pair.minimum).collect();
    assert_eq!(decided, [lowest]);
    assert_eq!((tree.smad(), tree.smad_first_saddle()), (None, None));
    let told = told(&surface);
    assert_eq!(told.difficulty.verdict, Difficulty::Unknown);
    assert_eq!(
        told.outlook.verdict,
        Outlook::Unknown,
        "{}",
        told.outlook.words
    );
    let words = &told.outlook.words;
    assert!(words.contains("nothing is measured on the path"), "{words}");
    assert_eq!(told.outlook.confidence, Confidence::Low);
}

#[test]
fn walls_of_numbers_cut_and_unmeasured_points_do_not() {
    let wells = on_grid(51, two_wells);
    let with_strip = |sample: Option<f64>| {
        let mut surface = Surface::new(wells.grid().clone(), vec![]);
        for flat in 0..surface.grid().len() {
            let known = wells.get(flat).unwrap().clone();
            match (wells.grid().unravel(flat)[0], sample) {
                (15..=37, Some(loss)) => surface.set(flat, Sample::of(loss)).unwrap(),
                (15..=37, None) => {}
                _ => surface.set(flat, known).unwrap(),
            }
        }
        surface
    };
    let right = [0.56, 0.0];
    assert_eq!(told_at(&wells, right).outlook.verdict, Outlook::Trapped);
    let open = with_strip(None);
    let outlook = told_at(&open, right).outlook;
    assert_eq!(outlook.verdict, Outlook::Unknown, "{}", outlook.words);
    let tree = merge_tree(&open, Value::Loss);
    assert_eq!((tree.roots.len(), tree.decided().len()), (2, 1));
    for wall in [f64::NAN, f64::INFINITY] {
        let cut = with_strip(Some(wall));
        let outlook = told_at(&cut, right).outlook;
        assert_eq!(outlook.verdict, Outlook::Trapped, "{}", outlook.words);
        assert_eq!(merge_tree(&cut, Value::Loss).decided().len(), 2);
    }
    // A hole beside the measured path: a lower one may lead through it.
    let mut gap = Surface::new(wells.grid().clone(), vec![]);
    for flat in 0..gap.grid().len() {
        let [i, j, _] = gap.grid().unravel(flat);
        if !((15..=37).contains(&i) && (20..24).contains(&j)) {
            gap.set(flat, wells.get(flat).unwrap().clone()).unwrap();
        }
    }
    let outlook = told_at(&gap, right).outlook;
    assert_eq!(outlook.verdict, Outlook::Unknown, "{}", outlook.words);
    assert!(
        outlook.words.contains("other paths are not measured"),
        "{}",
        outlook.words
    );
}

#[test]
fn a_minimum_of_the_grid_is_on_no_slope() {
    // The lowest point of the grid lies askew under one end of a path.
    let skewed = on_grid(21, |[x, y]| {
        let (u, v) = (x - 0.045, y + 0.045);
        u * u + v * v + 0.9 * u * u * u
    });
    let place = Position::of(&skewed, Value::Loss, [0.0; 3]).unwrap();
    assert_eq!(place.fall, Some(0.0), "all around is higher");
    assert!(place.slope.unwrap() > 0.005);
    let told = told(&skewed).outlook;
    assert_eq!(told.verdict, Outlook::Valley, "{}", told.words);
    assert!(
        told.words.contains("no point around is lower"),
        "{}",
        told.words
    );
    // What is a little lower in view is said in numbers.
    let bowl = on_grid(51, |[x, y]| 3.0 + x * x + y * y);
    let near = told_at(&bowl, [0.08, 0.08]).outlook;
    assert_eq!(near.verdict, Outlook::Valley, "{}", near.words);
    assert!(
        near.words
            .contains("hardly lower in view, 3.000 against 3.013"),
        "{}",
        near.words
    );
    // At the edge of the view the way down is seen too.
    let edge = told_at(&bowl, [1.0, 0.0]).outlook;
    assert_eq!(edge.verdict, Outlook::Slope, "{}", edge.words);
}

#[test]
fn points_lines_and_volumes_have_figures() {
    let all = |axes: Vec<Axis>, f: &dyn Fn([f64; 3]) -> f64| {
        let mut surface = Surface::new(Grid::new(axes).unwrap(), vec![]);
        for flat in 0..surface.grid().len() {
            let at = surface.grid().point(flat);
            surface.set(flat, Sample::of(f(at))).unwrap();
        }
        surface
    };
    let axis = |count| Axis::new(-1.0, 1.0, count).unwrap();
    let bowl = |[x, y, z]: [f64; 3]| x * x + y * y + z * z;
    let point = all(vec![Axis::new(0.0, 0.0, 1).unwrap(); 2], &bowl);
    assert_eq!(verdicts(&point), (Difficulty::Unknown, Outlook::Unknown));
    let line = all(vec![axis(41)], &bowl);
    assert_eq!(verdicts(&line).1, Outlook::Valley);
    assert_eq!(told(&line).difficulty.verdict, Difficulty::Easy);
    let words = told(&line).difficulty.sentence;
    assert!(words.contains("on the line `s`"), "{words}");
    let thin = all(vec![axis(41), Axis::new(0.0, 0.0, 1).unwrap()], &bowl);
    let m: Metrics = metrics(&thin).unwrap();
    assert!(m.relative_roughness.unwrap() < 1e-12 && m.convexity.is_none());
    assert_eq!(told(&thin).outlook.verdict, Outlook::Valley);
    let cube = all(vec![axis(11); 3], &bowl);
    assert_eq!(verdicts(&cube), (Difficulty::Easy, Outlook::Valley));
    // Quadratics keep their range in any number of dimensions.
    for surface in [&line, &thin, &cube] {
        let m = metrics(surface).unwrap();
        assert_close(m.robust_range, m.range, 1e-12);
    }
    let nothing = all(vec![axis(5); 2], &|_| f64::NAN);
    let told = told(&nothing);
    assert_eq!(told.difficulty.verdict, Difficulty::Unknown);
    assert!(told.difficulty.reservations[0].contains("no value of the surface `s` is finite"));
    // Every pair of f64 has figures.
    for (low, high) in [(-1.7e308, 1.7e308), (0.0, 5e-324), (1e-300, 1e300)] {
        let wild = on_grid(9, |[x, y]| if x + y > 0.0 { high } else { low });
        let m = metrics(&wild).unwrap();
        assert!(m.robust_range.is_finite() && !m.trap_depth.is_nan());
        assert!(m.relative_roughness.unwrap().is_finite(), "{low} {high}");
        let _ = told_at(&wild, [0.5, 0.5]);
    }
}

#[test]
fn what_is_not_finite_is_hard() {
    let holes = on_grid(51, |[x, y]| if x > 0.9 { f64::NAN } else { x * x + y * y });
    let told = told(&holes).difficulty;
    assert_eq!(told.verdict, Difficulty::Hard, "{}", told.words);
}

#[test]
fn a_rate_at_the_limit_is_not_smooth() {
    let losses: Vec<f64> = (0..40).map(|t| 0.2 + 0.8f64.powi(t)).collect();
    let course = |rate: f64| {
        let facts = Facts {
            losses: &losses,
            learning_rate: Some(rate),
            lambda_max: Some(10.0),
            ..Facts::default()
        };
        diagnose(&facts).course
    };
    assert_eq!(course(0.02).verdict, Course::Smooth);
    for (rate, words) in [
        (0.2002, "edge of stability"),
        (0.3, "beyond the stable one"),
    ] {
        let told = course(rate);
        assert_eq!(told.verdict, Course::Edge, "{}", told.words);
        assert!(told.sentence.contains(words), "{}", told.sentence);
    }
}

#[test]
fn what_is_learnt_is_held_against_guessing() {
    let bowl = on_grid(51, |[x, y]| x * x + y * y + 2.2);
    let figures = metrics(&bowl).unwrap();
    let told = |loss: f64, accuracy: f64| {
        diagnose(&Facts {
            metrics: Some(&figures),
            true_loss: Some(loss),
            true_accuracy: Some(accuracy),
            classes: Some(10),
            ..Facts::default()
        })
        .difficulty
    };
    let guessing = told(2.3, 0.1);
    assert_eq!(guessing.verdict, Difficulty::Moderate, "{}", guessing.words);
    for part in ["nothing was learnt", "ln 10 = 2.3", "guessing gives 0.1"] {
        assert!(guessing.words.contains(part), "{}", guessing.words);
    }
    assert_eq!(told(0.1, 0.97).verdict, Difficulty::Easy);
}

/// The figures of several surfaces, each with the place of the network on it, and how far it is off the path.
fn told_of(
    surfaces: &[(&str, &Surface, Option<f64>)],
    at: [f64; 2],
    true_loss: Option<f64>,
) -> Diagnosis {
    let figures: Vec<Option<Metrics>> = { surfaces.iter() }
        .map(|(_, surface, _)| metrics(surface).ok())
        .collect();
    let views: Vec<View> = { surfaces.iter().zip(&figures) }
        .map(|((name, surface, disagreement), figures)| View {
            name: Some(name),
            metrics: figures.as_ref(),
            position: Position::of(surface, Value::Loss, [at[0], at[1], 0.0]),
            seen: None,
            disagreement: *disagreement,
        })
        .collect();
    diagnose(&Facts {
        plane: views[0].name,
        metrics: views[0].metrics,
        position: views[0].position,
        disagreement: views[0].disagreement,
        further: &views[1..],
        true_loss,
        ..Facts::default()
    })
}

/// A slope is not the bottom of a valley at its lowest corner: what is beyond is not seen.
#[test]
fn the_lowest_place_of_a_view_at_its_edge_is_no_valley() {
    let slope = on_grid(51, |[x, y]| 3.0 + x + 0.5 * y);
    let bowl = on_grid(51, |[x, y]| 1.0 + (x - 1.0).powi(2) + y * y);
    for (surface, at) in [
        (&slope, [-1.0, -1.0]),
        (&bowl, [1.0, 0.0]),
        (&bowl, [0.99, 0.0]),
    ] {
        let told = told_at(surface, at).outlook;
        assert_eq!(told.verdict, Outlook::Unknown, "{}", told.words);
        assert!(told.words.contains("edge of the view"), "{}", told.words);
        assert!(told.confidence < Confidence::High);
    }
    assert_eq!(told_at(&bowl, [0.9, 0.0]).outlook.verdict, Outlook::Valley);
}

/// Interpolation between points is too high in a valley: it makes no way down.
#[test]
fn a_place_between_points_is_judged_by_what_is_measured() {
    let narrow = |[x, y]: [f64; 2]| 1.0 + 400.0 * (x - 0.1).powi(2) + (y - 0.1).powi(2);
    for count in [10, 20, 51] {
        let surface = on_grid(count, narrow);
        let told = told_of(&[("s", &surface, None)], [0.1, 0.1], Some(1.0)).outlook;
        assert_eq!(told.verdict, Outlook::Valley, "{count} {}", told.words);
        assert!(
            told.words.contains("1 is the lowest in view"),
            "{count} {}",
            told.words
        );
        let told = told_of(&[("s", &surface, None)], [0.1, 0.1], None).outlook;
        assert_eq!(told.verdict, Outlook::Valley, "{count} {}", told.words);
    }
    let mut place = Position::of(&on_grid(51, narrow), Value::Loss, [0.0; 3]).unwrap();
    assert!(!place.between && place.accuracy.is_none());
    place = Position::of(&on_grid(50, narrow), Value::Loss, [0.0; 3]).unwrap();
    assert!(place.between);
    // An accuracy from there is said to be an estimate.
    place.accuracy = Some(0.5);
    let facts = Facts {
        position: Some(place),
        ..Facts::default()
    };
    let words = diagnose(&facts).outlook.words;
    assert!(words.contains("interpolated between points"), "{words}");
}

#[test]
fn coarse_surfaces_say_little_and_nothing_beside_finer_ones() {
    let smooth = |[x, y]: [f64; 2]| (x * x + y * y).exp() + 0.3 * x.powi(3);
    let whole = on_grid(51, smooth);
    let easy = told(&whole).difficulty;
    assert_eq!(easy.verdict, Difficulty::Easy, "{}", easy.words);
    // Third differences of five points do not tell noise from curvature.
    assert_eq!(
        metrics(&on_grid(5, smooth)).unwrap().relative_roughness,
        None
    );
    for count in [5, 6, 7, 9] {
        let told = told(&on_grid(count, smooth)).difficulty;
        assert_ne!(told.verdict, Difficulty::Hard, "{count} {}", told.words);
        assert!(told.confidence < Confidence::High, "{count}");
    }
    for count in [3, 4] {
        let told = told(&on_grid(count, smooth)).difficulty;
        assert_eq!(told.verdict, Difficulty::Unknown, "{count}");
        assert!(told.sentence.contains("too coarse"), "{}", told.sentence);
    }
    let saddle = on_grid(3, |[x, y]| 2.0 + x * x - y * y);
    let both = told_of(
        &[("saddle", &saddle, None), ("whole", &whole, None)],
        [0.0; 2],
        None,
    );
    assert_eq!(both.difficulty.surfaces, ["whole"]);
    assert_eq!(both.difficulty.verdict, Difficulty::Easy);
    assert_eq!(both.outlook.verdict, told(&whole).outlook.verdict);
}

#[test]
fn a_plane_whose_loss_is_not_that_of_its_path_does_not_tell() {
    let rough = on_grid(51, |[x, y]| {
        let wave = |v: f64| 10.0 - 10.0 * (5.0 * std::f64::consts::PI * v).cos();
        2.0 + x * x + y * y + wave(x) + wave(y)
    });
    let bowl = on_grid(51, |[x, y]| 2.0 + x * x + y * y);
    let alone = |gap: f64| told_of(&[("path", &rough, Some(gap))], [0.0; 2], None);
    assert_eq!(alone(0.1).difficulty.verdict, Difficulty::Hard);
    let warned = alone(0.5);
    assert_eq!(warned.difficulty.verdict, Difficulty::Hard);
    let why =
        "the loss at the projection on the plane differs from that of the path by 50% of its range";
    for reservations in [
        &warned.difficulty.reservations,
        &warned.outlook.reservations,
    ] {
        assert!(reservations.iter().any(|r| r == why), "{reservations:?}");
    }
    let astray = alone(450.0).difficulty;
    assert_eq!(astray.verdict, Difficulty::Unknown, "{}", astray.words);
    let said = "Can't tell from the plane `path`, whose loss is not that of the path";
    assert!(astray.sentence.contains(said), "{}", astray.sentence);
    let two = [("path", &rough, Some(450.0)), ("bowl", &bowl, None)];
    let both = told_of(&two, [0.0; 2], None).difficulty;
    assert_eq!(
        (both.verdict, both.surfaces),
        (Difficulty::Easy, vec!["bowl".to_owned()])
    );
}

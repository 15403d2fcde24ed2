//! Figures of curvature: where things stand, what is said, what is refused.

use crate::support::{
    between, curvature, density, divided, eigenvalue, estimated, exact, group, map, measured,
    measures, pixels, stability, words,
};
use landscape_plot::{
    CurvatureMap, Figure, Options, PairNorms, PartRow, PlotError, SHARPNESS_NOTE, Scale, Spectrum,
    StabilityCurve, StabilityLimit, edge_of_stability, hessian_map, pairs, parts, sharpness,
    sharpness_markdown, spectra, spectrum,
};

fn plain() -> Options {
    Options::default()
}

/// The text of a figure, a space for each line break.
fn text(figure: &Figure) -> String {
    let lines: Vec<String> = words(figure).into_iter().map(|w| w.words).collect();
    lines.join(" ")
}

/// The middle, on the page, of the word that is exactly this; the lowest where there are several.
fn place(figure: &Figure, word: &str) -> (f64, f64) {
    let found = words(figure).into_iter().filter(|w| w.words == word);
    let lowest = found.max_by(|a, b| a.bottom.total_cmp(&b.bottom));
    let w = lowest.unwrap_or_else(|| panic!("no `{word}`"));
    ((w.left + w.right) / 2.0, (w.top + w.bottom) / 2.0)
}

/// The centres of the circles of a group: a circle begins at its right end.
fn circles(figure: &Figure, id: &str, radius: f64) -> Vec<(f64, f64)> {
    let paths = group(figure, id).split("d=\"M").skip(1);
    let start = |path: &str| {
        let data = path.split('"').next().unwrap();
        let data = data.contains('C').then_some(data)?;
        let mut numbers = data.split(['C', ' ']).map(|n| n.parse::<f64>().unwrap());
        Some((numbers.next()? - radius, numbers.next()?))
    };
    paths.filter_map(start).collect()
}

#[test]
fn eigenvalues_stand_at_their_places() {
    let figure = spectrum(&estimated("one"), &plain()).unwrap();
    let marks = circles(&figure, "eigenvalues", 1.9);
    assert_eq!(marks.len(), 5);
    // The axis is logarithmic beyond ±0.1: 1 and 10 are ticks, 3 and 8 lie between.
    let (one, ten) = (place(&figure, "1").0, place(&figure, "10").0);
    for value in [1.0, 3.0, 8.0_f64] {
        let wanted = one + value.log10() * (ten - one);
        assert!(
            marks.iter().any(|(x, _)| (x - wanted).abs() < 0.3),
            "{value} at {wanted}: {marks:?}"
        );
    }
    // Within it runs through 0 as an area hyperbolic sine.
    let (zero, tenth) = (place(&figure, "0").0, place(&figure, "0.1").0);
    let half = zero + 2.5_f64.asinh() / 5.0_f64.asinh() * (tenth - zero);
    assert!(
        marks.iter().any(|(x, _)| (x - half).abs() < 0.3),
        "{marks:?}"
    );
}

#[test]
fn what_did_not_converge_is_hollow_and_counted() {
    let figure = spectrum(&estimated("one"), &plain()).unwrap();
    let marks = group(&figure, "eigenvalues");
    assert_eq!(marks.matches("fill=\"#d55e00\"").count(), 4, "{marks}");
    assert_eq!(marks.matches("fill=\"#ffffff\"").count(), 1, "{marks}");
    let said = text(&figure);
    assert!(said.contains("converged eigenvalue (4)") && said.contains("not converged (1)"));
    assert!(
        said.contains("2 outliers above 0.5 and 1 not converged"),
        "{said}"
    );
    assert!(
        said.contains("80 Lanczos steps from 10 probes, smoothed with a Gaussian of σ = 0.03"),
        "{said}"
    );
    assert!(
        said.contains("95% interval") && said.contains("beyond −0.1 and 0.1"),
        "{said}"
    );
    assert!(
        said.contains("2/η = 20") && said.contains("all 403 eigenvalues"),
        "{said}"
    );
}

/// Each value stands straight above its mark; where marks are too close, that of the largest eigenvalue is written.
#[test]
fn values_are_written_above_their_marks() {
    let figure = spectrum(&estimated("one"), &plain()).unwrap();
    for value in ["8", "3", "1", "0.05", "−0.05"] {
        assert!(words(&figure).iter().any(|w| w.words == value), "{value}");
    }
    let crowd = Spectrum {
        eigenvalues: (1..60)
            .map(|k| eigenvalue(5.0 + 0.01 * f64::from(k), true))
            .collect(),
        ..estimated("crowd")
    };
    let figure = spectrum(&crowd, &plain()).unwrap();
    let written = words(&figure);
    let written: Vec<_> = written
        .iter()
        .filter(|w| w.words.starts_with("5."))
        .collect();
    assert_eq!(written[0].words, "5.59");
    let mut lines = group(&figure, "eigenvalues").split("<path d=\"M").skip(1);
    let leaders = lines.by_ref().filter(|path| path.contains("#555555"));
    for (leader, label) in leaders.zip(&written) {
        let x = |at: &str| -> f64 { at.split(' ').next().unwrap().parse().unwrap() };
        let [from, to] = [0, 1].map(|k| x(leader.split('L').nth(k).unwrap()));
        assert!(from == to && label.left < from && from < label.right);
    }
}

/// A Gaussian reaches beyond the last eigenvalue; the density is drawn up to it.
#[test]
fn no_density_is_drawn_beyond_the_extreme_eigenvalues() {
    for spectrum_ in [
        estimated("exact"),
        Spectrum {
            exact: vec![],
            ..estimated("single")
        },
    ] {
        let figure = spectrum(&spectrum_, &plain()).unwrap();
        let marks = circles(&figure, "eigenvalues", 1.9);
        let ends = marks.iter().fold((f64::MAX, f64::MIN), |(a, b), (x, _)| {
            (a.min(*x), b.max(*x))
        });
        let numbers = group(&figure, "density")
            .split("<path d=\"")
            .skip(1)
            .filter(|path| path.contains("stroke=\"#0072b2\""))
            .flat_map(|path| path.split('"').next().unwrap().split(['M', 'L', 'Z']));
        let xs = numbers.filter_map(|pair| pair.split(' ').next()?.parse::<f64>().ok());
        let xs: Vec<f64> = xs.collect();
        assert!(xs.len() > 100);
        let inside = |x: &&f64| **x < ends.0 - 0.1 || **x > ends.1 + 0.1;
        assert_eq!(xs.iter().find(inside), None, "{ends:?}");
    }
}

/// The estimate has the exact density's formula here, so both curves must be one.
#[test]
fn the_exact_spectrum_is_smoothed_alike() {
    let figure = spectrum(&estimated("one"), &plain()).unwrap();
    let curves = group(&figure, "density");
    let data: Vec<&str> = curves
        .split("<path ")
        .filter(|p| p.contains("fill=\"none\""))
        .map(|p| p.split("d=\"").nth(1).unwrap().split('"').next().unwrap())
        .collect();
    assert_eq!(data[0], data[1]);
}

/// A bulk that the Gaussian hides has the Gaussian's shape, which is said.
#[test]
fn a_bulk_narrower_than_its_gaussian_is_told() {
    let said = |bulk: f64, width: f64| {
        let grid: Vec<f64> = (0..801).map(|k| f64::from(k - 400) / 100.0).collect();
        // A bulk of that standard deviation under a Gaussian of that width.
        let wide = bulk.hypot(width);
        let density = grid
            .iter()
            .map(|at| (-0.5 * (at / wide).powi(2)).exp() / wide);
        let smoothed = Spectrum {
            density: Some(landscape_plot::Density {
                density: density.collect(),
                grid,
                width,
                ..Default::default()
            }),
            ..Spectrum::default()
        };
        let figure = spectrum(&smoothed, &plain()).unwrap();
        text(&figure).contains("bulk is narrower than this Gaussian")
    };
    assert!(said(0.01, 0.1) && said(0.05, 0.1));
    assert!(!said(0.2, 0.1) && !said(0.5, 0.1));
}

/// A dense spectrum alone is a histogram: the areas of its bars add up to 1.
#[test]
fn a_dense_spectrum_is_a_histogram() {
    let dense = Spectrum {
        density: None,
        eigenvalues: vec![],
        stability_limit: None,
        ..estimated("dense")
    };
    let figure = spectrum(&dense, &plain()).unwrap();
    assert!(text(&figure).contains("all 403 eigenvalues, exact"));
    assert!(!text(&figure).contains("Lanczos"));
    let bars = group(&figure, "density").matches('Z').count();
    assert!((10..73).contains(&bars), "{bars}");
}

#[test]
fn a_limit_far_beyond_the_axis_is_said_instead() {
    let far = Spectrum {
        stability_limit: Some(StabilityLimit {
            name: "2/η".to_owned(),
            value: 2000.0,
        }),
        ..estimated("far")
    };
    let figure = spectrum(&far, &plain()).unwrap();
    assert!(text(&figure).contains("2/η = 2000 lies beyond the axis"));
}

#[test]
fn a_threshold_can_be_given() {
    let options = Options {
        scale: Scale::SymLog { threshold: 0.01 },
        ..plain()
    };
    let figure = spectrum(&estimated("one"), &options).unwrap();
    assert!(text(&figure).contains("beyond −0.01 and 0.01"));
}

#[test]
fn strange_densities_are_drawn() {
    let mut strange = estimated("strange");
    let density = strange.density.as_mut().unwrap();
    density.density[700] = f64::NAN;
    density.lower[100] = f64::NAN;
    density.upper[200] = 1e9;
    density.density[300] = 0.0;
    density.density[301] = -1e-9;
    strange.eigenvalues.push(eigenvalue(f64::NAN, false));
    let all_zero = Spectrum {
        density: Some(landscape_plot::Density {
            grid: vec![0.0, 1.0],
            density: vec![0.0, 0.0],
            ..Default::default()
        }),
        ..Spectrum::default()
    };
    let one_value = Spectrum {
        exact: vec![2.0; 5],
        ..Spectrum::default()
    };
    for spectrum_ in [strange, all_zero, one_value] {
        let figure = spectrum(&spectrum_, &plain()).unwrap();
        assert!(!figure.svg().contains("NaN") && !figure.svg().contains("inf"));
        pixels(&figure, 72.0);
        pixels(&spectra(&[spectrum_], &plain()).unwrap(), 72.0);
    }
}

#[test]
fn rows_come_from_top_to_bottom_and_are_thinned() {
    let one = estimated("one");
    let epoch = |k: usize| Spectrum {
        name: format!("epoch {k}"),
        ..one.clone()
    };
    let epochs: Vec<Spectrum> = (0..40).map(epoch).collect();
    let figure = spectra(&epochs, &plain()).unwrap();
    let said = text(&figure);
    assert!(said.contains("24 of 40 spectra are shown"), "{said}");
    assert_eq!(figure.svg().matches("<g id=\"row\">").count(), 24);
    assert!(place(&figure, "epoch 0").1 < place(&figure, "epoch 39").1);
    let few = spectra(&epochs[..3], &plain()).unwrap();
    assert!(!text(&few).contains("spectra shown"));
    assert!(text(&few).contains("not converged (3)"));
}

/// The colour of a cell of the map, by indices.
fn cell(figure: &Figure, i: usize, j: usize) -> [u8; 3] {
    let (pixmap, unit) = pixels(figure, 144.0);
    // The first and the last point are half a cell inside the frame: their ticks are -1 and 1.
    let x = |word: &str| place(figure, word).0;
    let y = |word: &str| {
        let found = words(figure).into_iter().filter(|w| w.words == word);
        let upright = found.min_by(|a, b| a.left.total_cmp(&b.left)).unwrap();
        (upright.top + upright.bottom) / 2.0
    };
    let share = |k: usize| k as f64 / 8.0;
    let px = x("−1.0") + share(i) * (x("1.0") - x("−1.0"));
    let py = y("−1.0") + share(j) * (y("1.0") - y("−1.0"));
    // Away from the mark of the origin and from contours of hatches.
    let at = pixmap
        .pixel((px * unit) as u32, (py * unit) as u32 + 4)
        .unwrap();
    [at.red(), at.green(), at.blue()]
}

#[test]
fn the_scale_of_a_map_follows_its_values() {
    let figure = hessian_map(&map(), &plain()).unwrap();
    // |λmin / λmax| = |x| / 2: 0.5 at both ends, 0 in the middle.
    let viridis = |t: f64| landscape_plot::Colormap::Viridis.color(t);
    let near = |a: [u8; 3], b: [u8; 3]| a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 3);
    for (i, wanted) in [(8, 1.0), (6, 0.5), (4, 0.0)] {
        let found = cell(&figure, i, 6);
        assert!(near(found, viridis(wanted)), "{i}: {found:?}");
    }
    // A narrow range is told apart too.
    let mut narrow = map();
    for point in narrow.points.iter_mut().flatten() {
        point.lambda_min = 0.056 * point.lambda_max + 0.192 * point.lambda_min;
    }
    let drawn = hessian_map(&narrow, &plain()).unwrap();
    assert!(!near(cell(&drawn, 8, 6), cell(&drawn, 4, 6)));
    // What is clipped is on the scale that was asked for.
    let clipped = Options {
        clip: landscape_plot::Clip {
            low: Some(0.0),
            high: Some(1.0),
        },
        ..plain()
    };
    let drawn = hessian_map(&map(), &clipped).unwrap();
    for (i, wanted) in [(8, 0.5), (6, 0.25), (4, 0.0)] {
        let found = cell(&drawn, i, 6);
        assert!(near(found, viridis(wanted)), "clipped, {i}: {found:?}");
    }
    let said = text(&figure);
    assert!(
        said.contains("|λmin / λmax|") && said.contains("trained point"),
        "{said}"
    );
}

#[test]
fn points_of_a_map_that_are_not_known_are_hatched_and_counted() {
    let figure = hessian_map(&map(), &plain()).unwrap();
    let said = text(&figure);
    assert!(
        said.contains("not converged (1)") && said.contains("not computed (1)"),
        "{said}"
    );
    assert!(said.contains("NaN or ∞ (1)"), "{said}");
    assert!(said.contains("1 of 80 points are not converged"), "{said}");
    assert!(group(&figure, "not-converged").contains("url(#cross-hatch)"));
    let found = cell(&figure, 0, 7);
    assert!(
        found.iter().all(|c| c.abs_diff(found[0]) < 3),
        "{found:?} is grey"
    );
}

/// Most ratios are one value: the few others set the scale.
#[test]
fn ratios_beside_a_plateau_are_on_the_scale() {
    let mut plateau = map();
    for (index, point) in plateau.points.iter_mut().flatten().enumerate() {
        point.lambda_max = 1.0;
        point.lambda_min = if index < 3 { 0.3 } else { 0.1 };
    }
    let said = text(&hessian_map(&plateau, &plain()).unwrap());
    assert!(!said.contains("above") && !said.contains("below"), "{said}");
}

#[test]
fn ratios_far_out_are_counted_beyond_the_bar() {
    let mut far = map();
    let point = far.points[20].as_mut().unwrap();
    point.lambda_max = 1e-6;
    let figure = hessian_map(&far, &plain()).unwrap();
    assert!(
        text(&figure).contains("1 point lies above 0.5"),
        "{}",
        text(&figure)
    );
}

#[test]
fn stability_has_its_limit_and_open_points() {
    let figure = edge_of_stability(&[stability("")], &plain()).unwrap();
    let said = text(&figure);
    assert!(
        said.contains("λmax of the Hessian") && said.contains("2/η"),
        "{said}"
    );
    assert!(said.contains("not converged (1)"), "{said}");
    let several = [stability("SGD"), stability("other")];
    let said = text(&edge_of_stability(&several, &plain()).unwrap());
    assert!(
        said.contains("λmax, SGD") && said.contains("λmax, other"),
        "{said}"
    );
    assert_eq!(said.matches("2/η").count(), 1, "one limit for both: {said}");
    let diverged = StabilityCurve {
        loss_steps: vec![0.0, 4.0, 9.0],
        losses: vec![1.0, 7.0, f64::NAN],
        ..stability("lr 0.5")
    };
    let figure = edge_of_stability(&[stability("lr 0.1"), diverged.clone()], &plain()).unwrap();
    let said = text(&figure);
    assert!(
        figure.svg().contains("curves-2") && said.contains("loss"),
        "{said}"
    );
    assert!(said.contains("lr 0.5 diverges at step 9"), "{said}");
    let mut uneven = diverged;
    uneven.losses.pop();
    assert!(edge_of_stability(&[uneven], &plain()).is_err());
    let bare = StabilityCurve {
        converged: vec![],
        limit: vec![],
        ..stability("")
    };
    assert!(!text(&edge_of_stability(&[bare], &plain()).unwrap()).contains("2/η"));
}

#[test]
fn sharpness_stands_beside_its_caveat() {
    let rows = measures();
    let figure = sharpness(&[measured(&rows)], &plain()).unwrap();
    assert!(text(&figure).contains(SHARPNESS_NOTE) && SHARPNESS_NOTE.contains("2302.07011"));
    let markdown = sharpness_markdown(&measures());
    assert!(markdown.contains("| adaptive, average case | 0.0123 | 2×10⁻⁴ | rho 0.05"));
    assert!(markdown.ends_with(&format!("\n\n{SHARPNESS_NOTE}\n")));
}

/// Marks stand at their values on an axis that is logarithmic through zero where a trace is negative.
#[test]
fn parts_have_their_traces_and_eigenvalues() {
    let rows = divided();
    let figure = parts(&rows, &plain()).unwrap();
    let said = text(&figure);
    assert!(
        said.contains("bars are one standard error")
            || said.contains("Bars are one standard error")
    );
    assert!(said.contains("linear between"), "{said}");
    for word in ["lm_head", "trace", "largest eigenvalue"] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let positive: Vec<PartRow> = rows.into_iter().filter(|row| row.trace > 0.0).collect();
    assert!(!text(&parts(&positive, &plain()).unwrap()).contains("linear between"));
    assert!(matches!(parts(&[], &plain()), Err(PlotError::Empty { .. })));
}

#[test]
fn norms_between_few_parts_stand_in_their_cells() {
    let found = between();
    let figure = pairs(&found, &plain()).unwrap();
    let said = text(&figure);
    assert!(
        said.contains("90") && said.contains("Frobenius norm"),
        "{said}"
    );
    assert!(group(&figure, "norms").contains("hatch"));
    let short = PairNorms {
        norms: vec![1.0; 3],
        ..found
    };
    assert!(matches!(
        pairs(&short, &plain()),
        Err(PlotError::ValueCount {
            places: 9,
            values: 3,
            ..
        })
    ));
    assert!(pairs(&PairNorms::default(), &plain()).is_err());
    // Of many parts the names of some are left out, and no number is drawn.
    let many = PairNorms {
        names: (0..60).map(|k| format!("layer{k}")).collect(),
        norms: vec![1.5; 3600],
    };
    let said = text(&pairs(&many, &plain()).unwrap());
    assert!(
        said.contains("layer0") && !said.contains("layer1 "),
        "{said}"
    );
}

#[test]
fn wrong_input_is_refused() {
    let nothing = Spectrum {
        eigenvalues: vec![eigenvalue(1.0, true)],
        ..Spectrum::default()
    };
    assert!(matches!(
        spectrum(&nothing, &plain()),
        Err(PlotError::Empty { .. })
    ));
    assert!(matches!(
        spectra(&[], &plain()),
        Err(PlotError::Empty { .. })
    ));
    let mut short = estimated("short");
    short.density.as_mut().unwrap().upper.pop();
    assert!(matches!(
        spectrum(&short, &plain()),
        Err(PlotError::ValueCount {
            places: 1500,
            values: 1499,
            ..
        })
    ));
    let small = CurvatureMap {
        points: vec![None; 3],
        ..map()
    };
    assert!(matches!(
        hessian_map(&small, &plain()),
        Err(PlotError::ValueCount { .. })
    ));
    let line = CurvatureMap {
        grid: landscape_core::Grid::square(3, 1.0, 1).unwrap(),
        points: vec![None; 3],
    };
    assert!(matches!(
        hessian_map(&line, &plain()),
        Err(PlotError::Dimensions { .. })
    ));
    let uneven = StabilityCurve {
        limit: vec![1.0],
        ..stability("")
    };
    assert!(edge_of_stability(&[uneven], &plain()).is_err());
    assert!(edge_of_stability(&[], &plain()).is_err());
    assert!(sharpness(&[], &plain()).is_err());
    assert!(sharpness(&[measured(&[])], &plain()).is_err());
}

/// The density of the tests' spectrum really is one: it integrates to 1.
#[test]
fn the_tests_density_integrates_to_1() {
    let found = density(&exact(), 0.03);
    let sum: f64 = found.density.iter().sum::<f64>() * 0.006;
    assert!((sum - 1.0).abs() < 1e-3, "{sum}");
    assert_eq!(curvature(&plain()).len(), 8);
}

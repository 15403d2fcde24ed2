//! Every example runs, leaves its figures, and lands where it should.

use crate::support::Example;
use loss_landscape::storage::Store;
use loss_landscape::study::runs::{Landscape, LandscapeRequest};
use std::path::Path;

/// `value` is within `low` and `high`.
fn within(value: f64, low: f64, high: f64) {
    assert!(
        (low..=high).contains(&value),
        "{value} is not within {low} and {high}"
    );
}

#[test]
fn analytic_landscapes_have_the_critical_points_that_are_known() {
    let lesson = Example::run("01-analytic");
    for name in ["bowl", "himmelblau", "saddle", "valley"] {
        for kind in ["contour", "heatmap", "surface"] {
            lesson.has_figures(&[&format!("{name}-{kind}")]);
        }
    }
    lesson.has_page();
    assert_eq!(lesson.number("bowl: minima"), 1.0);
    assert_eq!(lesson.number("himmelblau: minima 4, saddles"), 4.0);
    assert_eq!(
        lesson.number("himmelblau: minima 4, saddles 4, maxima"),
        1.0
    );
    assert_eq!(lesson.number("saddle: minima 0, saddles"), 1.0);
    assert!(
        lesson.summary().contains("lowest 0.0000 at (1.00, 1.00)"),
        "the valley's minimum"
    );
}

#[test]
fn two_moons_are_learned_and_an_interrupted_run_goes_on() {
    let mut lesson = Example::run("02-two-moons");
    lesson.has_figures(&["contour", "surface"]);
    within(lesson.number("trained accuracy:"), 0.97, 1.0);
    within(lesson.number("cosine").abs(), 0.0, 1e-6);
    let points = 51.0 * 51.0;
    let computed = lesson.number("stored 0 points before,");
    within(computed, points / 2.0 - 1.0, points / 2.0 + 100.0);
    let rest = lesson.number(&format!("stored {computed} points before,"));
    assert_eq!(computed + rest, points);
    // The trained point is the lowest of the plane, and the plane's centre is the loss of training.
    assert_eq!(lesson.number("plane loss:"), lesson.number("trained loss:"));

    let first = lesson.summary().to_owned();
    lesson.again("02-two-moons");
    assert_eq!(
        lesson.number(&format!("stored {points} points before,")),
        0.0
    );
    let figures = |summary: &str| {
        summary
            .split_once("lowest point")
            .map(|(_, rest)| rest.to_owned())
    };
    assert_eq!(
        figures(&first),
        figures(lesson.summary()),
        "the stored surface is the same"
    );
}

#[test]
fn the_run_of_a_lesson_is_the_run_of_the_operation() -> Result<(), Box<dyn std::error::Error>> {
    let lesson = Example::run("02-two-moons");
    let store = Store::open(lesson.file("landscape.duckdb"))?;
    let mut request = LandscapeRequest::default();
    request.network.model = Some("mlp:2-8-4-1".parse()?);
    request.network.weights = Some(lesson.file("weights.safetensors"));
    request.data.data = Some("moons".parse()?);
    request.plane.orthogonal = true;
    request.plane.seed = 3;
    let found = Landscape::prepare(&request, None, &())?.run(&store, &())?;
    assert_eq!(found.sampled.run.name, "two-moons");
    assert_eq!((found.sampled.known, found.sampled.computed), (51 * 51, 0));
    Ok(())
}

#[test]
fn a_path_lies_mostly_in_its_principal_plane() {
    let lesson = Example::run("03-trajectory");
    lesson.has_figures(&["path", "path-surface", "path-losses", "losses"]);
    lesson.has_page();
    assert_eq!(lesson.number("checkpoints:"), 151.0);
    within(lesson.number("trained accuracy:"), 0.95, 1.0);
    within(lesson.number("explained variance:"), 0.6, 1.0);
    // The plane goes through the last checkpoint: nothing is between the two losses there.
    let last = lesson.number("step 1200: true loss");
    assert_eq!(
        last,
        lesson.number(&format!("step 1200: true loss {last:.4}, plane loss"))
    );
    assert!(lesson.summary().trim_end().contains("distance 0.000"));
    within(lesson.number("step 0: true loss"), 0.6, 0.8);
}

/// The spans are those of the same job in PyTorch: [2.28, 3.91] around the initial weights and
/// [0.26, 6.62] around the trained ones, for one draw of weights and directions; other draws land
/// near them.
#[test]
fn mnist_lands_where_the_same_job_does_in_pytorch() {
    let lesson = Example::run("04-mnist");
    for plane in ["initial", "trained"] {
        lesson.has_figures(&[&format!("{plane}-contour"), &format!("{plane}-surface")]);
    }
    lesson.has_figures(&["path", "path-surface", "path-losses", "losses"]);
    lesson.has_page();
    within(lesson.number("epoch 0: loss"), 2.1, 2.3);
    within(lesson.number("epoch 10: loss"), 0.6, 0.9);
    within(lesson.number("epoch 20: loss"), 0.35, 0.55);
    within(lesson.number("trained accuracy:"), 0.88, 0.96);
    within(lesson.number("initial weights: norm"), 3.0, 3.5);
    within(lesson.number("trained weights: norm"), 4.0, 4.6);
    let low = lesson.number("initial plane: loss");
    within(low, 2.1, 2.35);
    within(
        lesson.number(&format!("initial plane: loss {low:.3} to")),
        3.2,
        4.8,
    );
    let low = lesson.number("trained plane: loss");
    within(low, 0.2, 0.45);
    within(
        lesson.number(&format!("trained plane: loss {low:.3} to")),
        4.0,
        9.0,
    );
    within(lesson.number("explained variance:"), 0.8, 1.0);
}

#[test]
fn a_module_of_ones_own_gives_the_same_numbers_both_ways() {
    let lesson = Example::run("05-your-own-module");
    for part in ["data", "l2", "total"] {
        lesson.has_figures(&[&format!("{part}-contour"), &format!("{part}-surface")]);
    }
    assert_eq!(lesson.number("parameters:"), 1347.0);
    assert_eq!(lesson.summary().matches("differ by").count(), 3);
    for line in lesson
        .summary()
        .lines()
        .filter(|line| line.contains("differ by"))
    {
        let difference = line.rsplit(' ').next().and_then(|word| word.parse().ok());
        within(difference.expect("a number at the end"), 0.0, 1e-5);
    }
    within(lesson.number("trained accuracy:"), 0.9, 1.0);
    // A sum of squares is convex, and so is every plane through it.
    assert!(
        lesson
            .summary()
            .lines()
            .any(|l| l.starts_with("l2 plane") && l.ends_with("convexity 1.000"))
    );
}

#[test]
fn residual_networks_are_compared_without_checkpoints_too() {
    let mut lesson = Example::run("06-resnet-shortcuts");
    assert!(lesson.summary().contains("no CHECKPOINTS given"));
    let table = |lesson: &Example| {
        let lines = lesson.summary().lines();
        let lines = lines.filter(|line| line.to_lowercase().starts_with("| resnet"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for name in ["resnet20", "resnet20-noshort"] {
        lesson.has_figures(&[&format!("{name}-contour"), &format!("{name}-surface")]);
        // Untrained networks guess: ten classes are as likely as each other.
        let accuracy = lesson.number(&format!("| {name} |"));
        within(accuracy, 0.0, 40.0);
        let loss = lesson.number(&format!("| {name} | {accuracy:.1}% |"));
        within(loss, 2.2, 2.6);
        // A grid of 9x9 points has no level that could be left out.
        assert_eq!(lesson.number(&format!("{name}, adaptive to 1%:")), 81.0);
    }
    lesson.has_page();
    // Untrained networks are at saddles, and the ratio is that of both ends.
    for name in ["with shortcuts", "without shortcuts"] {
        let row = row_of(&lesson, &format!("ResNet-20, {name}"));
        within(row[0], 0.0, f64::INFINITY);
        within(row[1], f64::NEG_INFINITY, 0.0);
        within((row[2] + row[1] / row[0]).abs(), 0.0, 1e-2);
        within(row[3], 0.0, row[4]);
    }
    lesson.has_figures(&["ratio"]);
    // From the planes that it kept, it says the same.
    let before = table(&lesson);
    lesson.again_from_there("06-resnet-shortcuts");
    assert_eq!((before.len(), table(&lesson)), (4, before));
}

#[test]
fn what_the_lesson_of_residual_networks_needs_is_named() {
    let refusal = |checkpoints: &Path, data: &Path| {
        let out = tempfile::tempdir().expect("a temporary folder");
        Example::refusal("06-resnet-shortcuts", &[out.path(), checkpoints, data])
    };
    let empty = tempfile::tempdir().expect("a temporary folder");
    let missing = refusal(empty.path(), empty.path());
    assert!(missing.contains("no checkpoint of resnet20"), "{missing}");
    let file = empty.path().join("resnet20.pt");
    std::fs::write(file, "not weights").expect("a file");
    let missing = refusal(empty.path(), empty.path());
    assert!(
        missing.contains("CIFAR-10") && missing.contains("download the files"),
        "{missing}"
    );
}

/// The cells of a Markdown row, as numbers.
fn cells(line: &str) -> Vec<f64> {
    let cells = line.split('|').map(|cell| cell.trim());
    let cells = cells.map(|cell| cell.split(" +- ").next().unwrap_or(cell).parse());
    cells.filter_map(Result::ok).collect()
}

#[test]
fn estimates_of_curvature_agree_with_the_whole_matrix() {
    let lesson = Example::run("07-curvature");
    lesson.has_figures(&["spectrum"]);
    within(lesson.number("accuracy:"), 0.9, 1.0);
    assert_eq!(lesson.number("parameters:"), 610.0);
    let rows = lesson.summary().lines();
    let rows: Vec<&str> = rows.filter(|line| line.ends_with("converged |")).collect();
    assert_eq!(rows.len(), 13, "every pair is converged");
    let largest = cells(rows[0])[1];
    for row in rows {
        let [_, exact, _, apart, residual] = cells(row)[..] else {
            panic!("{row} has five numbers");
        };
        // The residual is a bound but for the rounding of products in f32.
        within(apart, 0.0, residual + 1e-6 * largest);
        // The tolerance, or the floor; a tenth more for the digits printed.
        within(
            residual,
            0.0,
            1.1 * (1e-3 * exact.abs()).max(1e-6 * largest),
        );
    }
    let exact = lesson.number("exact: trace");
    for method in ["Hutchinson", "Hutch++", "XTrace", "quadrature"] {
        let mean = lesson.number(&format!("trace by {method}:"));
        let half = lesson.number(&format!("trace by {method}: {mean:.3} +-"));
        within(mean - exact, -1.5 * half, 1.5 * half);
        within(half, 0.0, 0.6 * exact);
    }
    within(lesson.number("95% band holds"), 80.0, 100.0);
}

#[test]
fn rescaling_moves_some_measures_of_sharpness_and_not_others() {
    let lesson = Example::run("08-sharp-minima");
    lesson.has_figures(&["sharpness"]);
    let row = |name: &str| {
        let line = format!("| {name} |");
        let mut lines = lesson.summary().lines();
        let found = lines.find(|l| l.starts_with(&line)).expect("such a row");
        let values = cells(found);
        assert_eq!(values.len(), 7, "{found}");
        values
    };
    let losses = row("loss");
    let volume = lesson.number("half log-determinant at a = 1:");
    let error = lesson.number(&format!("half log-determinant at a = 1: {volume:.3} +-"));
    let gap = volume - lesson.number("of all eigenvalues");
    within(gap.abs(), 0.0, 4.0 * error);
    assert!(losses.iter().all(|loss| *loss == losses[0]));
    within(losses[0], 0.0, 0.1);
    for name in [
        "trace",
        "largest eigenvalue",
        "Keskar",
        "SAM",
        "Gaussian average",
        "PAC-Bayes 1/σ²",
    ] {
        let values = row(name);
        assert!(values[0] > 2.0 * values[3], "{name} moves: {values:?}");
    }
    for name in [
        "adaptive worst case",
        "adaptive average",
        "ASAM",
        "Fisher-Rao norm",
        "relative flatness",
    ] {
        let values = row(name);
        let apart = |value: &f64| (value / values[3] - 1.0).abs() > 1e-3;
        assert!(!values.iter().any(apart), "{name} stays: {values:?}");
    }
    within(lesson.number("a^2 tr H22 differ by"), 0.0, 1e-9);
}

#[test]
fn settings_are_a_landscape_too() {
    let lesson = Example::run("13-token-allocation");
    for value in ["loss", "accuracy", "total"] {
        lesson.has_figures(&[&format!("{value}-contour")]);
    }
    lesson.has_figures(&["total-surface"]);
    // Far above the tenth that guessing has, on images that were not trained on.
    within(lesson.number("accuracy"), 0.65, 1.0);
    // All tokens cost 0.4, and fewer serve as well.
    let all = lesson.number("all tokens: loss") + 0.4;
    let best = lesson.number("with the price of tokens:");
    within(best, 0.5 * all, 0.99 * all);
    let missed = lesson.number("missed by two steps, the best costs up to");
    let robust = lesson.number("missed by two steps, the robust costs up to");
    assert!(
        best <= robust && robust <= missed,
        "{best} {robust} {missed}"
    );
}

/// The numbers of a table's row that begins with this name.
fn row_of(lesson: &Example, name: &str) -> Vec<f64> {
    let start = format!("| {name} |");
    let mut lines = lesson.summary().lines();
    let row = lines.find(|line| line.starts_with(&start));
    cells(&row.expect("such a row").replace(['%', '>'], ""))
}

#[test]
fn optimisers_leave_one_start_and_end_apart() {
    let lesson = Example::run("09-optimisers");
    lesson.has_figures(&["paths", "losses", "ends"]);
    within(lesson.number("explained variance:"), 0.4, 0.9);
    let starts = ["sgd", "momentum", "adam"].map(|name| {
        let [parameters, steps, first, last, accuracy, lambda, rise, ..] =
            row_of(&lesson, name)[..]
        else {
            panic!("a full row")
        };
        assert_eq!((parameters, steps), (15_910.0, 240.0));
        within(last, 0.02, 0.3);
        within(accuracy, 92.0, 100.0);
        within(lambda, 2.0, 50.0);
        // A step of 0.05 up the gradient rises by at least its curvature's part along the gradient.
        within(rise, 0.0, 0.2);
        first
    });
    assert!(starts.iter().all(|first| *first == starts[0]));
    within(lesson.number("points:"), 0.0, 20.0);
}

#[test]
fn ten_initialisations_spread() {
    let lesson = Example::run("10-ten-initialisations");
    lesson.has_figures(&["losses", "paths"]);
    assert_eq!(lesson.summary().matches("\nseed ").count(), 10);
    let mean = lesson.number("final loss: mean");
    within(mean, 0.15, 0.35);
    within(lesson.number("deviation"), 0.01, 0.15);
    let low = lesson.number("final loss: min");
    within(low, 0.05, mean);
    assert_eq!(lesson.number("diverged:"), 0.0);
    // Ten directions at random explain less than one path does.
    within(lesson.number("explained variance:"), 0.15, 0.6);
    assert!(lesson.number("time:") > lesson.number("of which training"));
}

#[test]
fn wider_networks_end_lower() {
    let lesson = Example::run("11-width");
    lesson.has_figures(&["widths", "losses"]);
    lesson.has_page();
    let rows = ["width 2", "width 8", "width 32"].map(|name| row_of(&lesson, name));
    let column = |k: usize| [rows[0][k], rows[1][k], rows[2][k]];
    assert_eq!(column(0), [15.0, 105.0, 1185.0]);
    assert_eq!(column(1), [1400.0; 3]);
    let losses = column(3);
    assert!(losses[0] > losses[1] && losses[0] > losses[2], "{losses:?}");
    within(losses[2], 0.03, 0.15);
}

#[test]
fn two_minima_are_connected_around_their_barrier() {
    let lesson = Example::run("12-mode-connectivity");
    lesson.has_figures(&["paths", "plane"]);
    let barrier = |path: &str| lesson.number(&format!("{path}: barrier"));
    let line = barrier("straight line");
    within(line, 0.1, 1.0);
    for path in ["aligned by weights", "aligned by activations"] {
        within(barrier(path), 0.0, 0.5 * line);
    }
    for path in ["Bézier curve", "chain"] {
        within(barrier(path), 0.0, 0.05 * line);
    }
}

/// From 1.99 the largest eigenvalue rises to the limit of a rate of 1, at 2, and stays there, a little above it.
#[test]
fn full_batches_end_at_the_edge_of_stability() {
    let lesson = Example::with("14-edge-of-stability", "80");
    lesson.has_figures(&["stability"]);
    let first = lesson.number("rate 1: limit 2.00, largest eigenvalue");
    within(first, 1.9, 2.0);
    within(lesson.number("last third at rate 1:"), 1.0, 1.35);
    // A smaller rate is still on its way there.
    within(lesson.number("last third at rate 0.3:"), 0.3, 0.9);
}

#[test]
fn random_planes_do_not_show_the_saddle_that_eigenvectors_show() {
    let lesson = Example::run("15-random-planes");
    lesson.has_figures(&["planes"]);
    within(lesson.number("eigenvalues from"), -3.0, -0.5);
    // Two ways to one number, within their errors.
    let errors = lesson.summary().split("+- ").skip(1);
    let errors = errors.map(|rest| rest.lines().next().unwrap().parse::<f64>().unwrap());
    let error = errors.map(|error| error * error).sum::<f64>().sqrt();
    let gap = lesson.number("tr H / n:") - lesson.number("random directions:");
    within(gap.abs(), 0.0, 4.0 * error);
    within(
        lesson.number("random plane: curvatures at the centre"),
        0.0,
        f64::INFINITY,
    );
    let text = lesson.summary();
    let (_, saddle) = text
        .split_once("plane of eigenvectors: curvatures at the centre")
        .unwrap();
    assert!(saddle.contains(", -"), "{saddle}");
}

/// Most of the gradient lies in the leading eigenspace, and hardly any of the progress.
#[test]
fn training_goes_on_outside_the_leading_eigenspace() {
    let lesson = Example::with("16-tiny-subspaces", "1");
    lesson.has_figures(&["losses", "subspace"]);
    within(lesson.number("gradient in the space:"), 0.5, 1.0);
    let left = |name: &str| -> f64 {
        let text = lesson.summary();
        let line = text
            .lines()
            .find(|line| line.starts_with(&format!("{name}: loss")));
        let words = line.unwrap().split_once(", ").unwrap().1;
        words.split(' ').next().unwrap().parse().unwrap()
    };
    let (plain, dominant, bulk) = (left("SGD"), left("dominant"), left("bulk"));
    assert!(bulk < dominant, "{plain} {dominant} {bulk}");
    assert!(plain < dominant, "{plain} {dominant} {bulk}");
}

/// Fine-tunings of one network share a basin, and their average is better than both; a network from another seed is behind a barrier,
/// and its average is worse than its parts. Seven percent of the parameters do most of what all do.
#[test]
fn fine_tunings_are_averaged_and_strangers_are_not() {
    let lesson = Example::run("17-fine-tuning");
    lesson.has_figures(&["plane", "lines"]);
    within(
        lesson.number("soup of fine-tunings, over its best part:"),
        -0.1,
        -0.01,
    );
    within(
        lesson.number("soup of strangers, over its best part:"),
        0.1,
        0.5,
    );
    within(lesson.number("tuned a to tuned b: barrier"), 0.0, 0.001);
    within(lesson.number("tuned a to another seed: barrier"), 0.05, 0.5);
    for name in ["base", "tuned a", "adapters"] {
        let width = lesson.number(&format!("width around {name}:"));
        within(width, 0.5, 3.5);
        let (_, rest) = {
            lesson
                .summary()
                .split_once(&format!("width around {name}:"))
        }
        .unwrap();
        let error = rest.split_once("+-").unwrap().1.lines().next().unwrap();
        within(error.trim().parse().unwrap(), 0.01, width / 2.0);
    }
    let (base, adapted) = (lesson.number("base: loss"), lesson.number("adapters: loss"));
    within(adapted, 0.6, base - 0.08);
    within(lesson.number("merged: loss") - adapted, -1e-4, 1e-4);
}

/// On a hundredth of the data all three networks are minima; on all of them only the one that learned them. From the one that learned
/// the hundredth, one can go furthest.
#[test]
fn data_decide_what_is_a_minimum_and_how_wide_it_is() {
    let lesson = Example::run("18-data-size");
    lesson.has_figures(&["planes"]);
    let rows = ["100%", "10%", "1%"].map(|learned| row_of(&lesson, learned));
    let column = |k: usize| [rows[0][k], rows[1][k], rows[2][k]];
    let accuracies = column(1);
    within(accuracies[0], 80.0, 100.0);
    assert!(accuracies[0] > accuracies[1] && accuracies[1] > accuracies[2]);
    assert!(column(2)[0] < 0.1 && column(2)[1] > 0.1 && column(2)[2] > 0.1);
    // Who learned more is a minimum for those who learned less.
    assert!(column(3)[0] < 0.1 && column(3)[1] < 0.1 && column(3)[2] > 0.1);
    assert!(column(4).iter().all(|loss| *loss < 0.1));
    // Lengths of the parameters, and ways in each loss of which the network is a minimum.
    let ways = |learned: &str| row_of(&lesson, &format!("way {learned}"));
    let (most, least) = (ways("100%"), ways("1%"));
    assert_eq!((most.len(), least.len()), (4, 2), "{}", lesson.summary());
    assert!(least[1] > most[3], "{least:?} {most:?}");
    // The planes that it kept are drawn again.
    let mut lesson = lesson;
    lesson.again_from_there("18-data-size");
    lesson.has_figures(&["planes"]);
}

/// What weight decay does to the size of the weights makes the minimum of small batches look sharp, and its absence makes it look flat;
/// normalised directions take that out, and show the minimum of large batches as the sharper one both times.
#[test]
fn normalised_directions_do_not_show_the_size_of_the_weights() {
    let lesson = Example::with("19-batch-sizes", "60");
    lesson.has_figures(&["slices", "between"]);
    let [small, large] = ["small batches", "large batches"];
    let row = |name: &str| row_of(&lesson, name);
    assert!(row(small)[2] > row(large)[2], "{}", lesson.summary());
    for network in [small, large] {
        let decay = row(&format!("{network}, weight decay"));
        assert!(decay[2] < row(network)[2], "{}", lesson.summary());
        decay
            .into_iter()
            .for_each(|number| within(number, 0.0, 1e4));
    }
    // How much sharper the minimum of large batches looks than that of small ones, in each kind of direction.
    let sharper = |decay: &str| {
        let rises = |name: &str| row_of(&lesson, &format!("rise: {name}{decay}"));
        let (small, large) = (rises(small), rises(large));
        [0, 1].map(|k| large[k] / small[k])
    };
    let [without, with] = [sharper(""), sharper(", weight decay")];
    assert!(without[0] > 1.3 * with[0], "{without:?} {with:?}");
    assert!(without[1] > 1.2 && with[1] > 1.2, "{without:?} {with:?}");
}

/// Minima of one loss have different volumes, and errors that are small beside the differences.
#[test]
fn minima_of_equal_loss_have_free_energies_apart() {
    let lesson = Example::with("20-free-energy", "3");
    lesson.has_figures(&["minima"]);
    let temperature = 1.0 / 800.0;
    let mut volumes = Vec::new();
    for name in ["small batches", "the same, another start", "large batches"] {
        let start = format!("| {name} |");
        let row = lesson
            .summary()
            .lines()
            .find(|line| line.starts_with(&start));
        let cells: Vec<&str> = row.expect("a row").split('|').map(str::trim).collect();
        let number = |k: usize| -> Vec<f64> {
            let parts = cells[k].split(" +- ");
            parts.map(|part| part.parse().expect("a number")).collect()
        };
        let (loss, volume, free) = (number(3)[0], number(4), number(5));
        within(loss, 0.04, 0.05);
        within(volume[1], 0.0, 0.1 * volume[0]);
        within((free[0] - loss - temperature * volume[0]).abs(), 0.0, 2e-4);
        volumes.push(volume[0]);
    }
    assert!(volumes.iter().all(|volume| *volume > 10.0), "{volumes:?}");
}

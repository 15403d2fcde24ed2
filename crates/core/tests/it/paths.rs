//! Planes of paths: joint principal components against scikit-learn, and rows that are streamed.

use crate::support::{assert_all_close, assert_close, tensor, vector};
use landscape_core::{
    Checkpoint, Fidelity, Joined, Origin, Params, PathOptions, PathPlane, PathSource, Pca,
    PcaOptions, Rng, Role, RowIter, RowSource, StreamError, Trajectory, TrajectoryError,
    TrajectoryPoint, ranges,
};
use std::borrow::Cow;
use std::collections::HashMap;

/// scikit-learn's numbers, see tests/reference/paths.py.
fn reference() -> HashMap<&'static str, Vec<f64>> {
    let number = |word: &str| word.parse().unwrap();
    let lines = include_str!("../reference/paths.txt").lines();
    lines
        .map(|line| {
            let (name, numbers) = line.split_once(' ').unwrap();
            (name, numbers.split(' ').map(number).collect())
        })
        .collect()
}

fn runs(numbers: &HashMap<&str, Vec<f64>>) -> Vec<Vec<Checkpoint>> {
    let [runs, checkpoints, p] = [0, 1, 2].map(|i| numbers["shape"][i] as usize);
    let row = |values: &[f64]| {
        let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
        let params = Params::new(vec![
            tensor("w", &[5, 4], Role::Weight, |i| values[i]),
            tensor("running_var", &[2], Role::Buffer, |i| values[i] * 100.0),
            tensor("b", &[p - 20], Role::Bias, |i| values[i + 20]),
        ]);
        params.unwrap()
    };
    let run = |run: &[f64]| {
        let rows = run.chunks(p).enumerate();
        rows.map(|(t, values)| Checkpoint {
            step: 10 * t as u64,
            params: row(values),
        })
        .collect()
    };
    let all: Vec<_> = numbers["rows"].chunks(checkpoints * p).map(run).collect();
    assert_eq!(all.len(), runs);
    all
}

fn slices(runs: &[Vec<Checkpoint>]) -> Vec<&[Checkpoint]> {
    runs.iter().map(Vec::as_slice).collect()
}

#[test]
fn joint_components_are_scikit_learns() {
    let numbers = reference();
    let runs = runs(&numbers);
    for (name, components, window) in [("all", 3, None), ("window", 2, Some(20..=60))] {
        for &origin in Origin::ALL {
            let options = PathOptions {
                components,
                origin,
                window: window.clone(),
                ..PathOptions::default()
            };
            if (name, origin) == ("window", Origin::First) {
                let error = PathPlane::fit(&slices(&runs), &options).unwrap_err();
                assert_eq!(error, TrajectoryError::StartsDiffer { path: 1 });
                continue;
            }
            let found = PathPlane::fit(&slices(&runs), &options).unwrap();
            let from = match origin {
                Origin::First => "start",
                other => other.name(),
            };
            let get = |what: &str| numbers[format!("{name}.{what}").as_str()].as_slice();
            let (variance, ratio) = (get("explained_variance"), get("explained_variance_ratio"));
            assert_all_close(&found.pca.explained_variance, variance, 1e-10);
            assert_all_close(&found.pca.explained_variance_ratio, ratio, 1e-10);
            let points: Vec<_> = found.trajectories.iter().flat_map(|t| &t.points).collect();
            let coords: Vec<f64> = points
                .iter()
                .flat_map(|p| p.coords[..components].to_vec())
                .collect();
            let residuals: Vec<f64> = points.iter().map(|p| p.residual).collect();
            assert_all_close(&coords, get(&format!("{from}.coords")), 1e-6);
            assert_all_close(&residuals, get(&format!("{from}.residual")), 1e-6);
            for path in &found.trajectories {
                assert_eq!(path.explained_variance, found.pca.explained_variance_ratio);
            }
            let read = read(&runs, &options).unwrap();
            assert_eq!(read.trajectories, found.trajectories);
            assert_eq!(read.plane.origin(), found.plane.origin());
        }
    }
}

/// The same from sources.
fn read(runs: &[Vec<Checkpoint>], options: &PathOptions) -> Result<PathPlane, StreamError> {
    let parts = runs.iter().map(|run| {
        let steps: Vec<u64> = run.iter().map(|c| c.step).collect();
        let rows: Vec<Params> = run.iter().map(|c| c.params.clone()).collect();
        (steps, rows)
    });
    let parts: Vec<_> = parts.collect();
    let held: Vec<Held> = parts.iter().map(|(_, rows)| Held(rows)).collect();
    let sources = parts.iter().zip(&held);
    let sources = sources.map(|((steps, _), rows)| PathSource { steps, rows });
    PathPlane::fit_sources(&sources.collect::<Vec<_>>(), options)
}

#[test]
fn wrong_sources_are_refused() {
    let rows = [vector(&[1.0, 2.0]), vector(&[2.0, 1.0])];
    let options = PathOptions {
        components: 1,
        ..PathOptions::default()
    };
    let fit = |steps: &[u64], rows: &[Params], options: &PathOptions| {
        let rows = &Held(rows);
        PathPlane::fit_sources(&[PathSource { steps, rows }], options).unwrap_err()
    };
    let error = fit(&[1], &rows, &options);
    let wrong = matches!(
        error,
        StreamError::Length {
            expected: 2,
            given: 1
        }
    );
    assert!(wrong, "{error}");
    let late = PathOptions {
        window: Some(7..=9),
        ..options.clone()
    };
    let error = fit(&[1, 2], &rows, &late);
    let empty = StreamError::Path(TrajectoryError::EmptyWindow { path: 0 });
    assert_eq!(error.to_string(), empty.to_string());
    let mixed = [vector(&[1.0, 2.0]), vector(&[2.0])];
    let mean = PathOptions {
        origin: Origin::Mean,
        ..options
    };
    let error = fit(&[1, 2], &mixed, &mean);
    let layout = matches!(
        error,
        StreamError::Path(TrajectoryError::Layout { index: 0, .. })
    );
    assert!(layout, "{error}");
}

#[test]
fn wrong_paths_are_refused() {
    let numbers = reference();
    let all = runs(&numbers);
    let fit = |paths: &[&[Checkpoint]], components, window| {
        let options = PathOptions {
            components,
            window,
            ..PathOptions::default()
        };
        PathPlane::fit(paths, &options).unwrap_err()
    };
    let paths = slices(&all);
    let error = fit(&paths, 0, None);
    assert_eq!(error, TrajectoryError::Components { wanted: 0 });
    assert_eq!(fit(&[], 2, None), TrajectoryError::EmptyPath { path: 0 });
    let error = fit(&[paths[0], &[]], 2, None);
    assert_eq!(error, TrajectoryError::EmptyPath { path: 1 });
    let error = fit(&paths, 2, Some(11..=19));
    assert_eq!(error, TrajectoryError::EmptyWindow { path: 0 });
    let other = [Checkpoint {
        step: 0,
        params: vector(&[1.0]),
    }];
    let error = fit(&[paths[0], &other], 2, None);
    assert!(matches!(error, TrajectoryError::Layout { index: 9, .. }));
}

#[test]
fn grids_lie_around_paths() {
    let numbers = reference();
    let runs = runs(&numbers);
    let found = PathPlane::fit(&slices(&runs), &PathOptions::default()).unwrap();
    let grid = found.grid(&[11, 7], 0.25).unwrap();
    assert_eq!(grid.shape(), [11, 7]);
    let axes = grid.axes();
    for path in &found.trajectories {
        for point in &path.points {
            for (x, axis) in point.coords.iter().zip(axes) {
                let length = axis.max() - axis.min();
                let margin = length / 6.0 * 0.999;
                assert!(axis.min() + margin <= *x && *x <= axis.max() - margin);
            }
        }
    }
    assert!(found.grid(&[11], 0.25).is_err());
    assert_eq!(ranges(&[], 2, 0.25), [(-1.0, 1.0); 2]);
}

#[test]
fn a_narrow_axis_is_a_fifth_of_the_longest() {
    let trajectory = |points: &[[f64; 2]]| {
        let origin = vector(&[0.0; 4]);
        let mut path = Trajectory::project(&[], &axes_plane(&origin), Default::default()).unwrap();
        path.points = points
            .iter()
            .map(|&[x, y]| landscape_core::TrajectoryPoint {
                step: 0,
                coords: [x, y, 0.0],
                residual: 3.0,
                loss: Some(x),
                plane_loss: Some(x + 0.5),
            })
            .collect();
        path
    };
    let path = trajectory(&[[0.0, 0.0], [10.0, 0.0]]);
    assert_eq!(ranges(&[path], 2, 0.25), [(-2.5, 12.5), (-1.5, 1.5)]);
    let path = trajectory(&[[0.0, 0.0], [3.0, 4.0]]);
    let fidelity = Fidelity::of(&path);
    assert_eq!(fidelity.explained, None);
    assert_close(fidelity.disagreement.unwrap(), 0.5 / 3.0, 1e-12);
    assert_close(fidelity.off_plane.unwrap(), 0.6, 1e-12);
    assert!(fidelity.warnings().is_empty());
    let little = Fidelity {
        explained: Some(0.43),
        disagreement: Some(0.3),
        ..fidelity
    };
    let [variance, gap] = &little.warnings()[..] else {
        panic!("{:?}", little.warnings());
    };
    assert!(variance.contains("explains only 43.0%"), "{variance}");
    assert!(gap.contains("30.0%") && gap.contains("at step"), "{gap}");
}

#[test]
fn ends_of_axes_have_few_digits() {
    for (low, high, expected) in [
        (0.0, 10.0, (-2.5, 12.5)),
        (-0.01234, 0.0, (-0.0155, 0.0031)),
        (0.0, 123456.0, (-31000.0, 155000.0)),
    ] {
        let points = [low, high].map(|x| TrajectoryPoint {
            step: 0,
            coords: [x, 0.0, 0.0],
            residual: 0.0,
            loss: None,
            plane_loss: None,
        });
        let path = Trajectory {
            points: points.to_vec(),
            explained_variance: Vec::new(),
            projection: Default::default(),
        };
        assert_eq!(ranges(&[path], 1, 0.25), [expected]);
    }
}

fn axes_plane(origin: &Params) -> landscape_core::Plane {
    let unit = |k: usize| {
        let values: Vec<f32> = (0..4).map(|i| f32::from(u8::from(i == k))).collect();
        landscape_core::Direction::from_tensors(
            vector(&values),
            origin,
            landscape_core::Source::File,
        )
        .unwrap()
    };
    landscape_core::Plane::new(origin.clone(), vec![unit(0), unit(1)]).unwrap()
}

/// Random walks made again at each reading.
struct Walk {
    rows: usize,
    width: usize,
    announced: usize,
}

impl Walk {
    fn new(rows: usize, width: usize) -> Self {
        Walk {
            rows,
            width,
            announced: rows,
        }
    }

    fn layout(&self) -> Params {
        vector(&vec![0.0; self.width])
    }
}

impl RowSource for Walk {
    fn len(&self) -> usize {
        self.announced
    }

    fn rows(&self) -> RowIter<'_> {
        let mut rng = Rng::new(3, 0);
        let mut at = vec![0.0f32; self.width];
        let step = move |_| {
            for value in &mut at {
                *value += (rng.uniform(-1.0, 1.0)) as f32;
            }
            Ok(Cow::Owned(vector(&at)))
        };
        Box::new((0..self.rows).map(step))
    }
}

/// Held rows behind the interface of a source.
struct Held<'a>(&'a [Params]);

impl RowSource for Held<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn rows(&self) -> RowIter<'_> {
        Box::new(self.0.iter().map(|row| Ok(Cow::Borrowed(row))))
    }
}

const THREE: PcaOptions = PcaOptions {
    components: 3,
    ignore_one_dimensional: false,
};

#[test]
fn large_paths_equal_the_dense_decomposition() {
    // 600 rows of 700 values take block Lanczos; 511 of their columns, the rest zero, the dense way.
    let walk = Walk::new(600, 511);
    let narrow: Vec<Params> = walk.rows().map(|row| row.unwrap().into_owned()).collect();
    let wide: Vec<Params> = narrow
        .iter()
        .map(|row| {
            let mut values = row.flatten();
            values.resize(700, 1.5);
            vector(&values)
        })
        .collect();
    let narrow: Vec<&Params> = narrow.iter().collect();
    let dense = Pca::fit_with(&narrow, narrow[599], &THREE).unwrap();
    let held = Pca::fit_source(&Held(&wide), &wide[599], &THREE).unwrap();
    assert_all_close(&held.explained_variance, &dense.explained_variance, 1e-12);
    let (got, want) = (
        &held.explained_variance_ratio,
        &dense.explained_variance_ratio,
    );
    assert_all_close(got, want, 1e-12);
    assert_all_close(&held.mean_offset, &dense.mean_offset, 1e-9);
    let (first, second) = wide.split_at(250);
    let (first, second) = (Held(first), Held(second));
    let joined = Joined(vec![&first, &second]);
    assert_eq!(Pca::fit_source(&joined, &wide[599], &THREE).unwrap(), held);
    for (a, b) in held.components.iter().zip(&dense.components) {
        let (a, b) = (a.tensors.flatten(), b.tensors.flatten());
        let widen = |v: &[f32]| v.iter().map(|&v| f64::from(v)).collect::<Vec<_>>();
        assert_all_close(&widen(&a[..511]), &widen(&b), 1e-7);
        assert!(a[511..].iter().all(|v| v.abs() < 1e-12));
    }
}

#[test]
fn sources_that_do_not_keep_their_word() {
    let fit = |rows, announced, width| {
        let walk = Walk {
            rows,
            width,
            announced,
        };
        Pca::fit_source(&walk, &walk.layout(), &THREE).unwrap_err()
    };
    // Small enough to be held, and too large.
    for (width, count) in [(10, 5), (20_000, 900)] {
        for (rows, announced) in [(count - 1, count), (count, count - 1)] {
            let error = fit(rows, announced, width);
            assert!(matches!(error, StreamError::Length { .. }), "{error}");
        }
    }
    struct Broken;
    impl RowSource for Broken {
        fn len(&self) -> usize {
            5
        }
        fn rows(&self) -> RowIter<'_> {
            Box::new((0..5).map(|i| match i {
                3 => Err("the disk is gone".into()),
                _ => Ok(Cow::Owned(vector(&[i as f32, 1.0]))),
            }))
        }
    }
    let error = Pca::fit_source(&Broken, &vector(&[0.0; 2]), &THREE).unwrap_err();
    assert!(matches!(error, StreamError::Read { index: 3, .. }));
}

#[test]
fn few_dimensions_in_many_rows_are_told() {
    // Rank 2 in 600 x 600.
    let row = |t: usize| {
        let (a, b) = ((t as f32).sin(), (t % 7) as f32);
        let values = (0..600).map(|i| if i % 2 == 0 { a } else { b });
        vector(&values.collect::<Vec<_>>())
    };
    let rows: Vec<Params> = (0..600).map(row).collect();
    let rows: Vec<&Params> = rows.iter().collect();
    assert!(Pca::fit(&rows, rows[0], 2).is_ok());
    let error = Pca::fit(&rows, rows[0], 3).unwrap_err();
    assert_eq!(error, TrajectoryError::Rank { wanted: 3, rank: 2 });
    let still = vec![rows[0]; 600];
    for center in [rows[0], rows[1]] {
        let error = Pca::fit(&still, center, 1).unwrap_err();
        assert_eq!(error, TrajectoryError::Rank { wanted: 1, rank: 0 });
    }
}

#[test]
fn noise_without_a_gap_settles() {
    // Independent rows: the leading variances hardly differ.
    let mut rng = Rng::new(5, 0);
    let rows: Vec<Params> = (0..600)
        .map(|_| vector(&(0..550).map(|_| rng.normal() as f32).collect::<Vec<_>>()))
        .collect();
    let rows: Vec<&Params> = rows.iter().collect();
    let pca = Pca::fit(&rows, rows[0], 2).unwrap();
    let narrow: Vec<Params> = rows.iter().map(|r| vector(&r.flatten()[..512])).collect();
    let narrow: Vec<&Params> = narrow.iter().collect();
    let dense = Pca::fit(&narrow, narrow[0], 2).unwrap();
    assert!(pca.explained_variance[0] > dense.explained_variance[0]);
    assert!(pca.explained_variance[0] < 1.2 * dense.explained_variance[0]);
}

/// Time and memory of the size that is promised; prints both.
#[test]
#[ignore = "takes seconds, for measuring: cargo test --release -p landscape-core -- --ignored --nocapture thousand"]
fn a_thousand_large_checkpoints() {
    let (n, p) = (1000, 270_000);
    let mut rng = Rng::new(1, 0);
    let basis: Vec<Vec<f32>> = (0..40)
        .map(|_| (0..p).map(|_| rng.normal() as f32).collect())
        .collect();
    struct Smooth(Vec<Vec<f32>>, usize, std::cell::Cell<usize>);
    impl RowSource for Smooth {
        fn len(&self) -> usize {
            self.1
        }
        fn rows(&self) -> RowIter<'_> {
            self.2.set(self.2.get() + 1);
            let row = |t: usize| {
                let mut values = vec![0.0f32; self.0[0].len()];
                // A path that decays along some directions and wiggles along two more.
                for (k, b) in self.0.iter().enumerate().skip(t % 20 * 2).take(2) {
                    let c = (-(t as f32) * (k + 1) as f32 / 400.0).exp() / (k + 1) as f32;
                    values.iter_mut().zip(b).for_each(|(v, b)| *v += c * b);
                }
                Ok(Cow::Owned(vector(&values)))
            };
            Box::new((0..self.1).map(row))
        }
    }
    let source = Smooth(basis, n, Default::default());
    let clock = std::time::Instant::now();
    source.rows().for_each(drop);
    let reading = clock.elapsed().as_secs_f64();
    let clock = std::time::Instant::now();
    let pca = Pca::fit_source(&source, &vector(&vec![0.0; p]), &THREE).unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|l| l.starts_with("VmHWM"));
    println!(
        "{:.2} s, {} readings of {reading:.2} s each, {peak:?}, {:?}",
        clock.elapsed().as_secs_f64(),
        source.2.get() - 1,
        pca.explained_variance_ratio
    );
}

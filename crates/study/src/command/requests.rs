//! Requests as commands: what is shown to be typed has to do the same.

use super::Typed;
use crate::device::Evaluation;
use crate::directions::{DirectionKind, GridRequest, PlaneRequest};
use crate::figures::FigureKind;
use crate::files::as_file;
use crate::hessian::{CurvatureRequest, EigenMethod};
use crate::problem::{AdapterUse, DataRequest, NetworkRequest};
use crate::runs::{Keep, LandscapeRequest};
use landscape_core::{BiasMode, Distribution, text_path};
use landscape_trace::{BatchStatistics, Matrix, Precision};
use std::fmt::Display;

impl Typed {
    /// A line, plane or volume.
    pub fn landscape(request: &LandscapeRequest) -> Self {
        let command = match request.dims {
            1 => "line",
            2 => "surface",
            _ => "volume",
        };
        let typed = Typed::new(command).network(&request.network);
        let typed = typed.asked_data(&request.data).grid(&request.grid);
        let typed = typed
            .plane(&request.plane)
            .unless(
                "--batch-norm",
                &request.statistics,
                &BatchStatistics::Frozen,
            )
            .unless("--precision", &request.precision, &Precision::F32);
        let typed = match request.adaptive {
            Some(adaptive) => typed.option("--adaptive", adaptive.tolerance().to_string()),
            None => typed,
        };
        typed.evaluation(&request.evaluation).keep(&request.keep)
    }

    /// Eigenvalues, trace and density.
    pub fn curvature(request: &CurvatureRequest) -> Self {
        let usual = CurvatureRequest::default();
        let typed = Typed::new("hessian").network(&request.network);
        let typed = typed.asked_data(&request.data);
        let typed = typed.some("--top", request.top.as_ref());
        let typed = typed.some("--bottom", request.bottom.as_ref());
        let typed = typed.given("--trace", request.trace);
        let typed = typed.given("--density", request.density);
        let divisions = request.divisions();
        let divisions: Vec<&str> = divisions.iter().map(|per| per.name()).collect();
        let typed = match divisions.is_empty() {
            true => typed,
            false => typed.option("--per", divisions.join(",")),
        };
        let typed = typed.given("--all-steps", request.all_steps);
        typed
            .some("--subspace", request.subspace.as_ref())
            .unless("--matrix", &request.matrix, &Matrix::Hessian)
            .unless("--method", &request.method, &EigenMethod::Lanczos)
            .unless(
                "--lanczos-steps",
                &request.lanczos_steps,
                &usual.lanczos_steps,
            )
            .unless("--probes", &request.probes, &usual.probes)
            .unless("--seed", &request.plane.seed, &usual.plane.seed)
            .evaluation(&request.evaluation)
            .keep(&request.keep)
    }

    /// A figure of a run of a kind, in a file of their names.
    pub fn figure(run: &str, kind: FigureKind, log: bool) -> Self {
        let file = format!("{}-{kind}.svg", as_file(run));
        let typed = Typed::new("plot").name(run).option("--kind", kind.name());
        typed.given("--log", log).option("-o", file)
    }

    fn some<T: ToString>(self, name: &str, value: Option<&T>) -> Self {
        match value {
            Some(value) => self.option(name, value.to_string()),
            None => self,
        }
    }

    /// An option, where it is not what it is without.
    fn unless<T: PartialEq + Display>(self, name: &str, value: &T, usual: &T) -> Self {
        self.some(name, Some(value).filter(|value| *value != usual))
    }

    fn given(self, name: &str, given: bool) -> Self {
        match given {
            true => self.flag(name),
            false => self,
        }
    }

    fn network(mut self, network: &NetworkRequest) -> Self {
        if let Some(model) = &network.model {
            self = self.option("--model", text_path(&model.to_string()));
        }
        if let Some(weights) = &network.weights {
            self = self.option("--weights", weights);
        }
        if let Some(adapter) = &network.adapter {
            self = self.option("--adapter", adapter);
        }
        if network.lora != AdapterUse::default() {
            self = self.option("--lora", network.lora.name());
        }
        let typed = self.some("--run", network.run.as_ref());
        let typed = typed.some("--step", network.step.as_ref());
        typed.some("--params", network.params.as_ref())
    }

    fn asked_data(mut self, data: &DataRequest) -> Self {
        if let Some(spec) = &data.data {
            self = self.option("--data", text_path(&spec.to_string()));
        }
        if let Some(dir) = &data.dir {
            self = self.option("--data-dir", dir);
        }
        self.some("--split", data.split.as_ref())
            .some("--samples", data.samples.as_ref())
            .some("--loss", data.loss.as_ref())
    }

    fn plane(self, plane: &PlaneRequest) -> Self {
        self.unless("--direction", &plane.direction, &DirectionKind::Random)
            .some("--norm", plane.norm.as_ref())
            .unless("--bias", &plane.bias, &BiasMode::Zero)
            .unless(
                "--distribution",
                &plane.distribution,
                &Distribution::Gaussian,
            )
            .given("--orthogonal", plane.orthogonal)
            .option("--seed", plane.seed.to_string())
    }

    fn grid(mut self, grid: &GridRequest) -> Self {
        if let Some(counts) = &grid.counts {
            let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
            self = self.option("--grid", counts.join("x"));
        }
        if let Some(ranges) = &grid.ranges {
            let range = |(min, max): &(f64, f64)| format!("{min}:{max}");
            let ranges: Vec<String> = ranges.iter().map(range).collect();
            self = self.option("--range", ranges.join(","));
        }
        self
    }

    fn evaluation(self, evaluation: &Evaluation) -> Self {
        let usual = Evaluation::default();
        let devices: Vec<String> = evaluation.devices.iter().map(ToString::to_string).collect();
        let others = evaluation.devices != usual.devices;
        self.some("--device", Some(&devices.join(",")).filter(|_| others))
            .unless("--threads", &evaluation.threads, &usual.threads)
    }

    fn keep(self, keep: &Keep) -> Self {
        self.some("--name", keep.name.as_ref())
    }
}

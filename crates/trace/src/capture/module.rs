//! The boundary between Burn modules and parameters with PyTorch's names and layout.
//!
//! A parameter's name is its path in the module (`fc1.weight`, `layers.0.weight`). Weights of
//! Burn's `Linear` are `[inputs, outputs]` there and `[outputs, inputs]` here; scale and shift of Burn's
//! normalisation layers are `gamma` and `beta` there, `weight` and `bias` here. Everything else keeps its name and
//! layout.
//!
//! A traversal knows a struct by its name alone, which another struct may share. Burn's are told by their parameters
//! too: a `Linear` has `weight` and `bias`, of as many numbers as the weight has columns, and nothing else; a
//! normalisation has vectors of one length under Burn's names. What a square weight, or one without bias, leaves open
//! a trace sees in how the loss uses it ([`TraceError::Transposed`]).

use crate::error::TraceError;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use burn_capture::{CaptureBackend, TensorId};
use landscape_core::{FilterAxes, Parameter, Params, Role};
use std::collections::HashMap;

/// Reads the parameters of a module, in its order.
///
/// # Errors
/// [`TraceError::Parameter`] where a tensor can't be read as f32.
pub fn params_of<M: Module>(module: &M) -> Result<Params, TraceError> {
    let mut reader = Reader {
        path: Path::default(),
        names: Names::of(module),
        found: Vec::new(),
    };
    module.visit(&mut reader);
    let parameters = reader.found.into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(Params::new(parameters)?)
}

/// The module with other parameters.
///
/// # Errors
/// [`TraceError::Layout`] lists all parameters that are missing, unexpected or of another shape.
pub fn with_params<M: Module>(module: M, params: &Params) -> Result<M, TraceError> {
    check(&params_of(&module)?, params)?;
    let mut writer = Writer {
        path: Path::default(),
        names: Names::of(&module),
        params,
    };
    Ok(module.map(&mut writer))
}

fn check(expected: &Params, found: &Params) -> Result<(), TraceError> {
    let names = |of: &Params, other: &Params| -> Vec<String> {
        of.iter()
            .filter(|p| other.get(&p.name).is_none())
            .map(|p| p.name.clone())
            .collect()
    };
    let (missing, unexpected) = (names(expected, found), names(found, expected));
    let misshaped: Vec<_> = expected
        .iter()
        .filter_map(|p| Some((p, found.get(&p.name)?)))
        .filter(|(a, b)| a.shape != b.shape)
        .map(|(a, b)| (a.name.clone(), a.shape.clone(), b.shape.clone()))
        .collect();
    if missing.is_empty() && unexpected.is_empty() && misshaped.is_empty() {
        return Ok(());
    }
    Err(TraceError::Layout {
        missing,
        unexpected,
        misshaped,
    })
}

/// Where a traversal is.
#[derive(Default)]
struct Path {
    names: Vec<String>,
    containers: Vec<String>,
}

impl Path {
    fn enter(&mut self, name: &str, container: &str) {
        self.names.push(name.to_string());
        self.containers.push(container.to_string());
    }

    fn exit(&mut self) {
        self.names.pop();
        self.containers.pop();
    }

    fn joined(&self) -> String {
        self.names.join(".")
    }

    /// How many names lead to the last container that is a struct, the module that holds the parameter, and the
    /// name of that struct.
    fn holder(&self) -> (usize, &str) {
        let structs = self.containers.iter().enumerate().rev();
        let mut structs = structs.filter_map(|(i, c)| Some((i, c.strip_prefix("Struct:")?)));
        structs.next().unwrap_or((0, ""))
    }
}

/// A parameter as it is met.
struct Met {
    path: String,
    /// Path and name of the struct that holds it.
    module: (String, String),
    /// Its name in that struct.
    own: String,
    shape: Vec<usize>,
}

/// What is known of a parameter on this side of the border.
#[derive(Clone)]
struct Named {
    name: String,
    role: Role,
    /// Whether PyTorch's layout is the transpose.
    transposed: bool,
    /// Of its layout on this side.
    filters: FilterAxes,
}

/// Meets all parameters of a module.
#[derive(Default)]
struct Survey {
    path: Path,
    met: Vec<Met>,
}

impl ModuleVisitor for Survey {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let (depth, kind) = self.path.holder();
        self.met.push(Met {
            path: self.path.joined(),
            module: (self.path.names[..depth].join("."), kind.to_owned()),
            own: self.path.names[depth..].join("."),
            shape: param.val().dims().to_vec(),
        });
    }
}

/// Names, roles and layouts, by the path in the module.
#[derive(Default)]
struct Names(HashMap<String, Named>);

impl Names {
    fn of<M: Module>(module: &M) -> Self {
        let mut survey = Survey::default();
        module.visit(&mut survey);
        let mut modules: HashMap<&(String, String), Vec<&Met>> = HashMap::new();
        for met in &survey.met {
            modules.entry(&met.module).or_default().push(met);
        }
        let named = |met: &Met| (met.path.clone(), met.named(&modules[&met.module]));
        Self(survey.met.iter().map(named).collect())
    }

    fn get(&self, path: &Path) -> &Named {
        &self.0[&path.joined()]
    }
}

impl Met {
    /// `siblings`: all parameters of the struct, this one among them.
    fn named(&self, siblings: &[&Met]) -> Named {
        let kind = self.module.1.as_str();
        let norm = is_norm(kind, siblings);
        let vector = self.shape.len() <= 1;
        let (own, role) = match self.own.as_str() {
            "gamma" if norm => ("weight", Role::NormScale),
            "beta" if norm => ("bias", Role::NormShift),
            "gamma" if vector => ("gamma", Role::NormScale),
            "beta" if vector => ("beta", Role::NormShift),
            own @ ("running_mean" | "running_var") => (own, Role::Buffer),
            own if own == "bias" || vector => (own, Role::Bias),
            own => (own, Role::Weight),
        };
        let module = &self.module.0;
        let dot = if module.is_empty() { "" } else { "." };
        Named {
            name: format!("{module}{dot}{own}"),
            role,
            transposed: self.own == "weight" && is_linear(kind, siblings),
            filters: self.filters(siblings),
        }
    }

    /// The output channels of Burn's transposed convolutions are on axis 1, in groups that the bias tells: without one it is one group.
    fn filters(&self, siblings: &[&Met]) -> FilterAxes {
        const KINDS: [&str; 3] = ["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"];
        let transposed = KINDS.contains(&self.module.1.as_str()) && self.own == "weight";
        let (true, &[inputs, outputs, _, ..]) = (transposed, &self.shape[..]) else {
            return FilterAxes::default();
        };
        let bias = siblings.iter().find(|p| p.own == "bias");
        let groups = bias.map_or(1, |bias| {
            bias.shape.iter().product::<usize>() / outputs.max(1)
        });
        FilterAxes {
            groups: if groups > 0 && inputs.is_multiple_of(groups) {
                groups
            } else {
                1
            },
            ..FilterAxes::axis(1)
        }
    }
}

/// Whether a struct is Burn's `Linear`.
fn is_linear(kind: &str, parameters: &[&Met]) -> bool {
    let shape = |own: &str| {
        parameters
            .iter()
            .find(|p| p.own == own)
            .map(|p| &p.shape[..])
    };
    let Some(&[_, outputs]) = shape("weight") else {
        return false;
    };
    let bias = shape("bias").is_none_or(|bias| bias == [outputs]);
    let only = parameters
        .iter()
        .all(|p| p.own == "weight" || p.own == "bias");
    kind == "Linear" && bias && only
}

/// Whether a struct is one of Burn's normalisation layers.
fn is_norm(kind: &str, parameters: &[&Met]) -> bool {
    const KINDS: [&str; 5] = [
        "BatchNorm",
        "LayerNorm",
        "GroupNorm",
        "InstanceNorm",
        "RmsNorm",
    ];
    const OWN: [&str; 4] = ["gamma", "beta", "running_mean", "running_var"];
    let fits = |p: &&Met| OWN.contains(&p.own.as_str()) && p.shape == parameters[0].shape;
    KINDS.contains(&kind) && parameters[0].shape.len() == 1 && parameters.iter().all(fits)
}

fn transpose<T: Copy>(data: &[T], rows: usize, columns: usize) -> Vec<T> {
    (0..rows * columns)
        .map(|i| data[i % rows * columns + i / rows])
        .collect()
}

/// Values in Burn's layout from values in PyTorch's, for a parameter of Burn's `shape`.
pub(crate) fn to_burn<T: Copy>(data: &[T], shape: &[usize], transposed: bool) -> Vec<T> {
    if transposed {
        transpose(data, shape[1], shape[0])
    } else {
        data.to_vec()
    }
}

struct Reader {
    path: Path,
    names: Names,
    found: Vec<Result<Parameter, TraceError>>,
}

impl ModuleVisitor for Reader {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        let Named {
            name,
            role,
            transposed,
            filters,
        } = self.names.get(&self.path).clone();
        let mut shape = tensor.dims().to_vec();
        let data = tensor.into_data().convert::<f32>();
        self.found.push(match data.try_to_vec::<f32>() {
            Err(error) => Err(TraceError::Parameter {
                name,
                reason: format!("{error:?}"),
            }),
            Ok(mut data) => {
                if transposed {
                    data = transpose(&data, shape[0], shape[1]);
                    shape.reverse();
                }
                let parameter = Parameter::new(name, shape, data, role);
                parameter
                    .and_then(|p| p.with_filters(filters))
                    .map_err(Into::into)
            }
        });
    }
}

struct Writer<'a> {
    path: Path,
    names: Names,
    params: &'a Params,
}

impl ModuleMapper for Writer<'_> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Named {
            name, transposed, ..
        } = self.names.get(&self.path);
        let new = self.params.get(name).expect("names were checked");
        param.map(|tensor| {
            let shape = tensor.dims();
            let data = TensorData::new(to_burn(&new.data, &shape, *transposed), shape);
            let grad = tensor.is_require_grad();
            let tensor = Tensor::from_data(data, &tensor.device());
            if grad { tensor.require_grad() } else { tensor }
        })
    }
}

/// A parameter on a capture device.
pub(crate) struct Captured {
    pub id: TensorId,
    pub name: String,
    pub transposed: bool,
}

/// The parameters of a module that lives on a capture device.
pub(crate) fn captured<M: Module>(module: &M) -> Vec<Captured> {
    let mut finder = Finder {
        path: Path::default(),
        names: Names::of(module),
        found: Vec::new(),
    };
    module.visit(&mut finder);
    finder.found
}

struct Finder {
    path: Path,
    names: Names,
    found: Vec<Captured>,
}

impl ModuleVisitor for Finder {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Ok(tensor) = param.val().try_into_primitive::<CaptureBackend>() {
            let named = self.names.get(&self.path);
            self.found.push(Captured {
                id: tensor.id(),
                name: named.name.clone(),
                transposed: named.transposed,
            });
        }
    }
}

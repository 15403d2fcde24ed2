//! The boundary between Burn modules and parameters with PyTorch's names and layout.
//!
//! A parameter's name is its path in the module (`fc1.weight`, `layers.0.weight`). Weights of
//! Burn's `Linear` are `[inputs, outputs]` there and `[outputs, inputs]` here; scale and shift of
//! normalisation layers are `gamma` and `beta` there, `weight` and `bias` here.

use crate::TraceError;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use burn_capture::{CaptureBackend, TensorId};
use landscape_core::{Parameter, Params, Role};

/// Reads the parameters of a module, in its order.
///
/// # Errors
/// [`TraceError::Parameter`] where a tensor can't be read as f32.
pub fn params_of<M: Module>(module: &M) -> Result<Params, TraceError> {
    let mut reader = Reader::default();
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

/// Where a traversal is, and which kind of module holds the parameter.
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

    /// The last container that is a struct: the module that holds the parameter.
    fn holder(&self) -> &str {
        let of_struct = self
            .containers
            .iter()
            .rev()
            .find_map(|c| c.strip_prefix("Struct:"));
        of_struct.unwrap_or_default()
    }

    fn is_norm(&self) -> bool {
        self.holder().contains("Norm")
    }

    /// Whether PyTorch's layout is the transpose.
    fn transposed(&self) -> bool {
        self.holder() == "Linear" && self.names.last().is_some_and(|n| n == "weight")
    }

    /// PyTorch's name and the role.
    fn name(&self, rank: usize) -> (String, Role) {
        let mut names = self.names.clone();
        let own = names.pop().unwrap_or_default();
        let (own, role) = match (self.is_norm(), own.as_str()) {
            (true, "gamma") => ("weight".into(), Role::NormScale),
            (true, "beta") => ("bias".into(), Role::NormShift),
            (_, "running_mean" | "running_var") => (own, Role::Buffer),
            (_, "bias") => (own, Role::Bias),
            _ if rank <= 1 => (own, Role::Bias),
            _ => (own, Role::Weight),
        };
        names.push(own);
        (names.join("."), role)
    }
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

#[derive(Default)]
struct Reader {
    path: Path,
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
        let (name, role) = self.path.name(D);
        let mut shape = tensor.dims().to_vec();
        let data = tensor.into_data().convert::<f32>();
        self.found.push(match data.try_to_vec::<f32>() {
            Err(error) => Err(TraceError::Parameter {
                name,
                reason: format!("{error:?}"),
            }),
            Ok(mut data) => {
                if self.path.transposed() && D == 2 {
                    data = transpose(&data, shape[0], shape[1]);
                    shape.reverse();
                }
                Parameter::new(name, shape, data, role).map_err(Into::into)
            }
        });
    }
}

struct Writer<'a> {
    path: Path,
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
        let (name, _) = self.path.name(D);
        let transposed = self.path.transposed() && D == 2;
        let new = self.params.get(&name).expect("names were checked");
        param.map(|tensor| {
            let shape = tensor.dims();
            let data = TensorData::new(to_burn(&new.data, &shape, transposed), shape);
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

/// Finds the parameters of a module that lives on a capture device.
#[derive(Default)]
pub(crate) struct Finder {
    path: Path,
    pub found: Vec<Captured>,
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
            let (name, _) = self.path.name(D);
            let transposed = self.path.transposed() && D == 2;
            self.found.push(Captured {
                id: tensor.id(),
                name,
                transposed,
            });
        }
    }
}

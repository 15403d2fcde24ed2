//! Exact gradients and products with matrices of second derivatives at a point of parameter space.

use crate::capture::module::to_burn;
use crate::cpu::executor::HostExecutor;
use crate::cpu::threads::{Pool, pool};
use crate::device::Precision;
use crate::device::executor::{DeviceExecutor, Numbers, Setting};
use crate::error::TraceError;
use crate::objective::{Target, Trace};
use crate::passes::derive::{Matrix, Standing, Wanted, derive};
use crate::schedule::group::Group;
use burn::tensor::Device;
use landscape_core::{Operator, OperatorError, Params, Role};
use std::ops::Range;
use std::sync::{Mutex, OnceLock};

/// A tensor's place among the numbers of a vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The parameter's name.
    pub name: String,
    /// Its shape, in PyTorch's layout.
    pub shape: Vec<usize>,
    /// What it is.
    pub role: Role,
    /// Its elements in a vector, row-major.
    pub range: Range<usize>,
}

/// The mean loss and its gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    /// The mean loss over the samples.
    pub loss: f64,
    /// Its derivative with respect to every trainable parameter, see [`Curvature::blocks`].
    pub gradient: Vec<f64>,
}

/// First and second derivatives of a traced mean loss at one point of parameter space.
///
/// Vectors are the trainable parameters one after another, in PyTorch's layout and the order of the
/// parameters given ([`Curvature::blocks`]); buffers, such as BatchNorm's statistics, and parameters that are fixed
/// ([`landscape_core::Selection`]) are not among them and stay as they are: what is computed is the block of the rest, for less
/// work than the whole. Parameters that the loss does not use have derivative 0. Extra terms of the loss
/// (regularisers) are not part of it.
///
/// Derivatives are exact up to rounding: forward mode over reverse mode on the recorded graph
/// (Pearlmutter 1994). At kinks they are PyTorch's. On the CPU's own kernels, products and sums within a
/// tile of samples are f32 and sums over tiles f64; see [`Curvature::in_f64`]. There, a product with one vector takes at most
/// 80 bytes a parameter, the result among them, for large networks, beside the numbers of the largest layer and a tile of
/// activations for every thread; below 8 MB of parameters, 64 MB more for sums of their own. From the second product at one point
/// on, up to a quarter of the memory that the system has left keeps what all products there share.
pub struct Curvature {
    trace: Trace,
    target: Target,
    double: bool,
    params: Params,
    /// The point, in the layout of vectors.
    point: Vec<f64>,
    blocks: Vec<Block>,
    /// One a slot of the graph.
    slots: Vec<Slot>,
    pool: Pool,
    programs: [OnceLock<Program>; Wanted::COUNT],
    making: Mutex<()>,
}

/// A parameter of the graph.
struct Slot {
    /// Index of its block; `None` for buffers and what is fixed.
    block: Option<usize>,
    standing: Standing,
    /// Shape in Burn's layout.
    shape: Vec<usize>,
    transposed: bool,
    /// Its numbers where it has no block, in Burn's layout.
    fixed: Vec<f32>,
}

/// A derived graph on its target.
struct Program {
    executor: Derivatives,
    /// For each slot of the graph: the place of its derivative among the outputs, `None` where it is zero.
    outputs: Vec<Option<usize>>,
}

enum Derivatives {
    Host(Box<HostExecutor>),
    Device(Box<DeviceExecutor>),
}

impl std::fmt::Debug for Curvature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Curvature")
            .field("dim", &self.dim())
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Trace {
    /// The derivatives of the mean loss at `at`, which has the module's names and shapes (PyTorch
    /// layout).
    ///
    /// ```
    /// use burn::nn::{Linear, LinearConfig};
    /// use burn::tensor::{Device, Tensor};
    /// use landscape_trace::{Loss, Target, Trace, params_of};
    ///
    /// let device = Device::flex();
    /// let model = LinearConfig::new(2, 1).init(&device);
    /// let x = Tensor::<2>::from_floats([[1.0, 2.0], [3.0, -1.0], [0.5, 0.5]], &device);
    /// let trace = Trace::capture(&model, &x, |model: &Linear, x: &Tensor<2>| {
    ///     Loss::new(model.forward(x.clone()).powi_scalar(2).squeeze_dim::<1>(1))
    /// })?;
    /// let curvature = trace.curvature(&params_of(&model)?, &Target::default())?;
    /// // H = 2/n sum (x, 1) (x, 1)^T: its last element is 2.
    /// let product = &curvature.hessian(&[vec![0.0, 0.0, 1.0]])?[0];
    /// assert!((product[2] - 2.0).abs() < 1e-6);
    /// # Ok::<(), landscape_trace::TraceError>(())
    /// ```
    ///
    /// # Errors
    /// [`TraceError::Layout`] where a parameter is missing or of another shape,
    /// [`TraceError::NoParameters`] where nothing is trainable and free, [`TraceError::Threads`].
    pub fn curvature(&self, at: &Params, target: &Target) -> Result<Curvature, TraceError> {
        let shapes = self.graph.parameter_shapes();
        self.check(at, &shapes)?;
        let (blocks, point) = blocks(at);
        let slots: Vec<Slot> = self
            .graph
            .parameters
            .iter()
            .zip(&shapes)
            .map(|(slot, shape)| {
                let block = blocks.iter().position(|b| b.name == slot.name);
                let own = at.get(&slot.name);
                let data = own.filter(|_| block.is_none());
                Slot {
                    block,
                    standing: match own.map(|own| own.role) {
                        _ if block.is_some() => Standing::Free,
                        Some(Role::Buffer) | None => Standing::State,
                        Some(_) => Standing::Fixed,
                    },
                    shape: shape.to_vec(),
                    transposed: slot.transposed,
                    fixed: data.map_or(Vec::new(), |p| to_burn(&p.data, shape, slot.transposed)),
                }
            })
            .collect();
        if slots.iter().all(|slot| slot.block.is_none()) {
            return Err(TraceError::NoParameters);
        }
        let pool = match target {
            Target::Host { threads, .. } => pool(*threads)?,
            _ => None,
        };
        Ok(Curvature {
            trace: self.clone(),
            target: target.clone(),
            double: false,
            params: at.clone(),
            point,
            blocks,
            slots,
            pool,
            programs: std::array::from_fn(|_| OnceLock::new()),
            making: Mutex::new(()),
        })
    }
}

/// The products that those with a matrix are, and those that are taken from them.
fn of_matrix(matrix: Matrix) -> (Wanted, Option<Wanted>) {
    match matrix {
        Matrix::Hessian => (Wanted::Hessian, None),
        Matrix::GaussNewton => (Wanted::GaussNewton, None),
        Matrix::EmpiricalFisher => (Wanted::EmpiricalFisher, None),
        Matrix::Residual => (Wanted::Hessian, Some(Wanted::GaussNewton)),
    }
}

/// Free parameters one after another.
fn blocks(at: &Params) -> (Vec<Block>, Vec<f64>) {
    let (mut blocks, mut point) = (Vec::new(), Vec::new());
    for p in at.weights() {
        let start = point.len();
        point.extend(p.data.iter().map(|&x| f64::from(x)));
        blocks.push(Block {
            name: p.name.clone(),
            shape: p.shape.clone(),
            role: p.role,
            range: start..point.len(),
        });
    }
    (blocks, point)
}

impl Curvature {
    /// The same in f64 throughout, from the parameters on, by replay on the target's Burn device (flex where
    /// the target is the own kernels, which are f32).
    #[must_use]
    pub fn in_f64(mut self) -> Self {
        self.double = true;
        self.programs = std::array::from_fn(|_| OnceLock::new());
        self
    }

    /// The number of trainable parameters: the length of every vector.
    pub fn dim(&self) -> usize {
        self.point.len()
    }

    /// The tensors that make up a vector, in order.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The point at which derivatives are taken.
    pub fn point(&self) -> &[f64] {
        &self.point
    }

    /// The parameters, buffers included, that the derivatives began with.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Moves to another point, of [`Curvature::dim`] numbers; buffers and what is fixed stay.
    ///
    /// # Errors
    /// [`TraceError::Length`]
    pub fn move_to(&mut self, point: &[f64]) -> Result<(), TraceError> {
        self.check_length(point)?;
        self.point.copy_from_slice(point);
        Ok(())
    }

    /// The mean loss and its gradient.
    ///
    /// # Errors
    /// [`TraceError::NoDerivative`] where an operation of the loss has none; what devices report.
    pub fn gradient(&self) -> Result<Gradient, TraceError> {
        self.gradient_at(&self.point)
    }

    /// The mean loss and its gradient at another point.
    ///
    /// # Errors
    /// As [`Curvature::gradient`], and [`TraceError::Length`].
    pub fn gradient_at(&self, point: &[f64]) -> Result<Gradient, TraceError> {
        self.check_length(point)?;
        let (loss, mut found) = self.run(Wanted::Gradient, point, &[])?;
        Ok(Gradient {
            loss,
            gradient: found.swap_remove(0),
        })
    }

    /// `H v` for every vector: exact products with the Hessian. Several at once take less than one after another.
    ///
    /// # Errors
    /// As [`Curvature::gradient_at`].
    pub fn hessian(&self, vectors: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, TraceError> {
        self.products(Matrix::Hessian, vectors)
    }

    /// `A v` for every vector and any [`Matrix`].
    ///
    /// # Errors
    /// As [`Curvature::gradient_at`]; [`TraceError::NoDerivative`] too for Gauss-Newton and Fisher products of a
    /// loss that parameters enter beside the network's output.
    pub fn products(
        &self,
        matrix: Matrix,
        vectors: &[Vec<f64>],
    ) -> Result<Vec<Vec<f64>>, TraceError> {
        vectors.iter().try_for_each(|v| self.check_length(v))?;
        if vectors.is_empty() {
            return Ok(Vec::new());
        }
        let (wanted, minus) = of_matrix(matrix);
        let mut products = self.run(wanted, &self.point, vectors)?.1;
        if let Some(minus) = minus {
            let others = self.run(minus, &self.point, vectors)?.1;
            let pairs = products.iter_mut().flatten().zip(others.iter().flatten());
            pairs.for_each(|(value, other)| *value -= other);
        }
        Ok(products)
    }

    /// `A_bb v` for the diagonal block `b` of the matrix that belongs to `range`: products within one
    /// layer, or several. The vectors have the range's length.
    ///
    /// # Errors
    /// As [`Curvature::products`].
    pub fn block_products(
        &self,
        matrix: Matrix,
        range: Range<usize>,
        vectors: &[Vec<f64>],
    ) -> Result<Vec<Vec<f64>>, TraceError> {
        let whole = |v: &Vec<f64>| {
            if v.len() != range.len() || range.end > self.dim() {
                return Err(TraceError::Length {
                    expected: range.len(),
                    found: v.len(),
                });
            }
            let mut whole = vec![0.0; self.dim()];
            whole[range.clone()].copy_from_slice(v);
            Ok(whole)
        };
        let vectors: Vec<Vec<f64>> = vectors.iter().map(whole).collect::<Result<_, _>>()?;
        let products = self.products(matrix, &vectors)?;
        Ok(products.iter().map(|p| p[range.clone()].to_vec()).collect())
    }

    /// Samples and vectors that a device computes together for products with that matrix; nothing on the CPU's own kernels.
    ///
    /// # Errors
    /// As [`Curvature::products`].
    pub fn group(&self, matrix: Matrix) -> Result<Option<Group>, TraceError> {
        Ok(match &self.program(of_matrix(matrix).0)?.executor {
            Derivatives::Host(_) => None,
            Derivatives::Device(executor) => Some(executor.group().clone()),
        })
    }

    fn check_length(&self, vector: &[f64]) -> Result<(), TraceError> {
        match vector.len() == self.dim() {
            true => Ok(()),
            false => Err(TraceError::Length {
                expected: self.dim(),
                found: vector.len(),
            }),
        }
    }

    fn run(
        &self,
        wanted: Wanted,
        point: &[f64],
        vectors: &[Vec<f64>],
    ) -> Result<(f64, Vec<Vec<f64>>), TraceError> {
        let program = self.program(wanted)?;
        let found = match &program.executor {
            Derivatives::Device(executor) => {
                let double = |x: f64| x;
                let vectors = vectors.iter().map(|v| self.parts(v, false, double));
                let vectors: Vec<_> = vectors.collect();
                executor.derivatives(&self.parts(point, true, double), &vectors)?
            }
            Derivatives::Host(executor) => {
                let single = |x: f64| x as f32;
                let vectors = vectors.iter().map(|v| self.parts(v, false, single));
                let vectors: Vec<_> = vectors.collect();
                executor.derivatives(self.parts(point, true, single), &vectors)
            }
        };
        let loss = found.outputs[0][0][0];
        let vector = |found: &Vec<Vec<f64>>| self.vector(&program.outputs, found);
        Ok((loss, found.outputs.iter().map(vector).collect()))
    }

    fn program(&self, wanted: Wanted) -> Result<&Program, TraceError> {
        let place = &self.programs[wanted as usize];
        let _making = self.making.lock().unwrap_or_else(|e| e.into_inner());
        if let Some(program) = place.get() {
            return Ok(program);
        }
        let standings: Vec<Standing> = self.slots.iter().map(|slot| slot.standing).collect();
        let host = matches!(self.target, Target::Host { .. }) && !self.double;
        let derived = derive(&self.trace.graph_on(host), &standings, wanted)?;
        let graph = (&derived.graph, &derived.analysis);
        let on_device = |device: &Device, batch: usize| {
            let numbers = match self.double {
                true => Numbers::F64,
                false => Numbers::F32(Precision::F32),
            };
            let setting = Setting {
                device,
                numbers,
                batch,
                memory: self.trace.device_memory,
                devices: 1,
            };
            let executor = DeviceExecutor::new(graph, &[], setting)?;
            Ok::<_, TraceError>(Derivatives::Device(Box::new(executor)))
        };
        let executor = match &self.target {
            Target::Host { level, .. } if !self.double => {
                let executor = HostExecutor::new(graph, &[], *level, self.pool.clone());
                Derivatives::Host(Box::new(executor))
            }
            Target::Host { .. } => on_device(&Device::flex(), 0)?,
            Target::Device { device, batch } => on_device(device, *batch)?,
        };
        let outputs = derived.outputs;
        Ok(place.get_or_init(|| Program { executor, outputs }))
    }

    /// A vector as the graph's slots have it; `fixed`: buffers and what is fixed have their values, else zeros.
    fn parts<T: Copy>(
        &self,
        vector: &[f64],
        fixed: bool,
        number: impl Fn(f64) -> T,
    ) -> Vec<Vec<T>> {
        let part = |slot: &Slot| match slot.block {
            Some(block) => {
                let data = &vector[self.blocks[block].range.clone()];
                let data: Vec<T> = data.iter().map(|&x| number(x)).collect();
                match slot.transposed {
                    true => to_burn(&data, &slot.shape, true),
                    false => data,
                }
            }
            None => {
                let shown = |&x: &f32| number(if fixed { f64::from(x) } else { 0.0 });
                slot.fixed.iter().map(shown).collect()
            }
        };
        self.slots.iter().map(part).collect()
    }

    /// The opposite of [`Self::parts`], of those outputs; what is not there is 0.
    fn vector(&self, outputs: &[Option<usize>], found: &[Vec<f64>]) -> Vec<f64> {
        let mut vector = vec![0.0; self.dim()];
        for (slot, output) in self.slots.iter().zip(outputs) {
            if let (Some(block), Some(output)) = (slot.block, output) {
                let part = &found[*output];
                // Transposing back is transposing the other way round.
                let mut shape = slot.shape.clone();
                if slot.transposed {
                    shape.reverse();
                }
                let data = to_burn(part, &shape, slot.transposed);
                vector[self.blocks[block].range.clone()].copy_from_slice(&data);
            }
        }
        vector
    }
}

/// The Hessian, as what the algorithms of `landscape-hessian` multiply with.
impl Operator for Curvature {
    fn dim(&self) -> usize {
        Curvature::dim(self)
    }

    fn apply(&self, block: &[Vec<f64>]) -> Result<Vec<Vec<f64>>, OperatorError> {
        self.hessian(block).map_err(OperatorError::new)
    }
}

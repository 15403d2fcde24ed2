//! What a network is: its tensors, its operations, what goes in and out, and how its loss runs.

use crate::StudyError;
use crate::problem::{DataRequest, Model, ModelSource, with_loss};
use crate::report::Reporter;
use landscape_core::{FilterAxes, Params, Role};
use landscape_import::{Element, Program, Size};
use landscape_models::{Dataset, LossKind, ModelSpec, Targets};
use landscape_trace::{Summary, Trace};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Samples of which it is said how they run, where no data are named.
const SAMPLES: usize = 256;

/// A network of which one wants to know what it is.
///
/// ```
/// use landscape_study::describe::DescribeRequest;
///
/// let network = DescribeRequest::new("mlp:2-8-4-1".parse()?).run(&())?;
/// assert_eq!(network.parameters, 65);
/// assert_eq!(network.tensors[0].name, "fc1.weight");
/// println!("{network}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DescribeRequest {
    /// The network.
    #[serde(with = "landscape_core::as_words")]
    pub model: ModelSource,
    /// The data that it is to run on; samples of zeros where none are named.
    #[serde(default)]
    pub data: DataRequest,
}

/// What a network is. As JSON it is what `landscape model --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Description {
    /// The family with its settings, or the file.
    pub model: String,
    /// What goes in.
    pub inputs: Vec<Port>,
    /// What comes out.
    pub outputs: Vec<Port>,
    /// Numbers that move.
    pub parameters: usize,
    /// Numbers of running statistics and the like, which do not.
    pub buffers: usize,
    /// Its tensors, in its order.
    pub tensors: Vec<TensorDetails>,
    /// Its operations: those of a file by their names there, else those that run.
    pub operations: Vec<OperationDetails>,
    /// What is to be known of the file.
    pub notes: Vec<String>,
    /// How its loss runs on so many samples; nothing where it cannot run.
    pub runs: Option<HowItRuns>,
    /// Why it cannot run.
    pub problem: Option<String>,
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Lengths of its axes, the samples first; `null` for one that is chosen with the data, and for all where the file does
    /// not say them.
    pub shape: Option<Vec<Option<usize>>>,
    /// `float`, `int` or `bool`.
    pub element: &'static str,
}

/// A tensor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TensorDetails {
    /// Its name.
    pub name: String,
    /// Lengths of its axes.
    pub shape: Vec<usize>,
    /// By [`Role::name`].
    pub role: &'static str,
    /// Which axes count its filters, where it is not axis 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<FilterAxes>,
}

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationDetails {
    /// Its name.
    pub name: String,
    /// How often it is used.
    pub count: usize,
    /// Whether it can be computed here.
    pub known: bool,
    /// Where it is first used, as far as the file says.
    pub place: Option<String>,
}

/// How a loss runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HowItRuns {
    /// Samples.
    pub samples: usize,
    /// Samples that are computed together.
    pub tile: usize,
    /// Passes over them at each point.
    pub passes: usize,
    /// Multiplications and additions of a point, roughly.
    pub operations: f64,
    /// Bytes of working memory that a point takes in each thread.
    pub memory: usize,
    /// Whether the mean loss has a standard error.
    pub has_error: bool,
    /// What is slower or less than it could be.
    pub warnings: Vec<String>,
    /// All of it in words.
    #[serde(skip)]
    pub words: String,
}

impl DescribeRequest {
    /// Of a network, on samples of zeros.
    pub fn new(model: ModelSource) -> Self {
        DescribeRequest {
            model,
            data: DataRequest::default(),
        }
    }

    /// Looks at the network.
    ///
    /// # Errors
    /// Those of [`Model::open`], and of the data where some are named. That the network cannot run is not an error.
    pub fn run(&self, reporter: &dyn Reporter) -> Result<Description, StudyError> {
        // The file's notes are in the description.
        let model = Model::open(&self.model, &())?;
        model.plan(reporter)?;
        let (model, trace) = match &self.data.data {
            Some(_) => self.on_data(model, reporter)?,
            None => {
                let trace = self.on_zeros(&model);
                (model, trace)
            }
        };
        let (runs, problem) = match &trace {
            Ok(trace) => (Some(HowItRuns::of(&trace.summary())), None),
            Err(error) => (None, Some(error.in_full())),
        };
        let tensors = model.layout();
        let numbers = |wanted: bool| -> usize {
            let own = tensors
                .iter()
                .filter(|t| (t.role == Role::Buffer) == wanted);
            own.map(|t| t.data.len()).sum()
        };
        let mut description = Description {
            model: self.model.to_string(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            parameters: numbers(false),
            buffers: numbers(true),
            tensors: details(&tensors),
            operations: trace.as_ref().map(operations).unwrap_or_default(),
            notes: Vec::new(),
            runs,
            problem,
        };
        match &model {
            Model::Family(spec) => description.take_family(spec),
            Model::Program(program) => description.take_program(program.program()),
            Model::Adapted(_) => {}
        }
        Ok(description)
    }

    /// The network for the data that are named, and its loss on them; inside, why it cannot run on them.
    fn on_data(
        &self,
        model: Model,
        reporter: &dyn Reporter,
    ) -> Result<(Model, Result<Trace, StudyError>), StudyError> {
        let source = self.data.source(None)?;
        let source = model.named_inputs(source, self.data.loss, reporter)?;
        let data = self.data.load(&source)?;
        let model = model.for_data(&data, reporter);
        let (data, loss) = with_loss(data, &model, (self.data.loss, None), reporter)?;
        let params = model.initial(landscape_models::Init::default(), 0).0;
        let trace = model.trace(&params, &data, loss.kind, &[]);
        Ok((model, trace))
    }

    fn on_zeros(&self, model: &Model) -> Result<Trace, StudyError> {
        match model {
            Model::Family(spec) => {
                let (data, loss) = zeros(spec)?;
                model.trace(&model.layout(), &data, self.data.loss.unwrap_or(loss), &[])
            }
            Model::Program(program) => program.on_zeros(SAMPLES),
            Model::Adapted(adapted) => self.on_zeros(adapted.model()),
        }
    }
}

/// Samples of zeros for a network, and a loss that suits it.
fn zeros(spec: &ModelSpec) -> Result<(Dataset, LossKind), StudyError> {
    let sample = spec.image().map_or(vec![spec.inputs()], Vec::from);
    let shape = [&[SAMPLES], &sample[..]].concat();
    let values = vec![0.0; shape.iter().product()];
    if let Some(tokens) = spec.tokens() {
        let (data, width) = (values.clone(), tokens.context);
        let targets = Targets::Values { data, width };
        let data = Dataset::new("zeros", shape, values, targets)?;
        return Ok((data, LossKind::CrossEntropy));
    }
    let targets = Targets::Classes(vec![0; SAMPLES]);
    let loss = LossKind::suggested(spec.outputs(), &targets).kind;
    Ok((Dataset::new("zeros", shape, values, targets)?, loss))
}

fn details(tensors: &Params) -> Vec<TensorDetails> {
    let one = |tensor: &landscape_core::Parameter| TensorDetails {
        name: tensor.name.clone(),
        shape: tensor.shape.clone(),
        role: tensor.role.name(),
        filters: Some(tensor.filter_axes).filter(|&axes| axes != FilterAxes::default()),
    };
    tensors.iter().map(one).collect()
}

/// What runs, the most work first.
fn operations(trace: &Trace) -> Vec<OperationDetails> {
    let mut all: Vec<OperationDetails> = Vec::new();
    for part in trace.summary().parts {
        match all.iter_mut().find(|known| known.name == part.operation) {
            Some(known) => known.count += part.count,
            None => all.push(OperationDetails {
                name: part.operation.to_owned(),
                count: part.count,
                known: true,
                place: None,
            }),
        }
    }
    all
}

impl Description {
    fn take_family(&mut self, spec: &ModelSpec) {
        let port = |name: &str, sample: Vec<usize>, element| Port {
            name: name.to_owned(),
            shape: Some(
                { sample.into_iter().map(Some) }.fold(vec![None], |mut all, n| {
                    all.push(n);
                    all
                }),
            ),
            element,
        };
        let sample = spec.image().map_or(vec![spec.inputs()], Vec::from);
        let (element, output) = match spec.tokens() {
            Some(tokens) => ("int", vec![tokens.context, tokens.vocab]),
            None => ("float", vec![spec.outputs()]),
        };
        self.inputs = vec![port("x", sample, element)];
        self.outputs = vec![port("output", output, "float")];
    }

    fn take_program(&mut self, program: &Program) {
        let sizes = |shape: &[Size]| -> Vec<Option<usize>> {
            let size = |size: &Size| match size {
                Size::Fixed(n) => Some(*n),
                Size::Free(_) => None,
            };
            shape.iter().map(size).collect()
        };
        let inputs = program.inputs().iter().map(|input| Port {
            name: input.name.clone(),
            shape: Some(sizes(&input.shape)),
            element: match input.element {
                Element::Float => "float",
                Element::Int => "int",
                Element::Bool => "bool",
            },
        });
        self.inputs = inputs.collect();
        let outputs = program.outputs().iter().map(|output| Port {
            name: output.name.clone(),
            shape: output.shape.as_deref().map(sizes),
            element: "float",
        });
        self.outputs = outputs.collect();
        let operations = program
            .operations()
            .iter()
            .map(|operation| OperationDetails {
                name: operation.name.clone(),
                count: operation.count,
                known: operation.known,
                place: Some(operation.place.clone()).filter(|place| !place.is_empty()),
            });
        self.operations = operations.collect();
        self.notes = program.notes().to_vec();
    }

    /// The operations that cannot be computed here.
    pub fn missing(&self) -> impl Iterator<Item = &OperationDetails> {
        self.operations.iter().filter(|operation| !operation.known)
    }
}

impl HowItRuns {
    fn of(summary: &Summary) -> Self {
        HowItRuns {
            samples: summary.samples,
            tile: summary.tile,
            passes: summary.passes,
            operations: summary.work_a_point(),
            memory: summary.memory,
            has_error: summary.has_error,
            warnings: summary.warnings(),
            words: summary.headline(),
        }
    }
}

/// Tensors, operations and how it runs, a line each.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = landscape_core::counted;
        writeln!(f, "{}", self.model)?;
        self.inputs
            .iter()
            .try_for_each(|port| writeln!(f, "  input   {port}"))?;
        self.outputs
            .iter()
            .try_for_each(|port| writeln!(f, "  output  {port}"))?;
        let tensors = count(self.tensors.len(), "tensor");
        writeln!(
            f,
            "  holds   {} parameters and {} numbers in buffers, in {tensors}",
            self.parameters, self.buffers
        )?;
        match (&self.runs, &self.problem) {
            (Some(runs), _) => writeln!(f, "  runs    {}", runs.words)?,
            (None, Some(problem)) => writeln!(f, "  cannot run: {problem}")?,
            (None, None) => {}
        }
        for note in &self.notes {
            writeln!(f, "  note    {note}")?;
        }
        let width = self
            .tensors
            .iter()
            .map(|tensor| tensor.name.len())
            .max()
            .unwrap_or(0);
        writeln!(f, "tensors")?;
        for TensorDetails {
            name, shape, role, ..
        } in &self.tensors
        {
            let shape = format!("{shape:?}");
            writeln!(f, "  {name:width$}  {shape:20} {role}")?;
        }
        writeln!(f, "operations")?;
        let width = self
            .operations
            .iter()
            .map(|o| o.name.len())
            .max()
            .unwrap_or(0);
        for operation in &self.operations {
            let (count, name) = (operation.count, &operation.name);
            match (operation.known, &operation.place) {
                (true, _) => writeln!(f, "  {count:>5} x {name}")?,
                (false, Some(place)) => {
                    writeln!(f, "  {count:>5} x {name:width$}  MISSING, first at {place}")?;
                }
                (false, None) => writeln!(f, "  {count:>5} x {name:width$}  MISSING")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Port {
            name,
            shape,
            element,
        } = self;
        let size = |size: &Option<usize>| size.map_or("n".to_owned(), |n| n.to_string());
        match shape {
            Some(shape) => {
                let sizes: Vec<String> = shape.iter().map(size).collect();
                write!(f, "{name}: {element} [{}]", sizes.join(", "))
            }
            None => write!(f, "{name}: {element}"),
        }
    }
}

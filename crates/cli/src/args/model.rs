use super::DataArgs;
use super::values::path_parser;
use clap::Args;
use landscape_study::describe::DescribeRequest;
use landscape_study::problem::ModelSource;

const EXAMPLES: &str = "\
Examples:
  landscape model net.pt2
  landscape model resnet20
  landscape model net.onnx --data tokens.npz --json";

/// What a network is: its tensors, its operations, and how its loss runs
///
/// For a file, unsupported operations are marked. How the loss runs is described for 256 samples of zeros, or for the data
/// that are named.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct ModelArgs {
    #[arg(value_name = "SPEC|FILE", help = ModelSource::known(), value_parser = path_parser::<ModelSource>())]
    pub model: ModelSource,
    #[command(flatten)]
    pub data: DataArgs,
}

impl ModelArgs {
    /// What the library is asked for.
    pub fn request(&self) -> DescribeRequest {
        DescribeRequest {
            model: self.model.clone(),
            data: self.data.request(),
        }
    }
}

//! MPI's launchers: a script that each process runs, which takes the shard of its rank.

use super::{Job, script};

pub(super) fn files(job: &Job<'_>) -> Vec<(&'static str, String)> {
    let count = job.numbers().len();
    let rank = job.path("rank.sh");
    let submit = format!(
        "# The same with Slurm's launcher: srun -n {count} sh {rank}\n\
         # OpenMPI ends all processes when one of them is killed, unless it is told otherwise.\n\
         export OMPI_MCA_orte_enable_recovery=1\n\
         mpirun -n {count} sh {rank} || echo \"mpirun ended with $?\" >&2\n\
         {}exec {}\n",
        job.head(),
        job.merge_line()
    );
    vec![("rank.sh", shard(job)), script(&submit)]
}

fn shard(job: &Job<'_>) -> String {
    let rank = "${OMPI_COMM_WORLD_RANK:-${PMI_RANK:-$SLURM_PROCID}}";
    format!(
        "#!/bin/sh\n\
         # Made by `landscape submit`: mpirun or srun start it, once for each shard.\n\
         {}{}\nexec {}\n",
        job.head(),
        job.number_at(rank),
        job.line("$1")
    )
}

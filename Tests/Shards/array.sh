#!/bin/sh
#SBATCH --job-name=dmamatrix
#SBATCH --array=1-4
#SBATCH --output=part-%a.log
# One task for each part; the array's numbers say which.
exec dmamatrix generate --quiet -d "part-$SLURM_ARRAY_TASK_ID.db" --shard auto --jobs 1

#!/bin/sh
# One command for everything that needs a fast machine. Run in the repository's root, with the packs in pretraining/packs.
#
#   pretraining/run.sh compare OUT [SECONDS] [FAMILY …]   every family for so long, then its probe
#   pretraining/run.sh train OUT MINUTES [OPTION …]       one training (options of pretraining.train), then its probe
#   pretraining/run.sh probe OUT [OPTION …]               probe, few-shot and fine-tuning of OUT/weights.pt
#
# What is worth keeping lands in OUT, in files of at most 16 MiB; OUT/checkpoint.pt is the large one, needed only to go on.
set -eu
python=${PYTHON:-python3}
task=$1
out=$2
shift 2
mkdir -p "$out"
if $python -c 'import sys, torch; sys.exit(not torch.cuda.is_available())'; then
  recipe="--batch 1024 --rate 3e-3 --formula-images 16384 --formula-classes 400 --average 0.9995 --threads 8"
  first=96
else
  recipe="--batch 128 --rate 1.5e-3 --mixed 0.5 --formula 0.1 --threads ${OMP_NUM_THREADS:-2}"
  first=64
fi
case $task in
compare)
  seconds=${1:-100}
  [ $# -gt 0 ] && shift
  for family in ${*:-residual residual-wide fused convnext}; do
    $python -m pretraining.train --family "$family" --minutes "$(echo "$seconds" | awk '{print $1 / 60}')" $recipe \
      --sizes $first --turns '' --save-minutes 60 --out "$out/$family"
    rm -f "$out/$family/checkpoint.pt" "$out/$family/weights.new"
    $python -m pretraining.probe --weights "$out/$family/weights.pt" --size 112 --tasks linear,few --out "$out/results.jsonl"
  done
  ;;
train)
  minutes=$1
  shift
  $python -m pretraining.train --minutes "$minutes" $recipe --sizes $first,128 --turns 0.8 --save-minutes 2 --out "$out" "$@"
  $python -m pretraining.probe --weights "$out/weights.pt" --size 112 --tasks linear --out "$out/results.jsonl"
  ;;
probe)
  $python -m pretraining.probe --weights "$out/weights.pt" --size 112 --tasks linear,few,tune --out "$out/results.jsonl" "$@"
  ;;
*)
  echo "unknown task $task" >&2
  exit 2
  ;;
esac

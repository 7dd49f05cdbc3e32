#!/usr/bin/env bash
# Fuzzes one reader for some seconds: Tests/Fuzz/reader.sh READER SECONDS [libFuzzer's options]; without arguments it
# prints the readers' names.
#
# The corpus grows in .build/fuzz/corpus/READER from run to run; what crashes, hangs or takes too much memory is left in
# .build/fuzz/found.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || READER=list exec .build/fuzz/release/reader-fuzz
reader=$1 seconds=$2
fixtures=Fixtures
corpus=.build/fuzz/corpus/$reader
mkdir -p "$corpus" .build/fuzz/found

seeds() { # copies good files into the corpus, under the name of their content
  local file
  for file in "$@"; do
    [ -f "$file" ] && [ "$(wc -c <"$file")" -lt 200000 ] || continue
    cp "$file" "$corpus/$(sha1sum <"$file" | cut -d ' ' -f 1)"
  done
}

case $reader in
npy) seeds $fixtures/tensor-files/*.npy ;;
npz) seeds $fixtures/tensor-files/*.npz ;;
safetensors) seeds $fixtures/tensor-files/*.safetensors $fixtures/checkpoints/projectors/*/model.safetensors ;;
index) seeds $fixtures/tensor-files/sharded/*.json $fixtures/checkpoints/*/*.index.json ;;
torch | pickle) seeds $fixtures/tensor-files/*.pt $fixtures/checkpoints/projectors/*/*.bin ;;
gguf) seeds $fixtures/tensor-files/*.gguf $fixtures/checkpoints/projectors/*/*.gguf ;;
captions | questions) seeds $fixtures/checkpoints/*/pairs.jsonl Tests/Fuzz/Seeds/captions/* ;;
ids) seeds $fixtures/metrics/*.txt ;;
yaml) seeds $fixtures/miniature/*.yaml Tests/Fuzz/Seeds/yaml/* ;;
tokenizer) seeds $fixtures/checkpoints/*/tokenizer.json $fixtures/tokenizers/*/tokenizer.json ;;
config) seeds $fixtures/checkpoints/*/config*.json ;;
preprocessor) seeds $fixtures/checkpoints/*/preprocessor_config.json $fixtures/images/processors/*/*.json ;;
png) seeds $fixtures/images/*.png ;;
jpeg) seeds $fixtures/images/*.jpg ;;
details) seeds $fixtures/tensor-files/types.safetensors $fixtures/demo/pairs.safetensors ;;
report | comparison) seeds Tests/Fuzz/Seeds/$reader/* ;;
esac

# Readers that take a path find theirs in memory: a disk would take most of the time.
parent=${TMPDIR:-/tmp}
[ ! -w /dev/shm ] || parent=/dev/shm
scratch=$(mktemp -d "$parent/reader-fuzz-XXXXXX")
trap 'rm -rf "$scratch"' EXIT

export TMPDIR=$scratch READER=$reader SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=allocator_may_return_null=0:detect_leaks=0
.build/fuzz/release/reader-fuzz "$corpus" -max_total_time="$seconds" -max_len=65536 -timeout=20 \
  -rss_limit_mb=4000 -malloc_limit_mb=2000 -artifact_prefix=.build/fuzz/found/"$reader"- -print_final_stats=1 -verbosity="${VERBOSITY:-0}" "${@:3}"

#include <fmt/format.h>

#include "runner/cli/escapes.h"
#include "runner/cli/option_draft.h"
#include "runner/units.h"

// Options about --pipe and its kin.

namespace enjoin {
namespace {

using Value = const std::string&;

/// A size; negative: so many blocks for each worker.
void set_block(Draft& draft, Value value) {
  PipeSpec& pipe = draft.options.pipe;
  draft.block_given = true;
  if (value.starts_with('-')) {
    pipe.blocks_per_worker = to_count(value.substr(1), "--block -N", 1, kMostRecords);
    return;
  }
  pipe.blocks_per_worker = 0;
  pipe.block_bytes = parse_size(value, "--block");
  if (pipe.block_bytes == 0)
    throw_malformed("--block", value, "at least one byte, such as 64k, 10M or 1.5G");
}

void set_column(std::string_view option, Value value, std::string* column) {
  check_given(option, value, "a column's number or name, then possibly a Perl expression");
  *column = value;
}

constexpr Setter kSetters[] = {
    {"pipe", [](Draft& d, Value) { d.pipe = true; }},
    {"pipe-part", [](Draft& d, Value) { d.pipe_part = true; }},
    {"block", set_block},
    {"block-timeout",
     [](Draft& d, Value v) {
       d.options.pipe.block_timeout = parse_duration(v, "--block-timeout");
     }},
    {"recend", [](Draft& d, Value v) { d.record_end = v; }},
    {"recstart", [](Draft& d, Value v) { d.record_start = v; }},
    {"regexp", [](Draft& d, Value) { d.options.pipe.regex = true; }},
    {"remove-rec-sep", [](Draft& d, Value) { d.options.pipe.remove_separator = true; }},
    {"round-robin", [](Draft& d, Value) { d.options.pipe.round_robin = true; }},
    {"tee", [](Draft& d, Value) { d.options.pipe.tee = true; }},
    {"cat", [](Draft& d, Value) { d.options.pipe.cat = true; }},
    {"fifo", [](Draft& d, Value) { d.options.pipe.fifo = true; }},
    {"group-by", [](Draft& d, Value v) { set_column("--group-by", v, &d.options.pipe.group_by); }},
    {"shard", [](Draft& d, Value v) { set_column("--shard", v, &d.options.pipe.shard); }},
    {"bin", [](Draft& d, Value v) { set_column("--bin", v, &d.options.pipe.bin); }},
};

/// -n, -N, -L, --header mean records where data is cut.
void move_counts(Draft& draft) {
  PipeSpec& pipe = draft.options.pipe;
  pipe.records_per_block = draft.max_replace_args.value_or(draft.max_args.value_or(0));
  pipe.lines_per_record = draft.max_lines.value_or(0);
  pipe.header = draft.header.value_or("");
  draft.max_replace_args.reset();
  draft.max_args.reset();
  draft.max_lines.reset();
  draft.header.reset();
}

void check_pipe(const PipeSpec& pipe) {
  refuse_both(pipe.cat, pipe.fifo, "--cat and --fifo");
  refuse_both(pipe.tee, pipe.round_robin, "--tee and --round-robin");
  refuse_both(pipe.tee, !pipe.shard.empty(), "--tee and --shard");
  refuse_both(pipe.tee, !pipe.bin.empty(), "--tee and --bin");
  refuse_both(pipe.tee, !pipe.group_by.empty(), "--tee and --group-by");
  refuse_both(!pipe.shard.empty(), !pipe.bin.empty(), "--shard and --bin");
  refuse_both(!pipe.shard.empty(), !pipe.group_by.empty(), "--shard and --group-by");
  refuse_both(!pipe.bin.empty(), !pipe.group_by.empty(), "--bin and --group-by");
  const bool part = pipe.mode == PipeSpec::Mode::kPart;
  refuse_both(part, !pipe.shard.empty(), "--pipe-part and --shard");
  refuse_both(part, !pipe.bin.empty(), "--pipe-part and --bin");
  if (pipe.blocks_per_worker > 0 && !part)
    throw UsageError(
        fmt::format("--block -{}: so many blocks for each job slot need --pipe-part, for --pipe "
                    "does not know how much there is",
                    pipe.blocks_per_worker));
}

}  // namespace

void finish_pipe(Draft& draft) {
  PipeSpec& pipe = draft.options.pipe;
  const bool implied = pipe.round_robin || pipe.tee || pipe.cat || pipe.fifo ||
                       !pipe.group_by.empty() || !pipe.shard.empty() || !pipe.bin.empty();
  if (draft.pipe_part) {
    pipe.mode = PipeSpec::Mode::kPart;
    if (!draft.block_given) pipe.blocks_per_worker = 10;  // as GNU parallel
  } else if (draft.pipe || implied) {
    pipe.mode = PipeSpec::Mode::kPipe;
  } else {
    return;
  }
  check_pipe(pipe);
  move_counts(draft);
  const auto resolved = [&](const std::string& text, std::string_view option) {
    return pipe.regex ? text : resolve_escapes(text, option);
  };
  if (draft.record_start) {
    pipe.record_start = resolved(*draft.record_start, "--recstart");
    pipe.record_end.clear();
  }
  if (draft.record_end) pipe.record_end = resolved(*draft.record_end, "--recend");
}

std::span<const Setter> pipe_setters() {
  return kSetters;
}

}  // namespace enjoin

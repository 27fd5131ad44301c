#include "runner/pipe/job_feed.h"

#include <algorithm>
#include <utility>

#include "runner/pipe/block_feed.h"
#include "runner/pipe/fan_feed.h"

namespace enjoin {
namespace {

bool is_file(const SourceSpec& source) {
  return source.kind == SourceSpec::Kind::kFile;
}

InputSpec data_spec(const Options& options) {
  InputSpec spec = options.input;
  if (options.pipe.mode == PipeSpec::Mode::kPipe) {
    spec.sources.clear();
  } else {
    std::erase_if(spec.sources, [](const SourceSpec& source) { return !is_file(source); });
  }
  return spec;
}

bool fans_out(const PipeSpec& pipe) {
  return pipe.round_robin || pipe.tee || !pipe.shard.empty() || !pipe.bin.empty();
}

}  // namespace

std::uint32_t retries_of(const Options& options) {
  return is_piped(options) && fans_out(options.pipe) ? 1 : options.retries;
}

std::string jobs_text(const Options& options) {
  return options.pipe.tee && options.jobs_text.empty() ? "0" : options.jobs_text;
}

bool is_piped(const Options& options) {
  return options.pipe.mode != PipeSpec::Mode::kNone;
}

JobInput job_input(const Options& options) {
  if (!is_piped(options)) return options.is_one_job ? JobInput::kStdin : JobInput::kNone;
  if (options.pipe.cat) return JobInput::kFile;
  return options.pipe.fifo ? JobInput::kFifo : JobInput::kStdin;
}

TemplateSpec command_spec(const Options& options) {
  TemplateSpec spec = options.command;
  if (!is_piped(options)) return spec;
  const bool in_file = options.pipe.cat || options.pipe.fifo;
  spec.append_if_absent = in_file;
  // The value is $PARALLEL_TMP then, for the shell to replace; with --pipepart there is none.
  if (in_file || (options.pipe.mode == PipeSpec::Mode::kPart && !options.pipe.tee)) {
    spec.quote_values = false;
  }
  return spec;
}

InputSpec argument_spec(const Options& options) {
  InputSpec spec = options.input;
  spec.header.reset();
  spec.no_run_if_empty = false;  // -r is about the data
  const PipeSpec& pipe = options.pipe;
  if (!pipe.shard.empty() || !pipe.bin.empty() || !pipe.group_by.empty()) spec.column_regex.reset();
  if (pipe.mode == PipeSpec::Mode::kPart) {
    if (pipe.tee) {
      std::erase_if(spec.sources, is_file);
    } else {
      spec.sources.clear();
    }
  }
  if (spec.sources.empty()) spec.sources.emplace_back();  // one without arguments, not stdin
  return spec;
}

std::unique_ptr<JobFeed> open_job_feed(const Options& options, FeedSetup setup) {
  const PipeSpec& pipe = options.pipe;
  if (options.command.words.empty() && options.input.sources.empty()) {
    throw UsageError("--pipe and --pipe-part need a command that reads its stdin, such as wc -l");
  }
  BlockUse use{.workers = setup.workers,
               .ranges = pipe.shard.empty() && pipe.bin.empty(),
               .headers = !fans_out(pipe),
               .warn = setup.warn};
  const InputSpec data = data_spec(options);
  std::unique_ptr<BlockSource> blocks = open_blocks(pipe, data, use);
  if (fans_out(pipe) && options.retries != 1) {
    setup.warn(
        "--retries does nothing with --round-robin, --tee, --shard and --bin: what a job "
        "has read cannot be given to it again");
  }
  if (fans_out(pipe))
    return std::make_unique<FanFeed>(options, data, std::move(blocks), std::move(setup));
  return std::make_unique<BlockFeed>(options, std::move(blocks), std::move(setup));
}

}  // namespace enjoin
